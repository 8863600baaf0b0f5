//! Secrets in journals: what a language model should not learn, because it may say it again.
//!
//! ```text
//! patterns.json ── pattern ── rule (checks/) ── scanner ──> Found
//! Found ──> summary, placeholders, review/          texts ── names/ ──> review/
//! ```
//!
//! A [`Scanner`] finds passwords, keys, cards, accounts, phone numbers, addresses and the numbers that states give people, by patterns
//! that are data: `patterns.json`, and a person's own file of the same form. What a regular expression cannot say, a checksum or that a
//! number is rather a date, is in `checks/`. [`Names`] counts full names over the whole of the journals. What is done with it all, a
//! person says in a [`Review`], or for everything at once with a [`Policy`]. [`candidates`] makes the strings, and [`other_names`] the names,
//! against which it is measured whether a model learned a secret after all.
//!
//! Nothing here is a promise: a secret that looks like a word is not found. [`Found::sure`] says what hardly can be anything else.

mod action;
mod candidates;
mod checks;
mod found;
mod kind;
mod names;
mod pattern;
mod placeholders;
mod review;
mod rule;
mod scanner;
mod summary;

pub use action::{Action, Action as Policy};
pub use candidates::candidates;
pub use found::{Found, key, masked};
pub use kind::Kind;
pub use names::{NameFinder, Names, other_names};
pub use placeholders::{Placeholders, replace};
pub use review::Review;
pub use scanner::Scanner;
pub use summary::{OfKind, Place, Summary};

#[cfg(test)]
mod tests;
