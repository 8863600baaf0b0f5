//! PyTorch's files (`torch.save`): `pytorch_model.bin`, nanoGPT's `ckpt.pt`. They are pickles, programs for a machine that
//! in Python can import and call anything. The machine here makes plain values and tensors, knows by name the dozen things
//! that plain weights are made of, and refuses every other: nothing of the file is ever executed.

use std::fs::File;
use std::path::Path;

use crate::base::{Error, Result, disk};
use crate::weights::pickle::value::Pickle;
use crate::weights::tensors::{TensorEntry, Tensors};
use fault::{Fault, RESAVE};
use value::Value;
use views::{Place, entries, entry};

mod call;
mod fault;
mod kind;
mod machine;
mod names;
mod torch_legacy;
mod torch_zip;
pub(super) mod value;
mod views;
pub(super) mod write;

/// Bytes of a file's beginning that tell what it is: tar's mark ends at 262.
const HEAD: u64 = 262;
/// Where trainers keep the weights among other things.
const WITHIN: [&str; 4] = ["state_dict", "model", "module", "model_state_dict"];
/// Tensors of one number that are read beside the weights, at most.
const MOST_NUMBERS: usize = 64;

/// Opens a file of PyTorch's: the tensors of its state dict (the object itself, or what it has as `state_dict`, `model`,
/// `module` or `model_state_dict`) under their keys, and the object, in which tensors of one number (a loss, say) are that
/// number. Memory: the pickle's, at most 64 MiB, and a small multiple of it.
///
/// # Errors
/// The file cannot be read, is damaged, or is a pickle of something else than plain values and tensors.
pub(super) fn open(path: &Path) -> Result<(Tensors, Pickle)> {
    let file = disk::open_file(path)?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    match read(&file, length) {
        Ok((entries, pickle)) => Ok((Tensors::new(path, file, entries), pickle)),
        Err(Fault::Io(e)) => Err(Error::io("read", path)(e)),
        Err(Fault::Short) => Err(Error::file(path, "cut short", "download or copy the file again")),
        Err(Fault::Damaged(problem)) => Err(Error::file(path, problem, "download or copy the file again")),
        Err(Fault::Refused(problem, next)) => Err(Error::file(path, problem, next)),
    }
}

fn read(file: &File, length: u64) -> std::result::Result<(Vec<TensorEntry>, Pickle), Fault> {
    let mut head = vec![0; length.min(HEAD) as usize];
    disk::read_at(file, &mut head, 0).map_err(Fault::Io)?;
    let (mut pickle, places) = match head.as_slice() {
        [b'P', b'K', 3, 4, ..] => torch_zip::read(file, length)?,
        head if torch_legacy::is(head) => torch_legacy::read(file, length)?,
        head => return Err(other(head)),
    };
    let root = pickle.root();
    let tensors_in = |value: Value| {
        pickle.items(value).is_some_and(|items| items.iter().any(|(_, v)| matches!(v, Value::Tensor(_))))
    };
    let within = WITHIN.iter().filter_map(|key| pickle.get(root, key)).find(|value| tensors_in(*value));
    let weights = within.unwrap_or(root);
    let found = entries(&pickle, weights, &places)?;
    if found.is_empty() {
        return Err(Fault::Refused("holds no tensors under names: no model's weights".into(), RESAVE));
    }
    if weights != root {
        numbers(file, &mut pickle, &places)?;
    }
    Ok((found, pickle))
}

/// Puts numbers in the place of the object's tensors of one number.
fn numbers(file: &File, pickle: &mut Pickle, places: &[Place]) -> std::result::Result<(), Fault> {
    let Value::Dict(root) = pickle.root else { return Ok(()) };
    let items = &mut pickle.heap.dicts[root as usize].items;
    let tensors = items.iter_mut().filter_map(|(_, value)| match *value {
        Value::Tensor(at) => Some((value, &pickle.heap.tensors[at as usize])),
        _ => None,
    });
    for (value, view) in tensors.filter(|(_, view)| view.shape.iter().all(|n| *n == 1)).take(MOST_NUMBERS) {
        let TensorEntry { dtype, offset, .. } = entry("a number", view, places)?;
        let Some((1, size)) = dtype.block() else { continue };
        let (mut stored, mut number) = (vec![0; size], [0.0]);
        disk::read_at(file, &mut stored, offset).map_err(Fault::Io)?;
        dtype.decode(&stored, &mut number);
        *value = Value::Float(number[0].into());
    }
    Ok(())
}

/// What else a file is.
fn other(head: &[u8]) -> Fault {
    if head.starts_with(b"version https://git-lfs") {
        return Fault::Refused(
            "a Git LFS pointer, not the weights themselves".into(),
            "run `git lfs pull` in that folder, or download the file itself",
        );
    }
    if head.get(257..262) == Some(b"ustar") {
        return Fault::Refused("a tar of PyTorch's, from before 0.1.10, or another tar".into(), RESAVE);
    }
    if let [0x80, 0..=5, ..] = head {
        return Fault::Refused(
            "a pickle of another program than torch.save: it holds no weights that can be read where they lie".into(),
            RESAVE,
        );
    }
    Fault::Refused(
        "neither a zip of PyTorch's nor a file of its older form".into(),
        "name a file that torch.save wrote; a damaged one has to be downloaded or copied again",
    )
}

#[cfg(test)]
mod tests;
