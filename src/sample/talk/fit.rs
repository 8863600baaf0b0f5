//! A conversation that is no longer than a model can see: the oldest turns go first, each as a whole. A diary's is one text, which is cut
//! from its beginning.

use crate::base::Error;
use crate::dataset::pairs::Role;
use crate::sample::talk::cut::newest;
use crate::sample::talk::diary::Text;
use crate::sample::talk::manner::Manner;
use crate::sample::talk::message::Message;
use crate::tokens::Tokenizer;

/// What of a conversation a model goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// How many of the oldest turns, a question with its answer each, were left out. Of a diary's, of how many something is missing: one
    /// at least where anything of its text is.
    pub dropped: usize,
    /// Whether something of the last turn is missing too, which happens to a diary's alone.
    pub is_cut: bool,
}

/// Why there is nothing to go on from.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// The last question is too long by itself, with what the system says.
    #[error(
        "the last message, with what is said of the whole, has {}{tokens} tokens, and {most} fit\n  \
         next: shorten it, or ask for fewer tokens of answer",
        if *.at_least { "at least " } else { "" }
    )]
    TooLong {
        /// How many tokens it has.
        tokens: usize,
        /// Whether it has that many or more: what is far too long is not counted out.
        at_least: bool,
        /// How many fit.
        most: usize,
    },
    /// It cannot be written at all.
    #[error(transparent)]
    Other(Error),
}

impl Misfit {
    /// As an error.
    pub fn told(self) -> Error {
        match self {
            Misfit::Other(error) => error,
            Misfit::TooLong { .. } => {
                let told = self.to_string();
                let (problem, next) = told.split_once("\n  next: ").unwrap_or((&told, ""));
                Error::setting(problem, next)
            }
        }
    }
}

/// A conversation as tokens that leave room in a context of `context` for `max_tokens` of answer, or for half the context where that
/// is less. System messages and the last question, with all behind it, stay; of the turns before, as many of the newest as fit. Of a
/// diary what the system says stays, where it takes no more than half the room, and of the text behind it what is newest: it always fits.
///
/// # Errors
/// What has to stay is too long, which a diary's never is; those of [`Manner::ids`].
pub fn fit(
    manner: &Manner,
    messages: &[Message],
    tokenizer: &Tokenizer,
    context: usize,
    max_tokens: usize,
) -> Result<Fitted, Misfit> {
    let most = context - max_tokens.min(context / 2);
    if *manner == Manner::Diary {
        return Ok(diary(Text::of(messages), tokenizer, most));
    }
    let turns = turns(messages);
    let without = |dropped: usize| {
        let left = messages.iter().zip(&turns).filter(|(_, turn)| turn.is_none_or(|turn| turn >= dropped));
        left.map(|(message, _)| message.clone()).collect::<Vec<Message>>()
    };
    // The last turn stays.
    let droppable = turns.iter().flatten().max().copied().unwrap_or(0);
    if let Some(tokens) = far_too_long(&without(droppable), tokenizer, most) {
        return Err(Misfit::TooLong { tokens, at_least: true, most });
    }
    let mut last = manner.ids(&without(droppable), tokenizer).map_err(Misfit::Other)?;
    if last.len() > most {
        return Err(Misfit::TooLong { tokens: last.len(), at_least: false, most });
    }
    // Fewer turns are fewer tokens: halving finds how many must go, and the number that is taken was tried.
    let (mut least, mut dropped) = (0, droppable);
    while least < dropped {
        // Most conversations fit whole.
        let middle = if least == 0 && dropped == droppable { 0 } else { least + (dropped - least) / 2 };
        let left = without(middle);
        let ids = match far_too_long(&left, tokenizer, most) {
            Some(_) => None,
            None => {
                Some(manner.ids(&left, tokenizer).map_err(Misfit::Other)?).filter(|ids| ids.len() <= most)
            }
        };
        match ids {
            Some(ids) => (last, dropped) = (ids, middle),
            None => least = middle + 1,
        }
    }
    Ok(Fitted { ids: last, dropped, is_cut: false })
}

/// A diary's text in `most` tokens, one at least.
fn diary(mut text: Text, tokenizer: &Tokenizer, most: usize) -> Fitted {
    if !seems_far_too_long(text.bytes(), most) {
        let ids = text.ids(0, tokenizer);
        if ids.len() <= most {
            return Fitted { ids, dropped: 0, is_cut: false };
        }
    }
    let mut head = match text.head_bytes() {
        0 => 0,
        bytes if seems_far_too_long(bytes, most) => most,
        _ => text.ids(text.said.len(), tokenizer).len(),
    };
    if 2 * head > most {
        (text, head) = (text.all_said(), 0);
    }
    let mut room = most - head;
    loop {
        let start = newest(&text.said, room, tokenizer);
        let ids = text.ids(start, tokenizer);
        if ids.len() <= most || room == 0 {
            let turns = text.turns.iter().filter(|turn| **turn < start).count();
            let is_cut = text.turns.last().is_some_and(|turn| *turn < start);
            // What stood before the first turn may be missing alone.
            return Fitted { ids, dropped: turns.max(usize::from(start > 0)), is_cut };
        }
        // What is joined at another place can have a token more.
        room = room.saturating_sub(ids.len() - most);
    }
}

/// Which turn each message belongs to, from 0: a turn begins with each of the user's, and what an assistant says
/// before any is one of its own. None for the system's.
fn turns(messages: &[Message]) -> Vec<Option<usize>> {
    let (mut turn, mut before) = (0, None);
    let mut turns = Vec::with_capacity(messages.len());
    for message in messages {
        if message.role == Role::System {
            turns.push(None);
            continue;
        }
        if message.role == Role::User && before.is_some() {
            turn += 1;
        }
        before = Some(message.role);
        turns.push(Some(turn));
    }
    turns
}

/// Whether so many bytes are hardly `most` tokens: few tokens are longer than this on average.
fn seems_far_too_long(bytes: usize, most: usize) -> bool {
    bytes / 16 > most
}

/// At least how many tokens messages have, where they are so long that counting them out would be work for nothing: no token has more bytes
/// than the longest.
fn far_too_long(messages: &[Message], tokenizer: &Tokenizer, most: usize) -> Option<usize> {
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    // Only where it is likely the longest is looked for.
    if !seems_far_too_long(bytes, most) {
        return None;
    }
    let ids = 0..u32::try_from(tokenizer.rows()).unwrap_or(u32::MAX);
    let longest = ids.map(|id| tokenizer.token_bytes(id).len()).max().unwrap_or(1).max(1);
    Some(bytes / longest).filter(|tokens| *tokens > most)
}
