//! Edits on real databases: what each leaves, what is refused, what two people at once lose (nothing).

use super::*;
use crate::hub::{Column, HubKind, Visibility};
use crate::store::{Store, demo};
use serde_json::json;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn id(number: u64) -> InstanceId {
    InstanceId(number)
}

fn map(value: Value) -> Config {
    let Value::Object(map) = value else { panic!("{value} is no map") };
    map
}

fn widget(name: &str, column: Column) -> NewInstance {
    NewInstance { widget: name.parse().unwrap(), column, config: Config::new() }
}

/// A team of duffy and gnokii with the widgets 1 and 2 on the left and 3 on the right.
struct Team {
    store: Store,
    name: HubName,
}

impl Team {
    async fn new() -> Self {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let name: HubName = "team".parse().unwrap();
        let hub = Hub {
            kind: HubKind::Group,
            owners: vec!["duffy".into(), "gnokii".into()],
            ..Hub::example(name.clone(), NOW)
        };
        let widgets = [("a", Column::Left), ("b", Column::Left), ("c", Column::Right)];
        let widgets = widgets.map(|(name, column)| widget(name, column));
        store.create_hub(&hub, &widgets).await.unwrap();
        Self { store, name }
    }

    async fn edit(&self, who: &str, edit: Edit) -> Result<Option<Revision>, EditError> {
        self.store.edit(&self.name, who, edit, NOW).await
    }

    async fn done(&self, edit: Edit) -> Revision {
        self.edit("duffy", edit).await.unwrap().expect("it changes something")
    }

    async fn refused(&self, edit: Edit) -> String {
        let before = self.sheet().await;
        let said = self.edit("duffy", edit).await.unwrap_err().to_string();
        assert_eq!(self.sheet().await, before, "what is refused changes nothing");
        said
    }

    async fn sheet(&self) -> Sheet {
        self.store.sheet(&self.name).await.unwrap().unwrap()
    }

    /// As in `1 2 | 3`.
    async fn layout(&self) -> String {
        let sheet = self.sheet().await;
        let column = |column| {
            let here: Vec<_> = sheet.instances.iter().filter(|one| one.column == column).collect();
            assert!((0..).zip(&here).all(|(at, one)| one.position == at), "positions are dense");
            here.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(" ")
        };
        format!("{} | {}", column(Column::Left), column(Column::Right))
    }

    async fn config(&self, number: u64) -> Value {
        self.store.instance(id(number)).await.unwrap().unwrap().config.into()
    }
}

fn configure(number: u64, config: Value, seen: u64) -> Edit {
    Edit::Configure { id: id(number), config: map(config), seen }
}

fn describe(details: Value, seen: u64) -> Edit {
    Edit::Describe { details: map(details), seen }
}

fn appoint(name: &str, role: Option<Role>, seen: u64) -> Edit {
    Edit::Appoint { people: BTreeMap::from([(name.to_owned(), role)]), seen }
}

#[tokio::test]
async fn widgets_come_move_and_go_and_each_change_is_numbered() {
    let team = Team::new().await;
    let added = team.done(Edit::Add(widget("d", Column::Left))).await;
    assert_eq!((added.version, added.what, added.instance), (1, What::Added, Some(id(4))));
    let after = json!({ "widget": "d", "column": "left", "position": 2, "config": {} });
    assert_eq!((added.before, added.after), (Value::Null, after));
    for (number, step, layout) in [
        (4, Step::Up, "1 4 2 | 3"),
        (4, Step::Right, "1 2 | 3 4"),
        (4, Step::Up, "1 2 | 4 3"),
        (3, Step::Left, "1 3 2 | 4"),
        (1, Step::Down, "3 1 2 | 4"),
    ] {
        team.done(Edit::Move { id: id(number), step }).await;
        assert_eq!(team.layout().await, layout);
    }
    for (number, step) in [(3, Step::Up), (3, Step::Left), (2, Step::Down), (4, Step::Right)] {
        let done = team.edit("duffy", Edit::Move { id: id(number), step }).await.unwrap();
        assert_eq!(done, None, "there is no way further");
    }
    team.done(Edit::Remove { id: id(3) }).await;
    assert_eq!(team.layout().await, "1 2 | 4");
    let seen = team.sheet().await.version;
    team.done(Edit::Arrange { left: vec![id(4), id(2)], right: vec![id(1)], seen }).await;
    assert_eq!(team.layout().await, "4 2 | 1");
    let changes = team.store.revisions(&team.name, None, 100).await.unwrap();
    let versions: Vec<_> = changes.iter().map(|change| change.version).collect();
    assert_eq!(versions, (1..=8).rev().collect::<Vec<_>>());
    assert_eq!(team.sheet().await.version, 8);
    let page = team.store.revisions(&team.name, Some(3), 1).await.unwrap();
    assert_eq!(page[0].version, 2);
    assert_eq!(team.store.revision(&team.name, 2).await.unwrap().as_ref(), Some(&page[0]));
}

