//! A number for each instance id, at four bytes apiece where ids lie close together, as a store gives them.

use crate::hub::InstanceId;
use rustc_hash::FxHashMap;

/// Stands for no number.
pub(super) const NONE: u32 = u32::MAX;

const PAGE: usize = 256;

/// Pages of neighbouring ids: a scattered id costs a page of a kilobyte, never a hole up to it.
#[derive(Default)]
pub(super) struct ById {
    pages: FxHashMap<u64, Box<Page>>,
    len: usize,
}

struct Page {
    numbers: [u32; PAGE],
    used: usize,
}

impl ById {
    pub(super) fn get(&self, id: InstanceId) -> Option<u32> {
        let (page, at) = place(id);
        self.pages.get(&page).map(|page| page.numbers[at]).filter(|&number| number != NONE)
    }

    pub(super) fn set(&mut self, id: InstanceId, number: u32) {
        debug_assert_ne!(number, NONE, "NONE stands for no number");
        let (page, at) = place(id);
        let page = self
            .pages
            .entry(page)
            .or_insert_with(|| Box::new(Page { numbers: [NONE; PAGE], used: 0 }));
        if page.numbers[at] == NONE {
            page.used += 1;
            self.len += 1;
        }
        page.numbers[at] = number;
    }

    pub(super) fn remove(&mut self, id: InstanceId) -> Option<u32> {
        let (page_number, at) = place(id);
        let page = self.pages.get_mut(&page_number)?;
        let number = std::mem::replace(&mut page.numbers[at], NONE);
        if number == NONE {
            return None;
        }
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 {
            self.pages.remove(&page_number);
        }
        Some(number)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

fn place(InstanceId(id): InstanceId) -> (u64, usize) {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 256")]
    (id / PAGE as u64, (id % PAGE as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_far_apart_are_kept_and_their_pages_go_with_them() {
        let mut by_id = ById::default();
        let ids = [1, 2, 255, 256, u64::MAX].map(InstanceId);
        for (number, id) in (0..).zip(ids) {
            by_id.set(id, number);
        }
        by_id.set(InstanceId(1), 7);
        assert_eq!(
            (by_id.len(), by_id.get(InstanceId(1)), by_id.get(InstanceId(3))),
            (5, Some(7), None)
        );
        for id in ids {
            assert!(by_id.remove(id).is_some());
            assert_eq!(by_id.remove(id), None);
        }
        assert_eq!((by_id.len(), by_id.pages.len()), (0, 0));
    }
}
