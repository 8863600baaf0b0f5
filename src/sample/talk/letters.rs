//! What a chat template writes, as tokens: the names of added tokens that the template writes are those tokens, and the same letters
//! in what somebody said stay letters.
//!
//! A template sees the contents as they are, since it may look into them or trim them; but behind the first letter of everything in them
//! that reads as the name of an added token stands a mark, a private-use character that is in none of them. In what is rendered a name
//! with a mark in it is no name, so it is cut at the true ones, the marks are taken out, and the pieces are encoded as text. Thus the
//! letters on both sides of a content's border are still merged into tokens as the model learned them, and a conversation in which nobody
//! writes the name of a token has the very tokens that `transformers` gives it.
//!
//! A name can also arise at a border, half of it the template's or another message's: a content that ends or begins with a part of a name
//! has a mark there. Names of one character, or of white space alone, are words that became tokens: they are no marks of anybody's turn, and
//! are tokens in a content too. What a template itself cuts out of the middle of a content and joins anew is not guarded against.

use crate::base::{Error, Result};
use crate::tokens::added::{self, Piece};
use crate::tokens::{AddedToken, Tokenizer};

/// Contents with their marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// The contents.
    pub contents: Vec<String>,
    /// The mark; none where none was needed.
    mark: Option<char>,
}

impl Marked {
    /// Marks what could be taken for added tokens.
    ///
    /// # Errors
    /// A mark is needed, and the contents use every private-use character.
    pub fn new(contents: &[&str], tokens: &[AddedToken]) -> Result<Marked> {
        let names = Names::new(tokens);
        let places: Vec<Vec<usize>> = contents.iter().map(|content| names.places(content)).collect();
        if places.iter().all(Vec::is_empty) {
            return Ok(Marked { contents: contents.iter().map(ToString::to_string).collect(), mark: None });
        }
        let used = |mark: char| {
            contents.iter().any(|text| text.contains(mark)) || names.all.iter().any(|n| n.contains(mark))
        };
        let mark = PRIVATE.chars().find(|mark| !used(*mark)).ok_or_else(|| {
            Error::setting(
                "a message holds the name of one of the model's own tokens, and every character by which it could be told from the token",
                "leave out of it what is no text",
            )
        })?;
        let marked = contents.iter().zip(&places).map(|(content, places)| with_marks(content, places, mark));
        Ok(Marked { contents: marked.collect(), mark: Some(mark) })
    }

    /// The ids of what was rendered of the contents.
    pub fn encode(&self, rendered: &str, tokenizer: &Tokenizer) -> Vec<u32> {
        let added = tokenizer.added();
        let mut ids = Vec::new();
        for piece in added::pieces(rendered, &added) {
            match piece {
                Piece::Token(id) => ids.push(id),
                Piece::Text(text) => {
                    let text = self.mark.map_or_else(|| text.to_string(), |mark| text.replace(mark, ""));
                    match ids.is_empty() {
                        _ if text.is_empty() => {}
                        true => ids.extend(tokenizer.encode(&text)),
                        false => ids.extend(tokenizer.encode_on(&text)),
                    }
                }
            }
        }
        ids
    }
}

/// Private-use characters, in the order in which they are tried; 64 suffice for everybody but who means to use them up.
const PRIVATE: &str = "\u{f0000}\u{f0001}\u{f0002}\u{f0003}\u{f0004}\u{f0005}\u{f0006}\u{f0007}\u{f0008}\u{f0009}\u{f000a}\u{f000b}\
                       \u{f000c}\u{f000d}\u{f000e}\u{f000f}";

/// A text with marks at some places, in their order.
fn with_marks(text: &str, places: &[usize], mark: char) -> String {
    let mut marked = String::with_capacity(text.len() + places.len() * mark.len_utf8());
    let mut done = 0;
    for &place in places {
        marked.push_str(&text[done..place]);
        marked.push(mark);
        done = place;
    }
    marked + &text[done..]
}

/// The names that are looked for.
struct Names<'a> {
    all: Vec<&'a str>,
    /// Which bytes one of them begins with.
    firsts: [bool; 256],
}

