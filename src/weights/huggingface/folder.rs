//! Which folder and files hold a checkpoint; and where none do, what the person has and what to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, disk};
use crate::weights::hub::{Hub, Name};
use crate::weights::safetensors::header::MAX_HEADER;
use crate::weights::words::{listed, quoted, short};

/// Folders named in an error; the rest is counted.
const NAMED: usize = 6;

/// The folder that holds the checkpoint: `dir`, or the only snapshot of a Hugging Face cache's `models--…` folder.
pub(in crate::weights) fn find(dir: &Path) -> Result<PathBuf> {
    whole_link(dir, "config.json")?;
    if dir.join("config.json").exists() {
        return Ok(dir.to_path_buf());
    }
    // The cache's folder of a model, or one of those that lie in it.
    let inner = ["snapshots", "blobs", "refs"].iter().any(|name| dir.ends_with(name));
    let model = dir.parent().filter(|_| inner).unwrap_or(dir);
    let snapshots = models_in(&model.join("snapshots"));
    match snapshots.as_slice() {
        [only] => return Ok(only.clone()),
        [] => {}
        several => return Err(choose(dir, several, "it holds several snapshots of a model")),
    }
    if let Some(run) = dir
        .ancestors()
        .skip(1)
        .take(2)
        .find(|above| !above.as_os_str().is_empty() && above.join("run.json").is_file())
    {
        return Err(Error::file(
            dir,
            "a folder inside a run's, not the run",
            format!("name the run's folder: {}", run.display()),
        ));
    }
    if let Some(other) = other_format(dir) {
        return Err(other);
    }
    let mut below = models_in(dir);
    below.extend(children(dir).iter().flat_map(|child| models_in(&child.join("snapshots"))));
    if !below.is_empty() {
        return Err(choose(dir, &below, "it holds models, and is none itself"));
    }
    // No config.json: said by its reader.
    Ok(dir.to_path_buf())
}

/// The names under which a folder may have its weights, whole or as an index of parts, the better form first.
const WHOLE_OR_INDEX: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

/// Whether a folder has weights under one of their names, or a link that should lead to them.
pub(in crate::weights) fn has_weights(dir: &Path) -> bool {
    let names = WHOLE_OR_INDEX.iter().flat_map(|(whole, index)| [whole, index]);
    names.into_iter().any(|name| dir.join(name).symlink_metadata().is_ok())
}

/// The files of the weights.
pub(super) fn weights(dir: &Path) -> Result<Vec<PathBuf>> {
    for (whole, index) in WHOLE_OR_INDEX {
        whole_link(dir, whole)?;
        if dir.join(whole).exists() {
            return Ok(vec![dir.join(whole)]);
        }
        if dir.join(index).exists() {
            return parts(&dir.join(index));
        }
    }
    if let Some(other) = other_format(dir) {
        return Err(other);
    }
    let other = names(dir)
        .into_iter()
        .find(|name| name.ends_with(".safetensors") || name.starts_with("pytorch_model-"));
    Err(match other {
        Some(part) if part.contains("-of-") => {
            let index = if part.ends_with(".bin") { WHOLE_OR_INDEX[1].1 } else { WHOLE_OR_INDEX[0].1 };
            Error::file(
                dir,
                format!("it holds {part}, a part of the weights, but no {index}"),
                format!("download {index}, and every part that it names, beside it"),
            )
        }
        Some(other) => Error::file(
            dir,
            format!("there is no model.safetensors in it, but {other}"),
            "if that is the whole model, rename it model.safetensors",
        ),
        None => Error::file(
            dir,
            "there is no model.safetensors in it, nor a model in another form",
            "download model.safetensors beside config.json; or name a run's folder, a GGUF, or what else --from takes",
        ),
    })
}

/// The parts that an index names, all of them there.
fn parts(index: &Path) -> Result<Vec<PathBuf>> {
    let files = shards(index)?;
    let missing: Vec<String> = (files.iter().filter(|file| !file.exists()))
        .map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    if missing.is_empty() {
        return Ok(files);
    }
    Err(Error::file(
        index,
        format!(
            "{} of the {} files of weights that it names are not there: {}",
            missing.len(),
            files.len(),
            listed(&missing)
        ),
        "download them into the same folder, from where the index came from",
    ))
}

