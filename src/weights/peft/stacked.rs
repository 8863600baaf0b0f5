//! All adapters of a model as one that runs beside it: their A's one below the other, their B's side by side.
//!
//!   Σᵢ sᵢ·Bᵢ·Aᵢ = [s₁·B₁ s₂·B₂ …]·[A₁; A₂; …]
//!
//! The ranks of a matrix add up; where one has less than the most, the rest is zeros. Each one's α/r (or α/√r, or a pattern's),
//! times the scale that a person gave it, is in its B, and the whole counts once.

use crate::base::{Config, Error, Lora, Result, memory};
use crate::weights::peft::adapter::{Adapter, Matrices};

/// Adapters taken from a model, still in their files.
#[derive(Debug)]
pub struct Stacked {
    /// The one that they are together: its rank is the largest sum of theirs beside a matrix (which may be more than a matrix has
    /// itself), its α is its rank, so that its scale is 1, and its targets are whole names of modules; none where they are all
    /// linear layers.
    pub lora: Lora,
    config: Config,
    adapters: Vec<Adapter>,
}

impl Stacked {
    /// None of no adapters.
    pub(in crate::weights) fn new(adapters: Vec<Adapter>, config: &Config) -> Option<Stacked> {
        let linear: Vec<_> = config.table().into_iter().filter(|p| p.in_out().is_some()).collect();
        let rank = |name: &str| adapters.iter().map(|adapter| adapter.rank(name)).sum::<usize>();
        let ranks: Vec<usize> = linear.iter().map(|param| rank(&param.name)).collect();
        let r = ranks.iter().copied().max().filter(|r| *r > 0)?;
        let targets = match ranks.iter().all(|rank| *rank > 0) {
            true => Vec::new(),
            false => {
                let adapted = linear.iter().zip(&ranks).filter(|(_, rank)| **rank > 0);
                adapted.map(|(param, _)| param.module().to_string()).collect()
            }
        };
        let lora = Lora { r, alpha: r as f32, dropout: 0.0, targets };
        Some(Stacked { lora, config: *config, adapters })
    }

    /// A matrix of [`Lora::table`], whole: A (r, in) or B (out, r).
    ///
    /// # Errors
    /// No such matrix; a file that cannot be read, or holds a number that is not finite.
    pub fn read(&mut self, name: &str) -> Result<Vec<f32>> {
        let none = || Error::bug(format!("{name} is no matrix of an adapter"));
        let (module, is_a) = match (name.strip_suffix(".lora_A.weight"), name.strip_suffix(".lora_B.weight"))
        {
            (Some(module), _) => (module, true),
            (_, Some(module)) => (module, false),
            _ => return Err(none()),
        };
        let weight = format!("{module}.weight");
        let table = self.config.table();
        let sides = table.iter().find(|p| p.name == weight).and_then(|p| p.in_out());
        let (inputs, outputs) = sides.ok_or_else(none)?;
        let r = self.lora.r;
        let mut all = memory::zeros(r * if is_a { inputs } else { outputs }, name)?;
        let mut from = 0;
        for adapter in &mut self.adapters {
            let Some(Matrices { rank, a, b, scale }) = adapter.matrices(&weight)? else { continue };
            if is_a {
                all[from * inputs..][..a.len()].copy_from_slice(&a);
            } else {
                for (all, b) in all.chunks_exact_mut(r).zip(b.chunks_exact(rank)) {
                    all[from..].iter_mut().zip(b).for_each(|(all, b)| *all = b * scale);
                }
                if !all.iter().all(|x| x.is_finite()) {
                    return Err(adapter.beyond(&weight));
                }
            }
            from += rank;
        }
        Ok(all)
    }
}
