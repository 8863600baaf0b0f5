//! What somebody says in a conversation.

use crate::dataset::pairs::Role;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// By whom.
    pub role: Role,
    /// What.
    pub content: String,
    /// What it is to a diary's text, where it is the system's.
    pub before: Before,
}

/// What a message of the system's is to a diary, before whose text it stands. To models that answer questions, each is said of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Before {
    /// Words about the text, such as `You are a helpful assistant`: an empty line parts them from it. Where they end in a line end of
    /// their own, nothing does: so a client can send a heading.
    #[default]
    About,
    /// The header of an entry, as the model's diary has it: nothing is put behind it, and it is encoded by itself, as in training.
    Heading,
    /// How the text begins: what is said is joined to it as to any of the text.
    Beginning,
}

impl Message {
    /// A message of somebody's.
    pub fn new(role: Role, content: impl Into<String>) -> Message {
        Message { role, content: content.into(), before: Before::About }
    }

    /// The header of an entry, as it stands before those that a diary's model was trained on.
    pub fn heading(content: impl Into<String>) -> Message {
        Message { before: Before::Heading, ..Message::new(Role::System, content) }
    }

    /// How a diary's text begins.
    pub fn beginning(content: impl Into<String>) -> Message {
        Message { before: Before::Beginning, ..Message::new(Role::System, content) }
    }
}
