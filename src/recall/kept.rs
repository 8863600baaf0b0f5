//! The entries of a library as they are kept: texts, and the passages that they are found by.

use std::collections::HashMap;
use std::ops::Range;

use jiff::civil::Date;

use crate::base::Result;
use crate::dataset::index::hash;
use crate::eval::likeness::words::words;
use crate::eval::themes::passages::passages;
use crate::journal::Corpus;
use crate::recall::tongue::{Tongue, tongues};

/// Words of a passage at most; one is about 200 words long.
pub const PASSAGE: usize = 250;

/// Bytes of short entries by which their language is told.
const TOGETHER: usize = 2_000;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its day, with a number where the day has several; its file and place there where it has no day.
    pub name: String,
    /// Its day.
    pub day: Option<Date>,
    /// Title and text.
    pub text: String,
    /// The hash of the text.
    pub hash: u64,
    /// Its language, where that can be told.
    pub tongue: Option<Tongue>,
    /// The bytes of its passages.
    pub passages: Vec<Range<usize>>,
}

impl Kept {
    /// An entry of a text.
    pub fn new(name: String, day: Option<Date>, text: String) -> Kept {
        let (hash, tongue, passages) = (hash(&text), Tongue::of(&text), ranges(&text));
        Kept { name, day, text, hash, tongue, passages }
    }

    /// The text of a passage.
    pub fn passage(&self, part: usize) -> Option<&str> {
        self.text.get(self.passages.get(part)?.clone())
    }
}

/// Where the passages of a text lie in it.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let of = |passage: &str| {
        // They stand in the text's order, with white space between them.
        let start = at + text[at..].find(passage)?;
        at = start + passage.len();
        Some(start..at)
    };
    passages(text, PASSAGE).into_iter().filter_map(of).collect()
}

/// All entries of a corpus that have a word. What `known` has of the same text is not worked out again.
///
/// # Errors
/// The disk, where the corpus lies in a file.
pub fn of_corpus(corpus: &mut Corpus, known: &[Kept]) -> Result<Vec<Kept>> {
    let known: HashMap<u64, &Kept> = known.iter().map(|kept| (kept.hash, kept)).collect();
    let mut kept = Vec::with_capacity(corpus.len());
    let mut of_day: HashMap<String, usize> = HashMap::new();
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        let text = entry.whole().into_owned();
        if words(&text).next().is_none() {
            continue;
        }
        let name = entry.day().map_or_else(
            || {
                let file = entry.source.file_name().unwrap_or(entry.source.as_os_str());
                format!("{}{}", corpus.told(file.as_ref()), entry.place)
            },
            |day| day.to_string(),
        );
        let times = of_day.entry(name.clone()).or_default();
        *times += 1;
        let name = if *times > 1 { format!("{name} ({times})") } else { name };
        let day = entry.day();
        kept.push(match known.get(&hash(&text)).filter(|same| same.text == text) {
            Some(same) => Kept { name, day, ..(*same).clone() },
            None => Kept::new(name, day, text),
        });
    }
    Ok(kept)
}

/// The languages of entries, the one with the most words first. Where no entry is long enough to tell, they tell together.
pub fn tongues_of(entries: &[Kept]) -> Vec<Tongue> {
    let found = tongues(entries.iter().map(|entry| (entry.tongue.as_ref(), words(&entry.text).count())));
    if found != [Tongue::unknown()] {
        return found;
    }
    let mut together = String::new();
    for entry in entries {
        together.push_str(&entry.text);
        together.push('\n');
        if together.len() > TOGETHER {
            break;
        }
    }
    vec![Tongue::of(&together).unwrap_or_else(Tongue::unknown)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_what_the_text_has_there() {
        let text =
            format!("  {}\n\n{}", "Rain all day. ".repeat(120), "Sun at last, and so to bed. ".repeat(90));
        let kept = Kept::new("a".into(), None, text.clone());
        assert!(kept.passages.len() >= 4, "{:?}", kept.passages);
        let mut end = 0;
        for (part, range) in kept.passages.iter().enumerate() {
            assert!(text[end..range.start].trim().is_empty(), "nothing but white space between");
            assert!(words(kept.passage(part).unwrap()).count() <= PASSAGE);
            end = range.end;
        }
        assert!(text[end..].trim().is_empty());
        assert_eq!(kept.passage(99), None);
    }
}
