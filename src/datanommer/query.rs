//! Questions to a history, whoever keeps it.

use super::DatanommerError;
use crate::message::{Group, Message};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A page in memory has these at most: with bodies of a megabyte that is a lot already.
const MAX_ROWS: u32 = 1_000;

/// Items of one list of names; a statement of `SQLite` takes 32,766 parameters.
const MAX_ITEMS: usize = 1_000;

/// Items of `contains`: each is looked for in each body.
const MAX_TEXTS: usize = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Oldest first.
    #[default]
    #[serde(rename = "asc")]
    Ascending,
    #[serde(rename = "desc")]
    Descending,
}

/// What to look for; an empty list does not restrict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    pub users: Vec<String>,
    pub not_users: Vec<String>,
    pub packages: Vec<String>,
    pub not_packages: Vec<String>,
    pub categories: Vec<String>,
    pub not_categories: Vec<String>,
    /// Whole topics, with their prefix.
    pub topics: Vec<String>,
    pub not_topics: Vec<String>,
    /// Any of these texts, in the body as compact JSON; upper and lower case differ.
    pub contains: Vec<String>,
    /// Both inclusive.
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// 1 to 1,000.
    pub rows_per_page: u32,
    /// From 1.
    pub page: u32,
    pub order: Order,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            users: vec![],
            not_users: vec![],
            packages: vec![],
            not_packages: vec![],
            categories: vec![],
            not_categories: vec![],
            topics: vec![],
            not_topics: vec![],
            contains: vec![],
            start: None,
            end: None,
            rows_per_page: 100,
            page: 1,
            order: Order::default(),
        }
    }
}

/// One page of an answer. Past the last page it is empty, and the totals still are those of the whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub total: u64,
    pub pages: u64,
    pub messages: Vec<Message>,
}

/// The same as entries of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupedPage {
    pub total: u64,
    pub pages: u64,
    pub groups: Vec<Group>,
}

impl Query {
    pub(super) fn check(&self) -> Result<(), DatanommerError> {
        let number = |name, given, to| {
            let fits = (1..=to).contains(&given);
            fits.then_some(()).ok_or(DatanommerError::Number { name, given, from: 1, to })
        };
        number("rows_per_page", self.rows_per_page, MAX_ROWS)?;
        number("page", self.page, u32::MAX)?;
        let lists = [
            ("users", &self.users, MAX_ITEMS),
            ("not_users", &self.not_users, MAX_ITEMS),
            ("packages", &self.packages, MAX_ITEMS),
            ("not_packages", &self.not_packages, MAX_ITEMS),
            ("categories", &self.categories, MAX_ITEMS),
            ("not_categories", &self.not_categories, MAX_ITEMS),
            ("topics", &self.topics, MAX_ITEMS),
            ("not_topics", &self.not_topics, MAX_ITEMS),
            ("contains", &self.contains, MAX_TEXTS),
        ];
        match lists.into_iter().find(|(_, list, limit)| list.len() > *limit) {
            None => Ok(()),
            Some((name, list, limit)) => {
                Err(DatanommerError::TooMany { name, given: list.len(), limit })
            }
        }
    }
}
