//! A model as a Hugging Face folder, whole or not there at all.

use std::path::Path;

use crate::base::{Error, Result, disk};
use crate::tokens::{Tokenizer, files};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::huggingface::{config_json_as, generation_config_json, writer};
use crate::weights::output::encode;

/// Writes a folder that `transformers` opens: config, weights as `dtype`, the tokenizer where one is known, and `extra` files.
/// `progress` is told the share done. Returns its bytes.
///
/// # Errors
/// There is something at `out` already; a full disk; as [`Checkpoint::read`]; a number that the dtype cannot hold.
pub fn export(
    checkpoint: &mut Checkpoint,
    tokenizer: Option<&Tokenizer>,
    dtype: &Dtype,
    dropout: f32,
    extra: &[(&str, Vec<u8>)],
    out: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<u64> {
    let config = *checkpoint.config();
    let ends = tokenizer.map(Tokenizer::ends);
    let mut small =
        vec![("config.json", config_json_as(&config, dtype, dropout, ends.as_ref()).into_bytes())];
    small.extend(extra.iter().cloned());
    // A tokenizer's files are made where none come along: two of one kind might say two things.
    let has = |small: &[(&str, Vec<u8>)], name: &str| small.iter().any(|(n, _)| *n == name);
    if !has(&small, "tokenizer.json") && !has(&small, "vocab.json") {
        small.extend(
            tokenizer.map(|tokenizer| files::files(tokenizer, config.block_size())).into_iter().flatten(),
        );
    }
    if let Some(ends) = ends.filter(|_| !has(&small, "generation_config.json")) {
        small.push(("generation_config.json", generation_config_json(&ends).into_bytes()));
    }

    disk::new_with(out, |folder| {
        disk::create_folder(folder)?;
        let path = folder.join("model.safetensors");
        let mut writer = writer(&path, &config, dtype.clone())?;
        let (model, mut bytes) = (checkpoint.path().to_path_buf(), Vec::new());
        checkpoint.each_piece(progress, |param, data| {
            bytes.clear();
            encode(dtype, data, &mut bytes, &model, &param.name)?;
            writer.write_stored(&bytes)
        })?;
        writer.finish()?;
        for (name, bytes) in &small {
            disk::write_new(&folder.join(name), bytes)?;
        }
        disk::sync_folder(folder)?;
        let model = std::fs::metadata(&path).map_err(Error::io("read", &path))?.len();
        Ok(model + small.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>())
    })
}
