//! The form in which a model knows conversations.

use crate::base::Result;
use crate::dataset::pairs::Role;
use crate::dataset::pairs::form::Form;
use crate::sample::talk::diary::Text;
use crate::sample::talk::letters::Marked;
use crate::sample::talk::message::Message;
use crate::sample::talk::template::Template;
use crate::tokens::Tokenizer;

/// How a conversation is written for a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Manner {
    /// As a diary: nobody is named, what was said is one text, and the model goes on with it. What a person adds has a space before it
    /// where two words would meet. What the system says stands first; what it is to the text, [`Before`] says.
    ///
    /// [`Before`]: crate::sample::talk::message::Before
    Diary,
    /// As the questions and answers that it was fine-tuned on.
    Pairs(Form),
    /// By the chat template that came with it.
    Template(Template),
}

impl Manner {
    /// A conversation as the tokens that an answer follows: all of them, so nothing is to be put before. What looks like one of the
    /// model's own tokens in a message is letters.
    ///
    /// # Errors
    /// Those of the chat template: see [`Template::render`].
    pub fn ids(&self, messages: &[Message], tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        let mut ids = match self {
            Manner::Diary => Text::of(messages).ids(0, tokenizer),
            Manner::Pairs(form) => {
                form.conversation(messages.iter().map(|m| (m.role, m.content.as_str())), tokenizer)
            }
            Manner::Template(template) => templated(template, messages, tokenizer)?,
        };
        // A model goes on from something.
        if ids.is_empty() {
            ids.push(tokenizer.start());
        }
        Ok(ids)
    }
}

/// A conversation by a chat template.
fn templated(template: &Template, messages: &[Message], tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    let contents: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
    let marked = Marked::new(&contents, &tokenizer.added())?;
    let said: Vec<(Role, &str)> = messages
        .iter()
        .zip(&marked.contents)
        .map(|(message, content)| (message.role, content.as_str()))
        .collect();
    Ok(marked.encode(&template.render(&said, true)?, tokenizer))
}
