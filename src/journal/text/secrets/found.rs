//! One secret in a text: where it stands, what makes two of them the same, and what of it may be shown.

use std::ops::Range;

use crate::journal::text::secrets::kind::Kind;

/// A secret, where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// The secret as it is written.
    pub text: String,
    /// Whether it can hardly be anything else.
    pub sure: bool,
}

impl Found {
    /// What two ways of writing one secret have in common: see [`key`].
    pub fn key(&self) -> String {
        key(self.kind, &self.text)
    }
}

/// What two ways of writing one secret have in common: a card without its spaces, an e-mail address in lower case, a phone number's
/// digits. Of passwords and keys only white space is evened out.
pub fn key(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Card | Kind::Account | Kind::Id => {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
        }
        Kind::Phone => phone_key(text),
        Kind::Email => email_key(text),
        Kind::Address | Kind::Name => {
            let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
        }
        Kind::Password | Kind::Key | Kind::Other => one_line(text),
    }
}

/// The digits of a phone number, `00` and `+` being the same, without the `(0)` that stands after a country's code.
fn phone_key(text: &str) -> String {
    let trimmed = text.trim_start();
    let without_zero = trimmed.replacen("(0)", "", 1);
    let international = trimmed.starts_with('+') || trimmed.starts_with("00");
    let written = if international { &without_zero } else { trimmed };
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    if !international {
        return digits;
    }
    let number =
        if trimmed.starts_with('+') { &digits[..] } else { digits.strip_prefix("00").unwrap_or(&digits) };
    format!("+{number}")
}

/// An e-mail address in lower case, `(at)` and `[dot]` read as they are meant.
fn email_key(text: &str) -> String {
    let mut lower = one_line(&text.to_lowercase());
    for (written, meant) in [("at", "@"), ("dot", "."), ("punkt", "."), ("point", ".")] {
        for (open, close) in [("(", ")"), ("[", "]"), (" ", " ")] {
            lower = lower.replace(&format!("{open}{written}{close}"), meant);
        }
    }
    lower.retain(|c| !c.is_whitespace());
    lower
}

/// A text with every run of white space as one space, and none at its ends.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The most dots that stand for what is not shown, so that a long key takes no more room than it must.
const DOTS: usize = 12;

/// What of a secret may be shown on a screen: its first and last character and dots (`h•••••2`); of one of fewer than six characters the
/// first alone, of fewer than four none. An e-mail address keeps what stands from its `@` on.
pub fn masked(secret: &str) -> String {
    match secret.rfind('@') {
        Some(at) if secret[at + 1..].contains('.') && !secret[at..].contains(char::is_whitespace) => {
            dotted(&secret[..at]) + &secret[at..]
        }
        _ => dotted(secret),
    }
}

fn dotted(secret: &str) -> String {
    let count = secret.chars().count();
    let shown = |c: Option<char>| c.filter(|c| c.is_alphanumeric() || c.is_ascii_graphic()).unwrap_or('•');
    let dots = |n: usize| "•".repeat(n.min(DOTS));
    match count {
        0 => String::new(),
        1..4 => dots(count),
        4..6 => format!("{}{}", shown(secret.chars().next()), dots(count - 1)),
        _ => {
            let (first, last) = (shown(secret.chars().next()), shown(secret.chars().next_back()));
            format!("{first}{}{last}", dots(count - 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_secret_shows_its_ends_alone() {
        assert_eq!(masked("hunter2"), "h•••••2");
        assert_eq!(masked("4821"), "4•••");
        assert_eq!(masked("abc"), "•••");
        assert_eq!(masked(""), "");
        assert_eq!(masked("anna.b@example.com"), "a••••b@example.com");
        assert_eq!(masked("p@ss"), "p•••");
        assert_eq!(masked("\u{1b}[31mred"), "•••••••d");
        assert_eq!(masked(&"x".repeat(4000)).chars().count(), DOTS + 2);
    }

    #[test]
    fn spacing_and_case_make_no_other_secret() {
        let same = |kind, a: &str, b: &str| assert_eq!(key(kind, a), key(kind, b), "{a} and {b}");
        same(Kind::Card, "4111 1111-1111 1111", "4111111111111111");
        same(Kind::Account, "de89 3704 0044 0532 0130 00", "DE89370400440532013000");
        same(Kind::Phone, "+49 (0)171 123-4567", "0049 171 1234567");
        same(Kind::Phone, "(555) 234-5678", "555.234.5678");
        same(Kind::Email, "Anna@Example.COM", "anna (at) example [dot] com");
        same(Kind::Name, "Anna  van der\nBerg", "ANNA VAN DER BERG");
        same(Kind::Key, "-----BEGIN\n a", "-----BEGIN a");
        assert_ne!(key(Kind::Password, "Hunter2"), key(Kind::Password, "hunter2"));
        assert_ne!(key(Kind::Phone, "+49171"), key(Kind::Phone, "49171"));
    }
}
