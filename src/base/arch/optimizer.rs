//! Which optimizer moves which parameter.

use crate::base::arch::{Param, Part};

/// What moves the weights of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// AdamW moves all.
    #[default]
    Adamw,
    /// Muon moves the matrices of the blocks, AdamW the embeddings, gains, biases and heads.
    Muon,
}

impl Optimizer {
    /// All of them.
    pub const ALL: [Optimizer; 2] = [Optimizer::Adamw, Optimizer::Muon];

    /// Its name on the command line and in `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Optimizer::Adamw => "adamw",
            Optimizer::Muon => "muon",
        }
    }

    /// The optimizer of that name.
    pub fn from_name(name: &str) -> Option<Optimizer> {
        Optimizer::ALL.into_iter().find(|o| o.name() == name)
    }

    /// Whether Muon moves this parameter. Embeddings are tables of rows that are looked up one by one, and a head is scored
    /// token by token: what Muon says of matrices between hidden states is not so of them.
    pub fn is_muons(self, param: &Param) -> bool {
        self == Optimizer::Muon && param.shape.len() == 2 && matches!(param.part, Part::Block(_))
    }

    /// Whether this parameter has AdamW's second moment beside its first.
    pub fn has_second_moment(self, param: &Param) -> bool {
        !self.is_muons(param)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;

    #[test]
    fn muon_takes_the_blocks_matrices() {
        let table = Preset::Tiny.config(257).table();
        let taken = |o: Optimizer| -> Vec<&str> {
            table.iter().filter(|p| o.is_muons(p)).map(|p| p.name.as_str()).collect()
        };
        assert!(taken(Optimizer::Adamw).is_empty());
        let muons = taken(Optimizer::Muon);
        assert_eq!(muons.len(), 4 * 4);
        assert_eq!(muons[..2], ["h.0.attn.c_attn.weight", "h.0.attn.c_proj.weight"]);
        for o in Optimizer::ALL {
            assert_eq!(Optimizer::from_name(o.name()), Some(o));
            assert_eq!(serde_json::to_value(o).unwrap(), o.name());
        }
    }
}
