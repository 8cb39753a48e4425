//! The demo: the teams and people that a first start without configuration shows.
//!
//! Data only. The teams, their people and their links are those of the first Fedora Hubs; the texts are ours.

use super::{NewInstance, user_hub};
use crate::config::WidgetEntry;
use crate::hub::{Column, Hub, HubKind, HubName, Visibility};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Each has a hub of their own.
pub const PEOPLE: [&str; 12] = [
    "abompard",
    "croberts",
    "decause",
    "duffy",
    "gnokii",
    "lmacken",
    "mattdm",
    "mrichard",
    "nask0",
    "pravins",
    "ralph",
    "ryanlerch",
];

struct Team {
    name: &'static str,
    summary: &'static str,
    archived: bool,
    /// Since when nothing happened there, so that the cobwebs have something to show.
    idle_days: i64,
    owners: &'static [&'static str],
    members: &'static [&'static str],
    subscribers: &'static [&'static str],
    about: &'static str,
    /// Markdown.
    sticky: &'static str,
    /// What the team's feed shows.
    feed: fn() -> Value,
    /// Titles and addresses, as the widget `library` takes them.
    links: &'static [&'static str],
    wiki: &'static str,
    schedule: Option<(&'static str, &'static str)>,
    minutes: &'static str,
}

const TEAMS: [Team; 4] = [
    Team {
        name: "designteam",
        summary: "The Fedora Design Team",
        archived: false,
        idle_days: 0,
        owners: &["duffy", "gnokii", "mrichard", "ryanlerch"],
        members: &["decause", "nask0"],
        subscribers: &["ralph"],
        about: "We draw what Fedora looks like: wallpapers, icons, logos, leaflets, and the pages you are reading. \
                Bring a pencil, or just an opinion.",
        sticky: "### New here?\n\n\
                 1. Say hello in **#fedora-design**.\n\
                 2. Pick a ticket that is marked *newbie*.\n\
                 3. Show your first sketch early: rough is fine.\n\n\
                 Wallpaper ideas for the next release are open until the end of the month.",
        feed: || json!({ "users": ["duffy", "gnokii", "mrichard", "nask0", "ryanlerch"], "limit": 20 }),
        links: &[
            "Start: Join the team https://fedoraproject.org/wiki/Design/JoinTheDesignTeam",
            "Start: Open tickets https://gitlab.com/groups/fedora/design/-/issues",
            "Look: Fedora's logo and how to use it https://docs.fedoraproject.org/en-US/project/brand/",
            "Look: Wallpapers https://fedoraproject.org/wiki/Wallpapers",
        ],
        wiki: "https://fedoraproject.org/wiki/Design",
        schedule: Some((
            "Meetings are every other Tuesday at 16:00 UTC",
            "https://calendar.fedoraproject.org/design/",
        )),
        minutes: "https://meetbot.fedoraproject.org/sresults/?group_id=designteam&type=team",
    },
    Team {
        name: "i18n",
        summary: "The Internationalization Team",
        archived: true,
        idle_days: 400,
        owners: &["pravins"],
        members: &["decause"],
        subscribers: &["ralph"],
        about: "Fedora should speak to everybody in their own language and script: fonts, input methods, collation, \
                and the packages below them.",
        sticky: "This hub rests. The work goes on at the \
                 [Localization group](https://fedoraproject.org/wiki/L10N).",
        feed: || json!({ "packages": ["ibus", "ibus-typing-booster", "langpacks"], "limit": 20 }),
        links: &[
            "Packages that we looked after https://src.fedoraproject.org/group/i18n-team",
            "The work goes on here https://fedoraproject.org/wiki/L10N",
        ],
        wiki: "https://fedoraproject.org/wiki/I18N",
        schedule: None,
        minutes: "https://meetbot.fedoraproject.org/sresults/?group_id=i18n&type=team",
    },
    Team {
        name: "infrastructure",
        summary: "The Fedora Infra Team",
        archived: false,
        idle_days: 0,
        owners: &["abompard", "lmacken", "ralph"],
        members: &["nask0"],
        subscribers: &["decause"],
        about: "We keep the machines running that build, test and ship Fedora, and the message bus that tells you \
                about it. Apprentices are welcome.",
        sticky: "**Before you touch production**\n\n\
                 - Is there a freeze? Look at the schedule.\n\
                 - Run the playbook with `--check --diff` first.\n\
                 - Tell **#fedora-admin** when you begin and when you are done.",
        feed: || {
            json!({
                "categories": ["ansible", "bodhi", "buildsys", "compose", "copr", "nagios", "pagure"],
                "limit": 20,
            })
        },
        links: &[
            "Daily: Tickets https://pagure.io/fedora-infrastructure/issues",
            "Daily: Status of services https://status.fedoraproject.org/",
            "Books: Standard procedures https://docs.fedoraproject.org/en-US/infra/",
            "Books: Playbooks https://pagure.io/fedora-infra/ansible",
        ],
        wiki: "https://fedoraproject.org/wiki/Infrastructure",
        schedule: Some((
            "We meet weekly in #fedora-meeting at 18:00 UTC",
            "https://calendar.fedoraproject.org/infrastructure/",
        )),
        minutes: "https://meetbot.fedoraproject.org/sresults/?group_id=infrastructure&type=team",
    },
    Team {
        name: "marketing",
        summary: "The Fedora Marketing Team",
        archived: false,
        idle_days: 45,
        owners: &["croberts", "ryanlerch"],
        members: &["decause", "mattdm", "mrichard"],
        subscribers: &["ralph"],
        about: "We tell the world what is new in Fedora, and why it matters: release notes for people, talking \
                points, interviews, and the odd video.",
        sticky: "The next release needs **three talking points**, in words that your neighbour understands. \
                 Write yours on the [wiki](https://fedoraproject.org/wiki/Marketing).",
        feed: || json!({ "categories": ["planet", "wiki", "askbot", "discourse"], "limit": 20 }),
        links: &[
            "Talking points https://fedoraproject.org/wiki/Talking_points",
            "Fedora Magazine https://fedoramagazine.org/",
            "Talk to us https://discussion.fedoraproject.org/tag/marketing-team",
        ],
        wiki: "https://fedoraproject.org/wiki/Marketing",
        schedule: None,
        minutes: "https://meetbot.fedoraproject.org/sresults/?group_id=marketing&type=team",
    },
];

