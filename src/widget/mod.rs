//! widget

pub mod hint;

pub use hint::Hint;
