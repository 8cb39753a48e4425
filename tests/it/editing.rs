//! Owners edit their hubs: by forms without JavaScript, as JSON, and many at once; and everybody who looks on sees it.

use crate::command::{check, hubs, site};
use crate::harness::{Ear, TestHouse};
use crate::visitor::{Said, Visitor};
use hubs::hub::{Column, Config, HubName, InstanceId};
use hubs::store::{Details, Revision, Sheet, Store, What};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOTE: &str = r#"//! What somebody has to say.

const TITLE = "Note";
const CHROME = #{ style: "panel" };
const REFRESH = "12h";
const PARAMETERS = #{
    text: #{ kind: "markdown", default: "empty", help: "What it says" },
    limit: #{ kind: "integer", default: 3, min: 1, max: 9, help: "How much of it" },
    link: #{ kind: "url", default: "", help: "Where it leads" },
    names: #{ kind: "username", many: true, default: [], help: "Whom it concerns" },
    tone: #{ kind: "choice", choices: ["calm", "loud"], default: "calm", help: "How it is said" },
};

fn data(widget) {
    let config = widget.config;
    #{ text: config.text, limit: config.limit, link: config.link, names: config.names, tone: config.tone }
}
"#;

const NOTE_HTML: &str = "<p class=\"said\">{{ text }}</p><p>{{ limit }} {{ tone }} {{ names | series }}</p>{% if link %}<a href=\"{{ link | url }}\">there</a>{% endif %}";

/// Tells what hubs told of itself.
const HEARD: &str = r#"//! What was told of this hub.

const PARAMETERS = #{ whose: #{ kind: "username", help: "Whose" } };

fn should_invalidate(message, widget) {
    message.category == "hubs" && message.msg.hub_name == widget.hub.name
}

