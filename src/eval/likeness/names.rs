//! Names in a text: words with a capital within a sentence, those that stand together as one.
//!
//! What has a capital for another reason is none: the first word of a sentence, of a line, of a quotation, after a colon or
//! a dash; "I"; days and months; more than [`LONGEST`] words in a row (a title, or shouting). In German, where every noun
//! has a capital, this finds nouns.

use std::ops::Range;

use crate::eval::likeness::words::{Word, words};

/// More words than this are no name.
const LONGEST: usize = 5;

/// Short for a title, with or without a point: no part of a name, and the point ends no sentence.
const TITLES: [&str; 18] = [
    "mr", "mrs", "ms", "dr", "prof", "rev", "hon", "capt", "col", "gen", "lt", "sgt", "st", "messrs", "mme",
    "mlle", "m", "sr",
];

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The bytes of each name in a text, in order, without titles ("Mr.") and the possessive ("’s").
pub fn names(text: &str) -> Vec<Range<usize>> {
    let found: Vec<Word> = words(text).collect();
    let mut names = Vec::new();
    let mut i = 0;
    while i < found.len() {
        let mut end = i;
        while end < found.len() && is_name(text, &found, end) && (end == i || joins(text, &found, end)) {
            end += 1;
        }
        let run = &found[i..end];
        let titles = run.iter().take_while(|word| is_title(word)).count();
        if let ([first, ..], [.., last]) = (&run[titles..], run)
            && run.len() <= LONGEST
        {
            let bare = last.text.strip_suffix("'s").or(last.text.strip_suffix("’s")).unwrap_or(last.text);
            names.push(first.at..last.at + bare.len());
        }
        i = end.max(i + 1);
    }
    names
}

/// Whether a word has a capital for being a name.
fn is_name(text: &str, found: &[Word], i: usize) -> bool {
    let word = &found[i];
    if !word.text.starts_with(char::is_uppercase) || begins(text, found, i) {
        return false;
    }
    let key = word.key();
    let other = matches!(&*key, "i" | "i'm" | "i've" | "i'll" | "i'd" | "o" | "oh");
    !other && !DAYS.contains(&&*key) && !MONTHS.contains(&&*key)
}

/// Whether the word is where any word would have a capital.
fn begins(text: &str, found: &[Word], i: usize) -> bool {
    let Some(before) = i.checked_sub(1).map(|i| &found[i]) else { return true };
    let gap = &text[before.range().end..found[i].at];
    if is_abbreviation(before) && gap.strip_prefix('.').is_some_and(is_space) {
        return false;
    }
    gap.contains(|c: char| {
        matches!(c, '.' | '!' | '?' | '…' | ':' | '\n' | '–' | '—' | '―' | '⸺' | '⸻' | '(' | '[' | '。')
            || matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '\'' | '‘' | '#' | '*')
    }) || gap.contains("--")
        || gap.contains(" - ")
}

/// Whether a word belongs to the name that the word before it ends.
fn joins(text: &str, found: &[Word], i: usize) -> bool {
    let Some(before) = i.checked_sub(1).map(|i| &found[i]) else { return false };
    let gap = &text[before.range().end..found[i].at];
    is_space(gap) || is_abbreviation(before) && gap.strip_prefix('.').is_some_and(is_space)
}

fn is_space(gap: &str) -> bool {
    gap.chars().count() <= 2 && gap.chars().all(|c| c.is_whitespace() && c != '\n')
}

fn is_title(word: &Word) -> bool {
    TITLES.contains(&&*word.key())
}

/// A title, or an initial.
fn is_abbreviation(word: &Word) -> bool {
    is_title(word)
        || word.text != "I" && word.text.starts_with(char::is_uppercase) && word.text.chars().count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        names(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn names_are_what_has_a_capital_for_no_other_reason() {
        assert_eq!(
            found("Went with Sir Harry Wright to Exeter House, and Tom."),
            ["Sir Harry Wright", "Exeter House", "Tom"]
        );
        assert_eq!(found("Mr. Gunning’s chapel; to Mr. Crew’s with J. Wood"), ["Gunning", "Crew", "J. Wood"]);
        assert_eq!(
            found("Rain. The “How cats” essay: So I said, ‘No’—Why?\nThen I’ll go on Monday in May"),
            [""; 0]
        );
        assert_eq!(found("we READ THE WHOLE LONG SHOUTED TITLE of Ünal"), ["Ünal"]);
        assert_eq!(found("met a Mr. and Mrs. who left"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }
}
