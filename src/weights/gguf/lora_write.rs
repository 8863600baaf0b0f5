//! A LoRA adapter written as GGUF: `lora.rs` says what stands in it.

use std::path::Path;

use crate::base::{Config, Result};
use crate::weights::Dtype;
use crate::weights::gguf::header::ALIGNMENT;
use crate::weights::gguf::paired::{Way, heads, paired};
use crate::weights::gguf::write::{Meta, Place, QUANTIZATION_VERSION, head, pad};
use crate::weights::gguf::{names, types};
use crate::weights::output::{Output, encode};
use crate::weights::peft::stacked::Stacked;

/// Writes adapters, as one, to a new file (mode 0600 on Unix); its numbers as `dtype`. Returns its bytes.
///
/// # Errors
/// There is a file of that name (nothing is overwritten); the adapters cannot be read, or the file not be written; a number
/// that the dtype cannot hold.
pub fn write_lora(
    adapters: &mut Stacked,
    config: &Config,
    dtype: &Dtype,
    name: &str,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<u64> {
    let mut meta = Meta::default();
    meta.text("general.architecture", names::architecture(config));
    meta.text("general.type", "adapter");
    meta.text("general.name", name);
    meta.u32("general.file_type", types::file_number(dtype));
    meta.u32("general.quantization_version", QUANTIZATION_VERSION);
    meta.text("adapter.type", "lora");
    meta.f32("adapter.lora.alpha", adapters.lora.alpha);
    let table = adapters.lora.table(config);
    let mut places = Vec::with_capacity(table.len());
    let mut end = 0_u64;
    for param in &table {
        let offset = end.next_multiple_of(ALIGNMENT);
        end = offset + dtype.bytes(param.numel() as u64).expect("floats are no blocks");
        let (module, side) = param.name.rsplit_once(".lora_").expect("LoRA's names");
        let side = if side.starts_with('A') { "lora_a" } else { "lora_b" };
        let name = format!("{}.{side}", names::from_key(config, &format!("{module}.weight")));
        places.push(Place { name, shape: param.shape.clone(), dtype: dtype.clone(), offset });
    }
    let mut out = Output::create(path)?;
    out.write(&head(meta, &places))?;
    pad(&mut out)?;
    let mut encoded = Vec::new();
    for (i, param) in table.iter().enumerate() {
        let mut data = adapters.read(&param.name)?;
        if let Some(heads) = param.name.strip_suffix(".lora_B.weight").and_then(|m| heads(config, m)) {
            data = paired(&data, heads, adapters.lora.r, Way::There);
        }
        encoded.clear();
        encode(dtype, &data, &mut encoded, path, &param.name)?;
        out.write(&encoded)?;
        pad(&mut out)?;
        progress((i + 1) as f64 / table.len() as f64);
    }
    out.finish()
}
