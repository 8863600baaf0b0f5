//! Names, dates, numbers and quotations in an answer that its sources do not have.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::eval::likeness::invention::{Invention, Kind, Known, inventions};
use crate::eval::likeness::names::names;
use crate::eval::likeness::words::{sentences, words};

/// The names that begin no sentence somewhere in some texts, and so are known to be names.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// The single words of names in some texts, but not those that any text has without a capital.
    pub fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Names {
        let mut found = BTreeSet::new();
        for text in texts.clone() {
            for range in names(text) {
                found.extend(words(&text[range]).map(|word| word.key().into_owned()));
            }
        }
        for word in texts.flat_map(words).filter(|word| word.text.starts_with(char::is_lowercase)) {
            found.remove(&*word.key());
        }
        Names(found)
    }

    /// The names that begin a sentence.
    fn at_beginnings<'t>(&self, text: &'t str) -> Vec<(Range<usize>, &'t str)> {
        let mut found = Vec::new();
        for sentence in sentences(text) {
            let at = sentence.as_ptr().addr() - text.as_ptr().addr();
            let Some(first) = words(sentence).next() else { continue };
            let key = first.key();
            let bare = key.strip_suffix("'s").unwrap_or(&key);
            if first.text.starts_with(char::is_uppercase) && (self.0.contains(bare) || self.0.contains(&*key))
            {
                let length = first
                    .text
                    .strip_suffix("'s")
                    .or(first.text.strip_suffix("’s"))
                    .unwrap_or(first.text)
                    .len();
                found.push((at + first.at..at + first.at + length, &first.text[..length]));
            }
        }
        found
    }
}

/// What of an answer is nowhere in what is known, each thing once.
pub fn unknown(answer: &str, known: &Known, proper: &Names) -> Vec<Invention> {
    let mut found = inventions(answer, known);
    for (range, text) in proper.at_beginnings(answer) {
        let met = found.iter().any(|other| other.range.start < range.end && range.start < other.range.end);
        if !met && !known.has_run(text) {
            found.push(Invention { kind: Kind::Name, text: text.to_string(), range });
        }
    }
    found.sort_by_key(|found| (found.range.start, found.kind));
    let mut seen = BTreeSet::new();
    found.retain(|found| seen.insert((found.kind, found.text.to_lowercase())));
    found
}

/// What a document's name says of its day: `1912-06-03` as that, and in parts without their zeros.
pub fn in_name(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let parts: Vec<&str> = stem.split(|c: char| !c.is_alphanumeric()).collect();
    let bare: Vec<&str> = parts.iter().map(|part| part.trim_start_matches('0')).collect();
    format!("{stem}\n\n{}\n\n{}", parts.join(" ; "), bare.join(" ; "))
}
