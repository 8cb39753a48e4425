//! Threads that hang, panic, leak and come back.

use super::*;
use crate::script::{Argument, Call, LimitName, Source};
use serde_json::json;

fn limits() -> Limits {
    Limits { deadline: Duration::from_mins(1), ..Limits::data() }
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("widgets/x.rhai", text, Vec::new()))
}

fn now() -> Call {
    Call::at("2026-01-01T12:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn a_job_runs_on_a_thread_that_has_an_interpreter() {
    let pool = Pool::start(Tier::Data, limits(), 2, None);
    let source = source("fn data(n) { n * 2 }");
    let twice = pool
        .run(
            move |it| it.call(&source, "data", &[Argument::Json(&json!(21))], &now()),
            Duration::from_mins(1),
        )
        .await
        .unwrap();
    assert_eq!(twice.unwrap(), json!(42));
}

#[tokio::test]
async fn a_thread_that_does_not_come_back_is_counted_and_replaced() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let install = Install::new(move |_, tools| {
        let held = held.clone();
        tools.global.set_native_fn("hang", move || {
            let _ = held.lock().recv();
            Ok(())
        });
    });
    let pool = Pool::start(Tier::Data, limits(), 1, Some(install));
    let hanging = source("fn data() { hang() }");
    let given_up = pool
        .run(move |it| it.call(&hanging, "data", &[], &now()).is_ok(), Duration::from_millis(10))
        .await;
    assert_eq!(given_up, Err(PoolError::Lost));
    assert_eq!(pool.lost(), 1);
    assert_eq!(pool.run(|_| "still here", Duration::from_mins(1)).await, Ok("still here"));

    // It comes back after all, and is a thread too many.
    drop(release);
    while pool.lost() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.run(|_| "and here", Duration::from_mins(1)).await, Ok("and here"));
}

#[tokio::test]
async fn when_no_thread_is_left_whoever_asks_is_told() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let pool = Pool::start(Tier::Pure, Limits::pure(), 1, None);
    for _ in 0..=MOST_LOST {
        let held = held.clone();
        let lost = pool.run(move |_| held.lock().recv().is_ok(), Duration::from_millis(1)).await;
        assert_eq!(lost, Err(PoolError::Lost));
    }
    assert_eq!(pool.run(|_| (), Duration::from_mins(1)).await, Err(PoolError::Closed));
    drop(release);
}

#[tokio::test]
async fn a_panic_of_a_job_is_no_end_of_the_thread() {
    let install = Install::new(|_, tools| {
        tools.global.set_native_fn("fall", || -> Result<(), Box<rhai::EvalAltResult>> {
            panic!("it fell");
        });
    });
    let pool = Pool::start(Tier::Data, limits(), 1, Some(install));
    let falls = source("fn data() {\n  fall()\n}");
    let failed = pool
        .run(move |it| it.call(&falls, "data", &[], &now()).unwrap_err(), Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(
        (failed.reason(), failed.diagnostic.file.as_deref()),
        ("panic", Some("widgets/x.rhai"))
    );
    assert_eq!(pool.run(|_| 1, Duration::from_mins(1)).await, Ok(1));
    let fell = pool.run(|_| -> u8 { panic!("the job itself fell") }, Duration::from_mins(1)).await;
    assert_eq!(fell, Err(PoolError::Lost));
    assert_eq!(pool.run(|_| 1, Duration::from_mins(1)).await, Ok(1));
    assert_eq!(pool.lost(), 0);
}

#[tokio::test]
async fn a_script_that_leaks_is_refused_on_every_thread() {
    let pool = Pool::start(Tier::Data, limits(), 2, None);
    // A closure kept in the map that it captures: nothing frees it.
    let leaks = source(
        "fn data() { let m = #{}; let s = \"x\"; s.pad(200000, \"x\"); m.big = s; m.me = || m; 1 }",
    );
    let mut last = None;
    for _ in 0..200 {
        let leaks = leaks.clone();
        let called = pool
            .run(move |it| it.call(&leaks, "data", &[], &now()), Duration::from_mins(1))
            .await
            .unwrap();
        last = called.err();
        if last.is_some() {
            break;
        }
    }
    let refused = last.unwrap();
    assert_eq!(refused.reason(), "quarantined");
    assert!(refused.to_string().starts_with("widgets/x.rhai: is refused: its earlier calls left "));
    let honest = source("fn data() { 2 }");
    let called = pool
        .run(move |it| it.call(&honest, "data", &[], &now()), Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!(called.unwrap(), json!(2));
}

#[tokio::test]
async fn a_limit_ends_the_call_and_nothing_else() {
    let pool = Pool::start(Tier::Pure, Limits::pure(), 1, None);
    let endless = source("fn f() { loop { } }");
    let failed = pool
        .run(move |it| it.call(&endless, "f", &[], &now()).unwrap_err(), Duration::from_mins(1))
        .await
        .unwrap();
    assert!(matches!(
        failed.kind,
        crate::script::FailureKind::Limit(LimitName::Operations | LimitName::Deadline)
    ));
    assert_eq!(pool.run(|_| 1, Duration::from_mins(1)).await, Ok(1));
}
