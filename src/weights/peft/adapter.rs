//! A LoRA adapter (Hu et al. 2021, arXiv:2106.09685): for some matrices, two thin ones beside them, whose product is added.
//!
//!   W' = W + (B·A)ᵀ·s      A (r, in)   B (out, r)   W (in, out)   s = α/r
//!
//! The sum is made in f32 as W's rows are read, so that no second model is ever in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::{Config, Error, Result};
use crate::weights::peft::settings::{MERGE, Settings};
use crate::weights::tensors::{Tensors, transpose};
use crate::weights::words::{listed, quoted, short};

/// What peft puts before every key.
const BEFORE: &str = "base_model.model.";
/// Why an adapter on the embedding makes no GPT-2.
const ONE_MATRIX: &str =
    "the embedding or the head alone; GPT-2 has one matrix for both, and merged they would be two";
const UNTIED: &str =
    "train the adapter again without wte and lm_head among its target_modules and modules_to_save";
const FETCH: &str =
    "copy or download the adapter's folder again; adapter_config.json and its weights belong together";

/// An adapter's matrices, still in their file.
#[derive(Debug)]
pub struct Adapter {
    tensors: Tensors,
    /// By the parameter's name.
    deltas: BTreeMap<String, Delta>,
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
}

/// Its two matrices.
#[derive(Debug)]
struct Pair {
    rank: usize,
    /// (r, in)
    a: Vec<f32>,
    /// Bᵀ: (r, out)
    b: Vec<f32>,
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

/// GPT-2's name of a module or of a parameter.
fn bare(name: &str) -> &str {
    name.strip_prefix("transformer.").unwrap_or(name)
}

/// The parameter that a tensor of an adapter's file replaces, if it was trained whole.
pub(super) fn whole(name: &str) -> Option<String> {
    match key(name) {
        Ok(Key::Whole(name)) => Some(bare(&name).to_string()),
        _ => None,
    }
}

impl Adapter {
    /// Sorts an adapter's tensors by what they are.
    pub(super) fn new(tensors: Tensors, settings: &Settings) -> Result<Adapter> {
        let mut deltas: BTreeMap<String, Delta> = BTreeMap::new();
        let mut saved = Vec::new();
        for entry in tensors.entries() {
            let bad = |problem: String| {
                Error::file(
                    tensors.file_of(entry),
                    format!("tensor {} {problem}", quoted(&entry.name)),
                    MERGE,
                )
            };
            let (module, first) = match key(&entry.name).map_err(bad)? {
                Key::A(module) => (module, true),
                Key::B(module) => (module, false),
                Key::Whole(name) => {
                    saved.push(bare(&name).to_string());
                    continue;
                }
            };
            if ["wte", "lm_head"].contains(&bare(&module)) {
                return Err(Error::file(
                    tensors.file_of(entry),
                    format!("tensor {} adapts {ONE_MATRIX}", quoted(&entry.name)),
                    UNTIED,
                ));
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
        let bad = |problem: String| Err(Error::file(tensors.path(), problem, FETCH));
        saved.sort();
        if let Some(two) = saved.windows(2).find(|two| two[0] == two[1]) {
            return bad(format!("holds {} twice", quoted(&two[0])));
        }
        let has = |name: &str| saved.iter().any(|saved| saved == name);
        if has("wte.weight") && !has("lm_head.weight") && !settings.tied {
            let problem = format!("it has trained anew {ONE_MATRIX}");
            return Err(Error::file(tensors.path(), problem, UNTIED));
        }
        if deltas.is_empty() && saved.is_empty() {
            return bad("it holds no tensors".into());
        }
        Ok(Adapter { tensors, deltas, read: None })
    }

    /// How many matrices it adds to.
    pub(super) fn len(&self) -> usize {
        self.deltas.len()
    }

    /// Holds every matrix against its settings and the model that it belongs to.
    pub(super) fn check(&self, settings: &Settings, config: &Config) -> Result<()> {
        let bad = |problem: String| Err(Error::file(self.tensors.path(), problem, FETCH));
        let table = config.table();
        for (name, delta) in &self.deltas {
            let Some(param) = table.iter().find(|p| p.name == *name && p.shape.len() == 2) else {
                return bad(format!(
                    "it adapts {}, which is no matrix of the model that it belongs to",
                    quoted(&delta.module)
                ));
            };
            let (Some(a), Some(b)) = (&delta.a, &delta.b) else {
                return bad(format!("of the two matrices for {} one is missing", quoted(&delta.module)));
            };
            let rank = settings.rank(&delta.module) as usize;
            let wanted = [(a, [rank, param.shape[0]]), (b, [param.shape[1], rank])];
            for (tensor, wanted) in wanted {
                let entry = self.tensors.entry(tensor)?;
                if entry.shape != wanted {
                    let shape = short(&format!("{:?}", &entry.shape[..entry.shape.len().min(8)]));
                    return bad(format!(
                        "tensor {} is {shape}, where its model and its rank call for {wanted:?}",
                        quoted(tensor)
                    ));
                }
                if entry.dtype.block().is_none() {
                    return bad(format!(
                        "tensor {} is stored as {:?}, not as floats",
                        quoted(tensor),
                        entry.dtype.name()
                    ));
                }
            }
        }
        self.check_targets(settings, config)
    }

    /// What the settings say is adapted is: each matrix of a target has its pair, and no other has one.
    fn check_targets(&self, settings: &Settings, config: &Config) -> Result<()> {
        let Some(targets) = &settings.targets else { return Ok(()) };
        let is_target = |param: &str| {
            let module = format!("transformer.{}", param.trim_end_matches(".weight"));
            targets.iter().any(|t| module == *t || bare(&module) == t || module.ends_with(&format!(".{t}")))
        };
        let bad = |problem: String| Err(Error::file(self.tensors.path(), problem, FETCH));
        let unasked: Vec<String> =
            self.deltas.keys().filter(|name| !is_target(name)).map(|n| quoted(n)).collect();
        if !unasked.is_empty() {
            return bad(format!("it adapts what target_modules does not name: {}", listed(&unasked)));
        }
        let layer = |name: &str| name.strip_prefix("h.")?.split('.').next()?.parse::<u64>().ok();
        let in_layers = |name: &str| {
            settings.layers.as_ref().is_none_or(|all| layer(name).is_some_and(|l| all.contains(&l)))
        };
        let missing: Vec<String> = (config.table().into_iter())
            .filter(|p| p.shape.len() == 2 && !settings.excluding && is_target(&p.name) && in_layers(&p.name))
            .filter(|p| !self.deltas.contains_key(&p.name))
            .map(|p| p.name)
            .collect();
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
        let (_, Pair { rank, a, b }) = self.read.as_ref().expect("read above");
        let (width, from) = (out.len() / rows.len(), a.len() / rank);
        let mut sum = vec![0.0; width];
        for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
            sum.fill(0.0);
            for k in 0..*rank {
                let x = a[k * from + row];
                sum.iter_mut().zip(&b[k * width..]).for_each(|(sum, b)| *sum += x * b);
            }
            out.iter_mut().zip(&sum).for_each(|(out, sum)| *out += sum * scale);
        }
        Ok(())
    }

    /// Reads a parameter's two matrices.
    fn pair(&mut self, param: &str) -> Result<Pair> {
        let (Some(a), Some(b)) = (self.deltas[param].a.clone(), self.deltas[param].b.clone()) else {
            return Err(Error::bug(format!("{param}'s adapter is half there")));
        };
        let mut pair = Pair { rank: self.tensors.entry(&a)?.rows(), a: Vec::new(), b: Vec::new() };
        self.tensors.read_f32(&a, &mut pair.a)?;
        let (rows, mut stored) = (self.tensors.entry(&b)?.rows(), Vec::new());
        self.tensors.read_f32(&b, &mut stored)?;
        pair.b.resize(stored.len(), 0.0);
        transpose(&stored, rows, pair.rank, &mut pair.b);
        for (name, data) in [(&a, &pair.a), (&b, &pair.b)] {
            if let Some(x) = data.iter().find(|x| !x.is_finite()) {
                let problem = format!("tensor {} holds a number that is not finite ({x})", quoted(name));
                return Err(Error::file(self.tensors.path(), problem, FETCH));
            }
        }
        Ok(pair)
    }
}
