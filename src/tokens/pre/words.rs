//! GPT-2's pattern, by which a text is cut into words (Radford et al. 2019), read by hand:
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.

use std::ops::Range;
use std::sync::LazyLock;

use regex_syntax::hir::{Class as HirClass, HirKind};

/// The number of code points.
const CHARS: usize = char::MAX as usize + 1;

/// The class of every character.
static CLASSES: LazyLock<Box<[Class; CHARS]>> = LazyLock::new(classes);

/// Where the pattern's matches lie in a text. Together they are the whole text.
pub fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    Words { text, classes: &CLASSES, at: 0 }
}

/// What the pattern tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Letter,
    Number,
    Space,
}

/// The class of every character, by the Unicode tables that tiktoken's pattern engine uses too.
fn classes() -> Box<[Class; CHARS]> {
    let mut classes = vec![Class::Other; CHARS];
    for (pattern, class) in [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number), (r"\s", Class::Space)] {
        let parsed = regex_syntax::parse(pattern).expect("the pattern is one class");
        let HirKind::Class(HirClass::Unicode(set)) = parsed.kind() else {
            unreachable!("the pattern is one class")
        };
        for range in set.iter() {
            classes[range.start() as usize..=range.end() as usize].fill(class);
        }
    }
    classes.try_into().expect("one class a character")
}

struct Words<'a> {
    text: &'a str,
    classes: &'a [Class; CHARS],
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let first = *self.text.as_bytes().get(start)?;
        let word = start + usize::from(first == b' ');
        self.at = match self.class(word) {
            None | Some((Class::Space, _)) => self.end_of_space(start),
            Some((class, after)) => {
                let contraction =
                    if first == b'\'' { contraction(&self.text.as_bytes()[after..]) } else { 0 };
                if contraction > 0 { after + contraction } else { self.end_of_run(class, after) }
            }
        };
        Some(start..self.at)
    }
}

impl Words<'_> {
    /// The class of the character at a place, and where the next one stands.
    #[inline]
    fn class(&self, at: usize) -> Option<(Class, usize)> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte.is_ascii() {
            return Some((self.classes[usize::from(byte)], at + 1));
        }
        let c = self.text[at..].chars().next()?;
        Some((self.classes[c as usize], at + c.len_utf8()))
    }

    #[inline]
    fn end_of_run(&self, class: Class, mut at: usize) -> usize {
        while let Some((next, after)) = self.class(at)
            && next == class
        {
            at = after;
        }
        at
    }

    /// Two or more white-space characters before a word leave it the last one: a space, it takes.
    fn end_of_space(&self, start: usize) -> usize {
        let end = self.end_of_run(Class::Space, start);
        let last = self.text[start..end].char_indices().next_back().map_or(0, |(at, _)| at);
        if end < self.text.len() && last > 0 { start + last } else { end }
    }
}

/// How long the ending after an apostrophe is, if it is one of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`.
fn contraction(after: &[u8]) -> usize {
    match after {
        [b's' | b't' | b'm' | b'd', ..] => 1,
        [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_pattern() {
        let cut = |text| words(text).map(|range| &text[range]).collect::<Vec<&str>>().join("|");
        let text = "I'll go, 3 o'clock  x\n\ny '1";
        assert_eq!(cut(text), "I|'ll| go|,| 3| o|'|clock| | x|\n|\n|y| '|1");
        assert_eq!((cut("  "), cut("")), ("  ".into(), String::new()));
    }

    #[test]
    fn white_space_is_that_of_unicode() {
        let space = |c: char| classes()[c as usize] == Class::Space;
        assert!(['\u{85}', '\u{a0}', '\u{3000}'].into_iter().all(space));
    }
}
