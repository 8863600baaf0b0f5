//! The pattern of a pre-tokenizer, from a stranger's file: matched by automata, never by backtracking, so that no pattern
//! takes more than the square of a text's length, and mostly the length.
//!
//! Automata know no look-around. Patterns in use have one, in one place: an alternative `\s+(?!\S)`, mostly with `\s+` behind
//! it, by which the last of several white-space characters is left to the word that follows. That one is read by hand; any
//! other is refused.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::{Input, MatchKind, util::syntax};
use regex_syntax::ast::{self, Ast};

/// The alternative that is read by hand.
const SPACE: &str = r"\s+(?!\S)";
/// The one that may stand behind it.
const ANY_SPACE: &str = r"\s+";

/// The longest pattern, in bytes: some list the letters of a script one by one.
const MOST: usize = 1 << 16;
/// The most memory that the automaton of one may take, in bytes.
const MOST_MEMORY: usize = 32 << 20;

/// A pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    /// The alternatives; where there is a second pattern, `\s+`, it stands for those from `\s+(?!\S)` on.
    regex: Regex,
    /// Whether a single white-space character before a word is a match too.
    any_space: bool,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// What of it is not read, in a clause that goes on from "the pattern …".
    pub fn new(source: &str) -> Result<Pattern, String> {
        if source.len() > MOST {
            return Err(format!("is {} bytes long, and the longest that is read has {MOST}", source.len()));
        }
        let all = alternatives(source);
        let space = all.iter().position(|alternative| *alternative == SPACE);
        let (before, behind) = all.split_at(space.unwrap_or(all.len()));
        let any_space = match behind {
            [] | [SPACE] => false,
            [SPACE, ANY_SPACE] => true,
            _ => return Err(format!("has alternatives behind {SPACE}, other than {ANY_SPACE}")),
        };
        let before = before.join("|");
        check(&before)?;
        let mut patterns = vec![before.as_str()];
        match (space, before.is_empty()) {
            (Some(_), true) => patterns = vec![ANY_SPACE],
            (Some(_), false) => patterns.push(ANY_SPACE),
            (None, _) => {}
        }
        let limits = Regex::config()
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(MOST_MEMORY))
            .onepass_size_limit(Some(MOST_MEMORY));
        let built = Regex::builder().configure(limits).syntax(syntax::Config::new()).build_many(&patterns);
        let regex = built.map_err(|e| match e.size_limit() {
            Some(_) => format!("needs more than {} MiB", MOST_MEMORY >> 20),
            None => format!("is not read: {e}"),
        })?;
        Ok(Pattern { source: source.to_string(), regex, any_space })
    }

    /// A text that is meant as it stands.
    pub fn literal(text: &str) -> Result<Pattern, String> {
        Pattern::new(&regex_syntax::escape(text))
    }

    /// As it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of the pattern `\s+` that stands for `\s+(?!\S)`.
    fn space(&self) -> Option<usize> {
        let by_hand = alternatives(&self.source).contains(&SPACE);
        by_hand.then(|| self.regex.pattern_len() - 1)
    }

    /// Where it matches in a text, one match behind another, none of them empty.
    pub fn matches<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let (space, mut at) = (self.space(), 0);
        std::iter::from_fn(move || {
            while at < text.len() {
                let found = self.regex.find(Input::new(text).span(at..text.len()))?;
                let (start, mut end) = (found.start(), found.end());
                at = end;
                if start == end {
                    at += text[end..].chars().next().map_or(1, char::len_utf8);
                    continue;
                }
                if Some(found.pattern().as_usize()) == space && end < text.len() {
                    let last = text[start..end].chars().next_back().map_or(0, char::len_utf8);
                    match end - start > last {
                        true => end -= last,
                        false if self.any_space => {}
                        false => continue,
                    }
                    at = end;
                }
                return Some(start..end);
            }
            None
        })
    }
}

/// The alternatives of a pattern, as it writes them.
fn alternatives(pattern: &str) -> Vec<&str> {
    let (mut all, mut start, mut depth, mut class) = (Vec::new(), 0, 0_usize, 0_usize);
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => class += 1,
            ']' => class = class.saturating_sub(1),
            '(' if class == 0 => depth += 1,
            ')' if class == 0 => depth = depth.saturating_sub(1),
            '|' if class == 0 && depth == 0 => {
                all.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&pattern[start..]);
    all
}

