//! Tensors of a pickle as tensors of a file: each view of a storage held against where the storage's bytes stand.

use std::collections::HashSet;

use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::value::{Pickle, Value, View};
use crate::weights::tensors::{Order, TensorEntry, numel};
use crate::weights::words::{quoted, short};

/// Where a storage's bytes stand in the file: all of them are inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Two places in one, if there are any.
pub(super) fn overlap(places: impl IntoIterator<Item = Place>) -> Option<u64> {
    let mut places: Vec<Place> = places.into_iter().filter(|place| place.len > 0).collect();
    places.sort_unstable();
    places.windows(2).find(|two| two[0].offset + two[0].len > two[1].offset).map(|two| two[1].offset)
}

/// The tensors of a dict under its keys; what else it holds is left out. `places` has one for each storage of the pickle.
pub(super) fn entries(pickle: &Pickle, dict: Value, places: &[Place]) -> Result<Vec<TensorEntry>, Fault> {
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    for (key, value) in pickle.items(dict).unwrap_or_default() {
        let (Some(name), Value::Tensor(at)) = (pickle.text(*key), value) else { continue };
        if !seen.insert(name) {
            return Err(Fault::Damaged(format!("holds tensor {} twice", quoted(name))));
        }
        entries.push(entry(name, &pickle.heap.tensors[*at as usize], places)?);
    }
    Ok(entries)
}

/// One tensor, its claims checked.
pub(super) fn entry(name: &str, view: &View, places: &[Place]) -> Result<TensorEntry, Fault> {
    let View { storage, kind, offset, shape, stride } = view;
    let place = places[*storage as usize];
    let outside = || {
        Fault::Damaged(format!(
            "tensor {} of shape {} reaches out of its storage of {} bytes",
            quoted(name),
            short(&format!("{shape:?}")),
            place.len
        ))
    };
    let n = numel(shape).ok_or_else(outside)? as u64;
    let order = match order(shape, stride) {
        _ if n == 0 => Order::Rows,
        Some(true) => Order::Columns,
        Some(false) => Order::Rows,
        None => {
            return Err(Fault::Refused(
                format!(
                    "tensor {} of shape {} has strides {}: its numbers do not stand in order",
                    quoted(name),
                    short(&format!("{shape:?}")),
                    short(&format!("{stride:?}"))
                ),
                "save it in order, in Python: tensor.contiguous(), and torch.save again",
            ));
        }
    };
    let begin = offset.checked_mul(kind.size).ok_or_else(outside)?;
    let len = n.checked_mul(kind.size).ok_or_else(outside)?;
    if begin.checked_add(len).is_none_or(|end| end > place.len) {
        return Err(outside());
    }
    Ok(TensorEntry {
        name: name.to_string(),
        dtype: kind.dtype(),
        shape: shape.clone(),
        order,
        file: 0,
        offset: place.offset + begin,
        len,
    })
}

/// Whether a tensor's elements stand column by column (of two extents), where they stand in an order at all. The stride of
/// an extent of one is never walked.
fn order(shape: &[usize], stride: &[u64]) -> Option<bool> {
    let in_order = |extents: &mut dyn Iterator<Item = (usize, u64)>| {
        let mut next = 1_u64;
        extents.filter(|(n, _)| *n != 1).all(|(n, stride)| {
            let fits = stride == next;
            next = next.saturating_mul(n as u64);
            fits
        })
    };
    let pairs: Vec<(usize, u64)> = shape.iter().copied().zip(stride.iter().copied()).collect();
    if in_order(&mut pairs.iter().rev().copied()) {
        return Some(false);
    }
    (pairs.len() == 2 && in_order(&mut pairs.iter().copied())).then_some(true)
}

/// What to do with a file that names a storage which it does not hold.
pub(super) fn missing(key: &str) -> Fault {
    Fault::Refused(format!("speaks of storage {}, which is not in it", quoted(key)), RESAVE)
}
