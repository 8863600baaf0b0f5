//! Which checkpoint of a folder is meant: the path of its files without their endings.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::base::{Error, Result};
use crate::weights::small;
use crate::weights::tensorflow::table;
use crate::weights::words::{listed, quoted};

/// The files of a checkpoint are this and an ending: `models/124M/model.ckpt`.
pub(super) fn prefix(path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        return of_folder(path);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if ["hparams.json", "checkpoint", "encoder.json", "vocab.bpe"].contains(&name.as_str()) {
        return of_folder(above(path));
    }
    let data = || Some(name.rsplit_once(".data-").filter(|(_, part)| part.contains("-of-"))?.0);
    let stem = name.strip_suffix(".index").or_else(|| name.strip_suffix(".meta")).or_else(data);
    existing(path.with_file_name(stem.unwrap_or(&name)), path)
}

/// The folder that a file is in.
pub(super) fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A path with an ending more.
pub(super) fn with(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

/// The one that the folder's `checkpoint` names, or the only one.
fn of_folder(dir: &Path) -> Result<PathBuf> {
    let state = dir.join("checkpoint");
    if state.is_file() {
        return existing(dir.join(named(&state)?), &state);
    }
    let entries = std::fs::read_dir(dir).map_err(Error::io("read", dir))?;
    let mut names: Vec<String> = (entries.flatten())
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".index")?.to_string()))
        .collect();
    names.sort();
    match names.as_slice() {
        [one] => Ok(dir.join(one)),
        [] => Err(Error::file(
            dir,
            "there is no TensorFlow checkpoint in it (checkpoint, NAME.index, NAME.data-00000-of-00001)",
            "name the folder that holds these files and hparams.json, such as models/124M or checkpoint/run1",
        )),
        several => Err(Error::file(
            dir,
            format!(
                "it holds several checkpoints, and no file `checkpoint` that names the latest: {}",
                listed(several)
            ),
            format!("name one of them: {}", with(&dir.join(&several[several.len() - 1]), ".index").display()),
        )),
    }
}

/// What a `checkpoint` file (a text protocol buffer) names as the latest. It may name it with the folder where it was written,
/// which is another now: the last part counts, beside it.
fn named(state: &Path) -> Result<String> {
    let text = String::from_utf8_lossy(&small::bytes(state)?).into_owned();
    let value = text.lines().find_map(|line| line.trim().strip_prefix("model_checkpoint_path:"));
    let name =
        value.map(|value| value.trim().trim_matches('"').rsplit(['/', '\\']).next().unwrap_or_default());
    match name {
        Some(name) if !name.is_empty() && !name.contains(':') && name != ".." => Ok(name.to_string()),
        _ => Err(Error::file(
            state,
            "not what TensorFlow writes: it names no model_checkpoint_path beside it",
            "remove it, where the folder holds one checkpoint only, or name the checkpoint's .index file",
        )),
    }
}

/// Checks that the checkpoint is there; `from` says so.
fn existing(prefix: PathBuf, from: &Path) -> Result<PathBuf> {
    let index = with(&prefix, ".index");
    if index.exists() {
        return Ok(prefix);
    }
    let name = prefix.file_name().unwrap_or_default().to_string_lossy();
    if is_table(&prefix) {
        return Err(Error::file(
            &prefix,
            "a TensorFlow checkpoint in the form before 2017 (V1, one file without an .index), which is not read",
            "save it again with tf.train.Saver of any TensorFlow since",
        ));
    }
    let problem = if prefix == from {
        format!(
            "no file of a TensorFlow checkpoint: there is no {} beside it",
            quoted(&format!("{name}.index"))
        )
    } else {
        format!("{} is not there", index.display())
    };
    Err(Error::file(
        from,
        problem,
        "download or copy the checkpoint's files into one folder: NAME.index, NAME.data-00000-of-00001, hparams.json",
    ))
}

/// Whether a file ends as a table does: the old form's one file is one.
fn is_table(path: &Path) -> bool {
    let last = || -> std::io::Result<[u8; 8]> {
        let (mut file, mut last) = (File::open(path)?, [0; 8]);
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut last)?;
        Ok(last)
    };
    path.is_file() && last().is_ok_and(|last| last == table::MAGIC.to_le_bytes())
}
