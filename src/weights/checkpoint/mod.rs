//! A model on disk, in whatever format, checked to hold every parameter in its shape.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::disk::{self, PIECE};
use crate::base::{Config, Error, Param, Result};
use crate::tokens::Tokenizer;
use crate::weights::dtype::Dtype;
use crate::weights::found::{Found, Model, Words};
use crate::weights::head::HEAD;
use crate::weights::peft::adapter::Adapter;
use crate::weights::peft::{self, Stacked};
use crate::weights::tensors::{Order, TensorEntry, Tensors};
use crate::weights::words::{listed, quoted};

mod hold;

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
        match self.adapters.is_empty() || all_finite(out) {
            true => self.check_finite(key, rows, out),
            false => self.find_not_finite(key, rows, out),
        }
    }

    /// Whose numbers make rows what is no number, where adapters are added to them: the model's own, or an adapter's.
    fn find_not_finite(&mut self, key: &str, rows: Range<usize>, out: &mut [f32]) -> Result<()> {
        self.tensors.read_rows_f32(key, rows.clone(), out)?;
        self.check_finite(key, rows.clone(), out)?;
        for adapter in &mut self.adapters {
            adapter.add(key, rows.clone(), out)?;
            if !all_finite(out) {
                return Err(adapter.beyond(key));
            }
        }
        Ok(())
    }

    /// Its adapters, as a person is told of them where what is computed is no number; none where it has none.
    pub fn adapters_told(&self) -> Option<String> {
        let told: Vec<String> = self.adapters.iter().map(Adapter::told).collect();
        (!told.is_empty()).then(|| listed(&told))
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
        if all_finite(out) {
            return Ok(());
        }
        let Some(at) = out.iter().position(|x| !x.is_finite()) else { return Ok(()) };
        Err(Error::file(
            self.tensors.file_of(self.tensors.entry(key)?),
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

    /// The name of the tensor that a parameter is read from.
    fn key<'a>(&self, name: &'a str) -> &'a str {
        if self.head_serves && name == self.model.config.embedding() { HEAD } else { name }
    }

    /// Whether the head is the embedding.
    fn tied(&self) -> bool {
        self.model.config.head() != HEAD
    }

    /// The tensor that a parameter is read from.
    fn entry(&self, name: &str) -> Option<&TensorEntry> {
        self.tensors.get(self.key(name))
    }
}

fn all_finite(numbers: &[f32]) -> bool {
    // Without an end before the end, this runs as wide as the machine does.
    numbers.iter().fold(true, |all, x| all & x.is_finite())
}

fn mismatch(path: &Path, problem: String) -> Error {
    Error::file(
        path,
        problem,
        "check that the model's config and its weights come from one checkpoint, and download both again",
    )
}
