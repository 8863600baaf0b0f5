//! A LoRA adapter (Hu et al. 2021, arXiv:2106.09685): for some matrices, two thin ones beside them, whose product is added.
//!
//!   W' = W + s·B·A      A (r, in)   B (out, r)   s = α/r      W (out, in), or its transpose (in, out)
//!
//! The sum is made in f32 as W's rows are read, so that no second model is ever in memory.

use std::collections::BTreeMap;
use std::fmt::{Display, LowerExp};
use std::ops::Range;

use crate::base::units::shown;
use crate::base::{Config, Error, Result, memory};
use crate::weights::gguf::paired::{Way, paired};
use crate::weights::peft::said::MERGE;
use crate::weights::peft::settings::Settings;
use crate::weights::tensors::{Tensors, transpose};
use crate::weights::words::quoted;

/// What peft puts before every key.
const BEFORE: &str = "base_model.model.";
/// What the classes with a head put before the model inside them: GPT-2's, and Llama's and Phi's.
const INNER: [&str; 2] = ["transformer.", "model."];
/// What embeddings and heads are called, in the families that we know.
const EMBEDDINGS: [&str; 3] = ["wte", "embed_tokens", "lm_head"];
/// Why an adapter on the embedding is not read.
pub(super) const ONE_MATRIX: &str =
    "the embedding or the head alone; where one matrix is both (GPT-2, SmolLM2), merged they would be two";
pub(super) const UNTIED: &str =
    "train the adapter again without the embedding and the head among its target_modules and modules_to_save";
pub(super) const FETCH: &str =
    "copy or download the adapter's folder again; adapter_config.json and its weights belong together";

/// An adapter's matrices, still in their file.
#[derive(Debug)]
pub struct Adapter {
    pub(super) tensors: Tensors,
    /// By the parameter's name.
    pub(super) deltas: BTreeMap<String, Delta>,
    /// What was trained whole: the file's key, and the parameter that it replaces.
    pub(super) saved: BTreeMap<String, String>,
    /// The last one that was added.
    read: Option<(String, Pair)>,
}

/// One adapted matrix.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// The module, as its file calls it: `transformer.h.0.attn.c_attn`.
    pub module: String,
    pub a: Option<String>,
    pub b: Option<String>,
    /// What B·A is multiplied by: α/r, times what a person gave.
    pub scale: f32,
    pub alpha: f64,
    /// Whether it is beside a linear layer's matrix that lies (out, in).
    pub out_in: bool,
    /// Whether it is beside a linear layer.
    pub linear: bool,
    /// The heads whose rows B has in llama.cpp's order.
    pub heads: Option<usize>,
}

/// What a GGUF has beside a parameter.
pub(in crate::weights) struct Side {
    pub param: String,
    /// The module, as a person may be told.
    pub module: String,
    /// A's tensor and B's, where they are there.
    pub a: Option<String>,
    pub b: Option<String>,
    /// What B·A is multiplied by.
    pub scale: f32,
    pub alpha: f64,
    /// The heads whose rows B has in llama.cpp's order.
    pub heads: Option<usize>,
}

/// Its two matrices as they add to rows of W: `W'[row] = W[row] + s·Σₖ left[k][row]·right[k]`.
#[derive(Debug)]
struct Pair {
    rank: usize,
    /// (r, rows of W): A, or Bᵀ where W lies (out, in).
    left: Vec<f32>,
    /// (r, columns of W): the other one.
    right: Vec<f32>,
}

/// A linear layer's two matrices, as they are stored: A (r, in), B (out, r), and what B·A is multiplied by.
pub(super) struct Matrices {
    pub rank: usize,
    pub a: Vec<f32>,
    pub b: Vec<f32>,
    pub scale: f32,
}

/// What a tensor of the file is.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    A(String),
    B(String),
    /// Trained whole, under this name.
    Whole(String),
}

/// Reads a key; an error in words that follow "tensor NAME ".
fn key(name: &str) -> std::result::Result<Key, String> {
    let rest = name.strip_prefix(BEFORE).ok_or("is not named as peft names")?;
    let parts: Vec<&str> = rest.split('.').collect();
    let Some(at) = parts.iter().position(|part| part.starts_with("lora_")) else {
        // `base_layer` stands where the module was wrapped; older files have the wrapper of a whole module and its adapter's name.
        let wrapper = parts.iter().position(|part| *part == "modules_to_save");
        let named = wrapper.filter(|at| parts.len() > at + 2).map(|at| at + 1);
        let kept = parts
            .iter()
            .enumerate()
            .filter(|(i, part)| **part != "base_layer" && Some(*i) != wrapper && Some(*i) != named);
        return Ok(Key::Whole(kept.map(|(_, part)| *part).collect::<Vec<_>>().join(".")));
    };
    let module = parts[..at].join(".");
    // `lora_A.weight`, or with the adapter's name between; an embedding's have no `weight`.
    let plain = matches!(
        (parts[at], &parts[at + 1..]),
        ("lora_A" | "lora_B", ["weight"] | [_, "weight"])
            | ("lora_embedding_A" | "lora_embedding_B", [] | [_])
    );
    match parts[at] {
        _ if !plain => Err("belongs to a LoRA of another form than the plain one (DoRA, say)".into()),
        "lora_A" | "lora_embedding_A" => Ok(Key::A(module)),
        _ => Ok(Key::B(module)),
    }
}