#[tokio::test]
async fn every_kind_of_change_can_be_taken_back_and_that_too() {
    let team = Team::new().await;
    team.done(configure(1, json!({ "text": "old" }), 0)).await;
    team.done(describe(json!({ "summary": "old" }), 1)).await;
    let edits = [
        Edit::Add(widget("d", Column::Right)),
        configure(1, json!({ "text": "new", "limit": 3 }), u64::MAX),
        Edit::Move { id: id(2), step: Step::Up },
        Edit::Arrange { left: vec![id(3)], right: vec![id(2), id(1)], seen: u64::MAX },
        Edit::Remove { id: id(2) },
        describe(json!({ "summary": "new", "left_width": 6, "archived": true }), u64::MAX),
        appoint("ralph", Some(Role::Member), u64::MAX),
        appoint("gnokii", None, u64::MAX),
    ];
    for edit in edits {
        // A new number is not an old one.
        let comparable = |sheet: Sheet| (sheet.hub, sheet.instances);
        let before = comparable(team.sheet().await);
        let change = team.done(edit).await;
        let after = comparable(team.sheet().await);
        assert_ne!(before, after);
        let undone = team.done(Edit::Revert { version: change.version }).await;
        assert_eq!(undone.reverts, Some(change.version));
        assert_eq!((&undone.before, &undone.after), (&change.after, &change.before));
        assert_eq!(comparable(team.sheet().await), before, "{:?}", change.what);
        let again = team.done(Edit::Revert { version: undone.version }).await;
        assert_eq!(comparable(team.sheet().await), after, "{:?}", change.what);
        assert_eq!(again.after, change.after);
        team.done(Edit::Revert { version: again.version }).await;
    }
}

#[tokio::test]
async fn what_two_people_change_at_once_is_both_there() {
    let team = Team::new().await;
    let config = |limit: u64, text: &str| json!({ "limit": limit, "text": text });
    team.done(configure(1, config(1, "a"), 0)).await;
    team.edit("gnokii", configure(1, config(2, "a"), 1)).await.unwrap();
    team.done(configure(1, config(1, "b"), 1)).await;
    assert_eq!(team.config(1).await, config(2, "b"));
    team.edit("gnokii", describe(json!({ "summary": "theirs" }), 3)).await.unwrap();
    team.done(describe(json!({ "summary": "An example", "left_width": 6 }), 3)).await;
    let hub = team.sheet().await.hub;
    assert_eq!((&*hub.summary, hub.left_width), ("theirs", 6));
    // The same text by both is no conflict, and no change.
    let same = team.edit("gnokii", describe(json!({ "left_width": 6 }), 3)).await.unwrap();
    assert_eq!(same, None);
}

