//! A question with passages of one's own journals to stand on.

use crate::dataset::pairs::Role;
use crate::sample::talk::{Fitted, Manner, Message, Misfit, fit};
use crate::serve::job::Passage;
use crate::tokens::Tokenizer;

/// What a model goes on from.
pub(super) struct Grounded {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Which of the passages stand in it.
    pub passages: Vec<usize>,
    /// How many of the oldest turns do not.
    pub dropped: usize,
}

/// A conversation as tokens, with as many of the passages before its last question as leave room for an answer of `most` tokens, and which
/// those are: the first ones. Rather a turn of the conversation is left out than a passage.
///
/// # Errors
/// Without any passage it is too long too; a chat template that fails.
pub(super) fn fitted(
    manner: &Manner,
    (messages, passages): (&[Message], &[Passage]),
    tokenizer: &Tokenizer,
    [positions, most]: [usize; 2],
) -> std::result::Result<Grounded, Misfit> {
    for taken in (0..=passages.len()).rev() {
        let messages = with(messages, &passages[..taken], manner);
        match fit(manner, &messages, tokenizer, positions, most) {
            // A passage is left out rather than a part of the question.
            Ok(Fitted { is_cut: true, .. }) | Err(Misfit::TooLong { .. }) if taken > 0 => {}
            Ok(Fitted { ids, dropped, .. }) => {
                return Ok(Grounded { ids, passages: (0..taken).collect(), dropped });
            }
            Err(misfit) => return Err(misfit),
        }
    }
    unreachable!("without passages it fits, or why not was said")
}

/// The passages before the last question: to a diary's model as entries of it, to another as what it is to keep to.
fn with(messages: &[Message], passages: &[Passage], manner: &Manner) -> Vec<Message> {
    let mut messages = messages.to_vec();
    let Some(last) = messages.iter_mut().rev().find(|message| message.role == Role::User) else {
        return messages;
    };
    if passages.is_empty() {
        return messages;
    }
    let one = |passage: &Passage| format!("{}\n{}\n\n", passage.name, passage.text.trim());
    let all: String = passages.iter().map(one).collect();
    last.content = match manner {
        Manner::Diary => format!("{all}{}", last.content),
        _ => format!(
            "From my diary:\n\n{all}Answer from these entries alone, and say so where they do not tell.\n\n{}",
            last.content
        ),
    };
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(n: usize) -> Vec<Passage> {
        (0..n)
            .map(|i| Passage { name: format!("1912-03-0{}", i + 1), text: "rain and snow ".repeat(10) })
            .collect()
    }

    #[test]
    fn as_many_passages_as_there_is_room_for() {
        let tokenizer = Tokenizer::gpt2();
        let asked = [Message::new(Role::User, "How was March?")];
        let of =
            |positions: usize| fitted(&Manner::Diary, (&asked, &passages(3)), &tokenizer, [positions, 20]);
        let Grounded { ids, passages: taken, .. } = of(400).unwrap();
        assert_eq!(taken, [0, 1, 2]);
        let text = tokenizer.decode(&ids);
        assert!(text.starts_with("1912-03-01\nrain and snow") && text.ends_with("How was March?"), "{text}");
        let Grounded { ids, passages: taken, .. } = of(100).unwrap();
        assert!(taken == [0] && ids.len() <= 80, "{taken:?}");
        assert_eq!(of(30).unwrap().passages, [0; 0]);
        let Grounded { ids, passages: taken, dropped } = of(4).unwrap();
        assert_eq!((tokenizer.decode(&ids), taken.len(), dropped), ("March?".into(), 0, 1), "it is cut");
    }
}
