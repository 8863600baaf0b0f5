//! What a step computes with.

use serde::{Deserialize, Serialize};

/// The numbers of a training step (Micikevicius et al. 2018, arXiv:1710.03740).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision throughout.
    #[default]
    F32,
    /// The weights that are read, and the activations of a block and their gradients, in half precision. Sums are in single
    /// precision, and so are the stream between the blocks, logits, gradients of weights, the weights that are kept and the moments.
    Mixed,
}

impl Precision {
    /// Both.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Mixed];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Mixed => "mixed",
        }
    }

    /// That of the name.
    pub fn from_name(name: &str) -> Option<Precision> {
        Precision::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Whether it is the usual: a record says nothing of that.
    pub fn is_usual(&self) -> bool {
        *self == Precision::default()
    }
}
