//! The JSON API against its own description, asked by a program that makes questions of such descriptions.

use crate::harness::{TestHouse, have};
use crate::visitor::Visitor;
use std::path::PathBuf;
use std::process::Command;

/// Where schemathesis is.
fn schemathesis() -> Option<PathBuf> {
    let program = std::env::var_os("HUBS_TEST_SCHEMATHESIS").map(PathBuf::from);
    let program = program.filter(|program| program.exists());
    have("schemathesis", program.is_some()).then_some(program?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_what_the_description_says() {
    let Some(program) = schemathesis() else { return };
    let house = TestHouse::demo().await;
    let mut owner = Visitor::named(&house, "duffy").await;
    let token = owner.form_token().await;
    let cookie = owner.cookie("hubs").unwrap().to_owned();
    let mut command = Command::new(program);
    command.current_dir(house.path("")).args(["run", &house.url("/openapi.json")]);
    // The same questions in each run. A stream of events has no end, and bodies of a message a line it can't make.
    command.args([
        "--generation-deterministic",
        "--max-examples",
        "8",
        "--phases",
        "examples,fuzzing",
    ]);
    command.args([
        "--exclude-path",
        "/{hub}/events",
        "--exclude-path",
        "/api/messages",
        "--no-color",
        "--warnings",
        "off",
    ]);
    command.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"]);
    command.args(["--header", &format!("Cookie: hubs={cookie}")]);
    command.args(["--header", &format!("X-CSRF-Token: {token}")]);
    let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
