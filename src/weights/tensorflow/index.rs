//! What the index of a checkpoint says of its variables (`tensor_bundle.proto`), held against itself.

use crate::weights::dtype::Dtype;
use crate::weights::tensorflow::proto::{self, Field};
use crate::weights::tensorflow::table;
use crate::weights::tensors::numel;
use crate::weights::words::{quoted, short};

/// Data files of one checkpoint. OpenAI's have one.
const MOST_SHARDS: u64 = 64;

/// What an entry of the index says.
#[derive(Debug)]
pub(super) struct Variable {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub shard: u64,
    pub offset: u64,
    pub len: u64,
}

/// The number of data files, and what is in them; the words of an error follow "FILE: ".
pub(super) fn variables(index: &[u8]) -> Result<(u64, Vec<Variable>), String> {
    let entries = table::entries(index)?;
    let mut entries = entries.iter();
    let shards = match entries.next() {
        Some((key, value)) if key.is_empty() => header(value)?,
        _ => {
            return Err(
                "it has no entry for the checkpoint itself: not a TensorFlow checkpoint's index".into()
            );
        }
    };
    let variables = entries.map(|(key, value)| {
        let name = std::str::from_utf8(key).map_err(|_| "a variable's name is not text".to_string())?;
        variable(name, value, shards).map_err(|problem| format!("variable {}: {problem}", quoted(name)))
    });
    Ok((shards, variables.collect::<Result<_, _>>()?))
}

/// `BundleHeaderProto`: the number of data files.
fn header(message: &[u8]) -> Result<u64, String> {
    // Fields that are left out are zeros.
    let (mut shards, mut endianness, mut version) = (0, 0, &[][..]);
    for field in proto::fields(message)? {
        match field {
            (1, Field::Varint(n)) => shards = n,
            (2, Field::Varint(n)) => endianness = n,
            (3, Field::Bytes(bytes)) => version = bytes,
            _ => {}
        }
    }
    if endianness != 0 {
        return Err(
            "its numbers are big-endian, from a computer that is no PC; little-endian ones are read".into()
        );
    }
    if let Some(newer) =
        proto::fields(version)?.iter().find(|(n, field)| *n == 2 && !matches!(field, Field::Varint(0 | 1)))
    {
        return Err(format!("made by a TensorFlow that asks for a newer reader ({:?})", newer.1));
    }
    if !(1..=MOST_SHARDS).contains(&shards) {
        return Err(format!(
            "it speaks of {shards} data files; GPT-2 has one, and up to {MOST_SHARDS} are read"
        ));
    }
    Ok(shards)
}

/// `BundleEntryProto`.
fn variable(name: &str, message: &[u8], shards: u64) -> Result<Variable, String> {
    let (mut kind, mut shape, mut shard, mut offset, mut len) = (0, Vec::new(), 0, 0, 0);
    for field in proto::fields(message)? {
        match field {
            (1, Field::Varint(n)) => kind = n,
            (2, Field::Bytes(bytes)) => shape = extents(bytes)?,
            (3, Field::Varint(n)) => shard = n,
            (4, Field::Varint(n)) => offset = n,
            (5, Field::Varint(n)) => len = n,
            (7, _) => {
                return Err("it is stored in slices (a partitioned variable), which are not read".into());
            }
            _ => {}
        }
    }
    let dtype = match kind {
        1 => Dtype::F32,
        2 => Dtype::F64,
        14 => Dtype::BF16,
        19 => Dtype::F16,
        3 => Dtype::Other("I32".into()),
        9 => Dtype::Other("I64".into()),
        other => Dtype::Other(format!("TensorFlow's type {other}").into()),
    };
    if shard >= shards {
        return Err(format!("it would be in data file {shard}, and there are {shards}, from 0"));
    }
    let elements =
        numel(&shape).ok_or_else(|| format!("its shape {:?} is none", &shape[..shape.len().min(8)]))?;
    if dtype.block().is_some() && dtype.bytes(elements as u64) != Some(len) {
        let shape = short(&format!("{:?}", &shape[..shape.len().min(16)]));
        return Err(format!("it has {len} bytes, which is not what {} of shape {shape} takes", dtype.name()));
    }
    Ok(Variable { name: name.to_string(), dtype, shape, shard, offset, len })
}

/// `TensorShapeProto`: a message for each extent, its size in it (left out where it is 0).
fn extents(message: &[u8]) -> Result<Vec<usize>, String> {
    let mut shape = Vec::new();
    for field in proto::fields(message)? {
        match field {
            (2, Field::Bytes(extent)) => {
                let sizes = proto::fields(extent)?;
                let size = sizes.iter().find_map(|field| match field {
                    (1, Field::Varint(n)) => Some(*n),
                    _ => None,
                });
                let size = i64::try_from(size.unwrap_or(0)).ok().and_then(|n| usize::try_from(n).ok());
                shape.push(size.ok_or("an extent of its shape is negative")?);
            }
            (3, Field::Varint(1)) => return Err("its shape is unknown".into()),
            _ => {}
        }
    }
    Ok(shape)
}
