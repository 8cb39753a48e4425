//! Everything that needs a whole house, or looks at the house itself. One binary, a module per capability.

mod browser;
mod command;
mod crash;
mod fedmsg;
mod harness;
mod house;
mod ingest;
mod live;
mod pages;
mod reload;
