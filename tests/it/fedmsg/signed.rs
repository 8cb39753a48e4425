//! Signatures: what Python's fedmsg signs and takes we take, what it refuses we refuse, and say why.

use super::peer::Peer;
use super::{Publisher, have_publisher};
use crate::harness::TestHouse;
use hubs::bus::Signatures;
use hubs::config::{self, Location};
use hubs::message::Canonical;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const TOPIC: &str = "org.fedoraproject.prod.fedbadges.badge.award";

fn canonical(text: &str) -> String {
    let read = Canonical::read(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"));
    String::from_utf8(read.to_bytes()).unwrap()
}

#[test]
fn python_and_hubs_have_the_same_canonical_text() {
    let Some(mut python) = Peer::start() else { return };
    for seed in 0..4 {
        let generated = python.ask(&json!(["generate", seed, 150]));
        let generated: Vec<(String, String)> = serde_json::from_value(generated).unwrap();
        let ours: Vec<String> = generated.iter().map(|(given, _)| canonical(given)).collect();
        for ((given, theirs), ours) in generated.iter().zip(&ours) {
            assert_eq!(ours, theirs, "{given}");
        }
        assert_eq!(python.ask(&json!(["canonical", ours])), json!(ours));
    }
}

/// What signatures are checked with.
#[derive(Clone, Copy, Default)]
struct Rules<'a> {
    crl: Option<&'a str>,
    policy: &'a [(&'a str, &'a str)],
    nitpicky: bool,
    archived: bool,
}

impl Rules<'_> {
    fn policy(&self) -> BTreeMap<String, Vec<String>> {
        let one = |(topic, signer): &(&str, &str)| ((*topic).into(), vec![(*signer).into()]);
        self.policy.iter().map(one).collect()
    }

    async fn ours(&self, folder: &Path, text: &str) -> String {
        let file = |name: &str| Location::File(folder.join(name));
        let settings = config::Signatures {
            ca: file("ca.crt"),
            crl: self.crl.map(file),
            routing_policy: self.policy(),
            routing_nitpicky: self.nitpicky,
        };
        let nobody = |_| Box::pin(async { Err("nobody is asked here".to_owned()) }) as _;
        let signatures = Signatures::new(settings, Arc::new(nobody), Timestamp::now);
        let loaded = signatures.load().await;
        // Twice: the second time the signer is known.
        let check = || {
            if self.archived {
                signatures.check_archived(text.as_bytes())
            } else {
                signatures.check(text.as_bytes())
            }
        };
        let (judged, again) = (check(), check());
        assert_eq!(judged, again);
        match (loaded, judged) {
            (Err(why), Err(_)) => why.to_string().rsplit_once(", which ").unwrap().1.to_owned(),
            (_, judged) => judged.map_or_else(|why| why.to_string(), |()| "taken".into()),
        }
    }

    async fn agree(&self, python: &mut Peer, folder: &Path, text: &str, expected: &str) {
        assert_eq!(self.ours(folder, text).await, expected, "{text}");
        assert_eq!(self.theirs(python, folder, text), expected == "taken", "{text}");
    }

    fn theirs(&self, python: &mut Peer, folder: &Path, text: &str) -> bool {
        let policy = self.policy();
        let question =
            json!(["validate", folder, text, self.archived, self.crl, policy, self.nitpicky]);
        python.ask(&question).as_bool().unwrap()
    }
}

/// As datagrepper hands out what was signed.
fn grepped(signed: &str) -> String {
    let edits = [
        ("source_name", json!("datanommer")),
        ("source_version", json!("1.5.0")),
        ("headers", json!({})),
        ("timestamp", json!(1_700_000_000.0)),
    ];
    edits.iter().fold(signed.to_owned(), |text, (key, value)| with(&text, key, value))
}

