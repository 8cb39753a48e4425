//! `hubs check --online` against a real broker.

use super::broker::{Vhost, broker};
use super::{Reading, consumed, settings, toml};
use crate::command::{check, site};
use serde_json::Value;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// What is found of the broker.
async fn found(toml: String) -> Value {
    // It is asked too, and is somebody else's here.
    let github = MockServer::start().await;
    let answer = ResponseTemplate::new(404);
    Mock::given(matchers::any()).respond_with(answer).mount(&github).await;
    let settings = format!(
        "{toml}[sandbox]\nallow_private_addresses = true\n[github]\nurl = \"{}\"\n",
        github.uri()
    );
    let run = move || {
        let folder = site(&[("hubs.toml", &settings)]);
        check(folder.path(), &["check", "--online", "--format", "json"])
    };
    let said = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(!said.contains("guest:") && !said.contains("hunter2"), "{said}");
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut brokers = lines.filter(|finding| finding["service"] == "amqp");
    brokers.next().unwrap_or_else(|| panic!("{said}"))
}

fn declare(vhost: &Vhost, queue: &str) {
    let name = format!("rabbit_misc:r(<<\"{}\">>, queue, <<\"{queue}\">>)", vhost.name);
    vhost
        .broker
        .eval(&format!("rabbit_amqqueue:declare({name}, true, false, [], none, <<\"test\">>)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lets_us_in_is_told_with_its_queues() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("online");
    let queue = |name: &str| toml(vhost.url(), &format!("queue = \"{name}\""));
    let none = found(toml(vhost.url(), "")).await;
    assert_eq!((&none["works"], &none["who"]), (&true.into(), &"guest".into()), "{none}");
    assert_eq!(
        none["missing"][0]["what"],
        "a queue of its own: what is sent while hubs is away is lost"
    );
    let later = found(queue("later")).await;
    assert_eq!(later["may"][0], "read the queue `later`, which it makes when it starts");
    declare(&vhost, "there");
    let there = found(queue("there")).await;
    assert_eq!(there["may"][0], "read the queue `there`, which has 0 messages and 0 readers");
    let held = toml(vhost.url(), "queue = { name = \"held\", exclusive = true }");
    let reading = Reading::start(&settings(&held));
    consumed(&vhost, "held").await;
    let held = found(held).await;
    assert_eq!(held["may"][0], "read the queue `held`, which a running hubs has for itself");
    reading.amqp.stop().await;
    let passive = format!("{}passive_declares = true\n", queue("nobodys"));
    for (toml, said) in [
        (
            passive,
            "there is no queue `nobodys`, and `passive_declares` says that somebody else makes it",
        ),
        (
            toml(vhost.url().replace("guest:guest", "guest:hunter2"), ""),
            "is the password of `guest` in `url` of [bus.amqp] right?",
        ),
        (
            toml(format!("{}-not", vhost.url()), ""),
            "is there a vhost `online-not`, and may `guest` enter it?",
        ),
    ] {
        let found = found(toml).await;
        let told = found["missing"][0]["what"].as_str().unwrap();
        assert!(found["works"] == false && told.contains(said), "{said}: {found}");
        assert_eq!(
            found["missing"][0]["help"],
            "does the broker run? [bus.amqp] of hubs.toml has its `url`, `tls` and `queue`"
        );
    }
}
