//! A passage in windows of a sentence or two: a question is answered by so much, and a mean over more is about everything.

use crate::eval::likeness::words::{sentences, words};

/// A window goes on until it has so many words.
const ENOUGH: usize = 15;
/// It takes no sentence more that would make it longer than this.
const MOST: usize = 40;

/// The windows of a passage, which follow each other: each is of whole sentences, of one at least.
pub fn windows(passage: &str) -> Vec<&str> {
    let mut windows = Vec::new();
    // The bytes of the window that is begun, and its words.
    let (mut start, mut end, mut held) = (0, 0, 0);
    let mut from = 0;
    for sentence in sentences(passage) {
        // A slice of the passage, in its order: the next that reads so is the one.
        let at = passage[from..].find(sentence).map_or(from, |found| from + found);
        let length = words(sentence).count();
        if held > 0 && (held >= ENOUGH || held + length > MOST) {
            windows.push(&passage[start..end]);
            (start, held) = (at, 0);
        } else if held == 0 {
            start = at;
        }
        end = at + sentence.len();
        held += length;
        from = end;
    }
    if held > 0 {
        windows.push(&passage[start..end]);
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn short_sentences_stand_together_and_long_ones_alone() {
        let short = "Up betimes. To the office. ".repeat(6);
        let long = format!("So {}home.", "and then to the Exchange, ".repeat(12));
        let text = format!("{short}{long} And so to bed.");
        let found = windows(&text);
        let lengths: Vec<usize> = found.iter().map(|window| words(window).count()).collect();
        assert_eq!(lengths, [15, 15, 62, 4], "{found:?}");
        assert_eq!(squeezed(&found.concat()), squeezed(&text));
    }

    #[test]
    fn nothing_is_lost_of_any_text() {
        for text in ["", " ", "…", "One.", "日記。昨日。", "A\n\nB. (“C?”) — D", "x.\n\n\n!!! y"]
        {
            let found = windows(text);
            assert!(found.iter().all(|window| words(window).next().is_some()), "{text}: {found:?}");
            let count: usize = found.iter().map(|window| words(window).count()).sum();
            assert_eq!(count, words(text).count(), "{text}: {found:?}");
        }
    }
}
