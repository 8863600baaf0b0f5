//! What was read: the entries, which of them stand twice, what was found in numbers, and clean files of them.

mod beginnings;
pub mod dedup;
pub mod export;
pub mod overview;
pub mod report;
pub mod settle;
pub mod split;
mod store;

pub use store::Corpus;