fn envelope() -> Value {
    json!({
        "topic": TOPIC, "msg_id": "2023-6fd61ff2", "timestamp": 1_700_000_000, "i": 1, "username": "apache",
        "msg": { "user": { "username": "ralph", "badges_user_id": 1 }, "name": "Köln ✓", "ratio": 1e22,
                 "badge": { "name": "Something on your mind", "badge_id": "mind", "description": "…", "image_url": "https://example.org/x.png" } }
    })
}

/// The text with a field set, or taken away by `null`.
fn with(text: &str, key: &str, value: &Value) -> String {
    let mut envelope: Value = serde_json::from_str(text).unwrap();
    envelope[key] = value.clone();
    if value.is_null() {
        envelope.as_object_mut().unwrap().remove(key);
    }
    envelope.to_string()
}

#[tokio::test]
async fn hubs_judges_signatures_as_python_does() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let mut by = |name: &str| python.sign(folder, &format!("{name}.example.org"), &envelope());
    let (good, small, revoked, twin) = (by("good"), by("small"), by("revoked"), by("twin"));
    let (old, early, stranger, odd, below) =
        (by("old"), by("early"), by("stranger"), by("odd"), by("below"));
    let listed = Rules { crl: Some("crl.pem"), ..Rules::default() };
    let archived = Rules { archived: true, ..listed };
    let grepped = grepped(&good);
    let not_its_signer = "it is not what `good.example.org` signed";
    let cases: [(&str, String, Rules<'_>); 28] = [
        ("taken", good.clone(), Rules::default()),
        ("taken", good.clone(), listed),
        ("taken", small, listed),
        ("taken", good.replace("\",\"", "\" , \"").replace("\\u00f6", "ö"), listed),
        (not_its_signer, with(&good, "crypto", &Value::Null), listed),
        (not_its_signer, with(&good, "msg", &json!({})), listed),
        (not_its_signer, with(&good, "topic", &json!("org.fedoraproject.prod.x.y")), listed),
        (not_its_signer, with(&good, "timestamp", &json!(1_700_000_000.0)), listed),
        (not_its_signer, with(&good, "seq_id", &json!(5)), listed),
        (not_its_signer, with(&good, "username", &Value::Null), listed),
        (not_its_signer, with(&good, "signature", &json!("AAAA")), listed),
        (
            "its `signature` is not text in base64",
            with(&good, "signature", &json!("AAAAA")),
            listed,
        ),
        ("its `signature` is not text in base64", with(&good, "signature", &json!(5)), listed),
        ("it is not signed", with(&good, "signature", &Value::Null), listed),
        ("it is not signed", envelope().to_string(), listed),
        (
            "it is signed with GnuPG (`crypto` is \"gpg\"): only x509 signatures are checked",
            with(&good, "crypto", &json!("gpg")),
            listed,
        ),
        (
            "it is signed in a way that fedmsg does not know: `crypto` is \"rot13\"",
            with(&good, "crypto", &json!("rot13")),
            listed,
        ),
        (
            "its `certificate` is no X.509 certificate in PEM",
            with(&good, "certificate", &json!("AAAA")),
            listed,
        ),
        ("the certificate of `old.example.org` has expired", old, listed),
        ("the certificate of `early.example.org` is not valid yet", early, listed),
        ("the certificate of `revoked.example.org` is revoked", revoked.clone(), listed),
        ("taken", revoked, Rules::default()),
        (
            "the certificate of `stranger.example.org` is not from the authority that `ca` names",
            stranger,
            listed,
        ),
        (
            "the certificate of `twin.example.org` is not from the authority that `ca` names",
            twin,
            listed,
        ),
        (
            "the certificate of `below.example.org` is not from the authority that `ca` names",
            below,
            listed,
        ),
        ("its `certificate` is no X.509 certificate in PEM", odd, listed),
        (not_its_signer, grepped.clone(), listed),
        ("taken", grepped.clone(), archived),
    ];
    for (expected, text, rules) in cases {
        rules.agree(&mut python, folder, &text, expected).await;
    }
}

