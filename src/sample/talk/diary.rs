//! A conversation as a diary's text: nobody is named, and what was said is joined as one who writes it would.

use crate::dataset::pairs::Role;
use crate::sample::talk::message::{Before, Message};
use crate::tokens::Tokenizer;

/// A diary's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// The header of its entry, with all before it.
    heading: String,
    /// What stays before what was said, however long that grows.
    opening: String,
    /// What was said.
    pub said: String,
    /// Where in it each turn begins, in bytes.
    pub turns: Vec<usize>,
}

impl Text {
    /// That of a conversation. What the system says stands first, wherever it was said.
    pub fn of(messages: &[Message]) -> Text {
        let (system, said): (Vec<&Message>, Vec<&Message>) =
            messages.iter().partition(|message| message.role == Role::System);
        let mut text = Text::default();
        for message in system {
            text.put_before(message);
        }
        for message in said {
            text.add(message);
        }
        text
    }

    fn put_before(&mut self, message: &Message) {
        let content = &message.content;
        if content.is_empty() {
            return;
        }
        match message.before {
            Before::About => {
                self.opening += content;
                self.opening += if content.ends_with('\n') { "" } else { "\n\n" };
            }
            Before::Heading => {
                self.heading += &std::mem::take(&mut self.opening);
                self.heading += content;
            }
            Before::Beginning => {
                self.opening += joint(&self.opening, content);
                self.opening += content;
            }
        }
    }

    fn add(&mut self, message: &Message) {
        let is_users = message.role == Role::User;
        // What a model wrote went on from the text as it stood, in the midst of a word perhaps.
        if is_users {
            let before = if self.said.is_empty() { &self.opening } else { &self.said };
            self.said += joint(before, &message.content);
        }
        if is_users || self.turns.is_empty() {
            self.turns.push(self.said.len());
        }
        self.said += &message.content;
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.head_bytes() + self.said.len()
    }

    /// How many bytes stand before what was said.
    pub fn head_bytes(&self) -> usize {
        self.heading.len() + self.opening.len()
    }

    /// All of it as if it had been said: nothing stays before the rest.
    pub fn all_said(self) -> Text {
        let head = self.head_bytes();
        let turns = self.turns.iter().map(|start| start + head).collect();
        Text { said: self.heading + &self.opening + &self.said, turns, ..Text::default() }
    }

    /// Its tokens, of what was said those from byte `start` on; where there is no text, the one that every text begins with.
    pub fn ids(&self, start: usize, tokenizer: &Tokenizer) -> Vec<u32> {
        let text = self.opening.clone() + &self.said[start..];
        let mut ids = Vec::new();
        // As training has them: the header's tokens are the same whatever follows.
        for part in [&self.heading, &text] {
            if !part.is_empty() {
                ids.extend(tokenizer.encode(part));
            }
        }
        if ids.is_empty() {
            ids.push(tokenizer.start());
        }
        ids
    }
}

/// Marks that stand close to what is before them, and to what is behind them.
const CLOSE: [&str; 2] = [",.;:!?)]}’”…", "([{‘“„«¿¡"];

/// What stands between a text and what a person adds to it: a space where two words would meet. White space that they bring stays as it
/// is.
fn joint(before: &str, next: &str) -> &'static str {
    let (Some(last), Some(first)) = (before.chars().next_back(), next.chars().next()) else { return "" };
    let is_close = [first, last].iter().zip(CLOSE).any(|(c, marks)| c.is_whitespace() || marks.contains(*c));
    if is_close { "" } else { " " }
}

/// An entry that has ended, with the empty line that parts it from the next.
pub fn ended(entry: &str) -> String {
    let behind = match (entry.ends_with("\n\n"), entry.ends_with('\n')) {
        (true, _) => "",
        (false, true) => "\n",
        (false, false) => "\n\n",
    };
    format!("{entry}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_do_not_meet_and_what_brings_its_own_white_space_is_left() {
        for (before, next, whole) in [
            ("I woke", "to the river", "I woke to the river"),
            ("I woke", ", then", "I woke, then"),
            ("I woke ", "then", "I woke then"),
            ("I woke", "\nthen", "I woke\nthen"),
            ("he said “", "no", "he said “no"),
            ("he said", "“no”", "he said “no”"),
            ("", "I", "I"),
            ("I", "", "I"),
        ] {
            assert_eq!(format!("{before}{}{next}", joint(before, next)), whole);
        }
    }

    #[test]
    fn an_entry_that_ended_is_followed_by_one_empty_line() {
        for entry in ["x", "x\n", "x\n\n"] {
            assert_eq!(ended(entry), "x\n\n");
        }
    }
}
