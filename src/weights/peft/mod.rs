//! PEFT's LoRA adapters: a folder with `adapter_config.json` and `adapter_model.safetensors` (an older one's `.bin` is a
//! pickle), small, and of use only with the model that it was trained beside. The two are opened as one model, merged as its
//! rows are read.
//!
//! What was trained whole (`modules_to_save`, biases) replaces the base's. Refused by name, since they would be another network
//! or are not plain LoRA: an adapter on the embedding, whose head would not be it any more; DoRA and the like; adapters on adapters.
//!
//! More adapters may be laid on the same model ([`Checkpoint::add_adapter`](crate::weights::Checkpoint::add_adapter)), each with a
//! scale. Or the base is read without them, and they are read as one adapter that runs beside it: [`Stacked`].

use std::path::{Path, PathBuf};

use crate::base::units::counted;
use crate::base::{Config, Error, Result, shell};
use crate::weights::found::Found;
use crate::weights::gguf::lora;
use crate::weights::hub;
use crate::weights::pickle;
use crate::weights::safetensors;
use crate::weights::tensors::Tensors;
use crate::weights::words::{listed, quoted, short};
use adapter::Adapter;
use settings::Settings;

pub mod adapter;
mod check;
mod said;
mod settings;
pub mod stacked;
mod write;

pub use adapter::file_key as key;
pub use stacked::Stacked;
pub use write::config_json;

/// An adapter's settings.
pub const CONFIG: &str = "adapter_config.json";
/// An adapter's matrices.
pub const WEIGHTS: &str = "adapter_model.safetensors";

/// Opens a folder's adapter, and its settings; the matrices may lie in another.
///
/// # Errors
/// A missing or damaged file; another kind of adapter; one that no plain model is made of.
fn open(dir: &Path, matrices: &Path) -> Result<(Adapter, Settings)> {
    let settings = settings::read(&dir.join(CONFIG))?;
    let adapter = Adapter::new(weights(matrices)?, &settings)?;
    Ok((adapter, settings))
}

/// The tensors of an adapter's folder.
fn weights(dir: &Path) -> Result<Tensors> {
    let path = dir.join(WEIGHTS);
    if path.exists() {
        return safetensors::open(path);
    }
    let older = dir.join("adapter_model.bin");
    if older.exists() {
        return Ok(pickle::open(&older)?.0);
    }
    Err(Error::file(
        dir,
        "it has an adapter_config.json, but no adapter_model.safetensors",
        "download or copy the adapter's folder again, all of it",
    ))
}

/// Opens an adapter (a PEFT folder, or its name in the Hugging Face cache, or a GGUF) for a model that is open already; what it adds counts `scale` times. Also what it replaces, under the
/// parameters' names.
///
/// # Errors
/// No such folder, or no adapter; one that does not fit the model; parameters trained whole, at another scale than 1.
pub(in crate::weights) fn beside(
    path: &Path,
    config: &Config,
    scale: f32,
) -> Result<(Adapter, Option<Tensors>)> {
    if path.is_file() && !path.ends_with(CONFIG) && !path.ends_with(WEIGHTS) {
        let mut adapter = lora::open(path, config)?;
        adapter.scale(scale);
        return Ok((adapter, None));
    }
    let cached = path.to_str().filter(|_| !path.exists()).and_then(hub::local);
    let dir = cached.as_deref().unwrap_or(if path.is_file() { path.parent().unwrap_or(path) } else { path });
    if !dir.join(CONFIG).exists() {
        let (problem, next) = match dir.exists() {
            true => (
                "no adapter: it has no adapter_config.json",
                "name an adapter's folder or GGUF; a whole model is opened by its own name",
            ),
            false => ("there is no such adapter", "check the name of its folder or file"),
        };
        return Err(Error::file(dir, problem, next));
    }
    let (mut adapter, settings) = open(dir, dir)?;
    adapter.check(&settings, config)?;
    let whole = adapter.whole()?;
    if let Some(whole) = whole.as_ref().filter(|_| scale != 1.0) {
        let names: Vec<String> = whole.entries().iter().map(|e| quoted(&e.name)).collect();
        let problem = format!("what it has trained whole cannot count {scale} times: {}", listed(&names));
        return Err(Error::file(dir, problem, "use it with a scale of 1"));
    }
    adapter.scale(scale);
    Ok((adapter, whole))
}

