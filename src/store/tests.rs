//! The store and the journal on real files.

use super::*;
use crate::config::{HubEntry, Settings, WidgetEntry};
use crate::hub::{Cause, Hub, HubKind, InstanceId, Role, Visibility};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::path::Path;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

async fn empty() -> Store {
    Store::open("sqlite::memory:").await.unwrap()
}

fn name(text: &str) -> HubName {
    text.parse().unwrap()
}

fn badges() -> NewInstance {
    let serde_json::Value::Object(config) = json!({ "username": "ralph", "limit": 3 }) else {
        panic!("a map")
    };
    NewInstance { widget: "badges".parse().unwrap(), column: Column::Right, config }
}

fn team(name: &str) -> Hub {
    let mut entry: HubEntry =
        Settings::parse("[[hub]]\nname = \"x\"\nowners = [\"ralph\"]", "hubs.toml")
            .unwrap()
            .hubs
            .remove(0);
    entry.name = name.parse().unwrap();
    hub_from(&entry, NOW).0
}

fn cause(id: &str) -> Cause {
    Cause { id: id.into(), topic: "org.fedoraproject.prod.fedbadges.badge.award".into() }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

#[tokio::test]
async fn a_hub_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let address = url(&folder.path().join("deep/hubs.db"));
    let hub = Hub {
        kind: HubKind::User,
        avatar: "https://example.org/a.png".into(),
        banner: "https://example.org/b.png".into(),
        left_width: 5,
        visibility: Visibility::Preview,
        archived: true,
        owners: vec!["duffy".into(), "ralph".into()],
        members: vec!["nask0".into()],
        subscribers: vec!["ralph".into()],
        stargazers: vec!["decause".into(), "ralph".into()],
        last_active: NOW + SignedDuration::from_secs(1),
        ..team("designteam")
    };
    let store = Store::open(&address).await.unwrap();
    assert!(store.is_empty().await.unwrap());
    assert!(store.create_hub(&hub, &[badges()]).await.unwrap());
    store.close().await;

    let store = Store::open(&address).await.unwrap();
    assert!(!store.is_empty().await.unwrap());
    assert_eq!(store.hub(&hub.name).await.unwrap().as_ref(), Some(&hub));
    assert_eq!(store.hubs().await.unwrap(), std::slice::from_ref(&hub));
    let [placed] = &store.instances(&hub.name).await.unwrap()[..] else { panic!("one instance") };
    assert_eq!((placed.id, placed.position), (InstanceId(1), 0));
    assert_eq!(placed.config, badges().config);
    assert_eq!(store.instance(placed.id).await.unwrap().as_ref(), Some(placed));
    assert_eq!(store.hub(&name("nobody")).await.unwrap(), None);
}

#[tokio::test]
async fn a_hub_that_is_there_is_left_alone() {
    let store = empty().await;
    let first = team("designteam");
    assert!(store.create_hub(&first, &[badges()]).await.unwrap());
    let second = Hub { summary: "another".into(), owners: vec!["mallory".into()], ..first.clone() };
    assert!(!store.create_hub(&second, &[badges()]).await.unwrap());
    assert_eq!(store.hubs().await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.instances(&first.name).await.unwrap().len(), 1);
    assert_eq!(store.person("mallory").await.unwrap(), None);
}

#[tokio::test]
async fn ten_thousand_members_are_written_and_read_sorted() {
    let store = empty().await;
    let members: Vec<String> = (0..10_000).map(|n| format!("member{n:05}")).collect();
    let hub = Hub { members, ..team("big") };
    store.create_hub(&hub, &[]).await.unwrap();
    assert_eq!(store.hub(&hub.name).await.unwrap().unwrap(), hub);
    assert_eq!(store.hubs().await.unwrap(), [hub]);
}

#[tokio::test]
async fn roles_are_given_once_and_an_owner_is_no_member_beside() {
    let store = empty().await;
    store.create_hub(&team("a"), &[]).await.unwrap();
    let hub = name("a");
    assert!(store.set_role(&hub, "nask0", Role::Member, NOW).await.unwrap());
    assert!(!store.set_role(&hub, "nask0", Role::Member, NOW).await.unwrap());
    assert!(!store.set_role(&hub, "ralph", Role::Member, NOW).await.unwrap());
    assert!(store.set_role(&hub, "nask0", Role::Owner, NOW).await.unwrap());
    assert!(store.set_role(&hub, "nask0", Role::Stargazer, NOW).await.unwrap());
    let now = store.hub(&hub).await.unwrap().unwrap();
    assert_eq!((now.owners, now.members), (vec!["nask0".into(), "ralph".into()], vec![]));
    assert_eq!(
        store.roles_of("nask0").await.unwrap(),
        [(hub.clone(), Role::Owner), (hub.clone(), Role::Stargazer)]
    );
    assert!(store.drop_role(&hub, "nask0", Role::Owner).await.unwrap());
    assert!(!store.drop_role(&hub, "nask0", Role::Owner).await.unwrap());
    let refused = store.set_role(&name("gone"), "ralph", Role::Member, NOW).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no hub `gone`");
}