/// The hubs of the teams, then one for each person, made of the given widgets.
pub fn hubs(user_widgets: &[WidgetEntry], now: Timestamp) -> Vec<(Hub, Vec<NewInstance>)> {
    let teams = TEAMS.iter().map(|team| team.hub(now));
    let people = PEOPLE.iter().map(|username| {
        user_hub(&hub_name(username), &format!("What {username} is up to"), user_widgets, now)
    });
    teams.chain(people).collect()
}

impl Team {
    fn hub(&self, now: Timestamp) -> (Hub, Vec<NewInstance>) {
        let idle = SignedDuration::from_hours(24 * self.idle_days);
        let last_active = now.checked_sub(idle).unwrap_or(now);
        let usernames = |list: &[&str]| list.iter().map(|name| (*name).into()).collect();
        let hub = Hub {
            name: hub_name(self.name),
            kind: HubKind::Group,
            summary: self.summary.into(),
            avatar: String::new(),
            banner: String::new(),
            left_width: 8,
            visibility: Visibility::Public,
            archived: self.archived,
            owners: usernames(self.owners),
            members: usernames(self.members),
            subscribers: usernames(self.subscribers),
            stargazers: vec![],
            created_at: last_active,
            last_active,
        };
        (hub, self.widgets())
    }

    fn widgets(&self) -> Vec<NewInstance> {
        let mut rules = json!({ "link": self.wiki, "minutes_link": self.minutes });
        if let Some((text, link)) = self.schedule {
            rules["schedule_text"] = text.into();
            rules["schedule_link"] = link.into();
        }
        vec![
            placed("cobwebs", Column::Left, json!({})),
            placed("sticky", Column::Left, json!({ "text": self.sticky })),
            placed("feed", Column::Left, (self.feed)()),
            placed("library", Column::Left, json!({ "links": self.links })),
            placed("stats", Column::Right, json!({})),
            placed("rules", Column::Right, rules),
            placed("people", Column::Right, json!({})),
            placed("about", Column::Right, json!({ "text": self.about })),
        ]
    }
}

fn hub_name(text: &str) -> HubName {
    text.parse().expect("a literal name of a hub")
}

fn placed(widget: &str, column: Column, config: Value) -> NewInstance {
    let Value::Object(config) = config else { unreachable!("the configs above are maps") };
    NewInstance { widget: widget.parse().expect("a literal name of a widget"), column, config }
}