fn data(widget) {
    let found = datanommer::grep(#{ categories: ["hubs"], rows_per_page: 50, order: "asc" });
    #{ told: found.messages.map(|m| #{ topic: m.topic, body: m.msg }) }
}
"#;

const HUBS: &str = r#"
[user_hub]
widgets = []

[auth]
admins = ["root"]

[[hub]]
name = "team"
summary = "We draw"
owners = ["duffy", "gnokii"]
members = ["nask0"]
[[hub.widget]]
widget = "note"
column = "left"
config = { text = "first" }
[[hub.widget]]
widget = "note"
column = "left"
[[hub.widget]]
widget = "heard"
column = "right"
config = { whose = "duffy" }
"#;

fn files() -> [(&'static str, &'static str); 5] {
    [
        ("hubs.toml", HUBS),
        ("widgets/note.rhai", NOTE),
        ("templates/widgets/note.html", NOTE_HTML),
        ("widgets/heard.rhai", HEARD),
        ("templates/widgets/heard.html", "<p>{{ told | length }}</p>"),
    ]
}

async fn house() -> TestHouse {
    TestHouse::with(&files()).await
}

/// A program with somebody's session.
struct Program {
    visitor: Visitor,
    token: String,
}

impl Program {
    async fn of(house: &TestHouse, name: &str) -> Self {
        let mut visitor = Visitor::named(house, name).await;
        let token = visitor.form_token().await;
        Self { visitor, token }
    }

    async fn post(&mut self, to: &str, body: Value) -> Said {
        let request = self.visitor.request(Method::POST, to);
        let request = request.header(header::ACCEPT, "application/json");
        let request = request.header("x-csrf-token", &self.token).json(&body);
        self.visitor.send(request).await
    }

    /// Posts what must be done, and says the version that it made.
    async fn done(&mut self, to: &str, body: Value) -> u64 {
        let said = self.post(to, body).await;
        assert_eq!(said.status, 200, "{to}: {}", said.text);
        said.json()["version"].as_u64().unwrap()
    }

    async fn refused(&mut self, to: &str, body: Value) -> (u16, String) {
        let said = self.post(to, body).await;
        (said.status, said.json()["error"].as_str().unwrap_or_default().to_owned())
    }
}

async fn store(house: &TestHouse) -> Store {
    Store::open(&format!("sqlite:{}", house.path("var/hubs.db").display())).await.unwrap()
}

fn team() -> HubName {
    "team".parse().unwrap()
}

/// What a page shows of a field: its value, however it is written there.
fn has_value(page: &str, value: &str) -> bool {
    page.contains(&format!("value=\"{value}\"")) || page.contains(&format!(">{value}</textarea>"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_is_added_configured_moved_and_removed_without_javascript() {
    let house = house().await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let page = duffy.get("/team").await;
    assert!(page.text.contains("href=\"/team/edit\""), "owners are led there");
    assert!(page.text.contains(" data-owner"), "and by the menu of each widget");
    let page = duffy.get("/team/edit").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for part in [
        "action=\"/team/layout\"",
        "action=\"/team/1/delete\"",
        "href=\"/team/1/edit\"",
        "?add=note",
    ] {
        assert!(page.text.contains(part), "{part} is missing in {}", page.text);
    }
    assert!(page.text.contains("?add=feed"), "all widgets are offered");
    let found = duffy.get("/team/edit?q=somebody+has+to").await;
    assert!(found.text.contains("?add=note") && !found.text.contains("?add=heard"));

    let form = duffy.get("/team/edit?add=note&column=right").await;
    assert!(form.text.contains("name=\"config.text\"") && form.plain().contains("What it says"));
    let fields = [
        ("widget", "note"),
        ("column", "right"),
        ("config.text", "fourth"),
        ("config.names", "ralph\r\nnask0"),
    ];
    let said = duffy.post("/team/widgets", &fields).await;
    assert_eq!((said.status, said.goes_to()), (303, "/team/edit?done=1#place-4"));
    let page = duffy.get("/team/edit?done=1").await;
    assert!(page.plain().contains("You added Note."), "{}", page.plain());
    house.idle().await;
    let told = house.json("/team/4/json").await;
    assert_eq!(told["config"]["names"], json!(["ralph", "nask0"]));
    assert!(told["html"].as_str().unwrap().contains("<p class=\"said\">fourth</p>"));

    let form = duffy.get("/team/1/edit").await;
    assert!(has_value(&form.text, "first"), "{}", form.text);
    let fields = [("version", "1"), ("config.text", "changed"), ("config.limit", "5")];
    let said = duffy.post("/team/1/edit", &fields).await;
    assert_eq!((said.status, said.goes_to()), (303, "/team/edit?done=2#place-1"));
    house.idle().await;
    assert_eq!(house.json("/team/1/json").await["data"]["limit"], 5);

    for (to, columns) in [
        ("down", json!({ "left": [2, 1], "right": [3, 4], "left_width": 8 })),
        ("right", json!({ "left": [2], "right": [3, 1, 4], "left_width": 8 })),
        ("up", json!({ "left": [2], "right": [1, 3, 4], "left_width": 8 })),
        ("left", json!({ "left": [1, 2], "right": [3, 4], "left_width": 8 })),
    ] {
        let said = duffy.post("/team/layout", &[("id", "1"), ("to", to)]).await;
        assert_eq!(said.status, 303, "{}", said.text);
        assert_eq!(house.json("/team/json").await["columns"], columns, "{to}");
    }
    let said = duffy.post("/team/layout", &[("id", "1"), ("to", "up")]).await;
    assert_eq!((said.status, said.goes_to()), (303, "/team/edit#widgets"), "it is at the top");

    let said = duffy.post("/team/1/delete", &[]).await;
    assert_eq!((said.status, said.goes_to()), (303, "/team/edit?done=7#widgets"));
    assert_eq!(duffy.get("/team/1").await.status, 404);
    let page = duffy.get("/team/edit?done=7").await;
    assert!(page.text.contains("name=\"change\" value=\"7\""), "it can be taken back");
    let said = duffy.post("/team/revert", &[("change", "7")]).await;
    assert_eq!(said.goes_to(), "/team/edit?done=8#history");
    assert_eq!(house.json("/team/json").await["columns"]["left"], json!([1, 2]));
    assert_eq!(house.json("/team/1/json").await["config"]["text"], "changed");
    let history = duffy.get("/team/edit").await.plain();
    for line in [
        "duffy added Note",
        "duffy changed limit and text of Note",
        "duffy moved Note down",
        "duffy moved Note to the right column",
        "duffy removed Note",
        "duffy put Note back",
    ] {
        assert!(history.contains(line), "`{line}` is missing in {history}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_beside_its_field_and_nothing_typed_is_lost() {
    let house = house().await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let fields = [
        ("version", "0"),
        ("config.text", "half a thought"),
        ("config.limit", "90"),
        ("config.link", "javascript:alert(1)"),
        ("config.tone", "shrill"),
        ("config.nmaes", "x"),
    ];
    let said = duffy.post("/team/1/edit", &fields).await;
    assert_eq!(said.status, 422);
    let plain = said.plain();
    for reason in [
        "`limit` of widget `note` is 90, but must be a whole number from 1 to 9",
        "`link` of widget `note` is \"javascript:alert(1)\", but must be an address that starts with http:// or https://",
        "`tone` of widget `note` is \"shrill\", but must be one of `calm`, `loud`",
    ] {
        assert!(plain.contains(reason), "{reason}: {plain}");
    }
    for typed in ["half a thought", "90", "javascript:alert(1)"] {
        assert!(has_value(&said.text, typed), "{typed} is lost: {}", said.text);
    }
    assert!(!said.text.contains("href=\"javascript"), "{}", said.text);
    assert_eq!(house.json("/team/1/json").await["config"]["text"], "first");

    // What a widget must be given is asked for, on somebody's own page with their name in it.
    let form = duffy.get("/team/edit?add=heard").await;
    assert!(
        form.status == 200
            && form.text.contains("required")
            && !form.text.contains("class=\"bad\"")
    );
    let said = duffy.post("/team/widgets", &[("widget", "heard"), ("config.whose", "")]).await;
    assert!(
        said.status == 422 && said.plain().contains("widget `heard` needs `whose`"),
        "{}",
        said.plain()
    );
    let form = duffy.get("/duffy/edit?add=heard").await;
    assert!(has_value(&form.text, "duffy"), "{}", form.text);
    let said = duffy.post("/team/widgets", &[("widget", "nose")]).await;
    assert!(
        said.status == 404 && said.plain().contains("There is no kind of widget named `nose`.")
    );
    let said = duffy
        .post("/team/details", &[("version", "0"), ("summary", "Two\nlines"), ("left_width", "x")])
        .await;
    assert_eq!(said.status, 422);
    let plain = said.plain();
    assert!(plain.contains("but must be one line of at most 200 letters"), "{plain}");
    assert!(
        plain.contains("`left_width` is \"x\", but must be a whole number from 1 to 11"),
        "{plain}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_the_new_settings_and_stores_nothing() {
    let house = house().await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let fields = [("version", "0"), ("config.text", "not yet"), ("preview", "1")];
    let said = duffy.post("/team/1/edit", &fields).await;
    assert_eq!(said.status, 200);
    assert!(
        said.text.contains("<p class=\"said\">not yet</p>") && has_value(&said.text, "not yet")
    );
    assert_eq!(house.json("/team/1/json").await["config"]["text"], "first");
    let fields = [("widget", "note"), ("config.text", "to come"), ("preview", "1")];
    let said = duffy.post("/team/widgets", &fields).await;
    assert!(said.status == 200 && said.text.contains("<p class=\"said\">to come</p>"));
    assert_eq!(house.json("/team/json").await["widgets"].as_array().unwrap().len(), 3);
    let mut program = Program::of(&house, "duffy").await;
    let body = json!({ "config": { "text": "by JSON" }, "preview": true });
    let said = program.post("/team/1/edit", body).await;
    assert!(said.json()["preview"]["html"].as_str().unwrap().contains("by JSON"), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_changes_everybody_sees_who_looks_on() {
    let house = house().await;
    for id in 1..=3 {
        house.json(&format!("/team/{id}/json")).await;
    }
    house.idle().await;
    let mut other = house.listen("team").await;
    let mut duffy = Program::of(&house, "duffy").await;
    duffy.done("/team/1/edit", json!({ "version": 0, "config": { "text": "second" } })).await;
    let event = other.next_where(|data| data["id"] == 1).await;
    assert_eq!((event.kind.as_str(), &event.data["data"]["text"]), ("widget", &json!("second")));
    duffy.done("/team/widgets", json!({ "widget": "note", "column": "right" })).await;
    assert_eq!(next_kind(&mut other, "hub").await, json!({}));
    duffy.done("/team/layout", json!({ "version": 2, "left": [1], "right": [4, 3, 2] })).await;
    next_kind(&mut other, "hub").await;
    duffy.done("/team/2/delete", json!({})).await;
    assert_eq!(next_kind(&mut other, "removed").await, json!({ "id": 2 }));
    next_kind(&mut other, "hub").await;
    duffy.done("/team/details", json!({ "summary": "We draw more" })).await;
    next_kind(&mut other, "hub").await;
}

async fn next_kind(ear: &mut Ear, kind: &str) -> Value {
    loop {
        let event = ear.next().await;
        if event.kind == kind {
            return event.data;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_told_as_a_message() {
    let house = house().await;
    house.json("/team/3/json").await;
    let mut duffy = Program::of(&house, "duffy").await;
    let config = json!({ "text": "second", "limit": 4 });
    duffy.done("/team/1/edit", json!({ "version": 0, "config": config })).await;
    duffy.done("/team/layout", json!({ "id": 1, "to": "down" })).await;
    duffy.done("/team/details", json!({ "summary": "We draw more", "left_width": 6 })).await;
    duffy.done("/team/people", json!({ "people": { "ralph": "member", "nask0": "owner" } })).await;
    house.idle().await;
    let told = house.json("/team/3/json").await["data"]["told"].clone();
    let of_team = told.as_array().unwrap().iter().filter(|one| one["body"]["hub_name"] == "team");
    let of_team: Vec<_> = of_team
        .map(|one| {
            let topic = one["topic"].as_str().unwrap().replace("org.fedoraproject.prod.", "");
            let mut body = one["body"].clone();
            for same in ["hub_id", "hub_name", "hub_type"] {
                body.as_object_mut().unwrap().remove(same);
            }
            format!("{topic} {body}")
        })
        .collect();
    insta::assert_snapshot!(of_team.join("\n"), @r#"
    hubs.widget.updated {"changed_keys":["limit","text"],"widget_id":1,"widget_label":"Note"}
    hubs.hub.updated {"changed_keys":["columns"]}
    hubs.hub.updated {"changed_keys":["left_width","summary"]}
    hubs.hub.updated {"changed_keys":["owners","members"]}
    hubs.user.role.removed {"role":"member","username":"nask0"}
    hubs.user.role.added {"role":"owner","username":"nask0"}
    hubs.user.role.added {"role":"member","username":"ralph"}
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_change_the_same_text_are_shown_both() {
    let house = house().await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let mut gnokii = Visitor::named(&house, "gnokii").await;
    let text = |text| [("version", "0"), ("config.text", text)];
    assert_eq!(gnokii.post("/team/1/edit", &text("theirs")).await.status, 303);
    let said = duffy.post("/team/1/edit", &text("mine")).await;
    assert_eq!(said.status, 409);
    let plain = said.plain();
    assert!(plain.contains("gnokii has changed `text` meanwhile"), "{plain}");
    assert!(
        plain.contains("gnokii wrote here meanwhile:") && said.text.contains(">theirs</pre>"),
        "{}",
        said.text
    );
    assert!(has_value(&said.text, "mine") && said.text.contains("name=\"version\" value=\"1\""));
    // Having seen it they decide.
    let said = duffy.post("/team/1/edit", &[("version", "1"), ("config.text", "both")]).await;
    assert_eq!(said.status, 303);
    // Other settings of the same widget are no conflict.
    let said = gnokii
        .post("/team/1/edit", &[("version", "1"), ("config.text", "theirs"), ("config.limit", "7")])
        .await;
    assert_eq!(said.status, 303, "{}", said.plain());
    let config = house.json("/team/1/json").await["config"].clone();
    assert_eq!((&config["text"], &config["limit"]), (&json!("both"), &json!(7)));

    let details = |summary| {
        [
            ("version", "3"),
            ("summary", summary),
            ("avatar", ""),
            ("banner", ""),
            ("left_width", "8"),
            ("visibility", "public"),
        ]
    };
    assert_eq!(gnokii.post("/team/details", &details("theirs")).await.status, 303);
    let said = duffy.post("/team/details", &details("mine")).await;
    assert_eq!(said.status, 409);
    assert!(said.text.contains(">theirs</pre>") && has_value(&said.text, "mine"), "{}", said.text);

    let mut program = Program::of(&house, "duffy").await;
    let said =
        program.post("/team/layout", json!({ "version": 3, "left": [1, 2], "right": [3] })).await;
    assert_eq!(said.status, 200, "what is as it was is no conflict: {}", said.text);
    program.done("/team/layout", json!({ "id": 1, "to": "down" })).await;
    let said =
        program.post("/team/layout", json!({ "version": 3, "left": [1, 2, 3], "right": [] })).await;
    assert_eq!(said.status, 409);
    let clash = &said.json()["conflict"]["clashes"][0];
    assert_eq!(clash["theirs"], json!({ "left": [2, 1], "right": [3] }));
    assert_eq!(clash["yours"], json!({ "left": [1, 2, 3], "right": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_edit_is_told_so() {
    let house = house().await;
    let (mut nobody, mut nask0) = (Visitor::of(&house), Visitor::named(&house, "nask0").await);
    let routes = [
        "/team/1/edit",
        "/team/widgets",
        "/team/1/delete",
        "/team/layout",
        "/team/details",
        "/team/people",
        "/team/revert",
    ];
    for path in routes {
        let said = nobody.post(path, &[]).await;
        assert_eq!(said.status, 401, "{path}");
        assert!(
            said.plain().contains("Log in to edit the hub `team`."),
            "{path}: {}",
            said.plain()
        );
        let said = nask0.post(path, &[]).await;
        assert_eq!(said.status, 403, "{path}");
        assert!(
            said.plain().contains("The hub `team` is edited by its owners"),
            "{}",
            said.plain()
        );
    }
    for path in ["/team/edit", "/team/1/edit"] {
        let said = nobody.get(path).await;
        assert!(
            said.status == 401 && said.text.contains(&format!("/login?next={path}")),
            "{}",
            said.text
        );
        assert_eq!(nask0.get(path).await.status, 403);
    }
    let page = nask0.get("/team").await.text;
    assert!(!page.contains("href=\"/team/edit\"") && !page.contains(" data-owner"));
    let said = nask0.get_json("/team/1/edit").await;
    assert_eq!(said.status, 403);
    assert!(said.json()["error"].as_str().unwrap().contains("owners"));
    let mut root = Visitor::named(&house, "root").await;
    assert_eq!(root.get("/team/edit").await.status, 200, "admins edit every hub");
    assert_eq!(root.get("/nothere/edit").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table of refusals")]
async fn a_program_is_refused_with_what_it_could_send() {
    let house = house().await;
    let mut duffy = Program::of(&house, "duffy").await;
    for (to, body, status, said) in [
        ("/team/layout", json!({}), 422, "`id` is not given, but must be the number of a widget"),
        (
            "/team/layout",
            json!({ "id": 1, "to": "away" }),
            422,
            "`to` is `away`, but must be up, down, left or right",
        ),
        (
            "/team/layout",
            json!({ "left": [1], "right": [] }),
            422,
            "a layout names each widget of the hub once: 2 is missing",
        ),
        (
            "/team/layout",
            json!({ "left": "1", "right": [] }),
            422,
            "`left` is `\"1\"`, but must be a list of the numbers of widgets",
        ),
        (
            "/team/people",
            json!({ "username": "ralph", "role": "king" }),
            422,
            "`role` is `\"king\"`, but must be owner, member or none",
        ),
        (
            "/team/people",
            json!({ "people": { "duffy": null, "gnokii": null } }),
            422,
            "the hub `team` must keep an owner; make somebody else one first",
        ),
        (
            "/team/people",
            json!({ "username": "nask0" }),
            422,
            "`role` is not given, but must be owner, member or none",
        ),
        (
            "/team/revert",
            json!({ "change": "x" }),
            422,
            "`change` is `x`, but must be the number of a change",
        ),
        (
            "/team/revert",
            json!({ "change": 9 }),
            404,
            "the history of the hub `team` has no change 9; the last 2000 changes are kept",
        ),
        (
            "/team/9/delete",
            json!({}),
            404,
            "there is no widget 9 on the hub `team`; it may have been removed",
        ),
        (
            "/team/9/edit",
            json!({}),
            404,
            "There is no widget 9 on the hub `team`; it may have been removed.",
        ),
        (
            "/team/1/edit",
            json!({ "config": 3 }),
            400,
            "What was sent is not the JSON that is taken here: `config` is 3, but must be an object of settings",
        ),
        (
            "/team/1/edit",
            json!({ "config": { "limit": 0 } }),
            422,
            "`limit` of widget `note` is 0, but must be a whole number from 1 to 9",
        ),
        (
            "/team/1/edit",
            json!({ "config": { "text": "x".repeat(20_001) } }),
            422,
            "`text` of widget `note` has 20001 letters, but 20000 is the most",
        ),
        (
            "/team/1/edit",
            json!({ "config": { "names": vec!["ralph"; 201] } }),
            422,
            "`names` of widget `note` has 201 entries, but 200 is the most",
        ),
        (
            "/team/details",
            json!({ "avatar": "http://example.org/a.png" }),
            422,
            "`avatar` is \"http://example.org/a.png\", but must be empty, or the address of a picture that starts with https://",
        ),
        (
            "/team/widgets",
            json!({ "widget": "../x" }),
            404,
            "`../x` is no name of a widget: words of a-z, 0-9 and `_`, joined by dots, as in `workflow.updates2stable`",
        ),
    ] {
        assert_eq!(duffy.refused(to, body).await, (status, said.to_owned()), "{to}");
    }
    let said = duffy.post("/team/1/edit", json!({ "config": { "limit": 0, "tone": 1 } })).await;
    let problems = said.json()["problems"].clone();
    let names: Vec<_> = problems.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["limit", "tone"]);

    let raw = async |duffy: &mut Program, kind: &str, body: String| {
        let request = duffy.visitor.request(Method::POST, "/team/details");
        let request =
            request.header("x-csrf-token", &duffy.token).header(header::CONTENT_TYPE, kind);
        let said = duffy.visitor.send(request.body(body)).await;
        (said.status, said.json()["error"].as_str().unwrap().to_owned())
    };
    let (status, said) = raw(&mut duffy, "application/json", "[1]".into()).await;
    assert!(
        status == 400 && said.starts_with("What was sent is not the JSON that is taken here: "),
        "{said}"
    );
    let (status, said) = raw(&mut duffy, "text/plain", String::new()).await;
    assert_eq!(
        (status, &*said),
        (
            415,
            "`Content-Type` is text/plain, but must be application/x-www-form-urlencoded or application/json."
        )
    );
    let (status, _) = raw(&mut duffy, "application/json", "x".repeat(600_000)).await;
    assert_eq!(status, 413);

    // An archived hub rests.
    let version = duffy.done("/team/details", json!({ "archived": true })).await;
    let (status, said) = duffy.refused("/team/1/delete", json!({})).await;
    assert!(status == 409 && said.contains("is archived"), "{said}");
    let page = duffy.visitor.get("/team/edit").await.plain();
    assert!(
        page.contains("This hub is archived") && page.contains("duffy archived the hub"),
        "{page}"
    );
    duffy.done("/team/revert", json!({ "change": version })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_settings_and_is_told_what_it_changed() {
    let house = house().await;
    let mut duffy = Program::of(&house, "duffy").await;
    let read = duffy.visitor.get_json("/team/1/edit").await.json();
    assert_eq!((&read["version"], &read["config"]), (&json!(0), &json!({ "text": "first" })));
    assert_eq!(read["parameters"][0]["kind"], "integer");
    let whole = duffy.visitor.get_json("/team/edit").await.json();
    assert_eq!((&whole["version"], &whole["details"]["summary"]), (&json!(0), &json!("We draw")));
    assert_eq!(whole["columns"], json!({ "left": [1, 2], "right": [3] }));
    let said = duffy
        .post("/team/1/edit", json!({ "version": 0, "config": { "text": "second" } }))
        .await
        .json();
    assert_eq!((&said["version"], &said["id"]), (&json!(1), &json!(1)));
    assert_eq!(said["change"]["before"], json!({ "text": "first" }));
    let said = duffy
        .post("/team/1/edit", json!({ "version": 1, "config": { "text": "second" } }))
        .await
        .json();
    assert_eq!((&said["version"], &said["change"]), (&json!(1), &Value::Null), "nothing is new");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_made_and_taken_off_by_plain_forms() {
    let house = house().await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let give = [("username", " ralph "), ("role", "owner")];
    assert_eq!(duffy.post("/team/people", &give).await.goes_to(), "/team/edit?done=1#people");
    let mut ralph = Visitor::named(&house, "ralph").await;
    assert_eq!(ralph.get("/team/edit").await.status, 200);
    assert_eq!(
        ralph.post("/team/people", &[("username", "gnokii"), ("role", "none")]).await.status,
        303
    );
    let page = duffy.get("/team/edit").await.plain();
    assert!(
        page.contains("ralph took gnokii off the list")
            && page.contains("duffy made ralph an owner"),
        "{page}"
    );
    let told = house.json("/team/json").await;
    assert_eq!(told["owners"], json!(["duffy", "ralph"]));
    let said = duffy.post("/team/people", &[("username", "../etc"), ("role", "owner")]).await;
    assert!(
        said.status == 422 && said.plain().contains("usernames, as in `ralph`"),
        "{}",
        said.plain()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_too_much_at_once_is_asked_to_wait() {
    let house = house().await;
    let mut duffy = Program::of(&house, "duffy").await;
    for tries in 0.. {
        let said = duffy.post("/team/layout", json!({ "id": 1, "to": "up" })).await;
        if said.status == 200 {
            assert!(tries < 1_000, "it never ends");
            continue;
        }
        assert!(said.status == 429 && tries >= 300, "{} after {tries}", said.status);
        assert_eq!(said.header("retry-after"), "1");
        assert_eq!(said.json()["error"], "Those were too many changes at once. Go on in 1 s.");
        break;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_for_the_banner_is_shown_above_the_hub() {
    let house = house().await;
    let mut duffy = Program::of(&house, "duffy").await;
    let banner = "https://example.org/b.png?a=1&b=%22";
    duffy.done("/team/details", json!({ "banner": banner })).await;
    let page = duffy.visitor.get("/team").await.text;
    assert!(page.contains("<img src=\"https://example.org/b.png?a=1&amp;b=%22\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bookmarks_are_in_the_navigation_of_who_is_logged_in() {
    let house = TestHouse::demo().await;
    let mut decause = Visitor::named(&house, "decause").await;
    let page = decause.get("/designteam").await.text;
    let nav = page
        .split("class=\"bookmarks\"")
        .nth(1)
        .expect("bookmarks")
        .split("</nav>")
        .next()
        .unwrap();
    for (hub, idle) in [
        ("designteam", "none"),
        ("i18n", "year"),
        ("infrastructure", "none"),
        ("marketing", "month"),
    ] {
        let link = format!("<a class=\"idle-{idle}\" href=\"/{hub}\">{hub}</a>");
        assert!(nav.contains(&link), "{link} is missing in {nav}");
    }
    assert!(nav.contains("href=\"/decause\"") && !nav.contains("href=\"/ralph\""), "{nav}");
    assert!(!Visitor::of(&house).get("/designteam").await.text.contains("class=\"bookmarks\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_hubs_people_and_widgets() {
    let house = TestHouse::demo().await;
    let mut visitor = Visitor::of(&house);
    for (sought, found) in
        [("infra", "/infrastructure"), ("mattdm", "/mattdm"), ("badges", "/widgets/badges")]
    {
        let page = visitor.get(&format!("/?q={sought}")).await.text;
        assert!(page.contains(&format!("href=\"{found}\"")), "{sought}");
    }
    let page = visitor.get("/?q=zzzz").await.plain();
    assert!(page.contains("no such people or widgets"), "{page}");
}

/// What a hub must be after its history.
#[derive(Debug, PartialEq)]
struct Told {
    details: Config,
    roles: BTreeMap<String, String>,
    left: Vec<InstanceId>,
    right: Vec<InstanceId>,
    widgets: BTreeMap<InstanceId, (Value, Config)>,
}

impl Told {
    fn of(sheet: &Sheet) -> Self {
        let of = |column| {
            let here = sheet.instances.iter().filter(|one| one.column == column);
            here.map(|one| one.id).collect()
        };
        let role = |names: &[String], role: &str| -> Vec<_> {
            names.iter().map(|name| (name.clone(), role.to_owned())).collect()
        };
        let widget = |one: &hubs::hub::Instance| (one.id, (json!(one.widget), one.config.clone()));
        let mut roles = role(&sheet.hub.owners, "owner");
        roles.extend(role(&sheet.hub.members, "member"));
        Self {
            details: Details::of(&sheet.hub).to_map(),
            roles: roles.into_iter().collect(),
            left: of(Column::Left),
            right: of(Column::Right),
            widgets: sheet.instances.iter().map(widget).collect(),
        }
    }

    fn put(&mut self, id: InstanceId, place: &Value) {
        self.left.retain(|known| *known != id);
        self.right.retain(|known| *known != id);
        let column = if place["column"] == "left" { &mut self.left } else { &mut self.right };
        column.insert(usize::try_from(place["position"].as_u64().unwrap()).unwrap(), id);
    }

    fn take(&mut self, revision: &Revision) {
        let map = |value: &Value| value.as_object().cloned().unwrap();
        let (after, id) = (&revision.after, revision.instance.unwrap_or(InstanceId(0)));
        match revision.what {
            What::Added => {
                self.widgets.insert(id, (after["widget"].clone(), map(&after["config"])));
                self.put(id, after);
            }
            What::Removed => {
                self.widgets.remove(&id);
                self.left.retain(|known| *known != id);
                self.right.retain(|known| *known != id);
            }
            What::Configured => self.widgets.get_mut(&id).unwrap().1 = map(after),
            What::Moved => self.put(id, after),
            What::Arranged => {
                self.left = serde_json::from_value(after["left"].clone()).unwrap();
                self.right = serde_json::from_value(after["right"].clone()).unwrap();
            }
            What::Described => self.details.extend(map(after)),
            What::Appointed => {
                for (name, role) in map(after) {
                    match role.as_str() {
                        Some(role) => self.roles.insert(name, role.into()),
                        None => self.roles.remove(&name),
                    };
                }
            }
        }
    }
}

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.roll(some.len())]
    }
}

/// Something that an owner might do who has seen the hub as it was at `version`.
fn some_edit(dice: &mut Dice, told: &Value, version: u64) -> (String, Value) {
    let ids: Vec<u64> = serde_json::from_value(told["widgets"].clone()).unwrap();
    let id = if ids.is_empty() { 1 } else { dice.of(&ids) };
    match dice.roll(9) {
        0 => {
            let column = dice.of(&["left", "right"]);
            ("/team/widgets".into(), json!({ "widget": "note", "column": column }))
        }
        1 | 2 => {
            let text = format!("text {}", dice.roll(1000));
            let config = json!({ "text": text, "limit": dice.roll(9) + 1 });
            (format!("/team/{id}/edit"), json!({ "version": version, "config": config }))
        }
        3 => {
            let to = dice.of(&["up", "down", "left", "right"]);
            ("/team/layout".into(), json!({ "id": id, "to": to }))
        }
        4 => {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for id in ids {
                let column = if dice.roll(2) == 0 { &mut left } else { &mut right };
                column.insert(dice.roll(column.len() + 1), id);
            }
            let body = json!({ "version": version, "left": left, "right": right });
            ("/team/layout".into(), body)
        }
        5 => (format!("/team/{id}/delete"), json!({})),
        6 => {
            let summary = format!("summary {}", dice.roll(1000));
            let width = dice.roll(11) + 1;
            let body = json!({ "version": version, "summary": summary, "left_width": width });
            ("/team/details".into(), body)
        }
        7 => {
            let name = format!("person{}", dice.roll(5));
            let role = dice.of(&["owner", "member", "none"]);
            let body = json!({ "version": version, "username": name, "role": role });
            ("/team/people".into(), body)
        }
        _ => {
            // Not the first, by which some of them became owners.
            let known = usize::try_from(version.max(1)).unwrap();
            ("/team/revert".into(), json!({ "change": dice.roll(known) + 2 }))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_edits_of_four_at_once_lose_nothing() {
    let house = house().await;
    let store = store(&house).await;
    let before = Told::of(&store.sheet(&team()).await.unwrap().unwrap());
    let mut root = Program::of(&house, "root").await;
    root.done("/team/people", json!({ "people": { "ralph": "owner", "mizmo": "owner" } })).await;
    let clients = ["duffy", "gnokii", "ralph", "mizmo"].into_iter().zip(1..).map(|(name, seed)| {
        let house = &house;
        async move {
            let mut client = Program::of(house, name).await;
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
            let (mut done, mut seen) = (Vec::new(), 0);
            for _ in 0..250 {
                let told = house.json("/team/json").await;
                let (to, body) = some_edit(&mut dice, &told, seen);
                let said = client.post(&to, body.clone()).await;
                assert!(
                    matches!(said.status, 200 | 404 | 409 | 422),
                    "{to} {body}: {} {}",
                    said.status,
                    said.text
                );
                let answer = said.json();
                if said.status == 200 && !answer["change"].is_null() {
                    done.push(answer["change"].clone());
                }
                // Sometimes they look again, and sometimes what they see is from before.
                if let Some(version) = answer["version"].as_u64().filter(|_| dice.roll(3) == 0) {
                    seen = version;
                }
                if let Some(version) = answer["conflict"]["version"].as_u64() {
                    seen = version;
                }
            }
            done
        }
    });
    let done = futures_util::future::join_all(clients).await;
    house.idle().await;
    let sheet = store.sheet(&team()).await.unwrap().unwrap();
    let mut revisions = store.revisions(&team(), None, 2_000).await.unwrap();
    revisions.reverse();
    // What was answered as done is in the history, each once, and nothing else is.
    let mut answered: Vec<Value> = done.into_iter().flatten().collect();
    answered.sort_by_key(|change| change["version"].as_u64());
    let kept: Vec<Value> = revisions.iter().skip(1).map(|revision| json!(revision)).collect();
    assert!(answered.len() > 300, "{} edits were done", answered.len());
    assert_eq!(answered, kept);
    // The history leads from what was to what is.
    let mut told = before;
    for revision in &revisions {
        told.take(revision);
    }
    assert_eq!(told, Told::of(&sheet));
    // And pages show what is stored.
    let shown = house.json("/team/json").await;
    assert_eq!(shown["columns"]["left"], json!(told.left));
    assert_eq!(shown["columns"]["right"], json!(told.right));
    let page = root.visitor.get("/team").await.text;
    let places: Vec<u64> = page
        .split("<article class=\"card")
        .skip(1)
        .map(|card| {
            card.split("data-id=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        })
        .collect();
    let all: Vec<u64> = told.left.iter().chain(&told.right).map(|id| id.0).collect();
    assert_eq!(places, all);
    for instance in sheet.instances.iter().filter(|one| one.widget.as_str() == "note") {
        let view = house.json(&format!("/team/{}/json", instance.id)).await;
        let text = instance.config.get("text").cloned().unwrap_or_else(|| json!("empty"));
        assert_eq!((&view["data"]["text"], &view["state"]), (&text, &json!("fresh")));
    }
}

#[test]
fn hubs_are_listed_shown_exported_and_imported() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut house = runtime.block_on(house());
    runtime.block_on(async {
        let mut duffy = Program::of(&house, "duffy").await;
        duffy
            .done("/team/1/edit", json!({ "config": { "text": "second \"quoted\"\nline" } }))
            .await;
        duffy.done("/team/details", json!({ "summary": "We draw more" })).await;
        house.stop().await;
    });
    let folder = house.path("");
    let said = |arguments: &[&str]| check(&folder, arguments);
    assert!(said(&["hub", "list"]).contains("team   We draw more"), "{}", said(&["hub", "list"]));
    let shown = said(&["hub", "show", "team"]);
    assert!(
        shown.contains("owners       duffy, gnokii") && shown.contains("left      1  note"),
        "{shown}"
    );
    let log = said(&["hub", "log", "team"]);
    assert!(
        log.contains("duffy: configured 1")
            && log.contains("summary: \"We draw\" -> \"We draw more\""),
        "{log}"
    );
    let near = said(&["hub", "show", "taem"]);
    assert!(near.contains("there is no hub `taem`; did you mean `team`?"), "{near}");

    let elsewhere = site(&files());
    let there = |arguments: &[&str]| check(elsewhere.path(), arguments);
    assert!(
        there(&["hub", "list"]).contains("there is no store at"),
        "{}",
        there(&["hub", "list"])
    );
    for format in ["human", "json"] {
        let exported = hubs(&folder, &["hub", "export", "team", "--format", format]);
        assert!(exported.status.success());
        std::fs::write(folder.join("team.txt"), &exported.stdout).unwrap();
        let again = said(&["hub", "import", "team.txt"]);
        assert!(again.starts_with("exit 1") && again.contains("team: is there already"), "{again}");
        let same = said(&["hub", "import", "team.txt", "--replace"]);
        assert!(same.contains("team: 0 changes"), "{same}");
        let text = String::from_utf8(exported.stdout).unwrap();
        let other = text
            .replace("We draw more", "We draw most")
            .replace("second", "third")
            .replace("nask0", "ralph");
        std::fs::write(folder.join("other.txt"), &other).unwrap();
        let changed = said(&["hub", "import", "other.txt", "--replace"]);
        assert!(changed.contains("team: 8 changes"), "{changed}");
        let shown = said(&["hub", "show", "team"]);
        assert!(
            shown.contains("We draw most")
                && shown.contains("third")
                && shown.contains("members      ralph"),
            "{shown}"
        );
        assert!(said(&["hub", "log", "team", "--count", "1"]).contains("hubs hub import: added"));
        said(&["hub", "import", "team.txt", "--replace"]);
        let new = other.replace("team", "crew");
        std::fs::write(folder.join("new.txt"), &new).unwrap();
        let made = said(&["hub", "import", "new.txt"]);
        assert!(format == "json" || made.contains("crew: made"), "{made}");
    }
    std::fs::write(
        folder.join("bad.toml"),
        "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"noet\"\n",
    )
    .unwrap();
    let refused = said(&["hub", "import", "bad.toml"]);
    assert!(refused.starts_with("exit 2") && refused.contains("noet"), "{refused}");
    std::fs::write(folder.join("empty.toml"), "").unwrap();
    assert!(said(&["hub", "import", "empty.toml"]).contains("has no `[[hub]]`"));
    assert!(said(&["hub", "import", "none.toml"]).contains("none.toml can't be read"));
    std::fs::write(folder.join("bad.json"), "{").unwrap();
    assert!(said(&["hub", "import", "bad.json"]).contains("bad.json is no JSON"));
}
