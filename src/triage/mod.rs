//! triage

mod by_id;
pub mod index;
pub mod roster;
