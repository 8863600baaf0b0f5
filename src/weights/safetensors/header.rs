//! The header of a `.safetensors` file (<https://huggingface.co/docs/safetensors>): eight bytes of length, then JSON
//! that gives each tensor's dtype, shape and byte range, then the bytes. The `safetensors` crate knows the grammar of
//! one tensor and the dtypes' sizes; reading its whole-file checks would need the whole file in memory, so the checks of
//! ranges are here, and a header is believed only after all of them.

use std::collections::{BTreeMap, HashSet};

use ::safetensors::tensor::{Dtype as Stored, TensorInfo};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::weights::dtype::Dtype;
use crate::weights::tensors::{Order, TensorEntry, numel, overlap};
use crate::weights::words::{quoted, short};

/// The longest header the format allows, in bytes.
pub(in crate::weights) const MAX_HEADER: u64 = 100_000_000;

/// A header that passed every check.
#[derive(Debug)]
pub(super) struct Header {
    /// In the order of their bytes.
    pub entries: Vec<TensorEntry>,
    pub metadata: BTreeMap<String, String>,
}

/// Reads a header's JSON and holds it against the file: `start` is where tensor bytes begin, `length` the file's length.
/// Holes between tensors are allowed; a range outside the file, two tensors in one place, a length that is not the
/// shape's, or a name given twice is an error, in words that follow "FILE: ".
pub(super) fn parse(json: &[u8], start: u64, length: u64) -> Result<Header, String> {
    let raw: Raw = serde_json::from_slice(json)
        .map_err(|e| format!("its header is not that of a safetensors file ({})", short(&e.to_string())))?;
    let room = length.saturating_sub(start);
    let mut entries = Vec::with_capacity(raw.tensors.len());
    for (name, info) in raw.tensors {
        entries.push(entry(name, info, start, room)?);
    }
    let mut seen = HashSet::with_capacity(entries.len());
    if let Some(twice) = entries.iter().find(|e| !seen.insert(e.name.as_str())) {
        return Err(format!("tensor {} is listed twice", quoted(&twice.name)));
    }
    entries.sort_by_key(|e| (e.offset, e.len));
    if let Some([a, b]) = overlap(&entries) {
        return Err(format!("tensors {} and {} claim the same bytes", quoted(&a.name), quoted(&b.name)));
    }
    Ok(Header { entries, metadata: raw.metadata })
}

/// One tensor's claims, checked.
fn entry(name: String, info: TensorInfo, start: u64, room: u64) -> Result<TensorEntry, String> {
    let (begin, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
    if begin > end {
        return Err(format!("tensor {} ends (byte {end}) before it begins (byte {begin})", quoted(&name)));
    }
    if end > room {
        return Err(format!(
            "tensor {} ends at byte {end} of the data, but the file holds only {room} bytes of data: it is cut short or damaged",
            quoted(&name)
        ));
    }
    let bits = (info.shape.iter()).try_fold(info.dtype.bitsize() as u64, |n, &d| n.checked_mul(d as u64));
    if bits != Some(8 * (end - begin)) || numel(&info.shape).is_none() {
        return Err(format!(
            "tensor {} has {} bytes, which is not what {:?} of shape {} takes",
            quoted(&name),
            end - begin,
            info.dtype,
            short(&format!("{:?}", &info.shape[..info.shape.len().min(16)])),
        ));
    }
    let dtype = match info.dtype {
        Stored::F32 => Dtype::F32,
        Stored::F16 => Dtype::F16,
        Stored::BF16 => Dtype::BF16,
        Stored::F64 => Dtype::F64,
        other => Dtype::Other(format!("{other:?}").into()),
    };
    let (offset, len) = (start + begin, end - begin);
    Ok(TensorEntry { name, dtype, shape: info.shape, order: Order::Rows, file: 0, offset, len })
}

/// The JSON as it stands: pairs in order, so that a name given twice can be seen.
struct Raw {
    tensors: Vec<(String, TensorInfo)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Raw;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a map from tensor names to dtype, shape and data_offsets")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let (mut tensors, mut metadata) = (Vec::new(), None);
                while let Some(name) = map.next_key::<String>()? {
                    if name != "__metadata__" {
                        tensors.push((name, map.next_value()?));
                    } else if metadata.replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom("__metadata__ is given twice"));
                    }
                }
                Ok(Raw { tensors, metadata: metadata.unwrap_or_default() })
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