#[tokio::test]
async fn lists_of_revoked_ones_and_policies_are_obeyed_as_python_does() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let good = python.sign(folder, "good.example.org", &envelope());
    let grepped = grepped(&good);
    let listed = Rules { crl: Some("crl.pem"), ..Rules::default() };
    let archived = Rules { archived: true, ..listed };
    let mine: &[_] = &[(TOPIC, "good.example.org")];
    let cases: [(&str, &String, Rules<'_>); 8] = [
        (
            "nobody is trusted: the list of revoked certificates, `[bus.fedmsg] crl`, is not valid now",
            &good,
            Rules { crl: Some("old-crl.pem"), ..listed },
        ),
        (
            "is the list of another authority than `ca`",
            &good,
            Rules { crl: Some("other-crl.pem"), ..listed },
        ),
        (
            "can't be loaded (No such file or directory (os error 2)): name a file or an https address that can, or set `validate_signatures = false`",
            &good,
            Rules { crl: Some("none.pem"), ..listed },
        ),
        ("taken", &good, Rules { policy: mine, nitpicky: true, ..listed }),
        ("taken", &grepped, Rules { policy: mine, nitpicky: true, ..archived }),
        (
            "`good.example.org` may not send on `org.fedoraproject.prod.fedbadges.badge.award`, says `[bus.fedmsg] routing_policy`",
            &good,
            Rules { policy: &[(TOPIC, "other.example.org")], ..listed },
        ),
        ("taken", &good, Rules { policy: &[("a.b", "other.example.org")], ..listed }),
        (
            "`[bus.fedmsg] routing_policy` has nothing on `org.fedoraproject.prod.fedbadges.badge.award`, and `routing_nitpicky` is true",
            &good,
            Rules { policy: &[("a.b", "good.example.org")], nitpicky: true, ..listed },
        ),
    ];
    for (expected, text, rules) in cases {
        rules.agree(&mut python, folder, text, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_redraws_and_the_rest_is_counted_by_reason() {
    if !have_publisher() {
        return;
    }
    let Some(mut python) = Peer::start() else { return };
    let certificates = TempDir::new().unwrap();
    python.make_certificates(certificates.path());
    let mut publisher = Publisher::start();
    let port = publisher.says();
    let configuration = format!(
        "[bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:{port}\"]\nca = \"{0}/ca.crt\"\ncrl = \"{0}/crl.pem\"\n\
         [[hub]]\nname = \"infra\"\n[[hub.widget]]\nwidget = \"feed\"\nconfig = {{ users = [\"ralph\"] }}\n",
        certificates.path().display()
    );
    let house = TestHouse::with(&[("hubs.toml", &configuration)]).await;
    house.instance("infra", "feed").await;
    let mut ear = house.listen("infra").await;
    assert_eq!(publisher.says(), "subscribed");
    let signed = python.sign(certificates.path(), "good.example.org", &envelope());
    publisher.publish(&[TOPIC, &with(&signed, "msg_id", &json!("2023-forged"))]);
    publisher.publish(&[TOPIC, &envelope().to_string()]);
    let revoked = python.sign(certificates.path(), "revoked.example.org", &envelope());
    publisher.publish(&[TOPIC, &revoked]);
    publisher.publish(&["org.fedoraproject.prod.x.y", &signed]);
    // The payload alone: where it is sent is not what was signed.
    let payload = python.sign(certificates.path(), "good.example.org", &envelope()["msg"]);
    publisher.publish(&[TOPIC, &payload]);
    publisher.publish(&[TOPIC, &signed]);
    let event = ear.next().await;
    assert_eq!(event.data["invalidated_by"]["id"], "2023-6fd61ff2");
    let (_, metrics) = house.get("/metrics").await;
    for reason in ["forged", "unsigned", "revoked", "topic mismatch", "no topic"] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("hubs_messages_skipped_total")
                && line.contains("source=\"fedmsg\"")
                && line.contains(&format!("reason=\"{reason}\""))
        });
        assert!(counted, "{reason}: {metrics}");
    }
}
