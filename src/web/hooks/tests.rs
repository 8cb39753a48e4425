//! Deliveries as GitHub makes them, and as nobody should.

use super::*;
use crate::bus;
use crate::message::Message;
use axum::http::HeaderName;
use serde_json::Value;

const SECRET: &str = "It's a Secret to Everybody";
const ID: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

/// Webhooks, and what came through them. The other end acknowledges at once.
struct Desk {
    webhooks: Webhooks,
    arrived: mpsc::UnboundedReceiver<Message>,
}

fn noon() -> Timestamp {
    "2026-05-05T12:00:00Z".parse().unwrap()
}

impl Desk {
    fn new() -> Self {
        let (sender, mut receiver) = bus::channel();
        let (on, arrived) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Delivery { message, done, .. }) = receiver.recv().await {
                on.send(message).unwrap();
                let _ = done.unwrap().send(());
            }
        });
        let secret = Some(Secret::new(SECRET));
        Self { webhooks: Webhooks::new(sender, secret, "stg".into(), noon), arrived }
    }

    async fn take(&self, body: &str, changed: &[(&str, &str)]) -> Result<Taken, Refused> {
        self.webhooks.take(&headers(body, changed), Body::from(body.to_owned())).await
    }
}

/// Those of GitHub, some of them changed; what is changed to nothing is left out.
fn headers(body: &str, changed: &[(&str, &str)]) -> HeaderMap {
    let signature = signature::hmac(SECRET.as_bytes(), body.as_bytes());
    let signature = format!("sha256={}", signature::hex(&signature));
    let mut headers: HeaderMap = HeaderMap::new();
    let usual = [
        ("content-type", "application/json"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("x-github-event", "issues"),
        ("x-github-delivery", ID),
        ("x-hub-signature-256", &signature),
    ];
    for (name, value) in usual.into_iter().chain(changed.iter().copied()) {
        let name: HeaderName = name.parse().unwrap();
        if value.is_empty() {
            headers.remove(name);
        } else {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

fn issue() -> Value {
    json!({
        "action": "opened",
        "issue": {
            "number": 7, "title": "Feed is empty", "labels_url": "https://api.github.com/x{/name}",
            "html_url": "https://github.com/fedora-infra/hubs/issues/7",
            "labels": [{ "name": "bug", "events_url": "https://api.github.com/y" }],
        },
        "repository": { "full_name": "fedora-infra/hubs", "keys_url": "https://api.github.com/z" },
        "sender": { "login": "ralphbean" },
    })
}

#[tokio::test]
async fn a_signed_delivery_becomes_a_message_as_fedmsg_had_it() {
    let mut desk = Desk::new();
    let taken = desk.take(&issue().to_string(), &[]).await.unwrap();
    let topic = "org.fedoraproject.stg.github.issues.opened";
    let id = format!("2026-{ID}");
    assert_eq!(taken, Taken::Now { topic: topic.into(), id: id.clone() });
    let message = desk.arrived.recv().await.unwrap();
    assert_eq!((message.topic.as_str(), &message.id), (topic, &id));
    assert_eq!(
        (message.sent_at, message.description.title.as_str()),
        (noon(), "github.issues.opened")
    );
    let body = json!({
        "action": "opened",
        "fas_usernames": {},
        "issue": {
            "number": 7, "title": "Feed is empty",
            "html_url": "https://github.com/fedora-infra/hubs/issues/7",
            "labels": [{ "name": "bug" }],
        },
        "repository": { "full_name": "fedora-infra/hubs" },
        "sender": { "login": "ralphbean" },
    });
    assert_eq!(*message.body, body);
}

#[tokio::test]
async fn events_without_an_action_and_pings_have_shorter_topics() {
    let mut desk = Desk::new();
    let push = json!({ "ref": "refs/heads/main", "commits": [] }).to_string();
    desk.take(&push, &[("x-github-event", "push"), ("x-github-delivery", "1")]).await.unwrap();
    let ping = json!({ "zen": "Keep it logically awesome.", "hook_id": 3, "hook": { "config": { "url": "x" } } });
    let changed = [("x-github-event", "ping"), ("x-github-delivery", "2")];
    desk.take(&ping.to_string(), &changed).await.unwrap();
    let (push, ping) = (desk.arrived.recv().await.unwrap(), desk.arrived.recv().await.unwrap());
    assert_eq!(push.topic.as_str(), "org.fedoraproject.stg.github.push");
    assert_eq!(ping.topic.as_str(), "org.fedoraproject.stg.github.webhook");
    let body = json!({ "zen": "Keep it logically awesome.", "hook_id": 3, "fas_usernames": {} });
    assert_eq!(*ping.body, body);
}

#[tokio::test]
async fn an_action_that_is_no_word_is_not_in_the_topic() {
    let mut desk = Desk::new();
    for (n, (action, topic)) in [
        (json!("on-demand-test"), "github.repository_dispatch.on-demand-test"),
        (json!("a.b #"), "github.repository_dispatch"),
        (json!(null), "github.repository_dispatch"),
        (json!(["x"]), "github.repository_dispatch"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "action": action }).to_string();
        let id = n.to_string();
        let changed = [("x-github-event", "repository_dispatch"), ("x-github-delivery", &*id)];
        desk.take(&body, &changed).await.unwrap();
        let message = desk.arrived.recv().await.unwrap();
        assert_eq!((message.topic.suffix(), &message.body["action"]), (topic, &action));
    }
}

#[tokio::test]
async fn a_form_is_read_too_and_its_signature_is_over_the_form() {
    let mut desk = Desk::new();
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &issue().to_string())
        .finish();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    desk.take(&form, &kind).await.unwrap();
    assert_eq!(desk.arrived.recv().await.unwrap().body["issue"]["number"], 7);
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_taken_once() {
    let mut desk = Desk::new();
    let body = issue().to_string();
    assert!(matches!(desk.take(&body, &[]).await, Ok(Taken::Now { .. })));
    assert_eq!(desk.take(&body, &[]).await, Ok(Taken::Before { delivery: ID.into() }));
    assert!(desk.arrived.recv().await.is_some() && desk.arrived.try_recv().is_err());
}

#[tokio::test]
async fn what_happens_in_a_private_repository_is_left_out() {
    let mut desk = Desk::new();
    let mut body = issue();
    body["repository"]["private"] = true.into();
    assert_eq!(desk.take(&body.to_string(), &[]).await, Ok(Taken::Private));
    assert!(desk.arrived.try_recv().is_err());
    let answer = Taken::Private.into_response();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let answer = axum::body::to_bytes(answer.into_body(), 1_000).await.unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("the repository is private"));
}

#[tokio::test]
async fn a_delivery_that_could_not_be_kept_may_come_again() {
    let (sender, receiver) = bus::channel();
    drop(receiver);
    let webhooks = Webhooks::new(sender, Some(Secret::new(SECRET)), "prod".into(), noon);
    let body = issue().to_string();
    for _ in 0..2 {
        let taken = webhooks.take(&headers(&body, &[]), Body::from(body.clone())).await;
        assert_eq!(taken, Err(Refused::Stopping));
    }
}

#[tokio::test]
async fn what_is_not_githubs_is_refused_and_told_why() {
    let mut desk = Desk::new();
    let good = issue().to_string();
    for (body, changed, status, said) in [
        (
            &*good,
            ("x-hub-signature-256", ""),
            401,
            "there is no `X-Hub-Signature-256`: give the webhook the secret",
        ),
        (
            &*good,
            ("x-hub-signature-256", "sha256=12"),
            401,
            "`X-Hub-Signature-256` is no signature",
        ),
        (
            &*good,
            (
                "x-hub-signature-256",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            ),
            401,
            "the signature is not made of this body and the secret of [github] webhook_secret",
        ),
        (&*good, ("x-github-event", ""), 400, "`X-GitHub-Event` is missing: GitHub sends one"),
        (
            &*good,
            ("x-github-event", "issues.#"),
            400,
            "`X-GitHub-Event` is nothing that GitHub sends",
        ),
        (&*good, ("x-github-delivery", ""), 400, "`X-GitHub-Delivery` is missing"),
        (
            &*good,
            ("x-github-delivery", "a b"),
            400,
            "`X-GitHub-Delivery` is nothing that GitHub sends",
        ),
        (
            &*good,
            ("content-type", "text/plain"),
            400,
            "`Content-Type` is text/plain, but must be application/json",
        ),
        ("{nonsense}", ("x-a", "b"), 400, "the payload is no JSON object: key must be a string"),
        ("[1]", ("x-a", "b"), 400, "the payload is no JSON object: it is another kind of JSON"),
        (
            "a=b",
            ("content-type", "application/x-www-form-urlencoded"),
            400,
            "the form has no `payload`",
        ),
        (
            &*format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20)),
            ("x-a", "b"),
            413,
            "the delivery is too long",
        ),
        (
            &*"x".repeat(5 << 20),
            ("x-a", "b"),
            413,
            "the delivery is too long: 4194304 bytes are the limit",
        ),
    ] {
        let refused = desk.take(body, &[changed]).await.unwrap_err();
        let (text, shown) = (refused.to_string(), body.chars().take(40).collect::<String>());
        assert!(text.contains(said), "{shown} {changed:?}: {text}");
        assert!(!text.contains(SECRET), "{text}");
        assert_eq!(refused.status().as_u16(), status, "{shown} {changed:?}");
    }
    assert!(desk.arrived.try_recv().is_err(), "nothing went on");
}

#[tokio::test]
async fn without_a_secret_nothing_is_taken() {
    let (sender, _receiver) = bus::channel();
    let webhooks = Webhooks::new(sender, None, "prod".into(), noon);
    let body = issue().to_string();
    let refused = webhooks.take(&headers(&body, &[]), Body::from(body.clone())).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        refused.to_string(),
        "this server takes no webhooks of GitHub: hubs.toml has no [github] webhook_secret"
    );
}
