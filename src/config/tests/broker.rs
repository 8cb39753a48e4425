//! `[bus.amqp]`, and fedora-messaging's own file.

use super::super::*;
use super::{parse, problems};
use std::path::Path;

#[test]
fn a_broker_is_described_in_a_few_lines() {
    let amqp = parse(
        r#"
        [bus.amqp]
        url = "amqps://hubs:hunter2@broker.example.org/%2Fpubsub"
        queue = { name = "hubs", exclusive = true, arguments = { x-max-length = 1000 } }
        topics = ["org.fedoraproject.prod.#"]
        exchange = "zmq.topic"
        prefetch = 100
        passive_declares = true
        topic_prefix = "org.fedoraproject.prod."
        reconnect = "5s"
        client_properties = { app = "our hubs", app_url = "https://hubs.example.org" }
        [bus.amqp.tls]
        ca_cert = "ca.pem"
        certfile = "/etc/pki/hubs.pem"
        keyfile = "/etc/pki/hubs.key"
        "#,
    );
    let amqp = amqp.unwrap().bus.amqp.unwrap();
    assert_eq!(amqp.url.to_string(), "amqps://broker.example.org:5671/%2Fpubsub");
    assert_eq!((amqp.url.user.as_str(), amqp.url.password.reveal()), ("hubs", "hunter2"));
    assert!(!format!("{amqp:?}").contains("hunter2"));
    let queue = &amqp.queues[0];
    assert_eq!((queue.name.as_str(), queue.durable, queue.exclusive), ("hubs", true, true));
    assert_eq!(queue.arguments["x-max-length"], 1000);
    assert_eq!(amqp.bindings[0].exchange, "zmq.topic");
    assert_eq!(amqp.bindings[0].topics, ["org.fedoraproject.prod.#"]);
    assert_eq!((amqp.prefetch, amqp.passive_declares), (100, true));
    assert_eq!(amqp.topic_prefix, "org.fedoraproject.prod");
    assert_eq!(amqp.client_properties["app"], "our hubs");
    assert_eq!(amqp.tls.ca_cert.as_deref(), Some(Path::new("/site/ca.pem")));
    let named = parse("[bus.amqp]\nurl = \"amqp://\"\nqueue = \"hubs\"").unwrap().bus.amqp.unwrap();
    let (queue, aside) = (&named.queues[0], named.clone().aside());
    assert!(queue.durable && !queue.auto_delete && !queue.exclusive);
    assert!(aside.queues[0].name.is_empty() && aside.queues[0].exclusive);
    assert_eq!(aside.bindings, named.bindings);
}

#[test]
fn what_a_broker_can_not_be_is_said_and_no_password() {
    insta::assert_snapshot!(problems(
        r#"[bus.amqp]
url = "https://hubs:hunter2@broker.example.org"
topics = []
queue = { durable = "yes" }
client_properties = { product = "x", app = 1 }
prefetch = 0
[bus.amqp.tls]
certfile = "cert.pem"
keyflie = "key.pem"
"#
    ), @r##"
    hubs.toml:2:7: `url` of [bus.amqp]: this is no address of a broker: it begins with neither amqps:// nor amqp://
    2 | url = "https://************@broker.example.org"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    help: as in "amqps://user:password@broker.example.org/%2Fvhost"; a `/` in the name of a vhost is written %2F

    hubs.toml:3:10: `topics` of [bus.amqp]: it names no topic
    3 | topics = []
      |          ^^
    help: `["#"]` is all of them

    hubs.toml:4:21: `durable` of [bus.amqp.queue] is "yes", but must be `true` or `false`
    4 | queue = { durable = "yes" }
      |                     ^^^^^

    hubs.toml:5:33: `product` of client_properties: it is set by the library that speaks AMQP: choose another name
    5 | client_properties = { product = "x", app = 1 }
      |                                 ^^^

    hubs.toml:5:44: `app` of client_properties: it must be text in quotes, or a list of it
    5 | client_properties = { product = "x", app = 1 }
      |                                            ^

    hubs.toml:6:12: `prefetch` of [bus.amqp] is 0, but must be a whole number from 1 to 10000
    6 | prefetch = 0
      |            ^

    hubs.toml:7:1: `certfile` and `keyfile` of [bus.amqp.tls] belong together: one is missing
    7 | [bus.amqp.tls]
      | ^^^^^^^^^^^^^^

    hubs.toml:9:1: [bus.amqp.tls] has no key `keyflie`; did you mean `keyfile`?
    9 | keyflie = "key.pem"
      | ^^^^^^^
    "##);
    let said = problems("[bus.amqp]\nurl = { env = \"HUBS_TOKEN\" }\n");
    assert!(said.contains("this is no address of a broker: relative URL without a base"), "{said}");
    assert!(!said.contains("from the environment"), "{said}");
    let said = said_of_tls();
    assert!(
        said.contains(
            "[bus.amqp.tls] is for amqps: the `url` begins with amqp://, which is not encrypted"
        ),
        "{said}"
    );
    assert!(problems("[bus.amqp]\n").contains("[bus.amqp] has neither `url` nor `config`"));
}

fn said_of_tls() -> String {
    problems("[bus.amqp]\nurl = \"amqp://broker\"\ntls = { ca_cert = \"ca.pem\" }\n")
}

/// hubs.toml beside a fedora-messaging.toml of this text, read.
fn beside(text: &str, more: &str) -> Result<Amqp, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fm.toml"), text).unwrap();
    let hubs = format!("[bus.amqp]\nconfig = \"fm.toml\"\n{more}");
    std::fs::write(folder.path().join("hubs.toml"), hubs).unwrap();
    match Settings::load(&folder.path().join("hubs.toml")) {
        Ok(settings) => Ok(settings.bus.amqp.unwrap()),
        Err(problems) => {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Err(all.join("\n").replace(&*folder.path().to_string_lossy(), "[folder]"))
        }
    }
}

