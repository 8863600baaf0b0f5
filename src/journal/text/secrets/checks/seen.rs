//! What a check is shown, and what it may say.

use std::ops::Range;

/// A place where a pattern matched.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The whole text.
    pub text: &'a str,
    /// The bytes of it that may be a secret.
    pub range: Range<usize>,
}

impl<'a> Seen<'a> {
    /// What may be a secret.
    pub fn secret(&self) -> &'a str {
        &self.text[self.range.clone()]
    }

    /// The text before it.
    pub fn before(&self) -> &'a str {
        &self.text[..self.range.start]
    }

    /// The text after it.
    pub fn after(&self) -> &'a str {
        &self.text[self.range.end..]
    }

    /// Its digits, as numbers.
    pub fn digits(&self) -> Vec<u32> {
        self.secret().chars().filter_map(|c| c.to_digit(10)).collect()
    }

    /// Its letters and digits, in upper case.
    pub fn signs(&self) -> Vec<char> {
        self.secret().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    }

    /// It is one. (An option, as all checks give it.)
    #[allow(clippy::unnecessary_wraps)]
    pub fn pass(&self) -> Option<Pass> {
        Some(Pass { range: self.range.clone(), doubtful: false })
    }

    /// It may be one, whatever the pattern is otherwise sure of.
    #[allow(clippy::unnecessary_wraps)]
    pub fn doubt(&self) -> Option<Pass> {
        Some(Pass { range: self.range.clone(), doubtful: true })
    }

    /// It is one, if `holds`.
    pub fn pass_if(&self, holds: bool) -> Option<Pass> {
        if holds { self.pass() } else { None }
    }

    /// It is one, surely only if `holds`.
    pub fn sure_if(&self, holds: bool) -> Option<Pass> {
        if holds { self.pass() } else { self.doubt() }
    }
}

/// What a check says of a secret that it lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The bytes that are the secret: those it was shown, or fewer.
    pub range: Range<usize>,
    /// Whether it is unsure, though its pattern is sure.
    pub doubtful: bool,
}

/// A check of what a pattern matched: none where it is no secret.
pub type Check = fn(&Seen) -> Option<Pass>;
