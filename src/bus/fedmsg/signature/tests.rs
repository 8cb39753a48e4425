//! Messages that Python's fedmsg signed once, with certificates made for the purpose: tests/signed. The signers' are good
//! from 2020 to 2100, the list of revoked ones until 2120, the authority's until 2150.

use super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const MESSAGES: &str = include_str!("../../../../tests/signed/messages.jsonl");

fn file(name: &str) -> Location {
    Location::File(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signed")).join(name))
}

fn settings() -> config::Signatures {
    config::Signatures {
        ca: file("ca.crt"),
        crl: Some(file("crl.pem")),
        routing_policy: BTreeMap::default(),
        routing_nitpicky: false,
    }
}

fn nobody() -> Fetch {
    Arc::new(|_| Box::pin(async { Err("nobody is asked here".into()) }))
}

async fn loaded(settings: config::Signatures, clock: fn() -> Timestamp) -> Signatures {
    let signatures = Signatures::new(settings, nobody(), clock);
    signatures.load().await.unwrap();
    signatures
}

fn line(n: usize) -> &'static str {
    MESSAGES.lines().nth(n).unwrap()
}

fn said(judged: Result<(), Refused>) -> String {
    judged.map_or_else(|why| format!("{}: {why}", why.reason()), |()| "taken".into())
}

