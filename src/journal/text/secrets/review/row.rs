//! One line of a review.

use crate::journal::text::secrets::action::Action;
use crate::journal::text::secrets::found::{key, one_line};
use crate::journal::text::secrets::kind::Kind;

/// What is to be done with one secret, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is done.
    pub action: Action,
    /// What it is.
    pub kind: Kind,
    /// The secret in the clear, on one line.
    pub what: String,
    /// How often it stands.
    pub times: usize,
    /// What stands in its stead where it is replaced.
    pub replacement: String,
    /// The entry and some of the line in which it first stands.
    pub example: String,
}

impl Row {
    /// What it has in common with every way of writing the secret.
    pub fn key(&self) -> (Kind, String) {
        (self.kind, row_key(self.kind, &self.what))
    }
}

/// The key of a secret as a review keeps it: the same for the secret and for what is written of it in one line.
pub fn row_key(kind: Kind, secret: &str) -> String {
    key(kind, &one_line(secret))
}