#[tokio::test]
async fn the_same_setting_is_a_conflict_that_carries_both_texts() {
    let team = Team::new().await;
    team.done(configure(1, json!({ "text": "old", "limit": 1 }), 0)).await;
    team.edit("gnokii", configure(1, json!({ "text": "theirs", "limit": 1 }), 1)).await.unwrap();
    let mine = configure(1, json!({ "text": "yours", "limit": 1 }), 1);
    let refused = team.edit("duffy", mine.clone()).await.unwrap_err();
    let EditError::Conflict(conflict) = refused else { panic!("{refused}") };
    assert_eq!(
        json!(conflict),
        json!({
            "seen": 1, "version": 2, "by": "gnokii",
            "clashes": [{ "name": "text", "before": "old", "theirs": "theirs", "yours": "yours" }],
        })
    );
    insta::assert_snapshot!(team.refused(mine).await, @"gnokii has changed `text` meanwhile, so nothing of yours is stored yet: look at both and save again");
    // Having seen theirs they may.
    team.done(configure(1, json!({ "text": "yours", "limit": 1 }), 2)).await;

    team.edit("gnokii", appoint("ralph", Some(Role::Member), 3)).await.unwrap();
    insta::assert_snapshot!(
        team.refused(appoint("ralph", Some(Role::Owner), 3)).await,
        @"gnokii has changed `ralph` meanwhile, so nothing of yours is stored yet: look at both and save again"
    );
    team.edit("gnokii", Edit::Move { id: id(2), step: Step::Up }).await.unwrap();
    insta::assert_snapshot!(
        team.refused(Edit::Arrange { left: vec![id(1)], right: vec![id(3), id(2)], seen: 4 }).await,
        @"gnokii has changed `layout` meanwhile, so nothing of yours is stored yet: look at both and save again"
    );
    // What was changed since can't be taken back over it.
    insta::assert_snapshot!(
        team.refused(Edit::Revert { version: 1 }).await,
        @"duffy has changed `text` meanwhile, so nothing of yours is stored yet: look at both and save again"
    );
}

