//! From PATHs to entries: which files there are, each given to its format, and what is taken of what it hands over.

pub mod collect;
pub mod fingerprint;
pub mod read;
mod sealed;
pub mod secrets;
pub mod select;
mod structured;
mod unreadable;
pub mod walk;
