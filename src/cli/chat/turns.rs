//! What was said, and the conversation that it is.

use std::ops::Range;

use crate::cli::chat::speaker::{Manner, Passage};
use crate::sample::talk::diary::ended;
use crate::serve::job::{Finish, Message, Role};

/// An answer, as the conversation keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    /// What the model said.
    pub text: String,
    /// The seed with which it was drawn.
    pub seed: u64,
    /// Why it ended; none where it was stopped.
    pub finish: Option<Finish>,
    /// How the question's words of time were understood, where entries were looked for.
    pub when: Option<String>,
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

/// The conversation that is to be answered: a voice and a prompt stand before it, and the last turn waits for an answer, whether or not
/// it has one.
pub fn conversation(manner: Manner, [voice, prompt]: [&str; 2], turns: &[Turn]) -> Vec<Message> {
    let is_diary = manner == Manner::Diary;
    let mut messages = vec![Message::heading(voice)];
    messages.push(if is_diary { Message::beginning(prompt) } else { Message::new(Role::System, prompt) });
    for (i, turn) in turns.iter().enumerate() {
        messages.push(Message::new(Role::User, &turn.said[..]));
        if let Some(take) = turn.take().filter(|_| i + 1 < turns.len()) {
            let has_ended = is_diary && take.finish == Some(Finish::Stop) && !take.text.is_empty();
            let text = if has_ended { ended(&take.text) } else { take.text.clone() };
            messages.push(Message::new(Role::Assistant, text));
        }
    }
    messages.retain(|message| !message.content.is_empty());
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::talk;
    use crate::tokens::Tokenizer;

    fn turn(said: &str, answer: &str, finish: Finish) -> Turn {
        let take = Take { text: answer.into(), seed: 1, finish: Some(finish), ..Take::default() };
        Turn { said: said.into(), takes: vec![take] }
    }

    /// What a diary's model goes on from.
    fn text(head: [&str; 2], turns: &[Turn]) -> String {
        let tokenizer = Tokenizer::bytes();
        let messages = conversation(Manner::Diary, head, turns);
        tokenizer.decode(&talk::Manner::Diary.ids(&messages, &tokenizer).unwrap())
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
        let whole = "I woke and went out to the river. It was, I thought, cold.\nMore.\n\nA new day";
        assert_eq!(text(["May 3\n", ""], &turns), format!("May 3\n{whole}"));
        assert_eq!(text(["May 3:", ""], &turns[..1]), "May 3:I woke", "a heading stands as it is");
        assert_eq!(text(["", "Dear diary,"], &turns[..1]), "Dear diary, I woke");
        assert_eq!(text(["May 3\n", "Dear diary,"], &turns[..1]), "May 3\nDear diary, I woke");
        assert_eq!(text(["May 3\n", "Dear diary,\n"], &turns[..1]), "May 3\nDear diary,\nI woke");
        assert_eq!(text(["May 3\n", "Dear diary,"], &[turn("", "", Finish::Stop)]), "May 3\nDear diary,");
    }

    #[test]
    fn what_follows_an_entry_that_ended_is_parted_from_it() {
        for (answer, end) in [("x", "\n\nb"), ("x\n", "\n\nb"), ("x\n\n", "\n\nb")] {
            let answer = format!(" {answer}");
            let turns = [turn("a", &answer, Finish::Stop), turn("b", "", Finish::Stop)];
            assert_eq!(text(["", ""], &turns), format!("a x{end}"));
        }
        let turns = [turn("a", "", Finish::Stop), turn("b", "", Finish::Stop)];
        assert_eq!(text(["", ""], &turns), "a b", "where nothing came nothing ended");
    }

    #[test]
    fn questions_and_answers_stand_as_they_were_said() {
        let mut turns = vec![turn("one", "1", Finish::Stop), turn(" two ", "2", Finish::Length)];
        let said = |turns: &[Turn]| {
            let all = conversation(Manner::Chat, ["", "be kind"], turns);
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
