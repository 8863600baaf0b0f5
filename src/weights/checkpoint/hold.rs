//! A file's tensors held against the model that it says it is: every parameter is there, in its shape, as floats.
//!
//! What stands beside the parameters is sorted by whether it changes what the network computes:
//!
//! - `attn.bias` and `attn.masked_bias` are the causal mask, which the attention kernel has in its bounds: ignored.
//! - `rotary_emb.inv_freq` are a Llama's or a Phi's angles, which follow from its base: ignored.
//! - A head of its own is a parameter like the others. The head of a tied model (every GPT-2, and a Llama that says so; no Phi) must be
//!   the embedding again, perhaps rounded. It is compared number by number; where a file kept only one of the two names, that one
//!   serves as both. Where one of them is quantised, rows are compared by their distance, and the matrix with more bits serves
//!   as both.
//! - Any other tensor inside the transformer (`h.…`, `layers.…`, the embedding's, the last norm's, the head's: cross-attention,
//!   biases, adapters, experts, layers beyond `n_layer`, scales of quantized weights) is part of a network we do not compute: an
//!   error.
//! - Heads beside the transformer (a classifier's `score.weight`) do not touch it: ignored.
//!
//! The matrices of GPT-2's blocks are stored as `Conv1D` has them, (in, out), or as `nn.Linear` has them, (out, in), all of them
//! one way: `c_attn`, three times as wide as it is high, tells which. Llama's are `nn.Linear`'s everywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::arch::{Layout, Role};
use crate::base::{Config, Error, Param, Result};
use crate::weights::checkpoint::{Checkpoint, mismatch};
use crate::weights::head::{HEAD, Tie, quantised_alike};
use crate::weights::tensors::{UNQUANTIZED, not_floats};
use crate::weights::words::{listed, quoted, short};

/// Numbers of the head and of the embedding compared at a time (1 MiB of each).
const COMPARED: usize = 1 << 18;

impl Checkpoint {
    /// Holds the tensors against the model.
    pub(super) fn hold(&mut self) -> Result<()> {
        let wanted = self.model.config.table();
        self.check_head()?;
        self.tie_head(&wanted[0]);
        self.turn(&wanted);
        self.check_shapes(&wanted)?;
        self.check_extras(&wanted)?;
        self.compare_head(&wanted[0])
    }

    /// Sees all matrices of a family that has them as (in, out) so where the file has them as (out, in).
    fn turn(&mut self, wanted: &[Param]) {
        let matrices: BTreeMap<&str, &Param> =
            (wanted.iter().filter(|p| p.role == Role::Linear(Layout::InOut)))
                .map(|p| (p.name.as_str(), p))
                .collect();
        let (mut turned, mut other) = (0, 0);
        for (name, param) in &matrices {
            let Some(found) = self.tensors.get(name) else { continue };
            let square = param.shape[0] == param.shape[1];
            match found.shape.iter().rev().eq(&param.shape) {
                true if !square => turned += 1,
                false => other += 1,
                _ => {}
            }
        }
        if turned > 0 && other == 0 {
            self.tensors.transpose(|e| matrices.contains_key(e.name.as_str()));
        }
    }

    /// A head that is not tied, and not in the file, would be random numbers, in `transformers` as here.
    fn check_head(&self) -> Result<()> {
        let missing = !self.tied() && self.tensors.get(HEAD).is_none();
        if !missing || self.tensors.get(self.model.config.embedding()).is_none() {
            return Ok(());
        }
        Err(Error::file(
            self.tensors.path(),
            format!(
                "{HEAD} is not in the file, and the model's config does not say that its head is its embedding"
            ),
            "download the whole checkpoint; if its head is its embedding, say tie_word_embeddings true in config.json",
        ))
    }

    /// Lets a tied head stand in for an embedding that was left out as its double.
    fn tie_head(&mut self, embedding: &Param) {
        let head = self.tensors.get(HEAD).is_some_and(|e| e.shape == embedding.shape);
        self.head_serves = self.tied() && head && self.tensors.get(&embedding.name).is_none();
    }

    /// Every parameter is there, in its shape.
    fn check_shapes(&self, wanted: &[Param]) -> Result<()> {
        let missing: Vec<String> =
            (wanted.iter().filter(|p| self.entry(&p.name).is_none() && !self.is_zeros(&p.name)))
                .map(|p| p.name.clone())
                .collect();
        if !missing.is_empty() {
            let problem = format!(
                "{} of the {} tensors that its config calls for are missing: {}",
                missing.len(),
                wanted.len(),
                listed(&missing)
            );
            return Err(mismatch(self.tensors.path(), problem));
        }
        let wrong: Vec<String> = (wanted.iter().zip(wanted.iter().map(|p| self.entry(&p.name))))
            .filter_map(|(p, e)| e.filter(|e| e.shape != p.shape).map(|e| (p, e)))
            .map(|(p, e)| format!("{} is {}, not {:?}", p.name, short(&format!("{:?}", e.shape)), p.shape))
            .collect();
        if !wrong.is_empty() {
            let problem = format!(
                "{} tensors have not the shape that its config calls for: {}",
                wrong.len(),
                listed(&wrong)
            );
            return Err(mismatch(self.tensors.path(), problem));
        }
        self.check_dtypes(wanted)
    }

