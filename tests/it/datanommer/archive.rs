//! Messages and questions, made up but always the same ones, in the shapes that Fedora's buses have.

use hubs::datanommer::{Order, Query};
use jiff::Timestamp;
use serde_json::{Value, json};

/// 2024-01-01, a Monday.
const START: i64 = 1_704_067_200;
const TOPICS: [&str; 20] = [
    "org.fedoraproject.prod.bodhi.update.comment",
    "org.fedoraproject.prod.bodhi.update.request.testing",
    "org.fedoraproject.prod.bodhi.update.complete.stable",
    "org.fedoraproject.prod.buildsys.build.state.change",
    "org.fedoraproject.prod.buildsys.tag",
    "org.fedoraproject.prod.copr.build.end",
    "org.fedoraproject.prod.copr.build.start",
    "org.fedoraproject.prod.git.receive",
    "org.fedoraproject.prod.badges.badge.award",
    "org.fedoraproject.prod.fas.user.update",
    "org.fedoraproject.prod.wiki.article.edit",
    "org.fedoraproject.prod.meetbot.meeting.complete",
    "org.release-monitoring.prod.anitya.project.version.update.v2",
    "io.pagure.prod.pagure.issue.new",
    "io.pagure.prod.pagure.pull-request.comment.added",
    "org.fedoraproject.stg.bodhi.update.comment",
    "org.centos.prod.ci.koji-build.test.complete",
    "org.fedoraproject.prod.discourse.post.post_created",
    "/topic/VirtualTopic.eng.brew.task.closed",
    "short.topic",
];
const CATEGORIES: [&str; 12] = [
    "bodhi",
    "buildsys",
    "copr",
    "git",
    "badges",
    "fas",
    "wiki",
    "anitya",
    "pagure",
    "ci",
    "brew",
    "Unclassified",
];
const USERS: usize = 60;
const PACKAGES: usize = 40;
const TEXTS: [&str; 10] = [
    "works for me",
    "No regressions noted, karma +1",
    "100% reproducible",
    "see python_requests and _private",
    "café au lait — 日本語 😀",
    "C:\\path\\to \"quoted\"",
    "https://bodhi.example.org/updates/FEDORA-2024-1",
    "line one\nline two\ttabbed",
    "Works For Me",
    "",
];

/// Of ours, and the pattern that makes the library look for it as it stands: its LIKE is on what Python wrote.
const CONTAINS: [(&str, &str); 14] = [
    ("works", "works"),
    ("Works", "Works"),
    ("karma +1", "karma +1"),
    ("noted, karma", "noted, karma"),
    ("100%", r"100\%"),
    ("python_requests", r"python\_requests"),
    ("_", r"\_"),
    ("café", r"caf\\u00e9"),
    ("😀", r"\\ud83d\\ude00"),
    (r#"\"quoted\""#, r#"\\"quoted\\""#),
    ("https://bodhi", "https://bodhi"),
    (r#""status":"stable""#, r#""status": "stable""#),
    ("[1,2,3]", "[1, 2, 3]"),
    ("nowhere to be found", "nowhere to be found"),
];

/// Numbers that look like chance: xorshift, so that every run asks the same.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0 to `sides` less one.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % sides as u64).unwrap()
    }

    /// The low ones often, as some people do much.
    fn skewed(&mut self, sides: usize) -> usize {
        let most = self.roll(sides) + 1;
        self.roll(most)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

/// Each at a time of its own, in no order of time: the library does not say how it orders doubles.
pub(super) fn messages(count: usize) -> impl Iterator<Item = Value> {
    let mut dice = Dice::new(42);
    (0..count).map(move |n| {
        let place = (n * 7_919) % count;
        let micros = i64::try_from(place * 797_000_000 + n).unwrap();
        let at = Timestamp::from_microsecond(START * 1_000_000 + micros).unwrap();
        let mut headers = json!({
            "sent-at": at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
            "fedora_messaging_schema": "base.message", "fedora_messaging_severity": 20,
        });
        for _ in 0..dice.roll(4) {
            headers[format!("fedora_messaging_user_user{}", dice.skewed(USERS))] = true.into();
        }
        for _ in 0..dice.roll(3) {
            headers[format!("fedora_messaging_rpm_package{}", dice.skewed(PACKAGES))] = true.into();
        }
        let builds = &[1, 2, 3][..dice.roll(4)];
        let body = json!({
            "comment": { "text": dice.of(&TEXTS), "karma": dice.roll(3), "author": format!("user{}", dice.roll(USERS)) },
            "status": dice.of(&["pending", "testing", "stable"]),
            "builds": builds,
            "load": 0.25, "nothing": null, "is_bot": n.is_multiple_of(7),
        });
        json!({ "topic": dice.of(&TOPICS), "id": format!("id-{n}"), "body": body, "headers": headers })
    })
}

/// A question, and the same for the library.
pub(super) fn question(dice: &mut Dice) -> (Query, Value) {
    let mut query = Query::default();
    let user = |dice: &mut Dice| format!("user{}", dice.skewed(USERS + 2));
    let package = |dice: &mut Dice| format!("package{}", dice.skewed(PACKAGES + 2));
    let category = |dice: &mut Dice| dice.of(&CATEGORIES).to_owned();
    let topic = |dice: &mut Dice| dice.of(&TOPICS).to_owned();
    fill(dice, 2, &mut query.users, user);
    fill(dice, 4, &mut query.packages, package);
    fill(dice, 4, &mut query.categories, category);
    fill(dice, 6, &mut query.topics, topic);
    fill(dice, 5, &mut query.not_users, user);
    fill(dice, 6, &mut query.not_packages, package);
    fill(dice, 5, &mut query.not_categories, category);
    fill(dice, 6, &mut query.not_topics, topic);
    let texts: Vec<_> = match dice.roll(4) {
        0 => (0..=dice.roll(2)).map(|_| CONTAINS[dice.roll(CONTAINS.len())]).collect(),
        _ => vec![],
    };
    query.contains = texts.iter().map(|(ours, _)| (*ours).to_owned()).collect();
    let day = |days: usize| {
        Timestamp::from_second(START + 86_400 * i64::try_from(days).unwrap()).unwrap()
    };
    if dice.roll(2) == 0 {
        query.start = Some(day(dice.roll(150)));
    }
    if dice.roll(3) == 0 {
        query.end = Some(day(30 + dice.roll(160)));
    }
    query.rows_per_page = [1, 10, 25, 100, 500][dice.roll(5)];
    query.page = [1, 1, 1, 2, 3, 40][dice.roll(6)];
    query.order = if dice.roll(2) == 0 { Order::Ascending } else { Order::Descending };
    let mut theirs = serde_json::to_value(&query).unwrap();
    theirs["contains"] = texts.iter().map(|(_, theirs)| *theirs).collect();
    // It takes both ends or none.
    if query.start.is_some() != query.end.is_some() {
        theirs["start"] = json!(query.start.unwrap_or(day(0)));
        theirs["end"] = json!(query.end.unwrap_or(day(9_999)));
    }
    (query, theirs)
}

fn fill(
    dice: &mut Dice,
    one_in: usize,
    list: &mut Vec<String>,
    name: impl Fn(&mut Dice) -> String,
) {
    if dice.roll(one_in) == 0 {
        list.extend((0..=dice.roll(3)).map(|_| name(dice)));
    }
}