#[tokio::test]
async fn what_can_not_be_is_refused_with_what_can() {
    let team = Team::new().await;
    let said = team.refused(Edit::Remove { id: id(9) }).await;
    assert_eq!(said, "there is no widget 9 on the hub `team`; it may have been removed");
    let said = team.refused(Edit::Revert { version: 9 }).await;
    assert_eq!(
        said,
        "the history of the hub `team` has no change 9; the last 2000 changes are kept"
    );
    for (left, right, why) in [
        (vec![1, 2], vec![], "3 is missing"),
        (vec![1, 2, 3], vec![1], "1 is named twice"),
        (vec![1, 2, 3], vec![9], "9 is not on it"),
    ] {
        let ids = |numbers: Vec<u64>| numbers.into_iter().map(InstanceId).collect();
        let said =
            team.refused(Edit::Arrange { left: ids(left), right: ids(right), seen: 0 }).await;
        assert_eq!(said, format!("a layout names each widget of the hub once: {why}"));
    }
    let all = json!({
        "summary": "two\nlines", "avatar": "javascript:alert(1)", "banner": "http://example.org/a.png",
        "left_width": 12, "visibility": "hidden", "archived": "yes", "name": "other",
    });
    insta::assert_snapshot!(team.refused(describe(all, 0)).await.replace("; ", "\n"), @r#"
    `archived` is "yes", but must be true or false
    `avatar` is "javascript:alert(1)", but must be empty, or the address of a picture that starts with https://
    `banner` is "http://example.org/a.png", but must be empty, or the address of a picture that starts with https://
    `left_width` is 12, but must be a whole number from 1 to 11
    `details` is `name`, but must be one of summary, avatar, banner, left_width, visibility, archived
    `summary` is "two\nlines", but must be one line of at most 200 letters
    `visibility` is "hidden", but must be public, preview or private
    "#);
    let long = team.refused(describe(json!({ "summary": "x".repeat(201) }), 0)).await;
    assert!(long.ends_with("…, but must be one line of at most 200 letters"), "{long}");
    let config = json!({ "text": "x".repeat(CONFIG_BYTES) });
    let said = team.refused(configure(1, config, 0)).await;
    assert_eq!(said, "these settings are 32779 bytes long, but 32768 is the most; shorten a text");
    let said = team.refused(appoint("../etc", Some(Role::Owner), 0)).await;
    assert_eq!(said, "`people` is `../etc`, but must be usernames, as in `ralph`");
    let said = team.refused(appoint("ralph", Some(Role::Subscriber), 0)).await;
    assert_eq!(said, "`people` is subscriber, but must be owner, member or null");
    let said = team.refused(Edit::Appoint { people: BTreeMap::new(), seen: 0 }).await;
    assert_eq!(said, "`people` is 0 people, but must be 1 to 100 at once");
    for number in 4..=100 {
        assert_eq!(
            team.done(Edit::Add(widget("d", Column::Right))).await.instance,
            Some(id(number))
        );
    }
    let said = team.refused(Edit::Add(widget("d", Column::Right))).await;
    assert_eq!(said, "the hub `team` has 100 widgets, which is the most; remove one first");
    let none = "none".parse().unwrap();
    let missing = team.store.edit(&none, "duffy", Edit::Remove { id: id(1) }, NOW).await;
    assert_eq!(missing.unwrap_err().to_string(), "there is no hub `none`");
}

#[tokio::test]
async fn a_hub_keeps_an_owner_and_a_page_its_person() {
    let team = Team::new().await;
    team.done(appoint("gnokii", Some(Role::Member), 0)).await;
    let said = team.refused(appoint("duffy", None, 1)).await;
    assert_eq!(said, "the hub `team` must keep an owner; make somebody else one first");
    let ralph: HubName = "ralph".parse().unwrap();
    team.store.create_hub(&Hub::example(ralph.clone(), NOW), &[]).await.unwrap();
    team.store.edit(&ralph, "ralph", appoint("duffy", Some(Role::Owner), 0), NOW).await.unwrap();
    let leaves = team.store.edit(&ralph, "duffy", appoint("ralph", None, 1), NOW).await;
    assert_eq!(
        leaves.unwrap_err().to_string(),
        "the hub `ralph` is the page of `ralph`, who stays its owner"
    );
}

#[tokio::test]
async fn an_archived_hub_rests_until_it_is_taken_out() {
    let team = Team::new().await;
    let archived = team.done(describe(json!({ "archived": true }), 0)).await;
    let said = team.refused(Edit::Remove { id: id(1) }).await;
    assert_eq!(
        said,
        "the hub `team` is archived: nothing on it changes until an owner takes it out of the archive, in its details"
    );
    team.done(Edit::Revert { version: archived.version }).await;
    team.done(Edit::Remove { id: id(1) }).await;
    team.done(Edit::Revert { version: 3 }).await;
    let said = team.refused(Edit::Revert { version: 3 }).await;
    assert_eq!(said, "widget 1 is there again already");
}

#[tokio::test]
async fn the_oldest_changes_go_and_who_saw_only_them_is_asked_again() {
    let team = Team::new().await;
    for n in 1..=KEPT + 5 {
        team.done(configure(1, json!({ "n": n }), n - 1)).await;
    }
    let all = team.store.revisions(&team.name, None, 5_000).await.unwrap();
    assert_eq!((all.len() as u64, all.last().unwrap().version), (KEPT, 6));
    let said = team.refused(configure(1, json!({ "n": 3 }), 2)).await;
    assert_eq!(
        said,
        "duffy has changed `n` meanwhile, so nothing of yours is stored yet: look at both and save again"
    );
}

#[tokio::test]
async fn an_edit_is_a_sign_of_life_and_details_are_written_whole() {
    let team = Team::new().await;
    let later = NOW + jiff::SignedDuration::from_hours(1);
    let all = json!({
        "summary": " We draw ", "avatar": "https://example.org/a.png", "banner": "https://example.org/b.png",
        "left_width": 5, "visibility": "preview", "archived": true,
    });
    team.store.edit(&team.name, "duffy", describe(all, 0), later).await.unwrap();
    let hub = team.sheet().await.hub;
    assert_eq!(
        (hub.last_active, &*hub.summary, hub.visibility),
        (later, "We draw", Visibility::Preview)
    );
    assert_eq!(
        (hub.left_width, hub.archived, &*hub.banner),
        (5, true, "https://example.org/b.png")
    );
}

#[tokio::test]
async fn a_history_that_no_hubs_wrote_is_an_error_not_a_crash() {
    let team = Team::new().await;
    team.done(Edit::Remove { id: id(1) }).await;
    let spoil = async |sql: &'static str| {
        let mut writing = team.store.pool.begin().await.unwrap();
        sqlx::query(sql).execute(&mut *writing).await.unwrap();
        writing.commit().await.unwrap();
    };
    spoil("UPDATE revisions SET before = '{}'").await;
    let said = team.refused(Edit::Revert { version: 1 }).await;
    assert!(
        said.starts_with("the database has a change that no hubs wrote: missing field"),
        "{said}"
    );
    spoil("UPDATE revisions SET what = 'painted'").await;
    let said = team.refused(Edit::Revert { version: 1 }).await;
    assert_eq!(said, "the database has a change that no hubs wrote: `painted`");
}

#[tokio::test]
async fn the_demo_fits_what_an_edit_would_take() {
    for (hub, widgets) in demo::hubs(&[], NOW) {
        assert!(
            widgets.len() < WIDGETS && Details::of(&hub).with(&Details::of(&hub).to_map()).is_ok()
        );
    }
}
