//! The words of a text, and its sentences: what every measure of likeness counts.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::journal::is_unspaced;

/// A word, where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Its first byte in the text.
    pub at: usize,
}

impl<'a> Word<'a> {
    /// Its bytes in the text.
    pub fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// What it is counted as: in lower case, with a straight apostrophe, composed (NFC).
    pub fn key(&self) -> Cow<'a, str> {
        if self.text.chars().all(|c| c.is_ascii_lowercase()) {
            return Cow::Borrowed(self.text);
        }
        Cow::Owned(self.text.to_lowercase().nfc().map(|c| if c == '’' { '\'' } else { c }).collect())
    }
}

/// The words of a text: letters and digits, with an apostrophe or a hyphen between them (`don't`, `to-morrow`); of scripts that are
/// written without spaces, each character.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (at, first) = rest.by_ref().find(|(_, c)| c.is_alphanumeric())?;
        let mut end = at + first.len_utf8();
        if !is_unspaced(first) {
            while let Some(&(i, c)) = rest.peek() {
                let joins = matches!(c, '\'' | '’' | '-') && i == end && {
                    let next = text[i + c.len_utf8()..].chars().next();
                    next.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c))
                };
                if !joins && (!within(c) || is_unspaced(c)) {
                    break;
                }
                end = i + c.len_utf8();
                rest.next();
            }
        }
        Some(Word { text: &text[at..end], at })
    })
}

/// Whether a character goes on with a word: a letter, a digit, a mark upon one, or what joins letters unseen.
fn within(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}')
}

/// The sentences of a text, each trimmed and with its marks: they end at `.`, `!`, `?` or `…` before white space, at `。`, `！` or `？`, and at an empty
/// line. (An abbreviation ends one too: it does so in both texts that are compared.)
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    paragraphs(text).flat_map(|paragraph| {
        let mut start = 0;
        let mut cuts: Vec<&str> = Vec::new();
        let mut chars = paragraph.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let closes = matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？');
            let end = i + c.len_utf8();
            let after =
                paragraph[end..].trim_start_matches(['"', '”', '’', '\'', ')', '»', '.', '!', '?', '…']);
            let full = matches!(c, '。' | '！' | '？');
            if closes && (full || after.is_empty() || after.starts_with(char::is_whitespace)) {
                let end = paragraph.len() - after.len();
                while chars.peek().is_some_and(|(i, _)| *i < end) {
                    chars.next();
                }
                cuts.push(paragraph[start..end].trim());
                start = end;
            }
        }
        cuts.push(paragraph[start..].trim());
        cuts.into_iter().filter(|sentence| !sentence.is_empty())
    })
}

/// The paragraphs of a text: what stands between lines without a word.
pub fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let mut end = 0;
        for line in rest.split_inclusive('\n').take_while(|line| !line.trim().is_empty()) {
            end += line.len();
        }
        let (paragraph, after) = rest.split_at(end);
        rest = after;
        (end > 0).then(|| paragraph.trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_where_they_stand() {
        let text = "“Don’t,” she said—to-morrow, at 8 o'clock; naïve - cafe\u{301}. 日記";
        let found: Vec<&str> = words(text).map(|w| w.text).collect();
        let said =
            ["Don’t", "she", "said", "to-morrow", "at", "8", "o'clock", "naïve", "cafe\u{301}", "日", "記"];
        assert_eq!(found, said);
        assert!(words(text).all(|w| &text[w.range()] == w.text));
        assert_eq!(words(text).next().unwrap().key(), "don't");
        assert_eq!(words("cafe\u{301}").next().unwrap().key(), "café");
        assert_eq!(words("हिन्दी co\u{ad}operate").count(), 2);
        assert_eq!(words("\u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f}").count(), 0);
        assert_eq!(words("").count(), 0);
    }

    #[test]
    fn sentences_end_at_marks_and_empty_lines() {
        let text = "It rained. “Why?” she said... Then\n\nAt 3.15 we went! No mark";
        let found: Vec<&str> = sentences(text).collect();
        assert_eq!(sentences("今日は。明日も。").count(), 2);
        let blank = "One\n \nTwo\r\n\r\nThree\nfour\n\n\n";
        assert_eq!(paragraphs(blank).collect::<Vec<_>>(), ["One", "Two", "Three\nfour"]);
        assert_eq!(found, ["It rained.", "“Why?”", "she said...", "Then", "At 3.15 we went!", "No mark"]);
    }
}
