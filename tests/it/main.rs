//! Everything that needs a whole house, or looks at the house itself. One binary, a module per capability.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails says where; one that is skipped says so"
)]

mod accounts;
mod amqp;
mod author;
mod axe;
mod browser;
mod cases;
mod catch_up;
mod chromium;
mod command;
mod crash;
mod datanommer;
mod editing;
mod fedmsg;
mod fuzz;
mod gallery;
mod github;
mod guide;
mod harness;
mod house;
mod inference;
mod ingest;
#[cfg(feature = "kerberos")]
mod kerberos;
mod live;
mod look;
mod matrix;
mod mirror;
mod mistakes;
mod octokit;
mod oidc;
mod online;
mod outbound;
mod page;
mod pages;
mod paging;
mod problem;
mod reload;
mod roles;
mod scripted;
mod visitor;
mod why;
