//! A model as a Hugging Face folder, whole or not there at all.

use std::path::Path;

use crate::base::{Error, Result, disk};
use crate::tokens::{Tokenizer, files};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::huggingface::{config_json_as, generation_config_json, writer};

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
    if let Some(ends) = &ends {
        small.push(("generation_config.json", generation_config_json(ends).into_bytes()));
    }
    small.extend(
        tokenizer.map(|tokenizer| files::files(tokenizer, config.block_size())).into_iter().flatten(),
    );
    small.extend(extra.iter().cloned());

    let above = out.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk::create_folder(above)?;
    let folder =
        disk::temporary_folder(above, ".", ".partial").map_err(Error::io("create a folder in", above))?;
    let path = folder.path().join("model.safetensors");
    let mut writer = writer(&path, &config, dtype.clone())?;
    checkpoint.each_piece(progress, |_, data| writer.write_f32(data))?;
    writer.finish()?;
    for (name, bytes) in &small {
        disk::write_new(&folder.path().join(name), bytes)?;
    }
    disk::sync_folder(folder.path())?;
    if out.symlink_metadata().is_ok() {
        return Err(disk::taken(out));
    }
    // A folder that appears there meanwhile and is not empty makes the renaming fail: nothing is overwritten.
    disk::rename(folder.path(), out)?;
    // Not there any more under its first name: nothing is left to be removed.
    let _ = folder.keep();
    disk::sync_folder(above)?;
    let model = std::fs::metadata(out.join("model.safetensors")).map_err(Error::io("read", out))?.len();
    Ok(model + small.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>())
}
