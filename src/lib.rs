//! Hubs: live pages for the people and teams of a community, made of scripted widgets.
//!
//! The map of the house. A room names rooms above it in this list, never below; `tests/it/house.rs` holds that.
//! docs/ARCHITECTURE.md walks one message through it.

// Ground: the nouns, and what everybody may use.
pub mod config;
pub mod diagnostic;
pub mod hub;
pub mod message;
pub mod telemetry;

// Service: one thing each.
pub mod store;

pub mod datanommer;

pub mod cache;

pub mod outbound;

pub mod render;

pub mod script;

pub mod bindings;

pub mod widget;

// Flow: what a message passes, from a socket to a browser.
pub mod bus;

pub mod triage;

pub mod rebuild;

pub mod live;

pub mod web;

// Roof: what joins the rooms.
pub mod server;

pub mod cases;

pub mod cli;
