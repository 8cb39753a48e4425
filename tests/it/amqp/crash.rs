//! Connections cut and the server killed, fifty times during five thousand messages: none is lost.

use super::broker::{Vhost, broker};
use super::{consumed, settings, toml, until};
use crate::command::site;
use crate::crash::{COUNTER, Served};
use crate::harness::PATIENCE;
use futures_util::{StreamExt, stream};
use hubs::bus::Publisher;
use hubs::message::{Message, parse_line};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;
/// Each has a widget that counts the messages about them, and one message a round.
const PEOPLE: usize = 100;
const PEOPLE_OF_A_HUB: usize = 10;
/// Every so many rounds it is the server that dies.
const SERVER_EVERY: usize = 5;

fn message(round: usize, person: usize) -> Message {
    let headers = json!({ format!("fedora_messaging_user_p{person}"): true, "sent-at": "2026-11-01T12:00:00+00:00" });
    let line = json!({ "topic": "org.fedoraproject.prod.copr.build.end", "id": format!("{round}-{person}"), "headers": headers, "body": {} });
    parse_line(line.to_string().as_bytes()).unwrap()
}

/// Ends all connections of the vhost, the publisher's too, while its queue is read: in order, or as a cable that is cut.
fn cut(vhost: &Vhost, in_order: bool) {
    let name = &vhost.name;
    let end =
        if in_order { "rabbit_networking:close_connection(P, \"cut\")" } else { "exit(P, kill)" };
    let said = vhost.broker.eval(&format!(
        "Q = rabbit_misc:r(<<\"{name}\">>, queue, <<\"hubs\">>),
         Read = fun Read(0) -> nobody_reads; Read(N) -> {{ok, It}} = rabbit_amqqueue:lookup(Q), case rabbit_amqqueue:info(It, [consumers]) of [{{consumers, 0}}] -> timer:sleep(5), Read(N - 1); _ -> read end end,
         read = Read(4000),
         length([{end} || P <- rabbit_networking:connections(), catch rabbit_networking:connection_info(P, [vhost]) =:= [{{vhost, <<\"{name}\">>}}]])"
    ));
    assert_ne!(said, "0", "nothing was cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_lost_however_often_connections_are_cut_and_the_server_dies() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("crash");
    let mut hubs = toml(vhost.url(), "queue = \"hubs\"");
    for hub in 0..PEOPLE / PEOPLE_OF_A_HUB {
        write!(hubs, "[[hub]]\nname = \"h{hub}\"\n").unwrap();
        for person in 0..PEOPLE_OF_A_HUB {
            let person = hub * PEOPLE_OF_A_HUB + person;
            write!(
                hubs,
                "[[hub.widget]]\nwidget = \"counter\"\nconfig = {{ username = \"p{person}\" }}\n"
            )
            .unwrap();
        }
    }
    let folder = site(&[
        ("hubs.toml", &hubs),
        ("widgets/counter.rhai", COUNTER),
        ("templates/widgets/counter.html", "{{ count }}"),
    ]);
    let publisher = Publisher::new(&settings(&hubs));
    let mut served = Served::start(folder.path());
    consumed(&vhost, "hubs").await;
    for round in 0..ROUNDS {
        let (some, others) = (round * 37 % PEOPLE, publisher.clone());
        for person in 0..some {
            publisher.publish(&message(round, person)).await.unwrap();
        }
        // The others while it happens.
        let publishing = tokio::spawn(async move {
            let sent = stream::iter(some..PEOPLE).map(|person| {
                let publisher = others.clone();
                async move { publisher.publish(&message(round, person)).await.unwrap() }
            });
            sent.buffer_unordered(4).collect::<Vec<()>>().await;
        });
        if round % SERVER_EVERY == SERVER_EVERY - 1 {
            served.kill();
            served = Served::start(folder.path());
        } else {
            tokio::task::block_in_place(|| cut(&vhost, round % 2 == 0));
        }
        publishing.await.unwrap();
    }
    until("all is acknowledged", || {
        vhost.messages("hubs") == "[{messages_ready,0},{messages_unacknowledged,0}]"
    })
    .await;
    let client = reqwest::Client::new();
    for hub in 0..PEOPLE / PEOPLE_OF_A_HUB {
        let url = |path: String| format!("http://{}/h{hub}/{path}", served.address);
        let page: Value =
            client.get(url("json".into())).send().await.unwrap().json().await.unwrap();
        let ids = page["widgets"].as_array().unwrap();
        assert_eq!(ids.len(), PEOPLE_OF_A_HUB);
        for id in ids {
            let begun = Instant::now();
            loop {
                let shown: Value = client
                    .get(url(format!("{id}/json")))
                    .send()
                    .await
                    .unwrap()
                    .json()
                    .await
                    .unwrap();
                if shown["state"] == "fresh" && shown["data"]["count"] == ROUNDS {
                    break;
                }
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{}: {} of {ROUNDS}",
                    shown["config"],
                    shown["data"]
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    served.kill();
}
