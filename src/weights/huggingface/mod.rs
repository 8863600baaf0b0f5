//! A GPT-2 in a Hugging Face folder: `config.json` and `model.safetensors`, or several files and their index.
//!
//! Keys are GPT-2's, with or without `transformer.` in front, or what a wrapper put there (`_orig_mod.`, `module.`). What stands beside the parameters is sorted by whether it
//! changes what the network computes:
//!
//! - `attn.bias` and `attn.masked_bias` are the causal mask, which the attention kernel has in its bounds: ignored.
//! - `lm_head.weight` must be `wte.weight` again (GPT-2 ties them), perhaps rounded. It is compared number by number; where
//!   a file kept only one of the two names, that one serves as both, unless `config.json` denies the tie.
//! - Any other tensor inside the transformer (`h.…`, `wte.…`, `wpe.…`, `ln_f.…`: cross-attention, adapters, layers beyond
//!   `n_layer`, scales of quantized weights) is part of a network we do not compute: an error.
//! - Heads beside the transformer (a classifier's `score.weight`) do not touch it: ignored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::Param;
use crate::base::{Config, Error, Result};
use crate::weights::header::{quoted, short};
use crate::weights::safetensors::{Dtype, Reader, TensorEntry, Writer};
use folder::listed;
use head::Tie;

mod config;
mod folder;
mod head;

pub use config::{config_json, generation_config_json};

/// The prefix under which GPT2LMHeadModel keeps its GPT2Model.
const PREFIX: &str = "transformer.";
const WTE: &str = "wte.weight";
const HEAD: &str = "lm_head.weight";
/// Numbers of the head and of `wte` compared at a time (1 MiB of each).
const COMPARED: usize = 1 << 18;

/// A GPT-2 on disk, checked to hold every parameter in its shape. The weights are still in the file.
#[derive(Debug)]
pub struct Checkpoint {
    config: Config,
    path: PathBuf,
    readers: Vec<Reader>,
    /// From a parameter's name to its reader and its key there.
    place: HashMap<String, (usize, String)>,
}

/// Opens a Hugging Face GPT-2 folder; an earlier run's folder is one.
///
/// # Errors
/// No such folder, or one of another kind; no `config.json`, another architecture or a setting that we do not compute; no safetensors weights;
/// a damaged file; missing, misshapen or unsupported tensors; a head that is not tied.
pub fn open(dir: &Path) -> Result<Checkpoint> {
    let dir = &folder::find(dir)?;
    let (config, tied) = config::read(&dir.join("config.json"))?;
    let files = folder::weights(dir)?;
    let readers = files.iter().map(Reader::open).collect::<Result<Vec<_>>>()?;
    Checkpoint::new(config, tied, files[0].clone(), readers)
}

/// Opens one file of weights whose model is known already, such as a run's saved state.
///
/// # Errors
/// As [`open`], for what concerns the weights.
pub fn open_file(path: &Path, config: Config) -> Result<Checkpoint> {
    Checkpoint::new(config, true, path.to_path_buf(), vec![Reader::open(path)?])
}

/// Begins a model's file: GPT2LMHeadModel's keys (`transformer.` in front, no head), the true vocabulary, metadata exactly
/// `{"format":"pt"}`. Write the parameters in the order of [`Config::table`].
///
/// # Errors
/// As [`Writer::create`].
pub fn writer(path: &Path, cfg: &Config) -> Result<Writer> {
    let tensors: Vec<_> = cfg.table().into_iter().map(|p| (format!("{PREFIX}{}", p.name), p.shape)).collect();
    Writer::create(path, &tensors, &BTreeMap::from([("format".to_string(), "pt".to_string())]))
}

impl Checkpoint {
    fn new(config: Config, tied: bool, path: PathBuf, readers: Vec<Reader>) -> Result<Checkpoint> {
        let entries: usize = readers.iter().map(|r| r.entries().len()).sum();
        if config.n_layer() > entries {
            // Said before the table of parameters is made, whose length is the claim.
            let problem =
                format!("holds {entries} tensors in all; config.json speaks of {} layers", config.n_layer());
            return Err(mismatch(&path, problem));
        }
        let place = names(&path, &readers)?;
        let mut checkpoint = Checkpoint { config, path, readers, place };
        let wanted = config.table();
        checkpoint.check_head(tied)?;
        checkpoint.tie_head(&wanted[0])?;
        checkpoint.check_shapes(&wanted)?;
        checkpoint.check_extras(&wanted)?;
        checkpoint.compare_head(&wanted[0])?;
        Ok(checkpoint)
    }

