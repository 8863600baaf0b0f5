//! PyTorch's files before 1.6, the hub's oldest `pytorch_model.bin` among them: five pickles one after another (a magic
//! number, a version, what the computer was, the object, the keys of the storages), then each storage's length in elements
//! and its bytes, in the order of the keys.

use std::collections::{HashMap, HashSet};
use std::fs::File;

use crate::base::disk;
use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::kind::Kind;
use crate::weights::pickle::machine;
use crate::weights::pickle::torch_zip::MOST_PICKLE;
use crate::weights::pickle::value::{Heap, Pickle, Value, bytes};
use crate::weights::pickle::views::{Place, missing};
use crate::weights::words::quoted;

/// The first pickle's number, 0x1950a86a20f9469cfc6c, as its bytes stand.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const VERSION: i64 = 1001;
/// Bytes read at first; pickles of whole optimizers are longer.
const FIRST: u64 = 256 << 10;

/// Whether a file that begins so is one of those.
pub(super) fn is(head: &[u8]) -> bool {
    // A protocol, a frame perhaps, a long of ten bytes.
    let rest = match head {
        [0x80, 4 | 5, 0x95, rest @ ..] => rest.get(8..).unwrap_or_default(),
        [0x80, _, rest @ ..] => rest,
        _ => return false,
    };
    rest.strip_prefix(&[0x8a, 10]).is_some_and(|rest| rest.starts_with(&MAGIC))
}

/// Reads the pickles and finds every storage; `length` is the file's.
pub(super) fn read(file: &File, length: u64) -> Result<(Pickle, Vec<Place>), Fault> {
    let mut most = FIRST;
    let (pickle, keys, end) = loop {
        let mut head = vec![0; most.min(length) as usize];
        disk::read_at(file, &mut head, 0).map_err(Fault::Io)?;
        match pickles(&head) {
            Err(Fault::Short) if most >= length => {
                return Err(Fault::Damaged(
                    "its pickles end in the middle: it is cut short or damaged".into(),
                ));
            }
            Err(Fault::Short) if most >= MOST_PICKLE => {
                return Err(Fault::Refused(
                    format!(
                        "its pickles are longer than {MOST_PICKLE} bytes, or damaged: no checkpoint's are"
                    ),
                    RESAVE,
                ));
            }
            Err(Fault::Short) => most *= 4,
            other => break other?,
        }
    };
    let found = storages(file, length, &pickle, &keys, end as u64)?;
    let place = |storage: &crate::weights::pickle::value::Storage| {
        let key = pickle.str(storage.key);
        found.get(key).copied().ok_or_else(|| missing(key))
    };
    let places = pickle.heap.storages.iter().map(place).collect::<Result<_, _>>()?;
    Ok((pickle, places))
}

/// The object, the storages' keys, and where the pickles end.
fn pickles(head: &[u8]) -> Result<(Pickle, Vec<String>, usize), Fault> {
    let mut at = 0;
    let mut next = || {
        let (root, heap, used) = machine::read(&head[at..])?;
        let bytes = &head[at..at + used];
        at += used;
        Ok::<_, Fault>((root, heap, bytes))
    };
    let magic = next()?;
    if !matches!(magic.0, Value::Wide(span) if bytes(magic.2, span) == MAGIC) {
        return Err(Fault::Damaged("its first pickle is not PyTorch's magic number".into()));
    }
    let version = next()?.0;
    if version != Value::Int(VERSION) {
        return Err(Fault::Damaged(format!("of a version that is not PyTorch's {VERSION}")));
    }
    let computer = owned(next()?);
    if computer.get(computer.root(), "little_endian") == Some(Value::Bool(false)) {
        return Err(Fault::Refused("written on a big-endian computer".into(), RESAVE));
    }
    let pickle = owned(next()?);
    let listed = owned(next()?);
    let keys = listed.elements(listed.root()).unwrap_or_default().iter();
    let keys: Option<Vec<String>> = keys.map(|key| Some(listed.text(*key)?.to_string())).collect();
    let keys = keys.ok_or_else(|| Fault::Damaged("its list of storages holds something else".into()))?;
    Ok((pickle, keys, at))
}

fn owned((root, heap, bytes): (Value, Heap, &[u8])) -> Pickle {
    Pickle { bytes: bytes.to_vec(), heap, root }
}

/// Walks over the storages: each begins where the one before it ends.
fn storages(
    file: &File,
    length: u64,
    pickle: &Pickle,
    keys: &[String],
    mut at: u64,
) -> Result<HashMap<String, Place>, Fault> {
    let mut claims: HashMap<&str, (Kind, u64)> = HashMap::new();
    for storage in &pickle.heap.storages {
        let (key, claim) = (pickle.str(storage.key), (storage.kind, storage.numel));
        if *claims.entry(key).or_insert(claim) != claim {
            return Err(Fault::Damaged(format!("speaks of storage {} in two ways", quoted(key))));
        }
    }
    let mut seen = HashSet::new();
    let mut found = HashMap::new();
    for key in keys {
        let short = || Fault::Damaged(format!("ends within its storage {}: it is cut short", quoted(key)));
        let Some((kind, numel)) = claims.get(key.as_str()).filter(|_| seen.insert(key)) else {
            return Err(Fault::Damaged(format!("lists storage {} twice, or without a use", quoted(key))));
        };
        let offset = at.checked_add(8).filter(|end| *end <= length).ok_or_else(short)?;
        let mut count = [0; 8];
        disk::read_at(file, &mut count, at).map_err(Fault::Io)?;
        if u64::from_le_bytes(count) != *numel {
            return Err(Fault::Damaged(format!(
                "its storage {} has {} elements, and {numel} in the pickle",
                quoted(key),
                u64::from_le_bytes(count)
            )));
        }
        let len = numel.checked_mul(kind.size).ok_or_else(short)?;
        at = offset.checked_add(len).filter(|end| *end <= length).ok_or_else(short)?;
        found.insert(key.clone(), Place { offset, len });
    }
    Ok(found)
}
