//! What was said, and a diary's text of it.

use std::ops::Range;

use crate::cli::chat::speaker::{Manner, Passage};
use crate::serve::job::{Finish, Message, Role};

/// An answer, as the conversation keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// What the model said.
    pub text: String,
    /// The seed with which it was drawn.
    pub seed: u64,
    /// Why it ended; none where it was stopped.
    pub finish: Option<Finish>,
    /// What stood before the question.
    pub passages: Vec<Passage>,
    /// What stands in quotation marks and in none of them, as bytes of `text`.
    pub unsupported: Vec<Range<usize>>,
}

/// What a person said, and how it was answered: several times where they asked for another answer, the last one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// What the person said; nothing where a diary's text was to go on as it stood.
    pub said: String,
    /// The answers.
    pub takes: Vec<Take>,
}

impl Turn {
    /// The answer that counts; none where it was not answered yet.
    pub fn take(&self) -> Option<&Take> {
        self.takes.last()
    }
}

/// The conversation that is to be answered: `head` stands before it, and the last turn waits for an answer, whether or not it has
/// one.
pub fn conversation(manner: Manner, head: &str, turns: &[Turn]) -> Vec<Message> {
    let mut messages = Vec::with_capacity(2 * turns.len() + 1);
    let mut add = |role, content: String| {
        if !content.is_empty() {
            messages.push(Message { role, content });
        }
    };
    add(Role::System, head.to_string());
    // Of a diary, how the text ends so far, and whether the model ended an entry there.
    let mut end = (tail(head), false);
    for (i, turn) in turns.iter().enumerate() {
        let joint = if manner == Manner::Diary { joint(&end.0, end.1, &turn.said) } else { "" };
        let said = format!("{joint}{}", turn.said);
        if !said.is_empty() {
            end = (tail(&said), false);
        }
        add(Role::User, said);
        if let Some(take) = turn.take().filter(|_| i + 1 < turns.len()) {
            add(Role::Assistant, take.text.clone());
            if !take.text.is_empty() {
                end = (tail(&take.text), take.finish == Some(Finish::Stop));
            }
        }
    }
    messages
}

/// The last two characters.
fn tail(text: &str) -> String {
    let start = text.char_indices().rev().nth(1).map_or(0, |(i, _)| i);
    text[start..].to_string()
}

/// What stands between a diary's text that ends in `end` and what is added to it: an empty line where an entry `ended`, and
/// otherwise a space where two words would meet.
fn joint(end: &str, ended: bool, next: &str) -> &'static str {
    let stands_close = |c: char| c.is_whitespace() || ",.;:!?)]}’”…".contains(c);
    if end.is_empty() {
        ""
    } else if ended {
        match (end.ends_with("\n\n"), end.ends_with('\n')) {
            (true, _) => "",
            (false, true) => "\n",
            (false, false) => "\n\n",
        }
    } else if end.ends_with(char::is_whitespace) || next.is_empty() || next.starts_with(stands_close) {
        ""
    } else {
        " "
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(said: &str, answer: &str, finish: Finish) -> Turn {
        let (passages, unsupported) = (vec![], vec![]);
        let take = Take { text: answer.into(), seed: 1, finish: Some(finish), passages, unsupported };
        Turn { said: said.into(), takes: vec![take] }
    }

    fn text(head: &str, turns: &[Turn]) -> String {
        conversation(Manner::Diary, head, turns).into_iter().map(|m| m.content).collect()
    }

    #[test]
    fn a_diary_grows_as_one_text() {
        let turns = [
            turn("I woke", " and went out", Finish::Length),
            turn("to the river", ". It was", Finish::Length),
            turn(", I thought, cold", ".\n", Finish::Length),
            turn("", "More.", Finish::Stop),
            turn("A new day", "", Finish::Stop),
        ];
        assert_eq!(
            text("May 3\n", &turns),
            "May 3\nI woke and went out to the river. It was, I thought, cold.\nMore.\n\nA new day"
        );
        assert_eq!(text("", &turns[..1]), "I woke");
        assert_eq!(text("Dear diary", &turns[..1]), "Dear diary I woke");
        assert_eq!(text("", &[]), "");
    }

    #[test]
    fn an_entry_that_ended_is_followed_by_one_empty_line() {
        for (answer, whole) in [("x", "a x\n\nb"), ("x\n", "a x\n\nb"), ("x\n\n", "a x\n\nb")] {
            let answer = format!(" {answer}");
            let turns = [turn("a", &answer, Finish::Stop), turn("b", "", Finish::Stop)];
            assert_eq!(text("", &turns), whole);
        }
    }

    #[test]
    fn questions_and_answers_stand_as_they_were_said() {
        let mut turns = vec![turn("one", "1", Finish::Stop), turn(" two ", "2", Finish::Length)];
        let said = |turns: &[Turn]| {
            let all = conversation(Manner::Chat, "be kind", turns);
            all.into_iter().map(|m| (m.role, m.content)).collect::<Vec<_>>()
        };
        let expected =
            [(Role::System, "be kind"), (Role::User, "one"), (Role::Assistant, "1"), (Role::User, " two ")];
        assert_eq!(said(&turns), expected.map(|(role, text)| (role, text.to_string())));
        let mut again = turns[0].takes[0].clone();
        again.text = "uno".into();
        turns[0].takes.push(again);
        assert_eq!(said(&turns)[2], (Role::Assistant, "uno".into()), "the last answer counts");
    }
}
