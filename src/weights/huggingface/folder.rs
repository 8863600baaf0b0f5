//! Which folder and files hold a checkpoint; and where none do, what the person has and what to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, shell};
use crate::weights::safetensors::header::MAX_HEADER;
use crate::weights::words::{listed, quoted, short};

/// Folders named in an error; the rest is counted.
const NAMED: usize = 6;

/// The folder that holds the checkpoint: `dir`, or the only snapshot of a Hugging Face cache's `models--…` folder.
pub(super) fn find(dir: &Path) -> Result<PathBuf> {
    if !dir.is_dir() {
        return Err(no_folder(dir));
    }
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
    if let Some(run) = dir.ancestors().skip(1).take(2).find(|above| above.join("run.json").is_file()) {
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

/// The files of the weights.
pub(super) fn weights(dir: &Path) -> Result<Vec<PathBuf>> {
    let single = dir.join("model.safetensors");
    let index = dir.join("model.safetensors.index.json");
    whole_link(dir, "model.safetensors")?;
    if single.exists() {
        return Ok(vec![single]);
    }
    if index.exists() {
        let files = shards(&index)?;
        let missing: Vec<String> = (files.iter().filter(|file| !file.exists()))
            .map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned())
            .collect();
        if missing.is_empty() {
            return Ok(files);
        }
        return Err(Error::file(
            &index,
            format!(
                "{} of the {} files of weights that it names are not there: {}",
                missing.len(),
                files.len(),
                listed(&missing)
            ),
            "download them into the same folder, from where the index came from",
        ));
    }
    if let Some(other) = other_format(dir) {
        return Err(other);
    }
    let other = names(dir).into_iter().find(|name| name.ends_with(".safetensors"));
    Err(match other {
        Some(part) if part.contains("-of-") => Error::file(
            dir,
            format!("it holds {part}, a part of the weights, but no model.safetensors.index.json"),
            "download model.safetensors.index.json, and every part that it names, beside it",
        ),
        Some(other) => Error::file(
            dir,
            format!("there is no model.safetensors in it, but {other}"),
            "if that is the whole model, rename it model.safetensors",
        ),
        None => Error::file(
            dir,
            "there is no model.safetensors in it",
            "download model.safetensors beside config.json",
        ),
    })
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
    let text = std::fs::read(index).map_err(Error::io("read", index))?;
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

/// What is given for a folder and is none.
fn no_folder(dir: &Path) -> Error {
    let folder =
        "name a Hugging Face GPT-2 folder (config.json, model.safetensors) or an earlier run's folder";
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !dir.exists() {
        let beside = models_in(above);
        let next = match beside.as_slice() {
            [] => format!("{folder}; nothing is downloaded: a name on huggingface.co is no folder"),
            beside => format!("{folder}; in {} there are: {}", above.display(), paths(beside)),
        };
        return Error::file(dir, "there is no such folder", next);
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(other) = format_of(above, &name) {
        return other;
    }
    let next = if above.join("config.json").exists() {
        format!("name the folder that it is in: {}", above.display())
    } else {
        folder.to_string()
    };
    Error::file(dir, "not a folder", next)
}

/// Weights in a form that is not read.
fn other_format(dir: &Path) -> Option<Error> {
    let names = names(dir);
    // An adapter is told before the weights that it may have beside it.
    let adapter = names.get("adapter_config.json").into_iter();
    adapter.chain(&names).find_map(|name| format_of(dir, name))
}

/// The error of one file, by its name.
fn format_of(dir: &Path, name: &str) -> Option<Error> {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let (problem, next) = if name == "adapter_config.json" {
        (
            "an adapter (PEFT, LoRA): what was trained beside a model, not a model".to_string(),
            "merge it into its model with Python: python -c \"import sys, peft; \
             peft.AutoPeftModelForCausalLM.from_pretrained(sys.argv[1]).merge_and_unload().save_pretrained(sys.argv[2])\" \
             ADAPTER MERGED; then name the folder MERGED"
                .to_string(),
        )
    } else if name.ends_with(".gguf") {
        (
            format!(
                "{name} is a GGUF file, made for inference and mostly quantized; training needs the whole numbers"
            ),
            "start from the checkpoint that it was made from (config.json, model.safetensors)".to_string(),
        )
    } else if name.starts_with("pytorch_model") && ends(&[".bin", ".bin.index.json"]) {
        (
            "its weights are in pytorch_model.bin, a pickle, which can run code when it is opened; diarist reads model.safetensors"
                .to_string(),
            format!(
                "download model.safetensors, or convert with Python: \
                 python -c 'import sys, transformers as t; m, i = t.GPT2LMHeadModel.from_pretrained(sys.argv[1], output_loading_info=True); assert not i[\"missing_keys\"], i; m.save_pretrained(sys.argv[1])' {}",
                shell::path(dir)
            ),
        )
    } else if ends(&[".pt", ".pth", ".ckpt"]) {
        (
            format!("{name} is a pickle of PyTorch's, which can run code when it is opened; diarist reads config.json and model.safetensors"),
            "export the model as a Hugging Face GPT-2 folder, where the matrices of attention and MLP are stored as \
             (in, out); nanoGPT's are (out, in)"
                .to_string(),
        )
    } else if ends(&[".h5", ".msgpack", ".onnx", ".ot", ".ckpt.index"]) {
        (
            format!("{name} holds the weights for another framework; diarist reads model.safetensors"),
            "download model.safetensors of the same checkpoint".to_string(),
        )
    } else {
        return None;
    };
    Some(Error::file(dir, problem, next))
}

fn choose(dir: &Path, folders: &[PathBuf], problem: &str) -> Error {
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
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
