//! Known names, found in texts.

use std::collections::HashMap;

use crate::journal::text::secrets::found::Found;
use crate::journal::text::secrets::kind::Kind;
use crate::journal::text::secrets::names::words::{Word, words};

/// Finds names that are given to it.
#[derive(Debug, Clone, Default)]
pub struct NameFinder {
    /// By their first word in lower case, the words of each; the longest first.
    by_first: HashMap<String, Vec<Vec<String>>>,
}

impl NameFinder {
    /// Finds these, as [`Names::often`](super::Names::often) gives them.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> NameFinder {
        let mut by_first: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        for name in names {
            let lower: Vec<String> = words(name).map(|word| word.lower()).collect();
            if let Some(first) = lower.first() {
                by_first.entry(first.clone()).or_default().push(lower);
            }
        }
        for alike in by_first.values_mut() {
            alike.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            alike.dedup();
        }
        NameFinder { by_first }
    }

    /// Where they stand in a text, in order, whatever their case, if they begin with a capital; none of them is sure.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut out = Vec::new();
        if self.by_first.is_empty() {
            return out;
        }
        let words: Vec<Word> = words(text).collect();
        let mut i = 0;
        while i < words.len() {
            let length = if words[i].text.starts_with(char::is_uppercase) {
                self.length_at(text, &words[i..])
            } else {
                0
            };
            if length > 0 {
                let range = words[i].at..words[i + length - 1].end();
                out.push(Found {
                    kind: Kind::Name,
                    text: text[range.clone()].to_string(),
                    range,
                    sure: false,
                });
            }
            i += length.max(1);
        }
        out
    }

    /// How many of these words are a known name; 0 where they begin none.
    fn length_at(&self, text: &str, words: &[Word]) -> usize {
        let alike = self.by_first.get(&words[0].lower()).map(Vec::as_slice).unwrap_or_default();
        let fits = |name: &&Vec<String>| {
            words.len() >= name.len()
                && name.iter().zip(words).all(|(part, word)| *part == word.lower())
                && words[..name.len()].windows(2).all(|pair| is_near(text, &pair[0], &pair[1]))
        };
        alike.iter().find(fits).map_or(0, Vec::len)
    }
}

/// Whether two words stand together: white space between them, an initial's full stop.
fn is_near(text: &str, a: &Word, b: &Word) -> bool {
    let between = text.get(a.end()..b.at).unwrap_or("-");
    let space = between.strip_prefix('.').unwrap_or(between);
    space.matches('\n').count() <= 1 && space.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_is_found_however_it_is_written() {
        let finder = NameFinder::new(["Anna Berger", "Anna Berger Meier", "John F. Kennedy"]);
        let text =
            "ANNA BERGER, Anna\n Berger’s; Anna Berger Meier. anna berger. Anna, Berger. John F Kennedy";
        let found: Vec<String> = finder.find(text).into_iter().map(|f| f.text).collect();
        assert_eq!(found, ["ANNA BERGER", "Anna\n Berger", "Anna Berger Meier", "John F Kennedy"]);
        assert!(NameFinder::default().find(text).is_empty());
    }
}
