//! Stop strings: where one appears in what is written, the text ends before it. What is streamed never holds a part of one, so what
//! may yet become one is held back until it cannot.

use crate::base::{Error, Result};

/// A stop string, and how much of it the text ends with.
#[derive(Debug, Clone)]
struct Stop {
    bytes: Vec<u8>,
    /// For every beginning of it, how long the longest shorter beginning is that it ends with (Knuth, Morris and Pratt 1977).
    shorter: Vec<usize>,
    /// How many of its first bytes the text ends with.
    at: usize,
}

impl Stop {
    fn new(text: String) -> Stop {
        let bytes = text.into_bytes();
        let mut shorter = vec![0; bytes.len() + 1];
        let mut stop = Stop { shorter: Vec::new(), at: 0, bytes };
        for i in 1..stop.bytes.len() {
            stop.at = stop.next(stop.at, stop.bytes[i], &shorter);
            shorter[i + 1] = stop.at;
        }
        Stop { shorter, at: 0, ..stop }
    }

    /// How much of it a text ends with that has ended with its first `at` bytes, fewer than all, and goes on with `byte`.
    fn next(&self, mut at: usize, byte: u8, shorter: &[usize]) -> usize {
        while at > 0 && self.bytes[at] != byte {
            at = shorter[at];
        }
        at + usize::from(self.bytes[at] == byte)
    }

    /// Goes on with a byte. Whether that completes it: then it is over.
    fn push(&mut self, byte: u8) -> bool {
        self.at = self.next(self.at, byte, &self.shorter);
        self.at == self.bytes.len()
    }
}

/// What a piece of text has set free.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushed {
    /// What follows on the text released so far; no part of a stop string.
    pub text: String,
    /// Whether a stop string has appeared: the text has ended.
    pub hit: bool,
}

/// The stop strings of a text that is written piece by piece, in time linear in the text, for each of them.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    each: Vec<Stop>,
    /// The end of the text, which may be the beginning of a stop string.
    held: String,
    hit: bool,
}

impl Stops {
    /// Of any number of stop strings, none included, for a text that begins.
    ///
    /// # Errors
    /// An empty one, which every text has.
    pub fn new(stops: Vec<String>) -> Result<Stops> {
        if stops.iter().any(String::is_empty) {
            let next = "leave it out, or give the text to stop at";
            return Err(Error::usage("a stop string is empty: no text could begin", next));
        }
        let each = stops.into_iter().map(Stop::new).collect();
        Ok(Stops { each, held: String::new(), hit: false })
    }

    /// Takes the next piece of the text. Of the stop strings in it, the one that is complete first ends it, of those that are
    /// complete together the longest. What comes after a hit is dropped.
    pub fn push(&mut self, piece: &str) -> Pushed {
        if self.hit {
            return Pushed { text: String::new(), hit: true };
        }
        let before = self.held.len();
        self.held.push_str(piece);
        for (i, byte) in piece.bytes().enumerate() {
            let mut complete = 0;
            for stop in &mut self.each {
                if stop.push(byte) {
                    complete = complete.max(stop.bytes.len());
                }
            }
            if complete > 0 {
                self.hit = true;
                self.held.truncate(before + i + 1 - complete);
                return Pushed { text: std::mem::take(&mut self.held), hit: true };
            }
        }
        // The beginning of a stop string begins where a character does, and so does what is held back.
        let begun = self.each.iter().map(|stop| stop.at).max().unwrap_or(0);
        let held = self.held.split_off(self.held.len() - begun);
        Pushed { text: std::mem::replace(&mut self.held, held), hit: false }
    }

