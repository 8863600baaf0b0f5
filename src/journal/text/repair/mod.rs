//! Damage that software did to a text, put right in every entry of every format; the writer's own characters
//! stay.
//!
//! - Mojibake: UTF-8 that was read as windows-1252, Latin-1 or Mac Roman and saved so, once or several times
//!   (`donâ€™t`, `cafÃ©`). Sequence by sequence, since good text may stand beside it; `mojibake.rs` has the
//!   rule.
//! - `can¿t`: an apostrophe that was lost on its way through another encoding, known by the ending after it.
//! - Invisible characters without a use in a line: U+200B, U+2060, U+FEFF, and U+00AD, which browsers, word
//!   processors and e-books put into words for typesetting and which cuts a word in two for everything that
//!   reads words. Joiners, variation selectors and marks of direction mean something and stay.
//! - Control characters: `controls.rs` says what becomes of which.
//! - U+FFFD is beyond repair: it stays, and its lines are told.
//!
//! All else stays as it is: U+2028, no-break spaces, composed and decomposed letters.

use std::borrow::Cow;

mod controls;
mod mojibake;
mod sequence;
mod suspects;
#[cfg(test)]
mod tests;

/// How many lines beyond repair are told.
const MOST_LINES: usize = 100;

/// A text with its damage put right.
#[derive(Debug, PartialEq, Eq)]
pub struct Repaired<'a> {
    /// The text; borrowed where nothing was wrong.
    pub text: Cow<'a, str>,
    /// Sequences of mojibake that were put right; in text garbled twice, each layer of them.
    pub mojibake: usize,
    /// `¿` that were apostrophes.
    pub apostrophes: usize,
    /// Invisible characters that were taken out.
    pub invisible: usize,
    /// Control characters that were taken out, or stood for something.
    pub controls: usize,
    /// The lines, from 0, that hold U+FFFD: 100 at most.
    pub beyond_repair: Vec<usize>,
}

/// Puts right what software did to a text. What it gives, it would leave as it is.
pub fn repair(text: &str) -> Repaired<'_> {
    let mut repaired = Repaired {
        text: Cow::Borrowed(text),
        mojibake: 0,
        apostrophes: 0,
        invisible: 0,
        controls: 0,
        beyond_repair: Vec::new(),
    };
    if suspects::next(text.as_bytes(), 0).is_none() && !controls::are_in(text) {
        return repaired;
    }
    // One repair may lay open another: each makes the text shorter, or a `¿` or a control character less, so this ends.
    // Mojibake comes first: U+0080 to U+009F are part of it.
    loop {
        let before = (repaired.mojibake, repaired.apostrophes, repaired.invisible, repaired.controls);
        repaired.mojibake += without_mojibake(&mut repaired.text, repaired.mojibake > 0);
        repaired.controls += apply(&mut repaired.text, controls::without);
        repaired.invisible += apply(&mut repaired.text, without_invisible);
        repaired.apostrophes += apply(&mut repaired.text, with_apostrophes);
        if before == (repaired.mojibake, repaired.apostrophes, repaired.invisible, repaired.controls) {
            break;
        }
    }
    if repaired.text.contains(char::REPLACEMENT_CHARACTER) {
        let lines = repaired.text.split('\n').enumerate();
        let lines = lines.filter(|(_, line)| line.contains(char::REPLACEMENT_CHARACTER));
        repaired.beyond_repair = lines.map(|(number, _)| number).take(MOST_LINES).collect();
    }
    repaired
}

/// Takes away mojibake, every layer of it: an invisible character may be part of the next.
fn without_mojibake(text: &mut Cow<'_, str>, known: bool) -> usize {
    let mut count = 0;
    loop {
        match apply(text, |text| mojibake::unscramble(text, known || count > 0)) {
            0 => return count,
            more => count += more,
        }
    }
}

/// Applies one repair, and tells how often it found something.
fn apply(text: &mut Cow<'_, str>, repair: impl Fn(&str) -> Option<(String, usize)>) -> usize {
    let Some((better, count)) = repair(text) else { return 0 };
    *text = Cow::Owned(better);
    count
}

fn without_invisible(text: &str) -> Option<(String, usize)> {
    let invisible = |c: char| matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    let count = text.matches(invisible).count();
    (count > 0).then(|| (text.replace(invisible, ""), count))
}

fn with_apostrophes(text: &str) -> Option<(String, usize)> {
    let lost: Vec<usize> =
        text.match_indices('¿').map(|(at, _)| at).filter(|&at| is_apostrophe(text, at)).collect();
    if lost.is_empty() {
        return None;
    }
    let straight = text.contains('\'') && !text.contains('’');
    let mut better = String::with_capacity(text.len() + lost.len());
    let mut copied = 0;
    for &at in &lost {
        better.push_str(&text[copied..at]);
        better.push(if straight { '\'' } else { '’' });
        copied = at + '¿'.len_utf8();
    }
    better.push_str(&text[copied..]);
    Some((better, lost.len()))
}

/// Whether the `¿` here stands in `can¿t`, `it¿s`, `we¿re`, `I¿ve`, `he¿ll`, `they¿d`, `I¿m`.
fn is_apostrophe(text: &str, at: usize) -> bool {
    let rest = &text[at + '¿'.len_utf8()..];
    let ending = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(rest);
    let known = ["t", "s", "re", "ve", "ll", "d", "m"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    known && text[..at].ends_with(char::is_alphabetic)
}
