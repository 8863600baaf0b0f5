//! A conversation as the tokens that a model goes on from, in the form that it was trained on, and what ends its answer.
//!
//! ```text
//! messages ── fit (oldest turns left out) ── Manner ──┬ Diary: one text, cut where it is too long
//!                                                     ├ Pairs: dataset::pairs::form          ──> ids
//!                                                     └ Template ── letters (names in contents broken up)
//! ```

mod cut;
pub mod diary;
pub mod ends;
pub mod fit;
mod letters;
pub mod manner;
pub mod message;
pub mod template;
#[cfg(test)]
mod tests;

pub use ends::{Ends, ends};
pub use fit::{Fitted, Misfit, fit};
pub use manner::Manner;
pub use message::Message;
pub use template::Template;
