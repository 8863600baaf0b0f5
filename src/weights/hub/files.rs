//! Which files of a model are wanted, and whether those of a folder are all there.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::base::{Error, Result};
use crate::weights::hub::name::Name;
use crate::weights::huggingface::fields::{KINDS, Kind};
use crate::weights::words::{quoted, short};

/// What stands beside the weights, the configuration first: it says whether to go on.
pub(super) const SMALL: [&str; 9] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
];

/// The weights in the forms that are read, the better first: one file, or an index of several.
const WEIGHTS: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

/// The files of a repository that are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Of [`SMALL`], those that there are.
    pub small: Vec<&'static str>,
    /// The one file of weights, or the index that names them.
    pub weights: Weights,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Weights {
    Single(&'static str),
    Index(&'static str),
}

/// Chooses among a repository's files. Nothing else is taken: no other framework's weights, no picture, no code.
pub(super) fn choose(name: &Name, all: &[String]) -> Result<Wanted> {
    let outside = |file: &&String| {
        let climbs = file.split(['/', '\\']).any(|part| part == ".." || part.is_empty());
        climbs || file.contains(['\\', ':', '\0'])
    };
    if let Some(file) = all.iter().find(outside) {
        return Err(refused(name, format!("names a file {}, which leads out of its folder", quoted(file))));
    }
    let has = |file: &str| all.iter().any(|there| there == file);
    if !has("config.json") {
        return Err(refused(name, "has no config.json: it is no model for transformers".into()));
    }
    let small = SMALL.into_iter().filter(|file| has(file)).collect();
    let weights = WEIGHTS.into_iter().find_map(|(single, index)| {
        let single = has(single).then_some(Weights::Single(single));
        single.or_else(|| has(index).then_some(Weights::Index(index)))
    });
    let weights = weights.ok_or_else(|| {
        let other = all.iter().find(|file| {
            [".gguf", ".h5", ".onnx", ".msgpack", ".pt", ".safetensors"].iter().any(|e| file.ends_with(e))
        });
        let other = other.map_or(String::new(), |file| format!(", but {}", quoted(file)));
        refused(name, format!("has neither model.safetensors nor pytorch_model.bin{other}"))
    })?;
    Ok(Wanted { small, weights })
}

/// The files that an index names, each once.
pub(super) fn shards(index: &Path) -> Result<BTreeSet<String>> {
    let bad =
        |problem: String| Error::file(index, problem, "try another model: this one's files are no model");
    let found = object(index)?;
    let map = found.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| bad("has no weight_map: no index of weights".into()))?;
    let names: BTreeSet<String> = map.values().filter_map(Value::as_str).map(str::to_string).collect();
    // A file beside the index, with weights in it, and nothing else.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let weights = |name: &str| name.ends_with(".safetensors") || name.ends_with(".bin");
    let odd = names.iter().find(|name| name.starts_with('.') || !name.chars().all(plain) || !weights(name));
    match odd {
        Some(name) => Err(bad(format!("names {}, which is no file of weights beside it", quoted(name)))),
        None if names.is_empty() => Err(bad("names no file".into())),
        None => Ok(names),
    }
}

/// Refuses what is of no family that we compute, by its config.json, before its weights are asked for. The weights' reader judges the rest.
pub(super) fn check_architecture(name: &Name, config: &Path) -> Result<()> {
    let found = object(config)?;
    let Err(other) = Kind::of(&found) else { return Ok(()) };
    let kind = other.unwrap_or_else(|| "no architecture that it names".into());
    Err(refused(name, format!("is {kind}, and diarist computes {KINDS}; its weights were not asked for")))
}

/// No configuration and no index of weights is longer.
pub(super) const MOST_JSON: u64 = 64 << 20;

fn object(path: &Path) -> Result<Map<String, Value>> {
    let length = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
    if length > MOST_JSON {
        return Err(Error::file(
            path,
            format!("{length} bytes long, which is too long"),
            "try another model",
        ));
    }
    let text = std::fs::read(path).map_err(Error::io("read", path))?;
    let bad = |e: serde_json::Error| {
        Error::file(path, format!("not a JSON object: {}", short(&e.to_string())), "try another model")
    };
    serde_json::from_slice(&text).map_err(bad)
}

pub(super) fn refused(name: &Name, problem: String) -> Error {
    Error::setting(
        format!("{name} {problem}"),
        format!("try one of {}, or a model that was trained from one", Name::known().join(", ")),
    )
}

/// Whether a folder has a configuration and all files of its weights, in any form that [`choose`] takes. A link to nothing
/// is no file.
pub(super) fn is_whole(folder: &Path) -> bool {
    let has = |file: &str| folder.join(file).is_file();
    let whole = |(single, index): (&str, &str)| {
        let all = || shards(&folder.join(index)).is_ok_and(|files| files.iter().all(|file| has(file)));
        has(single) || has(index) && all()
    };
    has("config.json") && WEIGHTS.into_iter().any(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[&str]) -> Result<Wanted> {
        choose(&Name::gpt2(), &files.iter().map(|file| file.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_read_is_wanted_and_nothing_else() {
        let gpt2 = [
            ".gitattributes",
            "64.tflite",
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "generation_config.json",
            "merges.txt",
            "model.safetensors",
            "onnx/decoder_model.onnx",
            "onnx/config.json",
            "pytorch_model.bin",
            "rust_model.ot",
            "tf_model.h5",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.json",
        ];
        let wanted = of(&gpt2).unwrap();
        assert_eq!(wanted.weights, Weights::Single("model.safetensors"));
        assert_eq!(wanted.small.len(), 6);
        assert_eq!(wanted.small[0], "config.json");
        let weights = |files: &[&str]| of(&[&["config.json"], files].concat()).unwrap().weights;
        assert_eq!(weights(&["pytorch_model.bin"]), Weights::Single("pytorch_model.bin"));
        let sharded =
            ["model.safetensors.index.json", "model-00001-of-00002.safetensors", "pytorch_model.bin"];
        assert_eq!(weights(&sharded), Weights::Index("model.safetensors.index.json"));
        for (files, said) in [
            (&["model.safetensors"][..], "no config.json"),
            (
                &["config.json", "tf_model.h5"],
                "neither model.safetensors nor pytorch_model.bin, but \"tf_model.h5\"",
            ),
            (&["config.json", "model.safetensors", "../x"], "leads out"),
            (&["config.json", "model.safetensors", "a/../../x"], "leads out"),
            (&["config.json", "model.safetensors", "/etc/x"], "leads out"),
            (&["config.json", "model.safetensors", "a\\..\\x"], "leads out"),
            (&["config.json", "model.safetensors", "C:x"], "leads out"),
        ] {
            let error = of(files).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("next: "), "{files:?}: {error}");
        }
    }

    #[test]
    fn an_index_names_files_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join("model.safetensors.index.json");
        let says = |text: &str| {
            std::fs::write(&index, text).unwrap();
            shards(&index)
        };
        let names = says(
            r#"{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#,
        );
        assert_eq!(Vec::from_iter(names.unwrap()), ["m-1.safetensors", "m-2.safetensors"]);
        std::fs::write(dir.path().join("config.json"), "{}").unwrap();
        std::fs::write(dir.path().join("m-1.safetensors"), "").unwrap();
        assert!(!is_whole(dir.path()));
        std::fs::write(dir.path().join("m-2.safetensors"), "").unwrap();
        assert!(is_whole(dir.path()));
        for bad in [
            "{}",
            "[]",
            "{",
            r#"{"weight_map": {}}"#,
            r#"{"weight_map": {"a": "../m.safetensors"}}"#,
            r#"{"weight_map": {"a": "/m.safetensors"}}"#,
            r#"{"weight_map": {"a": "x\\m.safetensors"}}"#,
            r#"{"weight_map": {"a": ".safetensors"}}"#,
            r#"{"weight_map": {"a": "setup.py"}}"#,
        ] {
            assert!(says(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_architecture_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.json");
        let says = |text: &str| {
            std::fs::write(&config, text).unwrap();
            check_architecture(&Name::gpt2(), &config).map_err(|e| e.to_string())
        };
        says(r#"{"model_type": "gpt2"}"#).unwrap();
        says(r#"{"architectures": ["GPT2LMHeadModel"]}"#).unwrap();
        says(r#"{"model_type": "llama"}"#).unwrap();
        says(r#"{"model_type": "mistral"}"#).unwrap();
        assert!(says(r#"{"model_type": "qwen2"}"#).unwrap_err().contains("is qwen2"));
        assert!(says(r#"{"model_type": "bert"}"#).unwrap_err().contains("is bert"));
        assert!(says("{}").unwrap_err().contains("no architecture"));
        assert!(says("[]").unwrap_err().contains("not a JSON object"));
    }
}