/// Refuses what the automata's grammar reads otherwise than the one that tokenizers are written in (Oniguruma's).
fn check(pattern: &str) -> Result<(), String> {
    let parsed = ast::parse::ParserBuilder::new().nest_limit(100).build().parse(pattern);
    let parsed = parsed.map_err(|e| match e.kind() {
        ast::ErrorKind::UnsupportedLookAround => {
            format!("looks around (at {:?}), otherwise than by {SPACE}", &pattern[e.span().start.offset..])
        }
        kind => format!("is not read: {kind}"),
    })?;
    ast::visit(&parsed, Possessive)
}

/// Finds `x++` and the like: there, a repetition that gives nothing back; here, it would be one of a repetition.
struct Possessive;

impl ast::Visitor for Possessive {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), String> {
        match ast {
            Ast::Repetition(outer) if matches!(*outer.ast, Ast::Repetition(_)) => {
                Err("has a possessive repetition, such as x++".into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::pre::words;
    use proptest::prelude::*;

    const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    fn cut<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
        Pattern::new(pattern).unwrap().matches(text).map(|range| &text[range]).collect()
    }

    proptest! {
        /// The pattern as automata read it, against the one that is read by hand, which is held to tiktoken's.
        #[test]
        fn gpt2s_pattern_is_read_alike(text in "([ '\n\u{a0}a-cs1!é日]|\\PC){0,60}") {
            let by_hand: Vec<&str> = words(&text).map(|range| &text[range]).collect();
            prop_assert_eq!(cut(GPT2, &text), by_hand.clone());
            // Without the last alternative, one white-space character before a word is no match.
            let gaps = by_hand.into_iter().filter(|word| !(word.trim().is_empty() && word.chars().count() == 1));
            let short: Vec<&str> = cut(GPT2.strip_suffix(r"|\s+").unwrap(), &text);
            let long: Vec<&str> = gaps.collect();
            prop_assert!(long.iter().all(|word| short.contains(word)));
        }
    }

    #[test]
    fn the_last_white_space_is_left_to_the_word() {
        assert_eq!(cut(r"\s+(?!\S)|\s+", "a  b c   "), [" ", " ", " ", "   "]);
        assert_eq!(cut(r"\w|\s+(?!\S)", "a  b c\n"), ["a", " ", "b", "c", "\n"]);
        assert_eq!(cut(r"\s*[\r\n]+|\s+(?!\S)|\s+", "  \n  x\ny"), ["  \n", " ", " ", "\n"]);
        assert_eq!(cut(r"(?i:'s)|x*", "'S x'ſ"), ["'S", "x", "'ſ"]);
        assert!(cut("", "abc").is_empty());
        let dot = Pattern::literal("a.b|c").unwrap();
        assert_eq!(dot.matches("a.b a.b|c axb").collect::<Vec<_>>(), [4..9]);
    }

    #[test]
    fn what_would_be_read_otherwise_is_refused() {
        for (pattern, told) in [
            (r"\p{N}(?=x)", "looks around"),
            (r"(\s+(?!\S))|x", "looks around"),
            (r"(?<!a)b|\s+(?!\S)", "looks around"),
            (r"\s+(?!\S)|x", "alternatives behind"),
            (r"[^\r\n]?+\p{L}+", "possessive"),
            (r"\p{L}++", "possessive"),
            (r"(a)\1", "not read"),
            ("(", "not read"),
            (r"\p{Nonsense}", "not read"),
            (r"((((\p{L}{99}){99}){99}){99}){99}", "MiB"),
            (&"(".repeat(30_000), "not read"),
            (&"a".repeat(MOST + 1), "bytes long"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.contains(told), "{pattern:.40}: {error}");
        }
    }

    /// Patterns on which backtracking takes forever.
    #[test]
    fn no_pattern_runs_away() {
        let text = "a".repeat(2_000) + "!";
        assert_eq!(cut("(a|a)*b|(a+)+c", &text).len(), 0);
        assert_eq!(cut("(?:a?){50}a{50}", &text).len(), 20);
    }
}