    /// The model's shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The folder that it was found in: a snapshot of the one that was named, perhaps.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
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
        let Some((reader, key)) = self.place.get(name) else {
            return Err(mismatch(&self.path, format!("holds no {}", quoted(name))));
        };
        let reader = &mut self.readers[*reader];
        reader.read_rows_f32(key, rows.clone(), out)?;
        match out.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(at) => Err(Error::file(
                reader.path(),
                format!(
                    "tensor {} holds a number that is not finite ({}) in row {}",
                    quoted(key),
                    out[at],
                    rows.start + at / (out.len() / rows.len())
                ),
                "download the checkpoint again; if it was trained so, start from an earlier one",
            )),
        }
    }

    fn entry(&self, name: &str) -> Option<&TensorEntry> {
        let (reader, key) = self.place.get(name)?;
        self.readers[*reader].entry(key).ok()
    }

    /// Without a tie, a matrix that is not in the file would be random numbers, in `transformers` as here.
    fn check_head(&self, tied: bool) -> Result<()> {
        match [WTE, HEAD].into_iter().find(|name| !tied && !self.place.contains_key(*name)) {
            None => Ok(()),
            Some(missing) => Err(Error::file(
                &self.path,
                format!("config.json says tie_word_embeddings false, but {missing} is not in the file"),
                "download the whole checkpoint; if its head is its embedding, say tie_word_embeddings true in config.json",
            )),
        }
    }

    /// Lets a head stand in for an embedding that was left out as its double.
    fn tie_head(&mut self, wte: &Param) -> Result<()> {
        if self.place.contains_key(WTE) || self.entry(HEAD).is_none_or(|e| e.shape != wte.shape) {
            return Ok(());
        }
        let head = self.place.remove(HEAD).expect("found above");
        self.place.insert(WTE.to_string(), head);
        Ok(())
    }

    /// Every parameter is there, in its shape.
    fn check_shapes(&self, wanted: &[Param]) -> Result<()> {
        let missing: Vec<String> =
            (wanted.iter().filter(|p| !self.place.contains_key(&p.name))).map(|p| p.name.clone()).collect();
        if !missing.is_empty() {
            let problem = format!(
                "{} of the {} tensors that config.json calls for are missing: {}",
                missing.len(),
                wanted.len(),
                listed(&missing)
            );
            return Err(mismatch(&self.path, problem));
        }
        let wrong: Vec<String> = (wanted.iter().zip(wanted.iter().map(|p| self.entry(&p.name))))
            .filter_map(|(p, e)| e.filter(|e| e.shape != p.shape).map(|e| (p, e)))
            .map(|(p, e)| format!("{} is {}, not {:?}", p.name, short(&format!("{:?}", e.shape)), p.shape))
            .collect();
        let transposed = |p: &Param| {
            p.shape.len() == 2
                && p.name.starts_with("h.")
                && self.entry(&p.name).is_some_and(|e| e.shape.iter().rev().eq(&p.shape))
        };
        let other = |p: &Param| self.entry(&p.name).is_some_and(|e| e.shape != p.shape);
        if !wrong.is_empty() && wanted.iter().filter(|p| other(p)).all(transposed) {
            return Err(self.transposed(&wrong));
        }
        if !wrong.is_empty() {
            let problem = format!(
                "{} tensors have not the shape config.json calls for: {}",
                wrong.len(),
                listed(&wrong)
            );
            return Err(mismatch(&self.path, problem));
        }
        self.check_dtypes(wanted)
    }

    /// nanoGPT's matrices: `nn.Linear`'s (out, in), where GPT-2's files have `Conv1D`'s (in, out).
    fn transposed(&self, wrong: &[String]) -> Error {
        Error::file(
            &self.path,
            format!("the matrices are transposed, as nanoGPT and nn.Linear store them: {}", listed(wrong)),
            "transpose attn.c_attn, attn.c_proj, mlp.c_fc and mlp.c_proj of every block, the square ones too: python -c \
             \"import sys; from safetensors.torch import load_file, save_file; w = load_file(sys.argv[1]); \
             e = ('c_attn.weight', 'c_proj.weight', 'c_fc.weight'); \
             save_file({k: v.t().contiguous() if k.endswith(e) else v for k, v in w.items()}, sys.argv[2], {'format': 'pt'})\" \
             OLD.safetensors NEW.safetensors; then put the new file in the old one's place",
        )
    }

    /// Every parameter is stored as floats: known before training begins, not when a tensor's turn comes.
    fn check_dtypes(&self, wanted: &[Param]) -> Result<()> {
        for entry in wanted.iter().filter_map(|p| self.entry(&p.name)) {
            if let Dtype::Other(found) = entry.dtype {
                return Err(Error::file(
                    &self.path,
                    format!("{} is stored as {found:?}; weights must be F32, F16, BF16 or F64", entry.name),
                    "use the checkpoint's unquantized float version",
                ));
            }
        }
        Ok(())
    }

    /// Nothing else is inside the transformer.
    fn check_extras(&self, wanted: &[Param]) -> Result<()> {
        let known: BTreeSet<&str> = wanted.iter().map(|p| p.name.as_str()).collect();
        let inside = |n: &str| ["h.", "wte.", "wpe.", "ln_f."].iter().any(|p| n.starts_with(p));
        let mask = |n: &str| n.ends_with(".attn.bias") || n.ends_with(".attn.masked_bias");
        let mut extra: Vec<String> = (self.place.keys())
            .filter(|n| inside(n) && !mask(n) && !known.contains(n.as_str()))
            .map(|n| quoted(n))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        extra.sort();
        Err(mismatch(
            &self.path,
            format!("{} tensors belong to no GPT-2 of this shape: {}", extra.len(), listed(&extra)),
        ))
    }

    /// A head, where there is one, is the embedding again, perhaps rounded.
    fn compare_head(&mut self, wte: &Param) -> Result<()> {
        let Some(head) = self.entry(HEAD) else { return Ok(()) };
        let path = self.path.clone();
        let untied = |what: String| {
            Error::file(
                &path,
                format!("{HEAD} {what}; diarist trains GPT-2, whose head is its embedding (tied)"),
                "start from a checkpoint with tied embeddings",
            )
        };
        if head.shape != wte.shape {
            return Err(untied(format!("is {}, not {:?}", short(&format!("{:?}", head.shape)), wte.shape)));
        }
        let (rows, width) = (wte.shape[0], wte.shape[1]);
        let step = (COMPARED / width).clamp(1, rows);
        let (mut a, mut b) = (vec![0.0; step * width], vec![0.0; step * width]);
        let mut ties = Tie::ALL.to_vec();
        for start in (0..rows).step_by(step) {
            let range = start..rows.min(start + step);
            let n = range.len() * width;
            self.read(HEAD, range.clone(), &mut a[..n])?;
            self.read(WTE, range, &mut b[..n])?;
            for at in (0..n).filter(|&at| a[at] != b[at]) {
                ties.retain(|tie| tie.holds(a[at], b[at]));
                if ties.is_empty() {
                    let row = start + at / width;
                    return Err(untied(format!(
                        "differs from {WTE} by more than a rounding (told in row {row})"
                    )));
                }
            }
        }
        if ties[0].head_is_finer() {
            let head = self.place.remove(HEAD).expect("found above");
            self.place.insert(WTE.to_string(), head);
        }
        Ok(())
    }
}

