//! Every route, for every kind of visitor, on hubs of every visibility: from the router's own list.
//!
//! A new route changes the snapshot: whoever adds it looks at who may do what there. And nothing of what somebody may not
//! read is in any answer to them, whatever the route.

use crate::harness::TestHouse;
use crate::visitor::{Said, Visitor};
use hubs::web::Route;
use reqwest::Method;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Name and visibility of each hub.
const HUBS: [(&str, &str); 3] =
    [("open", "public"), ("ajar", "preview"), ("hidden-hub", "private")];
/// Name of each visitor, and what they are to every hub.
const VISITORS: [(&str, &str); 6] = [
    ("", "stranger"),
    ("otto", "nobody"),
    ("sue", "subscriber"),
    ("mia", "member"),
    ("olga", "owner"),
    ("root", "admin"),
];

fn site() -> String {
    let mut file = "[auth]\nadmins = [\"root\"]\n[user_hub]\nwidgets = []\n".to_owned();
    for (name, visibility) in HUBS {
        write!(
            file,
            "[[hub]]\nname = \"{name}\"\nsummary = \"summary of {name}\"\nvisibility = \"{visibility}\"\n\
             owners = [\"olga\", \"oskar\"]\nmembers = [\"mia\", \"maxine\"]\nsubscribers = [\"sue\", \"samuel\"]\nstargazers = [\"stanley\"]\n"
        )
        .unwrap();
        let about = format!(
            "[[hub.widget]]\nwidget = \"about\"\nconfig = {{ text = \"what is on {name}\" }}\n"
        );
        file.push_str(&about.repeat(EACH));
        file.push_str(&"[[hub.widget]]\nwidget = \"failing\"\n".repeat(EACH));
    }
    file
}

/// What is asked of the server in a route's place of a hub.
fn path(route: &str, hub: &str, id: u64) -> String {
    let widget = id.to_string();
    let words = [
        ("{hub}", hub),
        ("{id}", &widget),
        ("{deed}", "star"),
        ("{widget}", "about"),
        ("{name}", "about"),
        ("{*path}", "hubs.js"),
    ];
    let path = words.iter().fold(route.to_owned(), |path, (word, with)| path.replace(word, with));
    assert!(!path.contains('{'), "{route}: say what stands for its words");
    path
}

async fn arrive(house: &TestHouse, name: &str) -> Visitor {
    match name {
        "" => Visitor::of(house),
        name => Visitor::named(house, name).await,
    }
}

async fn ask(visitor: &mut Visitor, method: &str, path: &str, accept: &str) -> Said {
    let token = if method == "GET" { String::new() } else { visitor.form_token().await };
    let request = visitor.request(method.parse::<Method>().unwrap(), path).header("accept", accept);
    // From elsewhere: being on the machine itself is no right of a person.
    let request = request.header("x-forwarded-for", "192.0.2.1").header("x-csrf-token", token);
    if path.ends_with("/events") {
        let mut answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.chunk().await.unwrap().unwrap_or_default();
        return Said { status, headers, text: String::from_utf8_lossy(&text).into_owned() };
    }
    visitor.send(request).await
}

/// Widgets of each kind on each hub: every visitor has one of their own, for one may be taken away.
const EACH: usize = VISITORS.len();

#[tokio::test(flavor = "multi_thread")]
async fn every_route_gives_each_visitor_what_is_theirs() {
    let house = TestHouse::with(&[
        ("hubs.toml", &site()),
        (
            "widgets/failing.rhai",
            "const REFRESH = \"1h\";\nfn data(widget) { throw `why ${widget.hub.name} fails`; }\n",
        ),
        ("templates/widgets/failing.html", ""),
    ])
    .await;
    let mut ids = BTreeMap::new();
    let mut admin = Visitor::named(&house, "root").await;
    for (hub, _) in HUBS {
        admin.get(&format!("/{hub}")).await;
        house.idle().await;
        let told = admin.get_json(&format!("/{hub}/json")).await.json();
        let widgets = told["widgets"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap());
        ids.insert(hub, widgets.collect::<Vec<_>>());
    }
    let mut visitors = Vec::new();
    for (name, kind) in VISITORS {
        visitors.push((name, kind, arrive(&house, name).await));
    }
    // What is looked at comes before what is changed, and that before what is taken away.
    let mut routes = hubs::web::listed();
    routes.sort_by_key(|route| (route.method != "GET", route.path.ends_with("/delete")));
    let mut table = String::new();
    for route in routes {
        let of_hub = route.path.contains("{hub}");
        for (hub, visibility) in HUBS.into_iter().take(if of_hub { 3 } else { 1 }) {
            let shown = if of_hub { visibility } else { "" };
            let mut line = format!("{:4} {:28} {shown:8}", route.method, route.path);
            for (at, (name, kind, visitor)) in visitors.iter_mut().enumerate() {
                let asking = Asking { route, hub, visibility, kind };
                let (good, failing) = (ids[hub][at], ids[hub][EACH + at]);
                let mut statuses = Vec::new();
                for (id, accept) in
                    [(good, "text/html"), (good, "application/json"), (failing, "text/html")]
                {
                    let path = path(route.path, hub, id);
                    let said = ask(visitor, route.method, &path, accept).await;
                    asking.tells_no_secret(&said, &format!("{path} ({accept})"));
                    if !statuses.contains(&said.status) {
                        statuses.push(said.status);
                    }
                }
                if route.path == "/logout" {
                    *visitor = arrive(&house, name).await;
                }
                let statuses: Vec<_> = statuses.iter().map(ToString::to_string).collect();
                write!(line, " {kind} {}", statuses.join("/")).unwrap();
            }
            table.push_str(line.trim_end());
            table.push('\n');
        }
    }
    insta::assert_snapshot!("who may do what", table);
}

struct Asking {
    route: Route,
    hub: &'static str,
    visibility: &'static str,
    kind: &'static str,
}

impl Asking {
    /// Nothing of what somebody may not read is in any answer to them.
    fn tells_no_secret(&self, said: &Said, what: &str) {
        let Self { route, hub, visibility, kind } = *self;
        let is_inside = matches!(kind, "member" | "owner" | "admin");
        let may_read = visibility == "public" || is_inside;
        let may_know = may_read || visibility == "preview";
        let place = format!("{} {what} by a {kind}", route.method);
        assert!(said.status < 500, "{place}: {} {}", said.status, said.text);
        let tells = |secret: &str| assert!(!said.text.contains(secret), "{place} tells {secret}");
        if !route.path.contains("{hub}") {
            if !is_inside {
                HUBS.iter().filter(|(_, it)| *it == "private").for_each(|(other, _)| tells(other));
            }
            return;
        }
        if !may_read {
            ["oskar", "maxine", "samuel", "stanley"].into_iter().for_each(tells);
            tells(&format!("what is on {hub}"));
            tells(&format!("why {hub} fails"));
        }
        if !may_know {
            tells(&format!("summary of {hub}"));
        }
    }
}