/// Finds the model that an adapter makes of its base. Its matrices may lie in another folder than its settings. `base` finds the base, which is a path or a name on the hub.
///
/// # Errors
/// As for a damaged adapter; it names no base, one that is not there, or an adapter; it does not fit the base.
pub fn find(dir: &Path, matrices: &Path, base: impl FnOnce(&str) -> Result<Found>) -> Result<Found> {
    let (mut adapter, settings) = open(dir, matrices)?;
    let config = dir.join(CONFIG);
    let named = settings.base.as_deref().map(str::trim).filter(|name| !name.is_empty()).ok_or_else(|| {
        let next = "write the path of the base's folder into it";
        Error::file(&config, "names no base model (base_model_name_or_path)", next)
    })?;
    // A path is one from where the adapter is; else from here, or a name.
    let beside = dir.join(named);
    let (place, path) = match beside.exists() {
        true => (beside.to_string_lossy().into_owned(), beside),
        false => (named.to_string(), PathBuf::from(named)),
    };
    let real = |path: &Path| path.canonicalize().ok();
    if real(&path)
        .is_some_and(|path| Some(&path) == real(dir).as_ref() || Some(&path) == real(&config).as_ref())
    {
        return Err(Error::file(
            &config,
            "names itself as its base",
            "write the path of the base's folder into it",
        ));
    }
    let found = base(&place).map_err(|e| match e {
        Error::File { path: at, .. } if at == path && !path.exists() => missing(&config, named),
        other => other,
    })?;
    if found.adapter.is_some() {
        return Err(Error::file(
            &config,
            format!("its base {} is an adapter too", quoted(named)),
            format!(
                "merge that one first: {} convert {} MERGED --to hf; then write the path of MERGED as base_model_name_or_path",
                shell::program(),
                shell::path(&path)
            ),
        ));
    }
    let revision = settings.revision.as_ref().map(|revision| (revision, revision_of(&found.path, revision)));
    if let Some((revision, Revision::Another(commit))) = &revision {
        return Err(Error::file(
            &config,
            format!(
                "an adapter on the revision {} of its base; in the cache is {}",
                quoted(revision),
                quoted(commit)
            ),
            format!(
                "name a folder with that revision as base_model_name_or_path; or lay it on the one that is there: {} merge {} --base {} --out MERGED",
                shell::program(),
                shell::path(dir),
                shell::path(&found.path)
            ),
        ));
    }
    let model = found.model?;
    adapter.check(&settings, &model.config)?;
    let tensors = match adapter.whole()? {
        Some(whole) => found.tensors.replaced(whole),
        None => found.tensors,
    };
    let mut about = vec![
        ("base".to_string(), short(&found.path.display().to_string())),
        ("rank".into(), settings.shown()),
        ("adapted".into(), counted(adapter.len() as u64, "matrix", "matrices")),
    ];
    if let Some((revision, Revision::Unknown)) = revision {
        about.push((
            "revision".into(),
            format!("{} of its base, which a folder does not tell", quoted(revision)),
        ));
    }
    about.extend(found.about);
    Ok(Found {
        format: format!("PEFT adapter (LoRA) on a {}", found.format),
        path: dir.to_path_buf(),
        about,
        tensors,
        model: Ok(model),
        tokenizer: found.tokenizer,
        adapter: Some(adapter),
    })
}

/// Whether a base is of a revision.
enum Revision {
    Same,
    /// It is this one.
    Another(String),
    /// Not from the hub's cache.
    Unknown,
}

/// Told by where the cache has it: `models--…/snapshots/COMMIT`, and the names of commits in `models--…/refs`.
fn revision_of(path: &Path, wanted: &str) -> Revision {
    let snapshot = path.ancestors().find(|p| p.parent().is_some_and(|p| p.ends_with("snapshots")));
    let cached = snapshot.and_then(|p| Some((p.file_name()?.to_str()?, p.parent()?.parent()?)));
    let Some((commit, model)) = cached else { return Revision::Unknown };
    let plain = !wanted.split('/').any(|part| part.is_empty() || part == "..") && !wanted.contains('\\');
    let named = || plain.then(|| std::fs::read_to_string(model.join("refs").join(wanted)).ok()).flatten();
    match wanted.len() >= 7 && commit.starts_with(wanted) || named().is_some_and(|c| c.trim() == commit) {
        true => Revision::Same,
        false => Revision::Another(commit.to_string()),
    }
}

/// A base that is nowhere.
fn missing(config: &Path, named: &str) -> Error {
    let is_name =
        named.split('/').count() <= 2 && !named.starts_with(['.', '/', '~']) && !named.contains('\\');
    let path = format!(
        "name the model where it is now, with --adapter {}; or write its path as base_model_name_or_path",
        shell::path(config.parent().unwrap_or(config))
    );
    let next = match is_name {
        true => format!("{} fetch {}; or {path}", shell::program(), shell::path(Path::new(named))),
        false => path,
    };
    let problem = format!("an adapter on the model {}, which is not there", quoted(named));
    Error::file(config, problem, next)
}

#[cfg(test)]
mod tests;
