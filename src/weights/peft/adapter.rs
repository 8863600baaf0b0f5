//! A LoRA adapter (Hu et al. 2021, arXiv:2106.09685): for some matrices, two thin ones beside them, whose product is added.
//!
//!   W' = W + s·B·A      A (r, in)   B (out, r)   s = α/r      W (out, in), or its transpose (in, out)
//!
//! The sum is made in f32 as W's rows are read, so that no second model is ever in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::arch::{Layout, Part, Role};
use crate::base::{Config, Error, Param, Result, memory};
use crate::weights::peft::settings::{MERGE, Settings};
use crate::weights::tensors::{Tensors, transpose};
use crate::weights::words::{listed, quoted, short};

/// What peft puts before every key.
const BEFORE: &str = "base_model.model.";
/// What the classes with a head put before the model inside them: GPT-2's and Llama's.
const INNER: [&str; 2] = ["transformer.", "model."];
/// What embeddings and heads are called, in the families that we know.
const EMBEDDINGS: [&str; 3] = ["wte", "embed_tokens", "lm_head"];
/// Why an adapter on the embedding is not read.
const ONE_MATRIX: &str =
    "the embedding or the head alone; where one matrix is both (GPT-2, SmolLM2), merged they would be two";
const UNTIED: &str =
    "train the adapter again without the embedding and the head among its target_modules and modules_to_save";
const FETCH: &str =
    "copy or download the adapter's folder again; adapter_config.json and its weights belong together";

/// An adapter's matrices, still in their file.
#[derive(Debug)]
pub struct Adapter {
    tensors: Tensors,
    /// By the parameter's name.
    deltas: BTreeMap<String, Delta>,
    /// What was trained whole: the file's key, and the parameter that it replaces.
    saved: BTreeMap<String, String>,
    /// The last one that was added.
    read: Option<(String, Pair)>,
}