/// A number as a person would write it, however large.
fn number<T: Copy + Into<f64> + Display + LowerExp>(x: T) -> String {
    let size = x.into().abs();
    if (1e-4..1e6).contains(&size) || size == 0.0 { format!("{x}") } else { format!("{x:e}") }
}

/// A module or a parameter as the family's table calls it.
fn bare(name: &str) -> &str {
    INNER.iter().find_map(|inner| name.strip_prefix(inner)).unwrap_or(name)
}

/// A parameter's module, or the parameter itself, as peft calls it in a model of this family with its head.
pub(super) fn full(name: &str, config: &Config) -> String {
    let inner = match config {
        _ if name.starts_with("lm_head") => "",
        Config::Gpt2(_) => INNER[0],
        Config::Llama(_) | Config::Phi(_) => INNER[1],
    };
    format!("{inner}{name}")
}

/// The key of a parameter in an adapter's file: `base_model.model.transformer.h.0.attn.c_attn.lora_A.weight`.
pub fn file_key(param: &str, config: &Config) -> String {
    format!("{BEFORE}{}", full(param, config))
}

impl Adapter {
    /// Sorts an adapter's tensors by what they are.
    pub(super) fn new(tensors: Tensors, settings: &Settings) -> Result<Adapter> {
        let mut deltas: BTreeMap<String, Delta> = BTreeMap::new();
        let mut saved: BTreeMap<String, String> = BTreeMap::new();
        for entry in tensors.entries() {
            let file = tensors.file_of(entry);
            let bad = |problem: String| {
                Error::file(file, format!("tensor {} {problem}", quoted(&entry.name)), MERGE)
            };
            let (module, first) = match key(&entry.name).map_err(bad)? {
                Key::A(module) => (module, true),
                Key::B(module) => (module, false),
                Key::Whole(name) => {
                    let name = bare(&name).to_string();
                    if saved.values().any(|other| *other == name) {
                        return Err(Error::file(file, format!("holds {} twice", quoted(&name)), FETCH));
                    }
                    saved.insert(entry.name.clone(), name);
                    continue;
                }
            };
            if EMBEDDINGS.contains(&bare(&module)) {
                let problem = format!("tensor {} adapts {ONE_MATRIX}", quoted(&entry.name));
                return Err(Error::file(file, problem, UNTIED));
            }
            let delta = deltas.entry(format!("{}.weight", bare(&module))).or_default();
            let place = if first { &mut delta.a } else { &mut delta.b };
            if place.replace(entry.name.clone()).is_some()
                || !delta.module.is_empty() && delta.module != module
            {
                return Err(bad(
                    "is one of two for the same matrix: the file holds more than one adapter".into()
                ));
            }
            delta.scale = settings.scale(&module);
            delta.alpha = settings.alpha(&module);
            delta.module = module;
        }
        if deltas.is_empty() && saved.is_empty() {
            return Err(Error::file(tensors.path(), "it holds no tensors", FETCH));
        }
        Ok(Adapter { tensors, deltas, saved, read: None })
    }

    /// A GGUF's, held against the model.
    pub(in crate::weights) fn of_gguf(
        tensors: Tensors,
        sides: Vec<Side>,
        config: &Config,
    ) -> Result<Adapter> {
        let delta = |side: Side| {
            let Side { param, module, a, b, scale, alpha, heads } = side;
            (param, Delta { module, a, b, scale, alpha, heads, ..Delta::default() })
        };
        let deltas = sides.into_iter().map(delta).collect();
        let mut adapter = Adapter { tensors, deltas, saved: BTreeMap::new(), read: None };
        adapter.check_gguf(config)?;
        Ok(adapter)
    }

    /// How many matrices it adds to.
    pub(super) fn len(&self) -> usize {
        self.deltas.len()
    }

    /// What it has trained whole, under the names of the parameters that it replaces.
    pub(super) fn whole(&self) -> Result<Option<Tensors>> {
        match self.saved.is_empty() {
            true => Ok(None),
            false => Ok(Some(self.tensors.again()?.kept(|key| self.saved.get(key).cloned()))),
        }
    }

    /// What it has that no linear layer's adapter is: parameters trained whole, positions.
    pub(in crate::weights) fn others(&self) -> Vec<String> {
        let beside = self.deltas.iter().filter(|(_, delta)| !delta.linear).map(|(name, _)| name);
        self.saved.values().chain(beside).cloned().collect()
    }

    /// Counts what it adds so many times more.
    pub(super) fn scale(&mut self, by: f32) {
        self.deltas.values_mut().for_each(|delta| delta.scale *= by);
    }

