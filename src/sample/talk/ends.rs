//! What ends an answer, besides the end of the text.

use crate::dataset::pairs::Role;
use crate::dataset::pairs::form::Form;
use crate::sample::talk::manner::Manner;
use crate::sample::talk::template::Template;
use crate::tokens::Tokenizer;
use crate::tokens::added::{self, Piece};

/// Tokens and texts that end an answer and are no part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Tokens, by id, without those that [`Tokenizer::is_end`] knows.
    pub ids: Vec<u32>,
    /// Texts: what is written before the first of these is the answer.
    pub strings: Vec<String>,
}

/// What ends an answer in a manner: ChatML's `<|im_end|>`; the next `Question:`; of a chat template, what it writes between an answer and
/// the next question. A diary goes on.
pub fn ends(manner: &Manner, tokenizer: &Tokenizer) -> Ends {
    let mut ends = match manner {
        Manner::Diary => Ends::default(),
        Manner::Pairs(form) => of_form(*form, tokenizer),
        Manner::Template(template) => of_template(template, tokenizer).unwrap_or_default(),
    };
    ends.ids.retain(|id| !tokenizer.is_end(*id));
    ends
}

fn of_form(form: Form, tokenizer: &Tokenizer) -> Ends {
    match form.end(tokenizer) {
        Some(end) => Ends { ids: vec![end], strings: Vec::new() },
        None => Ends { ids: Vec::new(), strings: vec!["\nQuestion:".into()] },
    }
}

/// What a template writes behind an answer: the token that it begins with, or the first line of its letters. None where it refuses the
/// conversation that is tried, or writes nothing of its own there.
fn of_template(template: &Template, tokenizer: &Tokenizer) -> Option<Ends> {
    // Letters that no template writes, and none would cut.
    let [asked, answered, again] = ["qzaskedqz", "qzansweredqz", "qzagainqz"];
    let said = [(Role::User, asked), (Role::Assistant, answered), (Role::User, again)];
    let rendered = template.render(&said, true).ok()?;
    let (_, behind) = rendered.split_once(answered)?;
    let (between, _) = behind.split_once(again)?;
    let added = tokenizer.added();
    let first = added::pieces(between, &added).into_iter().find(|piece| match piece {
        Piece::Token(_) => true,
        Piece::Text(text) => !text.trim().is_empty(),
    })?;
    match first {
        Piece::Token(id) => Some(Ends { ids: vec![id], strings: Vec::new() }),
        Piece::Text(text) => {
            let start = text.len() - text.trim_start().len();
            // Of the white space before it the last line's border counts: a model may leave out an empty line.
            let border = text[..start].rfind('\n').unwrap_or(start);
            let line = text[start..].lines().next().unwrap_or_default().trim_end();
            Some(Ends { ids: Vec::new(), strings: vec![format!("{}{line}", &text[border..start])] })
        }
    }
}
