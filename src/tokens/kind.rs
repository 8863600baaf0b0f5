//! Which tokenizer one is, and what an id of it is for.

use crate::tokens::gpt2;

/// Which tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// GPT-2's: 50,256 pieces of text, then end of text.
    Gpt2,
    /// The 256 bytes, each its own id, then end of text.
    Bytes,
    /// Another BPE, which came with a model: byte-level, or SentencePiece's with byte fallback.
    Bpe,
}

impl Kind {
    /// Those that are made from nothing, as the command line lists them.
    pub const ALL: [Kind; 2] = [Kind::Gpt2, Kind::Bytes];

    /// The name on the command line and in `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Gpt2 => "gpt2",
            Kind::Bytes => "bytes",
            Kind::Bpe => "bpe",
        }
    }

    /// That of a name on the command line.
    pub fn from_name(name: &str) -> Option<Kind> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// The last id of a vocabulary that is made from nothing: `<|endoftext|>`, and all ids below it are text.
    pub(super) fn last(self) -> Option<u32> {
        match self {
            Kind::Gpt2 => Some(gpt2::TEXTS),
            Kind::Bytes => Some(256),
            Kind::Bpe => None,
        }
    }
}

/// What an id is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It stands for text, and text becomes it.
    Text,
    /// A special token: end of text, a mark between speakers.
    Control,
    /// A word that was added, found in prompts alone.
    Added,
    /// A row that nothing leads to.
    Unused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!((Kind::from_name("gpt3"), Kind::from_name("bpe")), (None, None));
    }
}