#[tokio::test]
async fn bookmarks_are_the_hubs_that_somebody_belongs_to_follows_or_looks_after() {
    let store = empty().await;
    let hub = |name: &str, visibility| Hub { visibility, owners: vec![], ..team(name) };
    for (name, visibility) in [
        ("ralph", Visibility::Public),
        ("owned", Visibility::Private),
        ("joined", Visibility::Private),
        ("followed", Visibility::Preview),
        ("closed", Visibility::Private),
        ("starred", Visibility::Public),
        ("other", Visibility::Public),
    ] {
        store.create_hub(&hub(name, visibility), &[]).await.unwrap();
    }
    for (of, role) in [
        ("ralph", Role::Owner),
        ("owned", Role::Owner),
        ("owned", Role::Subscriber),
        ("joined", Role::Member),
        ("followed", Role::Subscriber),
        ("closed", Role::Subscriber),
        ("starred", Role::Stargazer),
    ] {
        store.set_role(&name(of), "ralph", role, NOW).await.unwrap();
    }
    let found = store.bookmarks("ralph").await.unwrap();
    let names: Vec<_> = found.iter().map(|bookmark| bookmark.hub.as_str()).collect();
    assert_eq!(names, ["followed", "joined", "owned"]);
    assert_eq!(found[0].last_active, NOW);
}

#[tokio::test]
async fn a_person_known_by_username_is_given_their_name() {
    let store = empty().await;
    store.create_hub(&team("a"), &[]).await.unwrap();
    assert_eq!(store.person("ralph").await.unwrap().unwrap().full_name, "");
    let ralph =
        Person { username: "ralph".into(), full_name: "Ralph Bean".into(), created_at: NOW };
    store.add_person(&ralph).await.unwrap();
    assert_eq!(store.person("ralph").await.unwrap(), Some(ralph));
}

