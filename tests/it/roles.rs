//! What people are to hubs, by their own doing; and who hears of it.

use crate::harness::TestHouse;
use crate::visitor::Visitor;
use reqwest::Method;
use serde_json::{Value, json};

/// Counts the messages of hubs itself that are in the history.
const TOLD: &str = r#"fn should_invalidate(message, widget) { message.category == "hubs" }
fn data(widget) { #{ told: datanommer::grep(#{ categories: ["hubs"] }).messages.map(|m| `${m.title} ${m.msg.hub_name} ${m.msg.role}`) } }
"#;

async fn house() -> TestHouse {
    let hub = |name: &str, visibility: &str| {
        format!(
            "[[hub]]\nname = \"{name}\"\nvisibility = \"{visibility}\"\nowners = [\"duffy\"]\nmembers = [\"mia\"]\n\
             [[hub.widget]]\nwidget = \"stats\"\ncolumn = \"left\"\n[[hub.widget]]\nwidget = \"told\"\n"
        )
    };
    let file = format!(
        "[user_hub]\nwidgets = []\n{}{}{}",
        hub("open", "public"),
        hub("ajar", "preview"),
        hub("closed", "private")
    );
    TestHouse::with(&[
        ("hubs.toml", &file),
        ("widgets/told.rhai", TOLD),
        ("templates/widgets/told.html", "{{ told | join(sep=\", \") }}"),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_twice_is_so_after_the_first_time() {
    let house = house().await;
    let mut ralph = Visitor::named(&house, "ralph").await;
    for (deed, changed, roles) in [
        ("subscribe", true, json!(["subscriber"])),
        ("subscribe", false, json!(["subscriber"])),
        ("star", true, json!(["subscriber", "stargazer"])),
        ("join", true, json!(["member", "subscriber", "stargazer"])),
        ("join", false, json!(["member", "subscriber", "stargazer"])),
        ("unsubscribe", true, json!(["member", "stargazer"])),
        ("unsubscribe", false, json!(["member", "stargazer"])),
        ("leave", true, json!(["stargazer"])),
        ("leave", false, json!(["stargazer"])),
        ("unstar", true, json!([])),
        ("unstar", false, json!([])),
    ] {
        let said = ralph.post_json(&format!("/api/hub/open/{deed}")).await;
        assert_eq!(said.status, 200, "{deed}: {}", said.text);
        let told =
            json!({ "hub": "open", "username": "ralph", "roles": roles, "changed": changed });
        assert_eq!(said.json(), told, "{deed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_leads_back_to_the_hub_whose_buttons_are_others_then() {
    let house = house().await;
    let mut ralph = Visitor::named(&house, "ralph").await;
    let has = |page: &str, deed: &str| page.contains(&format!("action=\"/api/hub/open/{deed}\""));
    let page = ralph.get("/open").await.text;
    assert!(has(&page, "subscribe") && has(&page, "star") && has(&page, "join"), "{page}");
    for deed in ["subscribe", "star", "join"] {
        let said = ralph.post(&format!("/api/hub/open/{deed}"), &[]).await;
        assert_eq!((said.status, said.goes_to()), (303, "/open"));
    }
    let page = ralph.get("/open").await.text;
    assert!(has(&page, "unsubscribe") && has(&page, "unstar") && has(&page, "leave"), "{page}");
    let stranger = Visitor::of(&house).get("/open").await.text;
    assert!(!stranger.contains("/api/hub/"), "a stranger has no buttons");
    let owner = Visitor::named(&house, "duffy").await.get("/open").await.text;
    assert!(!has(&owner, "leave") && !has(&owner, "join"), "the last owner stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_logged_in_is_asked_to() {
    let house = house().await;
    let mut stranger = Visitor::of(&house);
    let said = stranger.post_json("/api/hub/open/subscribe").await;
    assert_eq!(
        (said.status, said.text.as_str()),
        (401, r#"{"error":"Log in first: this is about who you are."}"#)
    );
    let said = stranger.post("/api/hub/open/subscribe", &[]).await;
    assert_eq!((said.status, said.goes_to()), (303, "/login?next=/open&again=1"));
    assert_eq!(stranger.get("/api/hub/open/subscribe").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_is_refused_in_words() {
    let house = house().await;
    let mut ralph = Visitor::named(&house, "ralph").await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let mut mia = Visitor::named(&house, "mia").await;
    let closed = "There is no hub `closed`, or it is not for you.";
    for deed in ["subscribe", "star", "join", "leave"] {
        let said = ralph.post_json(&format!("/api/hub/closed/{deed}")).await;
        assert_eq!((said.status, said.json()["error"].as_str().unwrap()), (404, closed), "{deed}");
    }
    let nowhere = ralph.post_json("/api/hub/nowhere/join").await;
    assert_eq!(nowhere.json()["error"], closed.replace("closed", "nowhere"), "in the same words");
    let said = ralph.post_json("/api/hub/ajar/join").await;
    assert_eq!(said.status, 403);
    assert!(said.text.contains("Nobody joins `ajar` by themselves"), "{}", said.text);
    assert_eq!(ralph.post_json("/api/hub/ajar/subscribe").await.status, 200);
    let said = ralph.post_json("/api/hub/open/marry").await;
    assert_eq!(said.status, 404, "{}", said.text);
    let said = duffy.post_json("/api/hub/closed/leave").await;
    assert_eq!(said.status, 409);
    assert!(said.text.contains("You are the only owner of `closed`"), "{}", said.text);
    let said = duffy.post("/api/hub/closed/leave", &[]).await;
    assert!(said.status == 409 && said.plain().contains("Not done"), "{}", said.text);
    // Whoever leaves what others can't see has nowhere to come back to.
    assert_eq!(mia.post("/api/hub/closed/leave", &[]).await.goes_to(), "/");
    assert_eq!(mia.get("/closed").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_told_and_redraws_what_counts_it() {
    let house = house().await;
    let stats = house.instance("open", "stats").await;
    house.idle().await;
    let mut ear = house.listen("open").await;
    let mut ralph = Visitor::named(&house, "ralph").await;
    ralph.post_json("/api/hub/open/subscribe").await;
    let event = ear.next_where(|data| data["id"] == stats).await;
    assert_eq!(event.data["data"]["subscribers"], 1);
    assert!(
        event.data["invalidated_by"]["topic"].as_str().unwrap().ends_with("hubs.user.role.added")
    );
    ralph.post_json("/api/hub/open/unsubscribe").await;
    let event = ear.next_where(|data| data["id"] == stats).await;
    assert_eq!(event.data["data"]["subscribers"], 0);
    assert!(
        event.data["invalidated_by"]["topic"].as_str().unwrap().ends_with("hubs.user.role.removed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hub_that_is_not_public_no_message_tells() {
    let house = house().await;
    let told = house.instance("open", "told").await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    let ids = duffy.get_json("/closed/json").await.json()["widgets"].clone();
    let stats = ids[0].as_u64().unwrap();
    let path = format!("/closed/{stats}/json");
    assert_eq!(duffy.get_json(&path).await.json()["data"]["stars"], 0);
    for hub in ["closed", "ajar", "open"] {
        assert_eq!(duffy.post_json(&format!("/api/hub/{hub}/star")).await.status, 200);
    }
    house.idle().await;
    let data: Value = house.json(&format!("/open/{told}/json")).await["data"].clone();
    let said: Vec<_> = data["told"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let roles: Vec<_> = said.into_iter().filter(|one| one.contains("role")).collect();
    assert_eq!(roles, ["hubs.user.role.added open stargazer"]);
    assert_eq!(duffy.get_json(&path).await.json()["data"]["stars"], 1, "its own widgets know");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_ends_closes_the_streams_that_it_opened() {
    let house = house().await;
    let mut mia = Visitor::named(&house, "mia").await;
    let mut duffy = Visitor::named(&house, "duffy").await;
    house.idle().await;
    let open = async |visitor: &Visitor| {
        let answer = visitor.request(Method::GET, "/closed/events").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer
    };
    let mine = open(&mia).await;
    mia.post_json("/api/hub/closed/leave").await;
    let rest = tokio::time::timeout(crate::harness::PATIENCE, mine.text()).await;
    let rest = rest.expect("the stream ends").unwrap();
    assert!(!rest.contains("event:"), "and tells nothing before: {rest}");
    // And who logs out hears nothing more of what was for them.
    let stream = open(&duffy).await;
    duffy.post("/logout", &[]).await;
    tokio::time::timeout(crate::harness::PATIENCE, stream.text()).await.expect("it ends").unwrap();
}