#[test]
fn the_file_of_fedora_messaging_is_read_as_it_is() {
    let public = r#"
# A sample configuration
amqp_url = "amqps://fedora:@rabbitmq.fedoraproject.org/%2Fpublic_pubsub"
passive_declares = false
topic_prefix = "org.fedoraproject.prod"
publish_exchange = "amq.topic"
publish_priority = 3
callback = "fedora_messaging.example:printer"

[tls]
ca_cert = "/etc/fedora-messaging/cacert.pem"
keyfile = "/etc/fedora-messaging/fedora-key.pem"
certfile = "fedora-cert.pem"

[client_properties]
app = "Example Application"
app_contacts_email = ["admin@example.com"]

[queues.00000000-0000-0000-0000-000000000000]
durable = false
auto_delete = true
exclusive = true
arguments = {}

[[bindings]]
queue = "00000000-0000-0000-0000-000000000000"
exchange = "amq.topic"
routing_keys = ["org.fedoraproject.prod.#"]

[exchanges."amq.topic"]
type = "topic"
durable = true

[consumer_config]
example_key = "for my consumer"

[qos]
prefetch_size = 0
prefetch_count = 25

[log_config]
version = 1
"#;
    let amqp = beside(public, "").unwrap();
    assert_eq!(amqp.url.to_string(), "amqps://rabbitmq.fedoraproject.org:5671/%2Fpublic_pubsub");
    assert_eq!((amqp.prefetch, amqp.publish_priority), (25, Some(3)));
    assert_eq!(amqp.queues[0].name, "00000000-0000-0000-0000-000000000000");
    assert!(amqp.queues[0].exclusive && !amqp.queues[0].durable);
    assert_eq!(amqp.bindings[0].topics, ["org.fedoraproject.prod.#"]);
    assert_eq!(amqp.client_properties["app"], "Example Application");
    assert_eq!(amqp.client_properties["app_contacts_email"], "admin@example.com");
    assert_eq!(
        amqp.tls.keyfile.as_deref(),
        Some(Path::new("/etc/fedora-messaging/fedora-key.pem"))
    );
    assert!(amqp.tls.certfile.unwrap().ends_with("fedora-cert.pem"));

    // Nothing said is its default; hubs.toml goes before it; a table replaces a whole one.
    let bare = beside("", "topics = [\"a.#\"]\nqueue = \"mine\"").unwrap();
    assert_eq!((bare.url.to_string().as_str(), bare.prefetch), ("amqp://localhost:5672/%2F", 10));
    assert_eq!(
        (bare.queues[0].name.as_str(), &*bare.bindings[0].topics),
        ("mine", &["a.#".to_string()][..])
    );
    assert_eq!(
        beside("amqp_url = \"amqps://h\"\n[tls]\nca_cert = \"/ca\"", "").unwrap().tls.keyfile,
        None
    );
}

#[test]
fn what_is_wrong_in_the_file_of_fedora_messaging_is_shown_there() {
    insta::assert_snapshot!(beside(
        r##"amqp_url = "amqp:hunter2"
bindngs = []

[queues.mine]
durable = true

[[bindings]]
routing_keys = "#"
"##,
        "prefetch = -1\n",
    ).unwrap_err(), @r##"
    hubs.toml:3:12: `prefetch` of [bus.amqp] is -1, but must be a whole number from 1 to 10000
    [folder]/fm.toml:1:12: `amqp_url`: this is no address of a broker: it begins with neither amqps:// nor amqp://
    [folder]/fm.toml:2:1: [folder]/fm.toml has no table `bindngs`; did you mean `bindings`?
    [folder]/fm.toml:4:1: [queues.mine] has no `auto_delete`, which it must have
    [folder]/fm.toml:4:1: [queues.mine] has no `exclusive`, which it must have
    [folder]/fm.toml:4:1: [queues.mine] has no `arguments`, which it must have
    [folder]/fm.toml:7:1: [bindings] has no `exchange`, which it must have
    [folder]/fm.toml:8:16: `routing_keys` of [bindings] is "#", but must be a list, as in `["…"]`
    "##);
    assert!(beside("a = [", "").unwrap_err().starts_with("[folder]/fm.toml:1:"));
    let gone = parse("[bus.amqp]\nconfig = \"/nowhere/fm.toml\"").unwrap_err();
    assert!(
        gone[0].to_string().starts_with(
            "hubs.toml:2:10: `config` of [bus.amqp]: `/nowhere/fm.toml` can't be read: "
        ),
        "{gone:?}"
    );
}