#[tokio::test]
async fn instances_are_found_by_number_and_by_widget() {
    let store = empty().await;
    store.create_hub(&team("a"), &[badges(), badges()]).await.unwrap();
    assert_eq!(store.instance(InstanceId(u64::MAX)).await.unwrap(), None);
    let of = store.instances_of(&"badges".parse().unwrap()).await.unwrap();
    assert_eq!(of.iter().map(|one| one.id.0).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn every_instance_is_handed_over_once_past_a_page() {
    let store = empty().await;
    store.create_hub(&team("a"), &vec![badges(); 4_100]).await.unwrap();
    let mut seen = Vec::new();
    store.every_instance(|one| seen.push(one.id.0)).await.unwrap();
    assert_eq!(seen, (1..=4_100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_hub_is_touched_forwards_only() {
    let store = empty().await;
    let hub = team("a");
    store.create_hub(&hub, &[]).await.unwrap();
    let later = NOW + SignedDuration::from_hours(1);
    store.touch(&[(hub.name.clone(), later)]).await.unwrap();
    store.touch(&[(hub.name.clone(), NOW)]).await.unwrap();
    let found = store.hub(&hub.name).await.unwrap().unwrap();
    assert_eq!(found, Hub { last_active: later, ..hub });
}

#[tokio::test]
async fn what_is_no_store_is_refused_by_name() {
    let said = async |url: &str| Store::open(url).await.unwrap_err().to_string();
    assert_eq!(
        said("mysql://x").await,
        "`mysql://x` is no address of a store: `sqlite:PATH` or `sqlite::memory:` is one"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hubs.db");
    std::fs::write(&file, "no database, but long enough to have a header ".repeat(20)).unwrap();
    let opened = said(&url(&file)).await;
    assert!(
        opened.starts_with(&format!("the database {} can't be opened: ", file.display())),
        "{opened}"
    );
    let below = said(&url(&file.join("below/hubs.db"))).await;
    assert!(below.starts_with("the folder of the database "), "{below}");
}

#[tokio::test]
async fn a_database_that_another_process_keeps_locked_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hubs.db");
    let other = Store::open(&url(&file)).await.unwrap();
    let _held = other.pool.begin().await.unwrap();
    assert_eq!(
        Store::open(&url(&file)).await.unwrap_err().to_string(),
        format!(
            "the database {} is locked by another process; stop that one, or give this one its own `[storage] path`",
            file.display()
        )
    );
}

#[tokio::test]
async fn a_database_of_a_newer_hubs_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hubs.db");
    let store = Store::open(&url(&file)).await.unwrap();
    let mut writing = store.pool.begin().await.unwrap();
    sqlx::query("INSERT INTO schema_versions (version) VALUES (9)")
        .execute(&mut *writing)
        .await
        .unwrap();
    writing.commit().await.unwrap();
    store.close().await;
    assert_eq!(
        Store::open(&url(&file)).await.unwrap_err().to_string(),
        format!(
            "the database {} is of version 9, but this hubs knows versions up to 3; start a newer hubs",
            file.display()
        )
    );
}

#[tokio::test]
async fn a_row_that_no_hubs_wrote_is_an_error_not_a_crash() {
    let store = empty().await;
    store.create_hub(&team("a"), &[badges()]).await.unwrap();
    let spoil = async |sql: &'static str| {
        let mut writing = store.pool.begin().await.unwrap();
        sqlx::query(sql).execute(&mut *writing).await.unwrap();
        writing.commit().await.unwrap();
    };
    spoil("UPDATE instances SET config = '['").await;
    let said = store.instances(&name("a")).await.unwrap_err().to_string();
    assert!(said.starts_with("the database has a instance that no hubs wrote: config: "), "{said}");
    spoil("UPDATE hubs SET kind = 'club'").await;
    assert_eq!(
        store.hubs().await.unwrap_err().to_string(),
        "the database has a kind of hub that no hubs wrote: `club`"
    );
}

#[tokio::test]
async fn the_demo_is_a_valid_site_of_teams_and_people() {
    let store = empty().await;
    let demo = demo::hubs(&Settings::default().user_hub, NOW);
    for (hub, widgets) in &demo {
        assert!(store.create_hub(hub, widgets).await.unwrap(), "{}", hub.name);
        assert_eq!(store.hub(&hub.name).await.unwrap().as_ref(), Some(hub), "lists are sorted");
    }
    assert_eq!(demo.len(), 16);
    let hub = store.hub(&name("i18n")).await.unwrap().unwrap();
    assert!(hub.archived && hub.days_idle(NOW) == 400);
    let ralph = store.instances(&name("ralph")).await.unwrap();
    assert_eq!(ralph[0].config["username"], "ralph");
    for (hub, _) in &demo {
        let people = [&hub.owners, &hub.members, &hub.subscribers, &hub.stargazers];
        assert!(people.into_iter().flatten().all(|one| demo::PEOPLE.contains(&one.as_str())));
    }
}

#[test]
fn a_user_hub_is_made_of_the_configured_widgets() {
    let entries: Vec<WidgetEntry> = Settings::default().user_hub;
    let (hub, widgets) = user_hub(&name("ralph"), "Ralph Bean", &entries, NOW);
    assert_eq!(
        (hub.kind, hub.owners, hub.summary.as_str()),
        (HubKind::User, vec!["ralph".into()], "Ralph Bean")
    );
    assert!(widgets.iter().all(|widget| widget.config["username"] == "ralph"));
}

#[tokio::test]
async fn an_invalidation_outlives_the_process_until_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let journal = Journal::open(&file).await.unwrap();
    let (one, two) = (InstanceId(1), InstanceId(2));
    let before = journal.sequence();
    let seen = Seen { source: "fedmsg", id: "2023-1".into(), sent_at: NOW };
    let invalidations = vec![(one, cause("m1")), (two, cause("m1"))];
    let taken = Taken { invalidations, seen: Some(seen.clone()), marks: vec![7, u64::MAX] };
    let first = journal.take(taken).await.unwrap();
    let second = journal.take(invalidation(one, "m2")).await.unwrap();
    assert_eq!((first, second, journal.sequence()), (before + 1, before + 2, before + 2));
    drop(journal);

    let journal = Journal::open(&file).await.unwrap();
    assert_eq!(journal.sequence(), second);
    assert_eq!(journal.last_seen("fedmsg").await.unwrap(), Some(seen.clone()));
    assert_eq!(journal.last_seen("amqp").await.unwrap(), None);
    assert_eq!(journal.marks().await.unwrap(), [7, u64::MAX]);
    let expected = [
        Pending { instance: two, sequence: first, cause: cause("m1") },
        Pending { instance: one, sequence: second, cause: cause("m2") },
    ];
    assert_eq!(journal.pending().await.unwrap(), expected);
    // A rebuild that began before the second message settles nothing of it.
    journal.settle(&[(one, first), (two, first)]).await.unwrap();
    assert_eq!(journal.pending().await.unwrap(), expected[1..]);
    journal.settle(&[(one, second)]).await.unwrap();
    assert_eq!(journal.pending().await.unwrap(), []);
    assert!(journal.take(Taken::default()).await.unwrap() > second);

    let sent_at = NOW - SignedDuration::from_secs(1);
    let older = Seen { source: "fedmsg", id: "late".into(), sent_at };
    journal.take(Taken { seen: Some(older), ..Taken::default() }).await.unwrap();
    assert_eq!(journal.last_seen("fedmsg").await.unwrap(), Some(seen));
}

fn invalidation(instance: InstanceId, message: &str) -> Taken {
    Taken { invalidations: vec![(instance, cause(message))], ..Taken::default() }
}

#[tokio::test]
async fn the_marks_of_the_last_messages_are_kept_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.db")).await.unwrap();
    let all: Vec<u64> = (0..MARKS as u64 + 500).collect();
    for marks in all.chunks(500) {
        journal.take(Taken { marks: marks.to_vec(), ..Taken::default() }).await.unwrap();
    }
    assert_eq!(journal.marks().await.unwrap(), all[500..]);
}

#[tokio::test]
async fn a_journal_of_an_earlier_version_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let mut old = sqlite::durable(&file, &[include_str!("journal.sql")]).await.unwrap();
    let sql = "INSERT INTO state (sequence, seen_id, seen_sent_at) VALUES (41, '2023-1', 5000000)";
    sqlx::query(sql).execute(&mut old).await.unwrap();
    drop(old);
    let journal = Journal::open(&file).await.unwrap();
    assert_eq!(journal.sequence(), 41);
    let seen = journal.last_seen("fedmsg").await.unwrap().unwrap();
    assert_eq!((seen.id.as_str(), seen.sent_at.as_second()), ("2023-1", 5));
}

