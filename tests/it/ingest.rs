//! `POST /api/messages`: who may send, and what each line is answered.

use crate::harness::TestHouse;
use serde_json::{Value, json};

const GOOD: &str = r#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{"user":"ralph"},"msg_id":"2014-1","timestamp":1400000000}"#;

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_messages_are_named_and_the_others_count() {
    let house = TestHouse::demo().await;
    let (status, answer) = house.post(format!("{GOOD}\nnonsense\n\n{{\"msg\":{{}}}}\n[1]\n")).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_line_is_a_message_the_answer_is_400() {
    let house = TestHouse::demo().await;
    let (status, answer) = house.post("nonsense\n").await;
    assert_eq!((status, &answer["accepted"]), (400, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_too_long_is_refused_and_the_next_one_is_read() {
    let house = TestHouse::demo().await;
    let (status, answer) = house.post(format!("{}\n{GOOD}\n", "x".repeat(2 << 20))).await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)));
    assert_eq!(answer["errors"][0]["error"], "a message of 2097152 bytes: 1048576 is the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_type_is_refused() {
    let house = TestHouse::demo().await;
    let answer = house.client().post(house.url("/api/messages")).body(GOOD).send().await.unwrap();
    assert_eq!(answer.status(), 415);
    let said: Value = answer.json().await.unwrap();
    assert_eq!(
        said["error"],
        "`Content-Type` is missing, but must be application/x-ndjson: one message a line, as JSON"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_and_proxies_may_not_send() {
    let house = TestHouse::demo().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("x-forwarded-for", "192.0.2.1"),
        ("host", "evil.example"),
    ] {
        let request = house
            .client()
            .post(house.url("/api/messages"))
            .header("content-type", "application/x-ndjson");
        let answer = request.header(name, value).body(GOOD).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{name}: {value}");
        let said: Value = answer.json().await.unwrap();
        assert!(said["error"].as_str().unwrap().contains("ingest_token"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_token_anybody_may_send() {
    let house = TestHouse::with(&[("hubs.toml", "[server]\ningest_token = \"sesame\"\n")]).await;
    for (token, status) in [("sesame", 200), ("open", 401)] {
        let request = house
            .client()
            .post(house.url("/api/messages"))
            .header("content-type", "application/x-ndjson");
        let answer = request
            .header("x-forwarded-for", "192.0.2.1")
            .bearer_auth(token)
            .body(GOOD)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{token}");
        assert!(!answer.text().await.unwrap().contains("sesame"));
    }
}
