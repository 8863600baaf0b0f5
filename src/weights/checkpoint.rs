//! A model on disk, in whatever format, checked to hold every parameter in its shape.
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
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::Param;
use crate::base::arch::{Layout, Role};
use crate::base::disk::{self, PIECE};
use crate::base::{Config, Error, Result};
use crate::tokens::Tokenizer;
use crate::weights::dtype::Dtype;
use crate::weights::found::{Found, Model, Words};
use crate::weights::head::{Tie, quantised_alike};
use crate::weights::peft::adapter::Adapter;
use crate::weights::peft::{self, Stacked};
use crate::weights::tensors::{Order, TensorEntry, Tensors, UNQUANTIZED, not_floats};
use crate::weights::words::{listed, quoted, short};

/// A head's key, in every family.
pub(super) const HEAD: &str = "lm_head.weight";
/// Its bias, in the families that have one.
pub(super) const HEAD_BIAS: &str = "lm_head.bias";
/// The files of [`Checkpoint::beside_weights`].
const BESIDE: [&str; 9] = [
    "README.md",
    "added_tokens.json",
    "chat_template.jinja",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
];
/// Numbers of the head and of the embedding compared at a time (1 MiB of each).
const COMPARED: usize = 1 << 18;

/// A model on disk. The weights are still in the file.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    format: String,
    model: Model,
    tensors: Tensors,
    tokenizer: Words,
    /// What is added to the weights as they are read, in this order.
    adapters: Vec<Adapter>,
    /// What adapters brought that is none of linear layers.
    others: Vec<String>,
    /// Whether a tied head serves as the embedding.
    head_serves: bool,
}

impl Checkpoint {
    /// Holds what was found against the model that it says it is.
    ///
    /// # Errors
    /// It is no model that we compute; missing, misshapen or unsupported tensors; a head that is not the embedding where it should be.
    pub fn new(found: Found) -> Result<Checkpoint> {
        let Found { path, format, model, tensors, tokenizer, adapter, about: _ } = found;
        let model = model?;
        let entries = tensors.entries().len();
        if model.config.n_layer() > entries {
            // Said before the table of parameters is made, whose length is the claim.
            let layers = model.config.n_layer();
            let problem = format!("holds {entries} tensors in all; its config speaks of {layers} layers");
            return Err(mismatch(tensors.path(), problem));
        }
        let others = adapter.as_ref().map(Adapter::others).unwrap_or_default();
        let adapters = adapter.map_or(Ok(Vec::new()), Adapter::parts)?;
        let mut checkpoint =
            Checkpoint { path, format, model, tensors, tokenizer, adapters, others, head_serves: false };
        checkpoint.hold()?;
        Ok(checkpoint)
    }

    /// Holds the tensors against the model.
    fn hold(&mut self) -> Result<()> {
        let wanted = self.model.config.table();
        self.check_head()?;
        self.tie_head(&wanted[0]);
        self.turn(&wanted);
        self.check_shapes(&wanted)?;
        self.check_extras(&wanted)?;
        self.compare_head(&wanted[0])
    }

    /// Lays an adapter (a PEFT folder, or its name in the Hugging Face cache, or a GGUF) on the model, after those that it has: what it adds counts `scale` times. Its own base
    /// is not looked for: this model is it.
    ///
    /// # Errors
    /// No adapter; one that does not fit this model; parameters that it trained whole, at another scale than 1.
    pub fn add_adapter(&mut self, path: &Path, scale: f32) -> Result<()> {
        let (adapter, whole) = peft::beside(path, &self.model.config, scale)?;
        if !self.is_adapted() {
            self.format = format!("LoRA adapter on a {}", self.format);
        }
        self.others.extend(adapter.others());
        self.adapters.extend(adapter.parts()?);
        if let Some(whole) = whole {
            self.tensors.replace(whole);
            self.hold()?;
        }
        Ok(())
    }

    /// How many parameters its adapters change.
    pub fn adapted(&self) -> usize {
        let table = self.model.config.table();
        let changed = |p: &&Param| {
            self.others.contains(&p.name) || self.adapters.iter().any(|adapter| adapter.rank(&p.name) > 0)
        };
        table.iter().filter(changed).count()
    }

    /// Whether an adapter is on it.
    pub fn is_adapted(&self) -> bool {
        !self.adapters.is_empty() || !self.others.is_empty()
    }

    /// Parameters that its adapters changed otherwise than beside a linear layer: trained whole, or beside positions. They are of
    /// the model that is read, with or without [`take_adapters`](Self::take_adapters).
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Takes away what its adapters have beside linear layers, as one adapter that runs beside the model; what is read from
    /// here on is the model without. None where there is nothing of the kind.
    pub fn take_adapters(&mut self) -> Option<Stacked> {
        let (linear, other) = std::mem::take(&mut self.adapters).into_iter().partition(Adapter::is_linear);
        self.adapters = other;
        Stacked::new(linear, &self.model.config)
    }

    /// The model's shape.
    pub fn config(&self) -> &Config {
        &self.model.config
    }

    /// Whether it has its family's biases; those of a model without them are read as zeros.
    pub(super) fn biases(&self) -> bool {
        self.model.biases
    }