    /// Every parameter is stored as floats: known before training begins, not when a tensor's turn comes.
    fn check_dtypes(&self, wanted: &[Param]) -> Result<()> {
        for entry in wanted.iter().filter_map(|p| self.entry(&p.name)) {
            if entry.dtype.block().is_none() {
                return Err(Error::file(self.tensors.file_of(entry), not_floats(entry), UNQUANTIZED));
            }
        }
        Ok(())
    }

    /// Nothing else is inside the transformer, nor is the head more than a matrix.
    fn check_extras(&self, wanted: &[Param]) -> Result<()> {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let known: BTreeSet<&str> = wanted.iter().map(|p| p.name.as_str()).chain([HEAD]).collect();
        let inside: BTreeSet<String> = known.iter().map(|name| first(name)).collect();
        let mask = |n: &str| n.ends_with(".attn.bias") || n.ends_with(".attn.masked_bias");
        let harmless = |n: &str| match self.model.config {
            Config::Gpt2(_) => mask(n),
            Config::Llama(_) | Config::Phi(_) => n.ends_with(".rotary_emb.inv_freq"),
        };
        let mut extra: Vec<String> = (self.tensors.entries().iter())
            .filter(|e| inside.contains(&first(&e.name)))
            .filter(|e| !harmless(&e.name) && !known.contains(e.name.as_str()))
            .map(|e| quoted(&e.name))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        extra.sort();
        let (n, family) = (extra.len(), self.model.config.title());
        Err(mismatch(
            self.tensors.path(),
            format!("{n} tensors belong to no {family} of this shape: {}", listed(&extra)),
        ))
    }

    /// A tied head, where there is one, is the embedding again, perhaps rounded.
    fn compare_head(&mut self, wte: &Param) -> Result<()> {
        if !self.tied() || self.head_serves {
            return Ok(());
        }
        let Some(head) = self.tensors.get(HEAD) else { return Ok(()) };
        let path = self.tensors.path().to_path_buf();
        let (why, next) = match self.model.config {
            Config::Gpt2(_) => (
                "diarist trains GPT-2, whose head is its embedding (tied)",
                "start from a checkpoint with tied embeddings",
            ),
            Config::Llama(_) | Config::Phi(_) => (
                "its config says that the head is the embedding (tied)",
                "if its head is a matrix of its own, say tie_word_embeddings false in config.json",
            ),
        };
        let untied = |what: String| Error::file(&path, format!("{HEAD} {what}; {why}"), next);
        if head.shape != wte.shape {
            return Err(untied(format!("is {}, not {:?}", short(&format!("{:?}", head.shape)), wte.shape)));
        }
        let (rows, width) = (wte.shape[0], wte.shape[1]);
        let step = (COMPARED / width).clamp(1, rows);
        let (mut a, mut b) = (vec![0.0; step * width], vec![0.0; step * width]);
        let other = self.tensors.entry(&wte.name)?;
        let quantised = head.dtype.is_quantised() || other.dtype.is_quantised();
        let head_has_more_bits = head.len > other.len;
        let mut ties = Tie::ALL.to_vec();
        for start in (0..rows).step_by(step) {
            let range = start..rows.min(start + step);
            let n = range.len() * width;
            self.read(HEAD, range.clone(), &mut a[..n])?;
            self.read(&wte.name, range, &mut b[..n])?;
            let apart = if quantised {
                let mut pairs = a[..n].chunks_exact(width).zip(b[..n].chunks_exact(width));
                pairs.position(|(head, wte)| !quantised_alike(head, wte)).map(|row| (row, "quantising does"))
            } else {
                let mut different = (0..n).filter(|&at| a[at] != b[at]);
                let untied = |at: &usize| {
                    ties.retain(|tie| tie.holds(a[*at], b[*at]));
                    ties.is_empty()
                };
                different.find(untied).map(|at| (at / width, "a rounding"))
            };
            if let Some((row, what)) = apart {
                let row = start + row;
                return Err(untied(format!(
                    "differs from {} by more than {what} (told in row {row})",
                    wte.name
                )));
            }
        }
        self.head_serves = if quantised { head_has_more_bits } else { ties[0].head_is_finer() };
        Ok(())
    }
}