/// One adapted matrix.
#[derive(Debug, Default)]
struct Delta {
    /// The module, as peft calls it: `transformer.h.0.attn.c_attn`.
    module: String,
    a: Option<String>,
    b: Option<String>,
    scale: f32,
    /// Whether it is beside a linear layer's matrix that lies (out, in).
    out_in: bool,
    /// Whether it is beside a linear layer.
    linear: bool,
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

/// A module or a parameter as the family's table calls it.
fn bare(name: &str) -> &str {
    INNER.iter().find_map(|inner| name.strip_prefix(inner)).unwrap_or(name)
}

/// A parameter's module, or the parameter itself, as peft calls it in a model of this family with its head.
pub(super) fn full(name: &str, config: &Config) -> String {
    let inner = match config {
        _ if name.starts_with("lm_head") => "",
        Config::Gpt2(_) => INNER[0],
        Config::Llama(_) => INNER[1],
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
            delta.module = module;
        }
        if deltas.is_empty() && saved.is_empty() {
            return Err(Error::file(tensors.path(), "it holds no tensors", FETCH));
        }
        Ok(Adapter { tensors, deltas, saved, read: None })
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

    /// Counts what it adds so many times more.
    pub(super) fn scale(&mut self, by: f32) {
        self.deltas.values_mut().for_each(|delta| delta.scale *= by);
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
    pub(super) fn rank(&self, param: &str) -> usize {
        let a = self.deltas.get(param).and_then(|delta| delta.a.as_ref());
        a.and_then(|a| self.tensors.get(a)).map_or(0, |entry| entry.rows())
    }

    /// Holds every matrix against its settings and the model that it is to be used with.
    ///
    /// # Errors
    /// What does not fit, by its name.
    pub(super) fn check(&mut self, settings: &Settings, config: &Config) -> Result<()> {
        let table = config.table();
        let by_name: BTreeMap<&str, &Param> = table.iter().map(|p| (p.name.as_str(), p)).collect();
        let path = self.tensors.path().to_path_buf();
        let bad = |problem: String| Err(Error::file(&path, problem, FETCH));
        // What another base would have is no damage: then it is the base that is to be looked for.
        let base = settings.base.as_deref().map_or("another model".into(), quoted);
        let other = |problem: String| {
            let next = format!("use it with the model that it was trained beside: {base}");
            Err(Error::file(&path, problem, next))
        };
        for (name, delta) in &mut self.deltas {
            let module = quoted(&delta.module);
            let sides = by_name.get(name.as_str()).and_then(|p| sides(p));
            let Some((inputs, outputs)) = sides else {
                return other(format!(
                    "it adapts {module}, which is no matrix of the model ({})",
                    shape(config)
                ));
            };
            let param = by_name[name.as_str()];
            delta.out_in = param.role == Role::Linear(Layout::OutIn);
            delta.linear = param.in_out().is_some();
            let (Some(a), Some(b)) = (&delta.a, &delta.b) else {
                return bad(format!("of the two matrices for {module} one is missing"));
            };
            let rank = settings.rank(&delta.module) as usize;
            for (tensor, wanted, rank_at) in [(a, [rank, inputs], 0), (b, [outputs, rank], 1)] {
                let entry = self.tensors.entry(tensor)?;
                if entry.shape != wanted {
                    let found = short(&format!("{:?}", &entry.shape[..entry.shape.len().min(8)]));
                    let problem = format!(
                        "tensor {} is {found}, where its model and its rank call for {wanted:?}",
                        quoted(tensor)
                    );
                    let same_rank = entry.shape.len() == 2 && entry.shape[rank_at] == rank;
                    return if same_rank { other(problem) } else { bad(problem) };
                }
                if entry.dtype.block().is_none() {
                    let stored = entry.dtype.name();
                    return bad(format!("tensor {} is stored as {stored:?}, not as floats", quoted(tensor)));
                }
            }
        }
        self.check_saved(settings, config, &by_name)?;
        self.check_targets(settings, config)
    }

    /// What was trained whole is of the model, in its shape; an embedding that is the head too is not trained alone.
    fn check_saved(
        &mut self,
        settings: &Settings,
        config: &Config,
        table: &BTreeMap<&str, &Param>,
    ) -> Result<()> {
        // Masks that were saved among the biases; heads beside the model, such as a classifier's.
        let mask = |name: &str| name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
        self.saved.retain(|_, name| !mask(name));
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let inside = |name: &str| table.keys().any(|param| first(param) == first(name));
        let (embedding, head) = (config.embedding(), "lm_head.weight");
        let tied = config.head() == embedding;
        let path = self.tensors.path().to_path_buf();
        for (key, name) in &self.saved {
            let found = &self.tensors.entry(key)?.shape;
            let bad = |problem: String| {
                Err(Error::file(&path, format!("it has trained {} anew, {problem}", quoted(name)), FETCH))
            };
            let wanted = if tied && name == head { embedding } else { name };
            match table.get(wanted) {
                None if inside(name) => return bad(format!("which the model has not ({})", shape(config))),
                Some(param) if *found != param.shape => {
                    let found = short(&format!("{:?}", &found[..found.len().min(8)]));
                    return bad(format!("as {found}; the model's is {:?}", param.shape));
                }
                _ => {}
            }
        }
        let of = |name: &str| self.saved.iter().find(|(_, saved)| *saved == name).map(|(key, _)| key.clone());
        let untied = |problem: String| Err(Error::file(&path, problem, UNTIED));
        match (of(embedding), of(head)) {
            (Some(_), None) | (None, Some(_)) if tied && !settings.tied => {
                untied(format!("it has trained anew {ONE_MATRIX}"))
            }
            // Tied by peft, it is the embedding under its other name.
            (None, Some(key)) if tied => {
                self.saved.insert(key, embedding.into());
                Ok(())
            }
            (Some(one), Some(two)) if tied => {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                self.tensors.read_f32(&one, &mut a)?;
                self.tensors.read_f32(&two, &mut b)?;
                if a != b {
                    let both = "its embedding and its head, both trained anew, are no longer tied: they differ, and the model has one matrix for both";
                    return untied(both.into());
                }
                self.saved.remove(&two);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What the settings say is adapted is: each matrix of a target has its pair, and no other has one.
    fn check_targets(&self, settings: &Settings, config: &Config) -> Result<()> {
        let bad = |problem: String| Err(Error::file(self.tensors.path(), problem, FETCH));
        let mut missing = Vec::new();
        for param in config.table() {
            if sides(&param).is_none() {
                continue;
            }
            let layer = match param.part {
                Part::Block(layer) => Some(layer),
                _ => None,
            };
            let names = [param.module(), &full(param.module(), config)];
            let left_out = settings.leave_out(names, layer, param.in_out().is_some());
            match (left_out, self.deltas.contains_key(&param.name)) {
                (Some(why), true) => {
                    return bad(format!("it adapts {}, though {why}", quoted(&param.name)));
                }
                (None, false) if settings.knows_targets() => missing.push(param.name),
                _ => {}
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => bad(format!(
                "{} matrices that target_modules names have no adapter in it: {}",
                missing.len(),
                listed(&missing)
            )),
        }
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
        let Some(Delta { a: Some(a), b: Some(b), scale, .. }) = self.deltas.get(param) else {
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
        Ok(Some(found))
    }
}

/// The inputs and outputs of what an adapter may be beside: a linear layer, or positions, whose rows are looked up.
fn sides(param: &Param) -> Option<(usize, usize)> {
    match (param.role, &param.shape[..]) {
        (Role::Positions, &[rows, width]) => Some((rows, width)),
        _ => param.in_out(),
    }
}

/// A model, in a few words.
fn shape(config: &Config) -> String {
    format!("a {} of {} layers and {} channels", config.family(), config.n_layer(), config.n_embd())
}
