//! `[[hub]]`: hubs that are created when they are missing.

use super::document::{Item, Place, Table};
use super::value::{Misfit, choice, flag, list, name, number, text};
use super::widgets::{self, WidgetEntry};
use crate::hub::{HubKind, HubName, Visibility};

#[derive(Debug, Clone, PartialEq)]
pub struct HubEntry {
    pub name: HubName,
    pub kind: HubKind,
    pub summary: String,
    pub avatar: String,
    pub banner: String,
    pub left_width: u8,
    pub visibility: Visibility,
    pub archived: bool,
    pub owners: Vec<String>,
    pub members: Vec<String>,
    pub subscribers: Vec<String>,
    pub stargazers: Vec<String>,
    /// A group of FAS: its sponsors are owners here, its members members.
    pub fas_group: Option<String>,
    pub widgets: Vec<WidgetEntry>,
    /// Of the hub's name.
    pub place: Place,
}

pub(super) fn read(root: &Table<'_>) -> Vec<HubEntry> {
    let mut hubs: Vec<HubEntry> = Vec::new();
    for table in root.tables("hub") {
        let span = table.span_of("name");
        if let Some(group) = table.span_of("fas_group").filter(|_| !root.has("fas")) {
            let said = "`fas_group` of [hub] mirrors a group in FAS, but there is no table [fas] that says where that is";
            table.problem(
                Some(group),
                said.into(),
                Some("add one, or name `owners` and `members`".into()),
            );
        }
        let double = |hub: &HubEntry| hubs.iter().any(|other| other.name == hub.name);
        let said = |name: &HubName| format!("there is a `[[hub]]` of the name `{name}` already");
        if let Some(hub) = read_hub(table) {
            if double(&hub) {
                root.problem(span, said(&hub.name), Some("one name, one hub".into()));
            } else {
                hubs.push(hub);
            }
        }
    }
    hubs
}

fn read_hub(table: Table<'_>) -> Option<HubEntry> {
    let named = table.require("name", |item| Ok((name::<HubName>(item)?, item.place())));
    let kinds = choice(&[("group", HubKind::Group), ("user", HubKind::User)]);
    let kind = table.read("kind", kinds).unwrap_or(HubKind::Group);
    let visibilities = choice(&[
        ("public", Visibility::Public),
        ("preview", Visibility::Preview),
        ("private", Visibility::Private),
    ]);
    let people = |key| table.read(key, list(username)).unwrap_or_default();
    let summary = table.read("summary", text).unwrap_or_default();
    let avatar = table.read("avatar", text).unwrap_or_default();
    let banner = table.read("banner", text).unwrap_or_default();
    let left_width = table.read("left_width", number(1..=11)).unwrap_or(8);
    let visibility = table.read("visibility", visibilities).unwrap_or_default();
    let archived = table.read("archived", flag).unwrap_or(false);
    let [owners, members, subscribers, stargazers] =
        ["owners", "members", "subscribers", "stargazers"].map(people);
    let fas_group = table.read("fas_group", |item| {
        let fits = |name: &String| name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let unfit = || Misfit::must_be("the name of a group in FAS, as in \"design-team\"");
        username(item).ok().filter(fits).ok_or_else(unfit)
    });
    let widgets = table.tables("widget").into_iter().filter_map(widgets::read).collect();
    table.finish();
    let (name, place) = named?;
    Some(HubEntry {
        name,
        kind,
        summary,
        avatar,
        banner,
        left_width,
        visibility,
        archived,
        owners,
        members,
        subscribers,
        stargazers,
        fas_group,
        widgets,
        place,
    })
}

pub(crate) fn username(item: &Item<'_>) -> Result<String, Misfit> {
    let fits = |name: &&str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = item.value.as_str().filter(fits);
    given.map(Into::into).ok_or_else(|| Misfit::must_be("usernames, as in \"ralph\""))
}
