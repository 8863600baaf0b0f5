//! What a GGUF's metadata say of its model: for a person, and as the model that it is.

use std::path::Path;

use crate::base::{Error, Result, units};
use crate::weights::dtype::Dtype;
use crate::weights::found::Model;
use crate::weights::gguf::metadata::{Metadata, Value};
use crate::weights::gguf::{names, shape, types};
use crate::weights::tensors::Tensors;
use crate::weights::words::{listed, quoted, short};

const ARCHITECTURE: &str = "general.architecture";

/// The architecture that it says it is.
pub(super) fn architecture(metadata: &Metadata) -> &str {
    metadata.get_str(ARCHITECTURE).unwrap_or_default()
}

/// What it says of itself, a line each.
pub(super) fn about(metadata: &Metadata) -> Vec<(String, String)> {
    let text = |key: &str| metadata.get_str(key).map(printable);
    let architecture = architecture(metadata);
    let of = |key: &str| match metadata.get(&format!("{architecture}.{key}"))? {
        Value::Whole(n) => Some(n.to_string()),
        Value::Numbers(each) => Some(format!("{} values for", each.len())),
        _ => None,
    };
    let counted = |key: &str, what: &str| of(key).map(|n| format!("{n} {what}"));
    let size: Vec<String> = [
        counted("block_count", "layers"),
        counted("embedding_length", "wide"),
        counted("attention.head_count", "heads"),
        of("attention.head_count_kv")
            .filter(|n| Some(n) != of("attention.head_count").as_ref())
            .map(|n| format!("{n} of keys and values")),
        of("feed_forward_length").map(|n| format!("feed-forward {n}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let stored = metadata.get_u32("general.file_type").map(|n| {
        types::file_type(n).map_or_else(|| format!("file type {n}"), |name| format!("mostly {name}"))
    });
    let template = metadata.get_str("tokenizer.chat_template");
    let template = template.map_or("none".into(), |text| {
        format!("{} characters", units::thousands(text.chars().count() as u64))
    });
    let lines = [
        ("name", text("general.name")),
        ("by", text("general.organization").or(text("general.author"))),
        ("licence", text("general.license")),
        ("holds", text("general.type").filter(|kind| kind != "model")),
        ("architecture", Some(printable(architecture))),
        ("size", Some(size.join(", ")).filter(|size| !size.is_empty())),
        ("context", of("context_length").map(|n| format!("{n} tokens"))),
        ("stored as", stored),
        ("tokenizer", tokenizer(metadata)),
        ("chat template", Some(template)),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect()
}

/// The tokenizer: its kind, how it cuts words, how large it is.
fn tokenizer(metadata: &Metadata) -> Option<String> {
    let kind = printable(metadata.get_str("tokenizer.ggml.model")?);
    let pre = metadata.get_str("tokenizer.ggml.pre").map(|pre| format!("pre {}", printable(pre)));
    let many = |key: &str, what: &str| {
        let texts = metadata.get_texts(&format!("tokenizer.ggml.{key}"))?;
        Some(format!("{} {what}", units::thousands(texts.len() as u64)))
    };
    let end = metadata.get_u32("tokenizer.ggml.eos_token_id").map(|id| format!("end of text {id}"));
    let all = [Some(kind), pre, many("tokens", "tokens"), many("merges", "merges"), end];
    Some(all.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// A stranger's text for one line.
fn printable(text: &str) -> String {
    short(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}

/// The model that it says it is.
///
/// # Errors
/// None that we compute, or not all of one.
pub(super) fn model(path: &Path, metadata: &Metadata, tensors: &Tensors) -> Result<Model> {
    let other = |problem: String| {
        Error::file(
            path,
            problem,
            "use a GGUF of a GPT-2, a Llama or a Phi-2 (`general.architecture` gpt2, llama or phi2)",
        )
    };
    let Some(architecture) = metadata.get_str(ARCHITECTURE) else {
        return Err(other("does not say its architecture (general.architecture)".into()));
    };
    match metadata.get_str("general.type") {
        None | Some("model") => {}
        Some("adapter") => {
            return Err(Error::file(
                path,
                "a LoRA adapter as GGUF, which is no model by itself",
                "name its base, and this file with --adapter",
            ));
        }
        Some(kind) => return Err(other(format!("holds {}, not a model", quoted(kind)))),
    }
    let Some(family) = shape::family(architecture) else {
        return Err(other(format!(
            "its architecture is {}; diarist computes gpt2, llama and phi2",
            quoted(architecture)
        )));
    };
    if tensors.get("rope_freqs.weight").is_some() {
        return Err(other(
            "its rotary positions are scaled (rope_freqs.weight), which is not computed".into(),
        ));
    }
    let unknown = tensors.entries().iter().filter(|e| !names::is_known(architecture, &e.name));
    let unknown: Vec<String> = unknown.map(|e| quoted(&e.name)).collect();
    if !unknown.is_empty() {
        let problem = format!("{} tensors belong to no {family}: {}", unknown.len(), listed(&unknown));
        return Err(other(problem));
    }
    if let Some(entry) = tensors.entries().iter().find(|e| matches!(e.dtype, Dtype::Other(_))) {
        return Err(Error::file(
            tensors.file_of(entry),
            format!(
                "tensor {} is stored as {}; read are F32, F16, BF16, F64, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K",
                quoted(&entry.name),
                entry.dtype.name()
            ),
            "use the model's f16 or Q8_0 file, or make one of this with `llama-quantize --allow-requantize IN OUT Q8_0`",
        ));
    }
    Ok(Model::whole(shape::config(architecture, path, metadata, tensors)?))
}