/// A name without what classes put before it (`transformer.`, `module.`, `model.`), and without what wrappers put anywhere:
/// `torch.compile`, FSDP, activation checkpointing.
fn bare(name: &str) -> String {
    const ANYWHERE: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
    let parts: Vec<&str> = name.split('.').filter(|part| !ANYWHERE.contains(part)).collect();
    let before = |part: &&&str| ["transformer", "module", "model"].contains(*part);
    let first = parts.iter().take_while(before).count();
    parts[first..].join(".")
}

/// Where every tensor stands, by its name without what stands before it.
fn names(path: &Path, readers: &[Reader]) -> Result<HashMap<String, (usize, String)>> {
    let mut place = HashMap::new();
    for (i, reader) in readers.iter().enumerate() {
        for e in reader.entries() {
            let name = bare(&e.name);
            if let Some((_, other)) = place.insert(name, (i, e.name.clone())) {
                let problem = format!("{} and {} are one parameter twice", quoted(&other), quoted(&e.name));
                return Err(mismatch(path, problem));
            }
        }
    }
    Ok(place)
}

fn mismatch(path: &Path, problem: String) -> Error {
    Error::file(
        path,
        problem,
        "check that config.json and the weights come from one GPT-2 checkpoint, and download both again",
    )
}

#[cfg(test)]
mod tests;
