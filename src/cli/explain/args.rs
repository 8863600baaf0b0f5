//! What `explain` is asked for.

use crate::base::arch::{Precision, Recompute};
use crate::base::{Config, Error, Freeze, Lora, Optimizer, Preset, Result};
use crate::device::{Choices, Class, Element, Limits};
use crate::model::{POSITIONS, Shape};
use crate::tokens::{self, Tokenizer};
use crate::train::options::{optimizers, precisions, presets, recomputes, rests, tokenizers};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub struct Args {
    /// The model's shape [default: gpt2; of --fits every one]
    #[arg(long, value_parser = presets())]
    pub(super) preset: Option<Preset>,
    /// Sequences that are computed together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(super) batch: u32,
    /// Tokens of a sequence [default: all that the model knows, 2,048 at most; of --fits 256, 512, 1024 and 2048, or 512 of every preset]
    #[arg(long, alias = "block-size")]
    pub(super) context: Option<usize>,
    /// The device's largest binding: a number of bytes, or 64KiB, 128MiB, 2GiB
    #[arg(long, default_value = "128MiB", value_name = "BYTES", value_parser = binding)]
    pub(super) limits: u64,
    /// Whose vocabulary [default: the model's own; bytes for tiny and small]
    #[arg(long, value_parser = tokenizers())]
    pub(super) tokenizer: Option<tokens::Kind>,
    /// Record the step with dropout
    #[arg(long)]
    pub(super) dropout: bool,
    /// What does not train: embeddings, first=N blocks, or both with a comma between
    #[arg(long, value_name = "PARTS", default_value_t, hide_default_value = true)]
    pub(super) freeze: Freeze,
    /// Train an adapter beside the model: r=16,alpha=32,dropout=0.05,targets=all-linear, or some of them
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["freeze", "dropout"])]
    pub(super) lora: Option<Lora>,
    /// What the model rests in beside the adapter
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = Element::F32.name(), value_parser = rests(), requires = "lora")]
    pub(super) weights: Element,
    /// What backward computes a second time instead of keeping it: none, gelu and the normalisations, or the whole block
    #[arg(long, value_name = "none|gelu|block", num_args = 0..=1, default_value = Recompute::Gelu.name(), default_missing_value = "block", value_parser = recomputes())]
    pub(super) recompute: Recompute,
    /// What the step computes with: f32, or mixed: weights and activations in half precision
    #[arg(long, value_name = "f32|mixed", default_value = Precision::F32.name(), value_parser = precisions())]
    pub(super) precision: Precision,
    /// What moves the weights: AdamW all of them, or Muon the matrices of the blocks and AdamW the rest
    #[arg(long, default_value = Optimizer::Adamw.name(), value_parser = optimizers())]
    pub(super) optimizer: Optimizer,
    /// The kernels for real GPUs (tiles), or for software adapters and the CPU (lanes)
    #[arg(long, default_value = "tiles", value_parser = ["lanes", "tiles"])]
    pub(super) kernels: String,
    /// List every layer, also where it is as the one before
    #[arg(long)]
    pub(super) all: bool,
    /// Print this kernel's whole WGSL instead, as it is built for this model
    #[arg(long, value_name = "NAME")]
    pub(super) kernel: Option<String>,
    /// Print instead what can be trained in the memory that is free: whole or with an adapter, resting in what, at which context
    #[arg(long, conflicts_with_all = ["freeze", "dropout", "weights", "all", "kernel"])]
    pub(super) fits: bool,
    /// The memory of another computer: a number of bytes, or 8GB, 16GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "fits")]
    pub(super) memory: Option<u64>,
    /// One line of JSON, with every dispatch
    #[arg(long)]
    pub(super) json: bool,
}

/// A binding that a device could have.
fn binding(text: &str) -> std::result::Result<u64, String> {
    let least = 64 << 10;
    match bytes(text)? {
        small if small < least => Err(format!("{text} is less than any device binds: use 64KiB or more")),
        size => Ok(size),
    }
}

/// `128MiB` in bytes.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("{text} is no size: use bytes, or a number with KiB, MiB or GiB")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text} does not start with a whole number"))?;
    number.checked_mul(factor).ok_or_else(|| format!("{text} is more than any device has"))
}

impl Args {
    /// The shape of a preset, with its own vocabulary unless another is asked for.
    pub(super) fn config(&self, preset: Preset) -> Config {
        let own = preset.vocab_size().filter(|_| self.tokenizer.is_none());
        let size = || Tokenizer::new(self.tokenizer.unwrap_or(tokens::Kind::Bytes)).vocab_size();
        preset.config(own.unwrap_or_else(size))
    }

    /// What a device may be relied on for, and the kernels it runs.
    pub(super) fn device(&self) -> (Limits, Choices) {
        let limits = Limits { max_binding: self.limits, ..Limits::DEFAULT };
        let class = if self.kernels == Class::Lanes.name() { Class::Lanes } else { Class::Tiles };
        (limits, Choices::of(class, &limits))
    }

    pub(super) fn shape(&self, preset: Preset) -> Result<Shape> {
        let config = self.config(preset);
        let t = self.context.unwrap_or(config.block_size().min(POSITIONS));
        self.check_context(preset, &config)?;
        config.check_freeze(self.freeze)?;
        if self.dropout && !config.has_dropout() {
            return Err(Error::usage(
                format!("--dropout, and {} has none", preset.name()),
                "leave it out; an adapter has its own: --lora dropout=0.05",
            ));
        }
        if let Some(lora) = &self.lora {
            lora.check(&config)?;
        }
        let (limits, choices) = self.device();
        Ok(Shape {
            dropout: self.lora.as_ref().map_or(self.dropout, |lora| lora.dropout > 0.0),
            freeze: self.freeze,
            lora: self.lora.clone(),
            weights: self.weights,
            recompute: self.recompute,
            precision: self.precision,
            optimizer: self.optimizer,
            ..Shape::new(config, self.batch as usize, t, limits, choices)
        })
    }

    pub(super) fn check_context(&self, preset: Preset, config: &Config) -> Result<()> {
        match self.context {
            Some(t) if !(1..=config.block_size()).contains(&t) => Err(Error::setting(
                format!("--context {t}: {} knows {} positions", preset.name(), config.block_size()),
                format!("use 1 to {}", config.block_size()),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(bytes("128MiB"), Ok(128 << 20));
        assert_eq!(bytes("64 kib"), Ok(65_536));
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("2GB"), Ok(2_000_000_000));
        for bad in ["", "MiB", "-1", "1.5GiB", "12 parsecs", "99999999999GiB", "99999999999999999999"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
