//! What backward computes a second time instead of keeping it from the forward pass.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How much of a block is computed twice: the more, the less memory for the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Recompute {
    /// Nothing: everything is kept that backward reads.
    None,
    /// What is cheap: the outputs of the normalisations and of GELU or SwiGLU.
    #[default]
    Gelu,
    /// The whole block, of which its input alone is kept.
    Block,
}

impl Recompute {
    /// All of them.
    pub const ALL: [Recompute; 3] = [Recompute::None, Recompute::Gelu, Recompute::Block];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Recompute::None => "none",
            Recompute::Gelu => "gelu",
            Recompute::Block => "block",
        }
    }

    /// That of the name.
    pub fn from_name(name: &str) -> Option<Recompute> {
        Recompute::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Whether it is the usual: a record says nothing of that.
    pub fn is_usual(&self) -> bool {
        *self == Recompute::default()
    }
}

impl Serialize for Recompute {
    /// Its name; of whole blocks `true`, as a diarist writes and reads it that knows nothing else to recompute.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Recompute::Block => to.serialize_bool(true),
            other => to.serialize_str(other.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Recompute {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Recompute, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Blocks(bool),
            Name(String),
        }
        match Either::deserialize(from)? {
            Either::Blocks(true) => Ok(Recompute::Block),
            Either::Blocks(false) => Ok(Recompute::Gelu),
            Either::Name(name) => {
                Recompute::from_name(&name).ok_or_else(|| D::Error::custom(format!("no recompute {name}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_ever_written() {
        for r in Recompute::ALL {
            let text = serde_json::to_string(&r).unwrap();
            assert_eq!(serde_json::from_str::<Recompute>(&text).unwrap(), r);
        }
        assert_eq!(serde_json::to_string(&Recompute::Block).unwrap(), "true");
        assert_eq!(serde_json::from_str::<Recompute>("false").unwrap(), Recompute::Gelu);
        assert!(serde_json::from_str::<Recompute>("\"much\"").is_err());
    }
}