#[tokio::test]
async fn a_new_journal_counts_on_above_a_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let lost = Journal::open(&folder.path().join("lost.db")).await.unwrap();
    let stamped = lost.take(invalidation(InstanceId(1), "m")).await.unwrap();
    let new = Journal::open(&folder.path().join("new.db")).await.unwrap();
    assert_eq!(new.last_seen("fedmsg").await.unwrap(), None);
    assert!(new.take(Taken::default()).await.unwrap() > stamped);
}

#[tokio::test]
async fn many_callers_at_once_each_get_a_sequence_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.db")).await.unwrap();
    let callers = (1..=500).map(|n| {
        let journal = journal.clone();
        async move { journal.take(invalidation(InstanceId(n), "m")).await.unwrap() }
    });
    let mut given = futures_util::future::join_all(callers).await;
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 500);
    assert_eq!(journal.pending().await.unwrap().len(), 500);
    assert_eq!(journal.sequence(), given[499]);
}

#[tokio::test]
async fn a_journal_that_can_not_write_says_so_and_counts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let journal = Journal::open(&file).await.unwrap();
    let before = journal.sequence();
    let mut other = sqlite::durable(&file, &journal::SCHEMA).await.unwrap();
    sqlx::query("ALTER TABLE pending RENAME TO gone").execute(&mut other).await.unwrap();
    let said = journal.take(invalidation(InstanceId(1), "m")).await.unwrap_err();
    assert!(said.to_string().starts_with("the journal can't be written: "), "{said}");
    assert_eq!(journal.sequence(), before);
    sqlx::query("ALTER TABLE gone RENAME TO pending").execute(&mut other).await.unwrap();
    assert!(journal.take(invalidation(InstanceId(1), "m")).await.unwrap() > before);
}

#[test]
fn a_journal_whose_runtime_has_ended_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let journal = first.block_on(Journal::open(&folder.path().join("journal.db"))).unwrap();
    drop(first);
    let said = runtime().block_on(journal.pending()).unwrap_err();
    assert_eq!(said.to_string(), "the journal is closed");
}