    /// How it is called where what is computed with it is no number: its file, and by what it counts most.
    pub(in crate::weights) fn told(&self) -> String {
        let largest = self.deltas.values().max_by(|a, b| a.scale.abs().total_cmp(&b.scale.abs()));
        let file = shown(self.tensors.path());
        largest.map_or(file.clone(), |Delta { alpha, scale, .. }| {
            format!("{file} (α {}, B·A counts {} times)", number(*alpha), number(*scale))
        })
    }

    /// The error of what it adds to a parameter, where the sum is beyond single precision.
    pub(in crate::weights) fn beyond(&self, param: &str) -> Error {
        let (alpha, scale) = self.deltas.get(param).map_or((0.0, 0.0), |delta| (delta.alpha, delta.scale));
        let problem = format!(
            "what it adds to {} is more than single precision holds: its α is {}, and B·A counts {} times",
            quoted(param),
            number(alpha),
            number(scale)
        );
        let next = "let it count less with --adapter-scale, or take an adapter of a smaller α (lora_alpha)";
        Error::file(self.tensors.path(), problem, next)
    }

    /// What it has beside linear layers, and apart from it what it has beside others (positions), where it has both.
    ///
    /// # Errors
    /// The system gives no second handle of its file.
    pub(in crate::weights) fn parts(mut self) -> Result<Vec<Adapter>> {
        let (linear, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.deltas).into_iter().partition(|(_, delta)| delta.linear);
        let mut parts = Vec::new();
        for deltas in [linear, other].into_iter().filter(|deltas| !deltas.is_empty()) {
            parts.push(Adapter {
                tensors: self.tensors.again()?,
                deltas,
                saved: BTreeMap::new(),
                read: None,
            });
        }
        Ok(parts)
    }

    /// Whether it is beside linear layers; of [`parts`](Self::parts), all of one or none.
    pub(in crate::weights) fn is_linear(&self) -> bool {
        self.deltas.values().any(|delta| delta.linear)
    }

    /// The rank beside a parameter; 0 where it has none there.
    pub(in crate::weights) fn rank(&self, param: &str) -> usize {
        let a = self.deltas.get(param).and_then(|delta| delta.a.as_ref());
        a.and_then(|a| self.tensors.get(a)).map_or(0, |entry| entry.rows())
    }

    /// Adds to rows of a parameter what was trained beside it; to most it is nothing. `out` is as long as those rows.
    ///
    /// # Errors
    /// The adapter's file cannot be read, or holds a number that is not finite.
    pub(in crate::weights) fn add(&mut self, param: &str, rows: Range<usize>, out: &mut [f32]) -> Result<()> {
        let Some(delta) = self.deltas.get(param).filter(|_| !rows.is_empty()) else { return Ok(()) };
        let scale = delta.scale;
        if self.read.as_ref().is_none_or(|(name, _)| name != param) {
            self.read = None;
            self.read = Some((param.to_string(), self.pair(param)?));
        }
        let (_, Pair { rank, left, right }) = self.read.as_ref().expect("read above");
        let (width, height) = (out.len() / rows.len(), left.len() / rank);
        let mut sum = vec![0.0; width];
        for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
            sum.fill(0.0);
            for k in 0..*rank {
                let x = left[k * height + row];
                sum.iter_mut().zip(&right[k * width..]).for_each(|(sum, y)| *sum += x * y);
            }
            out.iter_mut().zip(&sum).for_each(|(out, sum)| *out += sum * scale);
        }
        Ok(())
    }

    /// A parameter's two matrices, the way they add to its rows.
    fn pair(&mut self, param: &str) -> Result<Pair> {
        let out_in = self.deltas[param].out_in;
        let Some(Matrices { rank, a, b, .. }) = self.matrices(param)? else {
            return Err(Error::bug(format!("{param}'s adapter is half there")));
        };
        let mut turned = memory::zeros(b.len(), param)?;
        transpose(&b, b.len() / rank, rank, &mut turned);
        let (left, right) = if out_in { (turned, a) } else { (a, turned) };
        Ok(Pair { rank, left, right })
    }

    /// Reads a parameter's two matrices, where it has some.
    ///
    /// # Errors
    /// The file cannot be read, or holds a number that is not finite.
    pub(super) fn matrices(&mut self, param: &str) -> Result<Option<Matrices>> {
        let Some(Delta { a: Some(a), b: Some(b), scale, heads, .. }) = self.deltas.get(param) else {
            return Ok(None);
        };
        let mut found =
            Matrices { rank: self.tensors.entry(a)?.rows(), a: Vec::new(), b: Vec::new(), scale: *scale };
        for (name, data) in [(a, &mut found.a), (b, &mut found.b)] {
            self.tensors.read_f32(name, data)?;
            if let Some(x) = data.iter().find(|x| !x.is_finite()) {
                let problem = format!("tensor {} holds a number that is not finite ({x})", quoted(name));
                return Err(Error::file(self.tensors.path(), problem, FETCH));
            }
        }
        if let Some(heads) = heads {
            found.b = paired(&found.b, *heads, found.rank, Way::Back);
        }
        Ok(Some(found))
    }
}
