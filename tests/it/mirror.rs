//! A hub that is like a group in FAS.

use crate::harness::{PATIENCE, TestHouse};
use crate::visitor::Visitor;
use serde_json::{Value, json};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn has(fas: &MockServer, sponsors: &[&str], members: &[&[&str]]) {
    fas.reset().await;
    let list = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "username": name, "human_name": name })).collect()
    };
    let answer = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let sponsors = answer(json!({ "result": list(sponsors) }));
    Mock::given(path("/v1/groups/design-team/sponsors/")).respond_with(sponsors).mount(fas).await;
    for (number, part) in (1..).zip(members) {
        let page = json!({ "total_pages": members.len(), "page_number": number });
        Mock::given(path("/v1/groups/design-team/members/"))
            .and(query_param("page_number", number.to_string()))
            .respond_with(answer(json!({ "result": list(part), "page": page })))
            .mount(fas)
            .await;
    }
}

async fn house(fas: &MockServer) -> TestHouse {
    let file = format!(
        "[fas]\nurl = \"{}\"\nusername = \"hubs\"\npassword = \"x\"\n[sandbox]\nallow_private_addresses = true\n\
         [[hub]]\nname = \"design\"\nfas_group = \"design-team\"\nowners = [\"duffy\"]\nmembers = [\"gone\"]\n",
        fas.uri()
    );
    TestHouse::with(&[("hubs.toml", &file)]).await
}

/// Asks until a hub's people are these.
async fn until(house: &TestHouse, owners: &[&str], members: &[&str]) {
    let waiting = async {
        loop {
            let hub = house.json("/design/json").await;
            if hub["owners"] == json!(owners) && hub["members"] == json!(members) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the hub becomes like its group");
}

fn told(topic: &str, group: &str) -> String {
    let at = jiff::Timestamp::now();
    json!({
        "topic": format!("org.fedoraproject.prod.{topic}"), "id": format!("{topic}-{at}"),
        "headers": { "sent-at": at.to_string() },
        "body": { "agent": "duffy", "group": group, "user": "nask0" },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_has_the_people_of_its_group_and_follows_it() {
    let fas = MockServer::start().await;
    has(&fas, &["mizmo"], &[&["mizmo", "ryanlerch"], &["gnokii"]]).await;
    let house = house(&fas).await;
    // Whom hubs.toml names stays an owner; who is not in the group goes.
    until(&house, &["duffy", "mizmo"], &["duffy", "gnokii", "mizmo", "ryanlerch"]).await;

    has(&fas, &["gnokii"], &[&["mizmo", "nask0", "gnokii"]]).await;
    house.replay(told("fas.group.member.sponsor", "another-team")).await;
    house.replay(told("fas.group.member.sponsor", "design-team")).await;
    until(&house, &["duffy", "gnokii"], &["duffy", "gnokii", "mizmo", "nask0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_it_is_decided_in_fas() {
    let fas = MockServer::start().await;
    has(&fas, &[], &[&["gnokii"]]).await;
    let house = house(&fas).await;
    until(&house, &["duffy"], &["duffy", "gnokii"]).await;
    for (name, deed) in [("ralph", "join"), ("gnokii", "leave")] {
        let mut visitor = Visitor::named(&house, name).await;
        let said = visitor.post_json(&format!("/api/hub/design/{deed}")).await;
        assert_eq!(said.status, 403);
        assert_eq!(
            said.json()["error"],
            "Who is in `design` is decided in FAS: it is like the group `design-team` there. Join or leave that one."
        );
        let page = visitor.get("/design").await.text;
        assert!(
            page.contains("/api/hub/design/subscribe")
                && !page.contains(&format!("/design/{deed}\""))
        );
    }
    // Not even by an owner who edits it.
    let mut duffy = Visitor::named(&house, "duffy").await;
    let said = duffy.post("/design/people", &[("username", "ralph"), ("role", "owner")]).await;
    assert!(said.status == 403 && said.plain().contains("is decided in FAS"), "{}", said.plain());
    let page = duffy.get("/design/edit").await;
    assert!(!page.text.contains("/design/people") && page.plain().contains("design-team"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_fas_can_t_answer_everything_stays() {
    let fas = MockServer::start().await;
    let house = house(&fas).await;
    house.replay(told("fas.group.member.remove", "design-team")).await;
    let asked = async {
        while fas.received_requests().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("FAS is asked");
    until(&house, &["duffy"], &["duffy", "gone"]).await;
}
