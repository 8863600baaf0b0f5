//! A pattern made ready: where in a text it finds something.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::journal::text::secrets::checks;
use crate::journal::text::secrets::checks::seen::{Check, Seen};
use crate::journal::text::secrets::found::Found;
use crate::journal::text::secrets::kind::Kind;
use crate::journal::text::secrets::pattern::Pattern;

/// How large the program of one pattern may grow, in bytes.
const SIZE: usize = 4 << 20;
/// How often a pattern is tried again within one match that was refused, before the rest of the match is passed over. Without a limit, a
/// text of nothing but beginnings would take quadratic time.
const RETRIES: usize = 64;
/// In how many characters before a match a word that denies it is looked for, at least.
const DENIED_WITHIN: usize = 32;

/// A pattern made ready.
#[derive(Debug)]
pub struct Rule {
    kind: Kind,
    regex: Regex,
    has_group: bool,
    context: Vec<Word>,
    unless: Vec<Word>,
    within: usize,
    check: Check,
    sure: bool,
}

/// A word that is looked for before a match.
#[derive(Debug)]
struct Word {
    /// In lower case.
    text: String,
    /// Whether more letters may follow.
    is_beginning: bool,
}

impl Rule {
    /// A pattern made ready.
    ///
    /// # Errors
    /// A regular expression that is none, that is too large, or that matches nothing at all.
    pub fn new(pattern: &Pattern) -> Result<Rule, String> {
        let built = RegexBuilder::new(&pattern.regex).size_limit(SIZE).build();
        let regex = built.map_err(|error| format!("its regex is none that can be read: {error}"))?;
        if regex.is_match("") {
            return Err("its regex matches an empty text, so it would match everywhere".into());
        }
        let check =
            checks::named(&pattern.check).ok_or_else(|| format!("there is no check “{}”", pattern.check))?;
        let words = |words: &[String]| words.iter().map(|word| Word::new(word)).collect();
        Ok(Rule {
            kind: pattern.kind()?,
            has_group: regex.capture_names().flatten().any(|name| name == "secret"),
            regex,
            context: words(&pattern.context),
            unless: words(&pattern.unless),
            within: pattern.within,
            check,
            sure: pattern.sure,
        })
    }

    /// What it finds in a text, in order, is added to `out`.
    pub fn find(&self, text: &str, out: &mut Vec<Found>) {
        let (mut at, mut refused_to, mut refusals) = (0, 0, 0);
        while let Some(matched) = self.regex.find_at(text, at) {
            let whole = matched.range();
            let secret = self.secret(text, &whole);
            let found = secret
                .filter(|secret| stands_alone(self.kind, text, whole.start, secret))
                .and_then(|secret| self.judge(text, secret));
            if let Some(found) = found {
                at = found.range.end.max(after_char(text, whole.start));
                out.push(found);
                continue;
            }
            refusals = if whole.end == refused_to { refusals + 1 } else { 0 };
            refused_to = whole.end;
            at = if refusals > RETRIES {
                whole.end.max(after_char(text, whole.start))
            } else {
                next_start(text, whole.start)
            };
        }
    }

    /// The bytes of a match that may be the secret.
    fn secret(&self, text: &str, whole: &Range<usize>) -> Option<Range<usize>> {
        if !self.has_group {
            return Some(whole.clone());
        }
        self.regex.captures_at(text, whole.start)?.name("secret").map(|group| group.range())
    }

    fn judge(&self, text: &str, range: Range<usize>) -> Option<Found> {
        // The check first: it costs less than the words around.
        let pass = (self.check)(&Seen { text, range: range.clone() })?;
        if !self.context.is_empty() || !self.unless.is_empty() {
            let stands = |words: &[Word], within| {
                let before = nearby(&text[..range.start], within);
                words.iter().any(|word| word.stands_in(&before))
            };
            let denied = !self.unless.is_empty() && stands(&self.unless, self.within.max(DENIED_WITHIN));
            if denied || !(self.context.is_empty() || stands(&self.context, self.within)) {
                return None;
            }
        }
        let mut range = pass.range;
        let mut secret = text.get(range.clone())?;
        if self.kind == Kind::Address {
            // A town may end in a full stop only where the sentence does.
            secret = secret.trim_end_matches(['.', ',', '-', '\'', '’', ' ']);
            range.end = range.start + secret.len();
        }
        Some(Found { kind: self.kind, range, text: secret.to_string(), sure: self.sure && !pass.doubtful })
    }
}

impl Word {
    fn new(word: &str) -> Word {
        let is_beginning = word.ends_with('*');
        Word { text: word.trim_end_matches('*').to_lowercase(), is_beginning }
    }

    /// Whether it stands in a text that is in lower case, as a word of its own.
    fn stands_in(&self, text: &str) -> bool {
        text.match_indices(&self.text).any(|(at, _)| {
            let after = &text[at + self.text.len()..];
            let ends =
                self.is_beginning || self.text.ends_with('.') || !after.starts_with(char::is_alphanumeric);
            ends && !text[..at].ends_with(char::is_alphanumeric)
        })
    }
}

/// The last `n` characters, in lower case, from the last empty line on.
fn nearby(before: &str, n: usize) -> String {
    let start = before.char_indices().rev().take(n).last().map_or(before.len(), |(i, _)| i);
    // Half a word at the start of what is looked at is none.
    let whole = &before[start..];
    let cut = if before[..start].ends_with(char::is_alphanumeric) {
        whole.trim_start_matches(char::is_alphanumeric)
    } else {
        whole
    };
    let paragraph = cut.rsplit("\n\n").next().unwrap_or(cut);
    paragraph.to_lowercase()
}

/// Whether no word or longer number holds the match: `start` is where it begins, `secret` ends where it ends.
fn stands_alone(kind: Kind, text: &str, start: usize, secret: &Range<usize>) -> bool {
    let (before, after) = (&text[..start], &text[secret.end..]);
    let touches = |a: Option<char>, b: Option<char>| {
        a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric)
    };
    let inner = &text[start..secret.end];
    if touches(before.chars().next_back(), inner.chars().next())
        || touches(inner.chars().next_back(), after.chars().next())
    {
        return false;
    }
    !kind.is_number() || !(goes_on_before(before) || goes_on_after(after))
}

/// Whether a number is the end of something longer: of `12.345`, `v4-5`, `=5`.
fn goes_on_before(before: &str) -> bool {
    let mut back = before.chars().rev();
    match (back.next(), back.next()) {
        (Some('.' | ',' | '-' | '/' | '_'), Some(further)) => further.is_ascii_alphanumeric(),
        (Some(':' | '\u{a0}'), Some(further)) => further.is_ascii_digit(),
        (Some('#' | '=' | '@' | '%' | '&' | '+' | '\\'), _) => true,
        _ => false,
    }
}

/// Whether a number goes on after its end: `.5`, `-6`, `/7`.
fn goes_on_after(after: &str) -> bool {
    let mut next = after.chars();
    match (next.next(), next.next()) {
        (Some('.' | ',' | '-' | '/' | ':'), Some(further)) => further.is_ascii_digit(),
        (Some('_' | '%' | '°' | '@' | '='), _) => true,
        _ => false,
    }
}

/// The first byte after the character at `at`.
fn after_char(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

/// Where the next try may begin: at the next place that does not lie in the word at `at`.
fn next_start(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    if word == 0 { after_char(text, at) } else { at + word }
}