/// The files that an index names, each once.
fn shards(index: &Path) -> Result<Vec<PathBuf>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let bad = |problem: String| Error::file(index, problem, "download the checkpoint again");
    let length = std::fs::metadata(index).map_err(Error::io("read", index))?.len();
    if length > MAX_HEADER {
        return Err(bad(format!("{length} bytes long, which no index is")));
    }
    let text = disk::read_file(index)?;
    let found: Index = serde_json::from_slice(&text)
        .map_err(|e| bad(format!("not an index of weights: {}", short(&e.to_string()))))?;
    let names: BTreeSet<String> = found.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(bad("names no file".to_string()));
    }
    // A file beside the index and nowhere else: an index may come from a stranger.
    if let Some(name) = names.iter().find(|n| n.contains(['/', '\\', ':']) || n.starts_with('.')) {
        return Err(bad(format!("names {}, which is not a file beside it", quoted(name))));
    }
    Ok(names.iter().map(|n| index.with_file_name(n)).collect())
}

/// A link that leads nowhere is a file that was removed, not one that never was.
fn whole_link(dir: &Path, name: &str) -> Result<()> {
    let path = dir.join(name);
    if path.is_symlink() && !path.exists() {
        return Err(Error::file(
            path,
            "a link to a file that is not there: a cache was cleaned, or copied without its blobs folder",
            "download the checkpoint again, or copy it with its links followed (cp -rL)",
        ));
    }
    Ok(())
}

/// The error of a path where nothing is.
pub(in crate::weights) fn nothing_there(path: &Path) -> Error {
    if path.is_symlink() {
        return Error::file(path, "a link to what is not there", "name what it should lead to");
    }
    let name = path.to_str().and_then(Name::unless_a_path);
    if let Some((hub, name)) = name.and_then(|name| Some((Hub::from_env().ok()?, name))) {
        return hub.not_here(&name);
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let next = match models_in(above).as_slice() {
        [] => "name a model's folder or file, an earlier run's folder, or one that `diarist fetch` got"
            .to_string(),
        beside => format!("in {} there are: {}", above.display(), paths(beside)),
    };
    Error::file(path, "there is no such folder or file", next)
}

/// The error of a file that is no model.
pub(in crate::weights) fn no_model(path: &Path) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let above = path.parent().unwrap_or(Path::new("."));
    other_framework(above, &name).unwrap_or_else(|| {
        Error::file(
            path,
            "no model in a form that is read, by its first bytes",
            "name a Hugging Face folder, a GGUF, a file of PyTorch's, llm.c's or OpenAI's, or an earlier run's folder",
        )
    })
}

/// The error of a folder with weights for another framework.
fn other_format(dir: &Path) -> Option<Error> {
    names(dir).iter().find_map(|name| other_framework(dir, name))
}

/// The error of one file, by its name.
fn other_framework(dir: &Path, name: &str) -> Option<Error> {
    [".h5", ".msgpack", ".onnx", ".ot"].iter().any(|end| name.ends_with(end)).then(|| {
        Error::file(
            dir,
            format!("{name} holds the weights for another framework; diarist reads model.safetensors and pytorch_model.bin"),
            "download model.safetensors of the same checkpoint",
        )
    })
}

pub(in crate::weights) fn choose(dir: &Path, folders: &[PathBuf], problem: &str) -> Error {
    Error::file(dir, problem, format!("name one of them: {}", paths(folders)))
}

fn paths(folders: &[PathBuf]) -> String {
    let shown: Vec<String> = folders.iter().take(NAMED).map(|folder| folder.display().to_string()).collect();
    let more = folders.len().saturating_sub(NAMED);
    if more > 0 { format!("{}, … ({more} more)", shown.join(", ")) } else { shown.join(", ") }
}

/// The folders in a folder that are models.
fn models_in(dir: &Path) -> Vec<PathBuf> {
    children(dir).into_iter().filter(|child| child.join("config.json").exists()).collect()
}

fn children(dir: &Path) -> Vec<PathBuf> {
    names(dir).into_iter().map(|name| dir.join(name)).filter(|child| child.is_dir()).collect()
}

/// The names in a folder, in order.
pub(in crate::weights) fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