fn year_2030() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn what_is_signed_is_taken_and_what_was_changed_is_not() {
    let signatures = loaded(settings(), year_2030).await;
    let check = |text: &str| said(signatures.check(text.as_bytes()));
    assert_eq!(check(line(0)), "taken");
    assert_eq!(check(line(1)), "taken");
    assert_eq!(check(&line(0).replace("\":", "\" : ").replace("\\u2713", "✓")), "taken");
    assert_eq!(check(&line(0).replace("\\n", "")), "taken");
    assert_eq!(check(line(2)), "revoked: the certificate of `revoked.example.org` is revoked");
    let forged = "forged: it is not what `good.example.org` signed";
    assert_eq!(check(&line(0).replace("ralph", "eve")), forged);
    assert_eq!(check(&line(0).replace("1700000000", "1700000000.0")), forged);
    assert_eq!(check(&line(0).replace("1e+22", "10000000000000000000000")), forged);
    let gpg = line(0).replace("\"x509\"", "\"gpg\"");
    assert_eq!(
        check(&gpg),
        "gpg: it is signed with GnuPG (`crypto` is \"gpg\"): only x509 signatures are checked"
    );
    assert_eq!(check(r#"{"topic":"a.b.c.d","msg":{}}"#), "unsigned: it is not signed");
    assert_eq!(check("[1]"), "no JSON: no JSON object that could be signed: no object at byte 0");
    assert_eq!(
        check(r#"{"certificate":"AAAA","signature":"AAAA"}"#),
        "bad certificate: its `certificate` is no X.509 certificate in PEM"
    );
}

#[tokio::test]
async fn the_edits_of_datagrepper_are_undone_for_its_messages_alone() {
    let signatures = loaded(settings(), year_2030).await;
    let edited = line(0).replace("1700000000", "1700000000.0").replacen(
        '{',
        r#"{"source_name":"datanommer","source_version":"1.5","headers":{},"#,
        1,
    );
    assert_eq!(said(signatures.check_archived(edited.as_bytes())), "taken");
    assert_eq!(said(signatures.check_archived(line(0).as_bytes())), "taken");
    let why = "forged: it is not what `good.example.org` signed";
    assert_eq!(said(signatures.check(edited.as_bytes())), why);
    let edited = edited.replace("\"headers\":{}", "\"headers\":{\"x\":1}");
    assert_eq!(said(signatures.check_archived(edited.as_bytes())), why);
}

#[tokio::test]
async fn each_certificate_has_its_time() {
    for (clock, expected) in [
        (
            (|| "2019-01-01T00:00:00Z".parse().unwrap()) as fn() -> Timestamp,
            "ca not valid: nobody is trusted: the certificate of the authority, `[bus.fedmsg] ca`, is not valid now",
        ),
        (
            || "2110-01-01T00:00:00Z".parse().unwrap(),
            "expired: the certificate of `good.example.org` has expired",
        ),
        (
            || "2130-01-01T00:00:00Z".parse().unwrap(),
            "crl not valid: nobody is trusted: the list of revoked certificates, `[bus.fedmsg] crl`, is not valid now",
        ),
        (
            || "2160-01-01T00:00:00Z".parse().unwrap(),
            "ca not valid: nobody is trusted: the certificate of the authority, `[bus.fedmsg] ca`, is not valid now",
        ),
    ] {
        let signatures = loaded(settings(), clock).await;
        assert_eq!(said(signatures.check(line(0).as_bytes())), expected);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_named_with_its_file() {
    let said = |settings: config::Signatures| async {
        let error = Signatures::new(settings, nobody(), year_2030).load().await.unwrap_err();
        error.to_string().replace(env!("CARGO_MANIFEST_DIR"), "")
    };
    let crl = |name: &str| config::Signatures { crl: Some(file(name)), ..settings() };
    let ca = |name: &str| config::Signatures { ca: file(name), ..settings() };
    assert_eq!(
        said(crl("other-crl.pem")).await,
        "`[bus.fedmsg] crl` is `/tests/signed/other-crl.pem`, which is the list of another authority than `ca`"
    );
    assert_eq!(
        said(crl("ca.crt")).await,
        "`[bus.fedmsg] crl` is `/tests/signed/ca.crt`, which holds no list of revoked certificates in PEM"
    );
    assert_eq!(
        said(ca("crl.pem")).await,
        "`[bus.fedmsg] ca` is `/tests/signed/crl.pem`, which holds no certificate in PEM"
    );
    assert!(said(ca("none.crt")).await.contains("none.crt`, which can't be loaded (No such file"));
    let https = Location::Https("https://example.org/ca.crt".parse().unwrap());
    assert_eq!(
        said(config::Signatures { ca: https, ..settings() }).await,
        "`[bus.fedmsg] ca` is `https://example.org/ca.crt`, which can't be loaded (nobody is asked here): \
         name a file or an https address that can, or set `validate_signatures = false`"
    );
}

#[tokio::test]
async fn the_authority_is_asked_for_again_when_it_may_be_at_fault_and_not_more_than_once_a_minute()
{
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static MINUTE: AtomicUsize = AtomicUsize::new(0);
    let clock = || {
        let minutes = i64::try_from(MINUTE.load(Ordering::SeqCst)).unwrap();
        year_2030() + SignedDuration::from_mins(minutes)
    };
    // First another authority, then none, then the true one.
    let fetch: Fetch = Arc::new(|_| {
        Box::pin(async {
            match ASKED.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(include_bytes!("../../../../tests/signed/other.crt").to_vec()),
                1 => Err("away".into()),
                _ => Ok(include_bytes!("../../../../tests/signed/ca.crt").to_vec()),
            }
        })
    });
    let ca = Location::Https("https://example.org/ca.crt".parse().unwrap());
    let settings = config::Signatures { ca, crl: None, ..settings() };
    let signatures = Arc::new(Signatures::new(settings, fetch, clock));
    assert!(said(signatures.check(line(0).as_bytes())).starts_with("nothing loaded: "));
    let mut judged = Vec::new();
    for minute in [0, 0, 1, 1, 2, 2] {
        MINUTE.store(minute, Ordering::SeqCst);
        let checked = signatures.check_or_renew(line(0).as_bytes()).await;
        let word = checked.map_or_else(|why| why.reason(), |()| "taken");
        judged.push((word, ASKED.load(Ordering::SeqCst)));
    }
    let other = "other authority";
    assert_eq!(
        judged,
        [(other, 1), (other, 1), (other, 2), (other, 2), ("taken", 3), ("taken", 3)]
    );
    // A forged message is no reason to ask.
    MINUTE.store(9, Ordering::SeqCst);
    let forged = line(0).replace("ralph", "eve");
    assert!(signatures.check_or_renew(forged.as_bytes()).await.is_err());
    assert_eq!(ASKED.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_hangs_holds_messages_up_once_and_not_for_long() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static MINUTE: AtomicI64 = AtomicI64::new(0);
    let fetch: Fetch = Arc::new(|_| {
        Box::pin(async {
            if ASKED.fetch_add(1, Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            Ok(include_bytes!("../../../../tests/signed/other.crt").to_vec())
        })
    });
    let ca = Location::Https("https://example.org/ca.crt".parse().unwrap());
    let settings = config::Signatures { ca, crl: None, ..settings() };
    let clock = || year_2030() + SignedDuration::from_mins(MINUTE.load(Ordering::SeqCst));
    let signatures = Arc::new(Signatures::new(settings, fetch, clock));
    signatures.load().await.unwrap();
    MINUTE.store(2, Ordering::SeqCst);
    let begun = tokio::time::Instant::now();
    for held_up in [PATIENCE, PATIENCE, PATIENCE] {
        assert_eq!(
            signatures.check_or_renew(line(0).as_bytes()).await.unwrap_err().reason(),
            "other authority"
        );
        assert_eq!(begun.elapsed().as_secs(), held_up.as_secs());
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 2);
}
