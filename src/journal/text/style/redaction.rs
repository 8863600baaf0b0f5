//! Names and words that `--redact` replaces: the list of them, and how they are found.

use std::fs;
use std::path::Path;

use regex::{Captures, Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::base::{Error, Result};
use crate::journal::text::decode;
use crate::journal::text::scripts::is_unspaced;

/// Names, each with what stands in its place.
#[derive(Debug)]
pub struct Redaction {
    /// Group n is the nth name.
    names: Regex,
    placeholders: Vec<String>,
}

impl Redaction {
    /// Reads the list of names.
    ///
    /// # Errors
    /// What cannot be read or understood.
    pub fn read(path: &Path) -> Result<Redaction> {
        let file = read_unicode(path)?;
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for (i, line) in file.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, placeholder) = match line.split_once('=') {
                Some((name, placeholder)) => (name.trim(), placeholder.trim().to_string()),
                None => (line, format!("[name {}]", pairs.len() + 1)),
            };
            if name.is_empty() || placeholder.is_empty() {
                let problem = format!("line {}: a name and a placeholder have to stand around the =", i + 1);
                return Err(Error::file(
                    path,
                    problem,
                    "write it as `name = Placeholder`, or the name alone",
                ));
            }
            pairs.push((name, placeholder));
        }
        if pairs.is_empty() {
            return Err(Error::file(path, "there is no name in it", "write one name or phrase on each line"));
        }
        Redaction::new(pairs)
            .map_err(|error| Error::file(path, format!("too much to look for: {error}"), "shorten the list"))
    }

    fn new(mut pairs: Vec<(&str, String)>) -> std::result::Result<Redaction, regex::Error> {
        // The first alternative that fits is taken, so that the longest has to come first. The sort is stable: of a
        // name that stands twice, the first line counts.
        pairs.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        let alternatives: Vec<String> = pairs.iter().map(|(name, _)| whole_words(name)).collect();
        let names = RegexBuilder::new(&alternatives.join("|"))
            .case_insensitive(true)
            .size_limit(256 << 20)
            .build()?;
        Ok(Redaction { names, placeholders: pairs.into_iter().map(|(_, placeholder)| placeholder).collect() })
    }

    /// The text with its names replaced.
    pub fn apply(&self, text: &str) -> String {
        let shadow = without_underscores(text);
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in self.names.captures_iter(&shadow) {
            let range = found.get_match().range();
            out.push_str(&text[done..range.start]);
            out.push_str(self.placeholder(&found));
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }

    fn placeholder(&self, found: &Captures) -> &str {
        let name = (1..found.len()).find(|&group| found.get(group).is_some());
        &self.placeholders[name.expect("each alternative is a group") - 1]
    }
}

/// A list's text. A wrong guess at another encoding would leave names in the texts, unseen.
fn read_unicode(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(Error::typed("read", path))?;
    let refused = |why: &str| Error::file(path, why, "save it as UTF-8: text editors offer that when saving");
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let encoding = decode::detect(&bytes[..]).map_err(|why| refused(&why))?;
    let text = std::io::read_to_string(decode::Decoder::new(&bytes[..], encoding));
    let text = text.map_err(Error::typed("read", path))?;
    let is_whole = encoding.is_unicode() && !text.contains(char::REPLACEMENT_CHARACTER);
    if is_whole { Ok(text) } else { Err(refused("it is not in UTF-8 or UTF-16")) }
}

/// Markdown's `_Anna_` is the whole word `Anna`, though `_` counts as a part of words. No byte moves.
fn without_underscores(text: &str) -> String {
    text.replace('_', "-")
}

/// A group for the name as a whole word, its accents composed or not, its spaces of any kind and its apostrophes too.
fn whole_words(name: &str) -> String {
    let name = without_underscores(name);
    let start = if name.starts_with(is_unspaced) { "" } else { r"\b{start-half}" };
    let end = if name.ends_with(is_unspaced) { "" } else { r"\b{end-half}" };
    let (composed, decomposed) =
        (loosely(&name.nfc().collect::<String>()), loosely(&name.nfd().collect::<String>()));
    let forms = if composed == decomposed { composed } else { format!("{composed}|{decomposed}") };
    format!("{start}({forms}){end}")
}

fn loosely(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(regex::escape).collect();
    words.join(r"\s+").replace(['\'', '’', '‘', 'ʼ', '‛'], "['’‘ʼ‛]")
}
