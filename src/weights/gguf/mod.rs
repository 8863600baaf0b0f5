//! GGUF, the files of llama.cpp and of what is built on it: a model, its tokenizer and its chat template in one file, or in
//! parts beside each other.

use std::path::{Path, PathBuf};

use crate::base::{Config, Error, Result};
use crate::weights::found::{Found, Model, Words};
use crate::weights::tensors::Tensors;
use header::Opened;

mod about;
mod header;
pub(super) mod lora;
mod lora_write;
pub mod metadata;
mod names;
pub(super) mod paired;
mod shape;
pub mod tokenizer;
mod types;
pub mod write;

pub use lora_write::write_lora;
pub use write::{Description, Written, modelfile, write};

/// Finds the model in a GGUF, or in the parts of one.
///
/// # Errors
/// No GGUF that is read (versions 2 and 3, little-endian); a header that does not fit the file; a part that is missing.
pub fn find(path: &Path) -> Result<Found> {
    let Opened { version, metadata, tensors } = header::open(path)?;
    let (metadata, mut tensors, parts) = match metadata.get_u32("split.count").filter(|&count| count > 1) {
        None => (metadata, tensors, 1),
        Some(count) => joined(path, count)?,
    };
    let model = about::model(path, &metadata, &tensors);
    let family = about::architecture(&metadata);
    if let Ok(Model { config: Config::Phi(phi), .. }) = &model {
        tensors.split(|entry| names::fused(phi, entry));
    }
    let mut tensors =
        tensors.renamed(|name| names::to_key(family, name).unwrap_or_else(|| name.to_string()))?;
    if let Ok(Model { config, .. }) = &model {
        let paired = |module: &str| paired::heads(config, module).map(|_| config.head_size());
        tensors.pairs(|entry| paired(entry.name.trim_end_matches(".weight")));
    }
    let parts = if parts > 1 { format!(", in {parts} parts") } else { String::new() };
    Ok(Found {
        format: format!("GGUF v{version}{parts}"),
        path: path.to_path_buf(),
        about: about::about(&metadata),
        tensors,
        model,
        tokenizer: Words::Gguf(path.to_path_buf(), Box::new(metadata)),
        adapter: None,
    })
}

/// All parts of a model, of which one was named: the first one's metadata, everybody's tensors.
fn joined(path: &Path, count: u32) -> Result<(metadata::Metadata, Tensors, u32)> {
    let Some(part) = parts(path, count) else {
        return Err(Error::file(
            path,
            format!("one of {count} parts of a model, and not named as one (\"…-00001-of-{count:05}.gguf\")"),
            "give the parts the names that they were published under, or join them with `llama-gguf-split --merge`",
        ));
    };
    let (mut first, mut all) = (None, Vec::new());
    for number in 1..=count {
        let path = part(number);
        if !path.exists() {
            return Err(Error::file(
                &path,
                format!("part {number} of {count} is not there"),
                "download all parts of the model into one folder",
            ));
        }
        let Opened { metadata, tensors, .. } = header::open(&path)?;
        let said = (metadata.get_u32("split.no"), metadata.get_u32("split.count"));
        if said != (Some(number - 1), Some(count)) {
            return Err(Error::file(
                &path,
                format!("is named part {number} of {count}, and does not say so itself"),
                "download all parts of the model again, into one folder",
            ));
        }
        first.get_or_insert(metadata);
        all.push(tensors);
    }
    let metadata = first.expect("there is more than one part");
    let tensors = Tensors::join(all)?;
    match metadata.get_u32("split.tensors.count") {
        Some(said) if said as usize != tensors.entries().len() => Err(Error::file(
            part(1),
            format!("says that the parts hold {said} tensors; they hold {}", tensors.entries().len()),
            "download all parts of the model again, into one folder",
        )),
        _ => Ok((metadata, tensors, count)),
    }
}

/// Where each part is, by the name of one: `MODEL-00002-of-00003.gguf`.
fn parts(path: &Path, count: u32) -> Option<impl Fn(u32) -> PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(&format!("-of-{count:05}.gguf"))?;
    let (stem, number) = stem.rsplit_once('-')?;
    number.parse::<u32>().ok().filter(|n| (1..=count).contains(n) && number.len() >= 5)?;
    let (folder, stem) = (path.parent().unwrap_or(Path::new("")).to_path_buf(), stem.to_string());
    Some(move |number| folder.join(format!("{stem}-{number:05}-of-{count:05}.gguf")))
}

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
