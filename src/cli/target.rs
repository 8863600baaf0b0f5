//! The forms in which a model is written, and what numbers are stored as in each.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::weights::Dtype;

/// A form that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    HuggingFace,
    Gguf,
    LlmC,
    NanoGpt,
    GgufLora,
}

impl Target {
    const ALL: [Target; 5] =
        [Target::HuggingFace, Target::Gguf, Target::LlmC, Target::NanoGpt, Target::GgufLora];

    pub fn name(self) -> &'static str {
        match self {
            Target::HuggingFace => "hf",
            Target::Gguf => "gguf",
            Target::LlmC => "llmc",
            Target::NanoGpt => "nanogpt",
            Target::GgufLora => "gguf-lora",
        }
    }

    /// What may be stored in it, the usual one first.
    pub fn dtypes(self) -> &'static [Dtype] {
        match self {
            Target::HuggingFace | Target::NanoGpt => &[Dtype::F32, Dtype::F16, Dtype::BF16],
            Target::LlmC => &[Dtype::F32, Dtype::BF16],
            Target::GgufLora => &[Dtype::F32, Dtype::F16],
            Target::Gguf => &[Dtype::F16, Dtype::F32, Dtype::BF16, Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_1],
        }
    }

    /// By the ending of what is to be written.
    pub fn of(path: &Path) -> Result<Target> {
        match path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
            Some("gguf") => Ok(Target::Gguf),
            Some("pt") => Ok(Target::NanoGpt),
            Some("bin") => Ok(Target::LlmC),
            _ => Err(Error::usage(
                format!("{} does not say in which form", shown(path)),
                "give --to hf (a folder), gguf, llmc, nanogpt or gguf-lora, or a name that ends in .gguf, .bin (llm.c) or .pt (nanoGPT)",
            )),
        }
    }
}

/// The forms, as `--to` takes them.
pub(super) fn targets() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::name))
        .try_map(|name| Target::ALL.into_iter().find(|t| t.name() == name).ok_or("no form"))
}

/// What numbers are stored as, as `--dtype` takes it.
pub(super) fn dtypes() -> impl TypedValueParser<Value = Dtype> {
    const ALL: [(&str, Dtype); 6] = [
        ("f32", Dtype::F32),
        ("f16", Dtype::F16),
        ("bf16", Dtype::BF16),
        ("q8_0", Dtype::Q8_0),
        ("q4_0", Dtype::Q4_0),
        ("q4_1", Dtype::Q4_1),
    ];
    PossibleValuesParser::new(ALL.map(|(name, _)| name))
        .try_map(|name| ALL.into_iter().find(|(n, _)| *n == name).map(|(_, dtype)| dtype).ok_or("no dtype"))
}