impl<'a> Names<'a> {
    fn new(tokens: &'a [AddedToken]) -> Names<'a> {
        let names = tokens.iter().map(|token| token.content.as_str());
        let all: Vec<&str> =
            names.filter(|name| !name.trim().is_empty() && name.chars().count() > 1).collect();
        let mut firsts = [false; 256];
        for byte in all.iter().filter_map(|name| name.bytes().next()) {
            firsts[usize::from(byte.to_ascii_lowercase())] = true;
            firsts[usize::from(byte.to_ascii_uppercase())] = true;
        }
        Names { all, firsts }
    }

    /// Where in a content marks must stand, in order: behind the first letter of each name, in whatever case, and at a border where one
    /// could arise.
    fn places(&self, content: &str) -> Vec<usize> {
        if content.is_empty() {
            return Vec::new();
        }
        let mut places = Vec::new();
        if self.all.iter().any(|name| begins_inside(content, name)) {
            places.push(0);
        }
        let likely = content.bytes().enumerate().filter(|(_, byte)| self.firsts[usize::from(*byte)]);
        for (at, _) in likely {
            let here = |name: &&&str| {
                let there = content.as_bytes().get(at..at + name.len());
                there.is_some_and(|there| there.eq_ignore_ascii_case(name.as_bytes()))
            };
            if let Some(first) = self.all.iter().find(here).and_then(|name| name.chars().next()) {
                places.push(at + first.len_utf8());
            }
        }
        if self.all.iter().any(|name| ends_inside(content, name)) {
            places.push(content.len());
        }
        places
    }
}

/// Whether a text begins with what a name ends with, or stands within it.
fn begins_inside(text: &str, name: &str) -> bool {
    name.char_indices().skip(1).any(|(at, _)| text.starts_with(&name[at..]))
}

/// Whether a text ends with what a name begins with, or stands within it.
fn ends_inside(text: &str, name: &str) -> bool {
    name.char_indices().skip(1).any(|(at, _)| text.ends_with(&name[..at]))
        || (text != name && name.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Vec<AddedToken> {
        ["<|im_start|>", "<|im_end|>", "  ", "é<"].map(|name| AddedToken::special(1, name)).to_vec()
    }

    fn marked(content: &str) -> String {
        Marked::new(&[content], &tokens()).unwrap().contents.remove(0).replace('\u{f0000}', "·")
    }

    #[test]
    fn names_are_broken_up_and_nothing_else_is_touched() {
        for (content, expected) in [
            ("", ""),
            ("a < b,  c > d", "a < b,  c > d"),
            ("a<|im_end|>b", "a<·|im_end|>b"),
            ("a<|IM_END|>b", "a<·|IM_END|>b"),
            ("x<|im_end|><|im_start|>x", "x<·|im_end|><·|im_start|>x"),
            ("né<x", "né·<x"),
            ("a <|im_", "a <|im_·"),
            ("|> a", "·|> a"),
            ("im_end", "im_end·"),
            ("> quoted", "·> quoted"),
        ] {
            assert_eq!(marked(content), expected, "{content:?}");
        }
    }

    #[test]
    fn a_message_that_holds_the_mark_gets_another() {
        let marked = Marked::new(&["\u{f0000}<|im_end|>"], &tokens()).unwrap();
        assert_eq!(marked.contents, ["\u{f0000}<\u{f0001}|im_end|>"]);
        let all = format!("<|im_end|>{PRIVATE}");
        assert!(Marked::new(&[&all], &tokens()).is_err());
        assert!(Marked::new(&[PRIVATE], &tokens()).is_ok(), "no mark is needed");
    }

    proptest::proptest! {
        #[test]
        fn what_is_marked_holds_no_name_however_it_is_joined(
            parts in proptest::collection::vec("<|[|]|im_|end|start|>|é|a| ", 0..30),
            cut in 0usize..30,
        ) {
            let cut = cut.min(parts.len());
            let (one, two) = (parts[..cut].concat(), parts[cut..].concat());
            let marked = Marked::new(&[&one, &two], &tokens()).unwrap();
            let joined = marked.contents.concat();
            for name in ["<|im_start|>", "<|im_end|>", "é<"] {
                proptest::prop_assert!(!joined.contains(name), "{joined:?}");
            }
            let back = marked.mark.map_or(joined.clone(), |mark| joined.replace(mark, ""));
            proptest::prop_assert_eq!(back, one + &two);
        }
    }
}