    /// Where it was found: a folder (a snapshot of the one that was named, perhaps) or a file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that its weights are in.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.tensors.files()
    }

    /// What it is, as a person would call it.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The tokenizer that comes with it.
    ///
    /// # Errors
    /// There is none, or none that we read.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        self.tokenizer.read(&self.path, self.model.config.vocab_size())
    }

    /// What a Hugging Face folder has beside its weights and its config that belongs to the model: the tokenizer's files, the card.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn beside_weights(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let Words::Folder(folder) = &self.tokenizer else { return Ok(Vec::new()) };
        let there = BESIDE.iter().map(|name| (*name, folder.join(name))).filter(|(_, path)| path.exists());
        there.map(|(name, path)| Ok((name, disk::read_file(&path)?))).collect()
    }

    /// The chat template that comes with it, if one does.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn chat_template(&self) -> Result<Option<String>> {
        self.tokenizer.chat_template()
    }

    /// Reads rows of a parameter (elements, where it has one extent) as f32, straight into `out`. Names are those of
    /// [`Config::table`].
    ///
    /// # Errors
    /// The file cannot be read, or holds a number that is not finite.
    ///
    /// # Panics
    /// If `out` is not as long as those rows.
    pub fn read(&mut self, name: &str, rows: Range<usize>, out: &mut [f32]) -> Result<()> {
        let key = self.key(name);
        if self.is_zeros(key) {
            out.fill(0.0);
            return Ok(());
        }
        self.tensors.read_rows_f32(key, rows.clone(), out)?;
        for adapter in &mut self.adapters {
            adapter.add(key, rows.clone(), out)?;
        }
        self.check_finite(key, rows, out)
    }

    /// How a parameter's rows are stored, where [`read_stored`](Self::read_stored) gives them as they are: of a matrix whose rows
    /// stand in the file in one piece each, as whole blocks of ggml's, with nothing to be added to them.
    pub fn stored(&self, name: &str) -> Option<Dtype> {
        let entry = self.entry(name).filter(|e| e.shape.len() == 2 && e.order != Order::Columns)?;
        let whole = self.adapters.is_empty() && entry.dtype.bytes(entry.row_len() as u64).is_some();
        let ggml = matches!(entry.dtype, Dtype::F16 | Dtype::Q8_0 | Dtype::Q4_1);
        (whole && ggml).then(|| entry.dtype.clone())
    }

    /// Reads rows of a matrix as the blocks that they are in the file, into `out`, which is cleared first: the rows'
    /// `dtype.bytes(columns)` bytes each, one behind the other, in the order of [`read`](Self::read), of which they are the
    /// very numbers.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Panics
    /// If it has no such rows, or [`stored`](Self::stored) says that they are not to be had so.
    pub fn read_stored(&mut self, name: &str, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let dtype = self.stored(name).expect("asked before");
        let key = self.key(name);
        out.clear();
        self.tensors.read_rows_stored(key, rows.clone(), out)?;
        let mut numbers = vec![0.0; rows.len() * self.tensors.entry(key)?.row_len()];
        dtype.decode(out, &mut numbers);
        self.check_finite(key, rows, &numbers)
    }

    /// Refuses rows of a tensor that hold what is no number.
    fn check_finite(&self, key: &str, rows: Range<usize>, out: &[f32]) -> Result<()> {
        // Without an end before the end, this runs as wide as the machine does.
        if out.iter().fold(true, |all, x| all & x.is_finite()) {
            return Ok(());
        }
        let Some(at) = out.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let file = match self.adapters.is_empty() {
            false => self.path.as_path(),
            true => self.tensors.file_of(self.tensors.entry(key)?),
        };
        Err(Error::file(
            file,
            format!(
                "tensor {} holds a number that is not finite ({}) in row {}",
                quoted(key),
                out[at],
                rows.start + at / (out.len() / rows.len())
            ),
            "download the checkpoint again; if it was trained so, start from an earlier one",
        ))
    }

    /// Reads every parameter in the order of [`Config::table`], some of its rows at a time, and hands them to `take`;
    /// `progress` is told the share done.
    ///
    /// # Errors
    /// As [`read`](Self::read); those of `take`.
    pub(super) fn each_piece(
        &mut self,
        progress: &mut dyn FnMut(f64),
        mut take: impl FnMut(&Param, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let all = self.config().num_params() as f64;
        let (mut done, mut data) = (0, Vec::new());
        for param in self.config().table() {
            let (rows, width) = (param.shape[0], param.shape[1..].iter().product::<usize>());
            let step = (PIECE / width).max(1);
            for start in (0..rows).step_by(step) {
                let range = start..rows.min(start + step);
                data.resize(range.len() * width, 0.0);
                self.read(&param.name, range, &mut data)?;
                take(&param, &data)?;
                done += data.len();
                progress(done as f64 / all);
            }
        }
        Ok(())
    }

    /// Whether it is a bias of a model without biases.
    fn is_zeros(&self, name: &str) -> bool {
        !self.model.biases && name.ends_with(".bias") && self.tensors.get(name).is_none()
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

    /// The name of the tensor that a parameter is read from.
    fn key<'a>(&self, name: &'a str) -> &'a str {
        if self.head_serves && name == self.model.config.embedding() { HEAD } else { name }
    }

    /// Whether the head is the embedding.
    fn tied(&self) -> bool {
        self.model.config.head() != HEAD
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

    /// The tensor that a parameter is read from.
    fn entry(&self, name: &str) -> Option<&TensorEntry> {
        self.tensors.get(self.key(name))
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

fn mismatch(path: &Path, problem: String) -> Error {
    Error::file(
        path,
        problem,
        "check that the model's config and its weights come from one checkpoint, and download both again",
    )
}