    /// The text has ended otherwise: what was held back of it. Nothing after a hit. The next text may begin.
    pub fn finish(&mut self) -> String {
        self.hit = false;
        for stop in &mut self.each {
            stop.at = 0;
        }
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn stops(stops: &[&str]) -> Stops {
        Stops::new(stops.iter().map(ToString::to_string).collect()).unwrap()
    }

    /// What is released of each piece, `|` between them, then `!` for a hit or what the end releases in brackets.
    fn released(with: &[&str], pieces: &[&str]) -> String {
        let mut stops = stops(with);
        let mut all: Vec<String> = Vec::new();
        for piece in pieces {
            let Pushed { text, hit } = stops.push(piece);
            all.push(text);
            if hit {
                return format!("{}!", all.join("|"));
            }
        }
        format!("{}[{}]", all.join("|"), stops.finish())
    }

    #[test]
    fn a_stop_string_is_found_across_pieces_and_the_text_ends_before_it() {
        assert_eq!(released(&["User:"], &["Well. U", "se", "r: yes"]), "Well. ||!");
        assert_eq!(released(&["User:"], &["Us", "eful"]), "|Useful[]");
        assert_eq!(released(&["User:"], &["Us", "er"]), "|[User]");
        assert_eq!(released(&[], &["all ", "of it"]), "all |of it[]");
        assert_eq!(released(&["x"], &["", "x"]), "|!");
    }

    #[test]
    fn the_first_to_be_complete_ends_the_text_and_of_those_complete_together_the_longest() {
        assert_eq!(released(&["\n\nUser", "\n\n"], &["a\n", "\nUser"]), "a|!");
        assert_eq!(released(&["abcd", "bc"], &["ab", "cd"]), "|a!");
        assert_eq!(released(&["b", "ab", "cab"], &["ca", "b"]), "|!");
        assert_eq!(released(&["aab"], &["aa", "aab"]), "|aa!");
        assert_eq!(released(&["aaba", "bb"], &["aab", "b"]), "|aa!");
    }

    #[test]
    fn characters_of_several_bytes_stay_whole() {
        // é and è share their first byte, the emoji their first three.
        assert_eq!(released(&["éé"], &["é", "è", "é", "é"]), "|éè||!");
        assert_eq!(released(&["😀😁"], &["x😀", "😂", "😀", "😁"]), "x|😀😂||!");
    }

    #[test]
    fn an_empty_stop_string_is_refused_and_a_hit_lasts_until_the_next_text() {
        let said = Stops::new(vec!["a".into(), String::new()]).unwrap_err();
        assert!(matches!(said, Error::Usage { .. }));
        let mut stops = stops(&["."]);
        assert_eq!(stops.push("One. Two"), Pushed { text: "One".into(), hit: true });
        assert_eq!(stops.push("Three"), Pushed { text: String::new(), hit: true });
        assert_eq!(stops.finish(), "");
        assert_eq!(stops.push("Four"), Pushed { text: "Four".into(), hit: false });
    }

    /// Where a text ends by the definition: at the first end at which one is complete, before the longest such.
    fn cut<'t>(text: &'t str, stops: &[String]) -> Option<&'t str> {
        (1..=text.len()).filter(|&end| text.is_char_boundary(end)).find_map(|end| {
            let complete = stops.iter().filter(|stop| text[..end].ends_with(*stop));
            complete.map(|stop| &text[..end - stop.len()]).min_by_key(|before| before.len())
        })
    }

    /// How much of a text without a stop string is released: all but the longest end that begins one.
    fn free<'t>(text: &'t str, stops: &[String]) -> &'t str {
        let begins = |from: &usize| {
            text.is_char_boundary(*from) && stops.iter().any(|stop| stop.starts_with(&text[*from..]))
        };
        &text[..(0..text.len()).find(begins).unwrap_or(text.len())]
    }

    #[test]
    fn pieces_release_what_a_search_of_the_whole_text_does_and_nothing_too_early_or_too_late() {
        let mut rng = Rng::new(1, "stops");
        let alphabet = ['a', 'b', '\n', 'é', 'è', '😀'];
        let (mut hits, mut held) = (0, 0);
        for round in 0..20_000 {
            let letters = 2 + round % 5;
            let mut any = |least: u64, most: u64| -> String {
                let len = least + rng.below(most - least);
                (0..len).map(|_| alphabet[rng.below(letters) as usize]).collect()
            };
            let with: Vec<String> = (0..round % 4).map(|_| any(1, 6)).collect();
            let pieces: Vec<String> = (0..6).map(|_| any(0, 5)).collect();
            let text = pieces.concat();
            let mut stops = Stops::new(with.clone()).unwrap();
            let (mut so_far, mut released, mut hit) = (String::new(), String::new(), false);
            for piece in &pieces {
                so_far.push_str(piece);
                let pushed = stops.push(piece);
                released.push_str(&pushed.text);
                hit = pushed.hit;
                let before = cut(&so_far, &with);
                let expected = before.unwrap_or_else(|| free(&so_far, &with));
                assert_eq!((released.as_str(), hit), (expected, before.is_some()), "{with:?} {pieces:?}");
            }
            released.push_str(&stops.finish());
            assert_eq!(released, cut(&text, &with).unwrap_or(&text));
            hits += u32::from(hit);
            held += u32::from(!hit && free(&text, &with) != text);
        }
        assert!(hits > 5000 && held > 1000, "{hits} {held}");
    }
}
