//! What is at a path: a folder or a file, told by its content; or what a person has there instead, and what to do with it.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, disk};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::found::Found;
use crate::weights::{gguf, hub, huggingface, llmc, nanogpt, peft, tensorflow};

/// Adapters on adapters, at most.
const DEEPEST: usize = 4;

/// Opens the model at a path, or of a name that is in the Hugging Face cache, and holds it against what it says it is.
///
/// # Errors
/// As [`find`] and [`Checkpoint::new`].
pub fn open(path: &Path) -> Result<Checkpoint> {
    Checkpoint::new(find(path)?)
}

/// Finds the model at a path, or of a name that is in the Hugging Face cache: its header is read, its weights are not.
///
/// # Errors
/// There is none; it is damaged; it is in a form that is not read.
pub fn find(path: &Path) -> Result<Found> {
    find_below(path, DEEPEST)
}

fn find_below(path: &Path, depth: usize) -> Result<Found> {
    if path.is_dir() {
        return match run_around(path) {
            Some(run) => state(&run, path, depth),
            None => folder(path, depth),
        };
    }
    if path.exists() {
        return file(path, depth);
    }
    match path.to_str().and_then(hub::local) {
        Some(cached) => folder(&cached, depth),
        None => Err(huggingface::folder::nothing_there(path)),
    }
}

/// The run whose `state/N` or `best/N` a folder with weights is.
fn run_around(dir: &Path) -> Option<PathBuf> {
    if !huggingface::folder::has_weights(dir) && !dir.join(peft::WEIGHTS).exists() {
        return None;
    }
    let dir = dir.canonicalize().ok()?;
    let above = dir.parent().filter(|above| ["state", "best"].iter().any(|name| above.ends_with(name)))?;
    above.parent().filter(|run| run.join("run.json").is_file()).map(Path::to_path_buf)
}

/// The model of a run's state: its weights lie there, everything else in the run's folder.
fn state(run: &Path, dir: &Path, depth: usize) -> Result<Found> {
    let found = match run.join(peft::CONFIG).exists() {
        true => adapter(run, dir, depth)?,
        false => huggingface::find_in(run, dir)?,
    };
    Ok(Found { path: dir.to_path_buf(), ..found })
}

/// The model in a folder.
fn folder(dir: &Path, depth: usize) -> Result<Found> {
    // One that may not be looked into is not an empty one.
    std::fs::read_dir(dir).map_err(Error::io("read", dir))?;
    let has = |name: &str| dir.join(name).symlink_metadata().is_ok_and(|about| !about.is_dir());
    // An adapter is told before the weights that it may have beside it.
    if has("adapter_config.json") {
        return adapter(dir, dir, depth);
    }
    if has("config.json") && huggingface::folder::has_weights(dir) {
        return huggingface::find(dir);
    }
    if has("hparams.json") || has("checkpoint") {
        return tensorflow::find(dir);
    }
    match models(dir).as_slice() {
        [] => {}
        [one] => return file(one, depth),
        several => return Err(huggingface::folder::choose(dir, several, "it holds several models")),
    }
    let inner = huggingface::folder::find(dir)?;
    if inner == dir { huggingface::find(dir) } else { folder(&inner, depth) }
}

/// The files in a folder that are models by themselves. Pickles beside a config.json are a trainer's, its optimizer and the like.
fn models(dir: &Path) -> Vec<PathBuf> {
    let trained = dir.join("config.json").exists();
    let ends = |name: &str, ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let is_model = |name: &String| match Kind::of(&dir.join(name)) {
        Ok(Some(Kind::Torch)) => {
            !trained && ends(name, &[".pt", ".pth", ".ckpt", ".bin"]) && !ends(name, &OF_TRAINERS)
        }
        Ok(Some(Kind::LlmC)) => name.ends_with(".bin"),
        Ok(Some(Kind::Gguf)) => true,
        // By its name: one that is damaged is told for what it is.
        Ok(None) => name.ends_with(".gguf"),
        Err(_) => false,
    };
    let names = huggingface::folder::names(dir).into_iter().filter(|name| dir.join(name).is_file());
    names.filter(is_model).map(|name| dir.join(name)).collect()
}

/// What trainers keep in pickles beside their models.
const OF_TRAINERS: [&str; 6] =
    ["optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth", "training_args.bin", "meta.pkl"];

/// An adapter on the base that its folder names; its matrices may lie in another.
fn adapter(dir: &Path, matrices: &Path, depth: usize) -> Result<Found> {
    if depth == 0 {
        return Err(Error::file(
            dir,
            "an adapter on an adapter on an adapter…",
            "name the model at the bottom as base_model_name_or_path in adapter_config.json",
        ));
    }
    peft::find(dir, matrices, |base| find_below(Path::new(base), depth - 1))
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gguf,
    Torch,
    LlmC,
}

impl Kind {
    fn of(path: &Path) -> Result<Option<Kind>> {
        let mut head = Vec::new();
        let file = disk::open_file(path)?;
        file.take(8).read_to_end(&mut head).map_err(Error::io("read", path))?;
        Ok(match head.as_slice() {
            [b'G', b'G', b'U', b'F', ..] => Some(Kind::Gguf),
            [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => Some(Kind::Torch),
            [a, b, c, d, ..] if llmc::is_magic(i32::from_le_bytes([*a, *b, *c, *d])) => Some(Kind::LlmC),
            _ => None,
        })
    }
}

/// The model in a file, or the one that it is a part of.
fn file(path: &Path, depth: usize) -> Result<Found> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if ["config.json", "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"]
        .contains(&&*name)
        || name.ends_with(".safetensors")
    {
        return folder(above, depth);
    }
    if name.contains(".ckpt") && !name.ends_with(".ckpt")
        || name.ends_with(".index")
        || name == "hparams.json"
    {
        return tensorflow::find(path);
    }
    match Kind::of(path)? {
        Some(Kind::Gguf) => gguf::find(path),
        Some(Kind::LlmC) => llmc::find(path),
        Some(Kind::Torch) if name.starts_with("pytorch_model") && above.join("config.json").exists() => {
            huggingface::find(above)
        }
        Some(Kind::Torch) => nanogpt::find(path),
        None => Err(huggingface::folder::no_model(path)),
    }
}
