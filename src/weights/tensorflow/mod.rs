//! OpenAI's own form of GPT-2 (`models/124M`, 2019): a TensorFlow checkpoint and `hparams.json`; gpt-2-simple leaves the same.
//!
//! - `checkpoint`, text, names the latest: `model.ckpt`, or `model-1000`;
//! - `NAME.index` is a sorted [`table`] from each variable's name to a `BundleEntryProto`: dtype, shape, file, place, length;
//!   the empty name has the `BundleHeaderProto`: how many data files, their byte order;
//! - `NAME.data-00000-of-00001` holds the numbers, little-endian, row by row; `NAME.meta` is the graph, which nobody needs.
//!
//! Variables are `model/wte`, `model/h0/attn/c_attn/w` (1, in, out: a convolution of width 1), `model/h0/ln_1/g`. What an
//! optimizer keeps beside them (`model/wte/Adam`) is left out. The index's blocks are held against their checksums; those of the
//! tensors are not computed, as no other format has any.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::units::thousands;
use crate::base::{Config, Error, Gpt2, Result, disk};
use crate::weights::found::{Found, Model, Words};
use crate::weights::small;
use crate::weights::tensors::{Order, TensorEntry, Tensors, overlap};
use crate::weights::words::{listed, quoted, short};
use index::{Variable, variables};

mod index;
mod place;
mod proto;
mod table;

/// No extent of any GPT-2 comes near this; up to it, no product of two extents overflows.
const MOST_EXTENT: u64 = 1 << 24;
const AGAIN: &str = "download or copy the checkpoint's files again, all of them";

/// Finds the model in a folder (`models/124M`, `checkpoint/run1`), or the one that a file of it belongs to.
///
/// # Errors
/// There is none; the old form without an `.index`; a damaged or misleading index; data files that are missing or cut short.
pub fn find(path: &Path) -> Result<Found> {
    let prefix = place::prefix(path)?;
    let dir = place::above(&prefix).to_path_buf();
    let index = place::with(&prefix, ".index");
    let bytes = small::bytes(&index)?;
    let (shards, variables) = variables(&bytes).map_err(|problem| Error::file(&index, problem, AGAIN))?;
    let tensors = tensors(&prefix, shards, variables)?;
    let name = prefix.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Found {
        format: "TensorFlow checkpoint".into(),
        path: dir.clone(),
        about: vec![("checkpoint".into(), short(&name))],
        tensors,
        model: hparams(&dir.join("hparams.json")),
        tokenizer: Words::Folder(dir),
        adapter: None,
    })
}

/// The variables in their data files, under GPT-2's keys, without an optimizer's.
fn tensors(prefix: &Path, shards: u64, variables: Vec<Variable>) -> Result<Tensors> {
    let index = place::with(prefix, ".index");
    let mut files: BTreeMap<u64, Vec<TensorEntry>> = BTreeMap::new();
    for Variable { name, dtype, mut shape, shard, offset, len } in variables {
        // A convolution of width 1 is a matrix.
        if shape.len() == 3 && shape[0] == 1 && name.ends_with("/w") {
            shape.remove(0);
        }
        files.entry(shard).or_default().push(TensorEntry {
            name,
            dtype,
            shape,
            order: Order::Rows,
            file: 0,
            offset,
            len,
        });
    }
    let mut parts = Vec::new();
    for (shard, mut entries) in files {
        let path = place::with(prefix, &format!(".data-{shard:05}-of-{shards:05}"));
        if !path.exists() {
            return Err(Error::file(
                &path,
                "it is not there, and holds numbers of this checkpoint",
                "download or copy it into the same folder, from where the .index came from",
            ));
        }
        let file = disk::open_file(&path)?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        if let Some(e) = entries.iter().find(|e| e.offset.checked_add(e.len).is_none_or(|end| end > length)) {
            let problem = format!(
                "{} bytes long, where the index puts {} at byte {}, {} long: cut short, or of another checkpoint",
                thousands(length),
                quoted(&e.name),
                e.offset,
                e.len
            );
            return Err(Error::file(&path, problem, AGAIN));
        }
        if let Some([a, b]) = overlap(&entries) {
            let problem =
                format!("variables {} and {} claim the same bytes", quoted(&a.name), quoted(&b.name));
            return Err(Error::file(&index, problem, AGAIN));
        }
        entries.retain(|e| !is_slot(&e.name));
        parts.push(Tensors::new(&path, file, entries));
    }
    if parts.is_empty() {
        return Err(Error::file(&index, "it names no variables at all", AGAIN));
    }
    Tensors::join(parts)?.renamed(|name| key(name).unwrap_or_else(|| name.to_string()))
}

/// Whether it is what an optimizer keeps for a parameter: `model/h0/ln_1/g/Adam_1`, `model/wte/Momentum`.
fn is_slot(name: &str) -> bool {
    name.match_indices('/')
        .any(|(at, _)| key(&name[..at]).is_some_and(|key| key.ends_with(".weight") || key.ends_with(".bias")))
}

/// GPT-2's key of a variable of `model/`, the blocks' other variables under a key that no GPT-2 has; none of the rest.
fn key(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.strip_prefix("model/")?.split('/').collect();
    let kind = |last: &str| match last {
        "w" | "g" => Some("weight"),
        "b" => Some("bias"),
        _ => None,
    };
    match parts.as_slice() {
        [one @ ("wte" | "wpe")] => Some(format!("{one}.weight")),
        ["ln_f", last] => Some(format!("ln_f.{}", kind(last)?)),
        [block, rest @ ..] if !rest.is_empty() => {
            let number = block.strip_prefix('h')?;
            number.parse::<u32>().ok().filter(|n| n.to_string() == number)?;
            let (last, layer) = rest.split_last()?;
            let last = kind(last).unwrap_or(last);
            let all: Vec<&str> = layer.iter().copied().chain([last]).collect();
            Some(format!("h.{number}.{}", all.join(".")))
        }
        _ => None,
    }
}

/// `hparams.json`.
fn hparams(path: &Path) -> Result<Model> {
    let next = "copy the hparams.json that OpenAI published with the model (models/124M/hparams.json), or that its training kept, beside it";
    if !path.exists() {
        return Err(Error::file(
            path,
            "there is none, and the weights do not say how many heads they have",
            next,
        ));
    }
    let found = small::json(path)?;
    let names = ["n_vocab", "n_ctx", "n_layer", "n_head", "n_embd"];
    let missing: BTreeSet<&str> = names.into_iter().filter(|name| !found.contains_key(*name)).collect();
    if !missing.is_empty() {
        let missing: Vec<String> = missing.into_iter().map(String::from).collect();
        return Err(Error::file(path, format!("does not say {}", listed(&missing)), next));
    }
    let extent = |name: &str| {
        let number = found[name].as_u64().filter(|n| *n <= MOST_EXTENT);
        let problem = || format!("{name} is {}, no size of a GPT-2", short(&found[name].to_string()));
        number.map(|n| n as usize).ok_or_else(|| Error::file(path, problem(), next))
    };
    let config = Config::from(Gpt2 {
        vocab_size: extent("n_vocab")?,
        block_size: extent("n_ctx")?,
        n_layer: extent("n_layer")?,
        n_head: extent("n_head")?,
        n_embd: extent("n_embd")?,
    });
    config.check().map_err(|e| match e {
        Error::Setting { problem, .. } => Error::file(path, problem, next),
        other => other,
    })?;
    Ok(Model::whole(config))
}

#[cfg(test)]
mod tests;
