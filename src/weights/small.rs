//! The small text files beside weights, read only as far as they may be long.

use std::path::Path;

use serde_json::{Map, Value};

use crate::base::{Error, Result, disk};

/// What describes a model is a page of text; what is longer is something else.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// A file of at most [`MOST_BYTES`].
///
/// # Errors
/// It cannot be read, or is longer.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    disk::read_at_most(path, MOST_BYTES)?.ok_or_else(|| {
        Error::file(path, "longer than 1 MiB, which no such file is", "download or copy it again")
    })
}

/// A JSON object in such a file.
///
/// # Errors
/// As [`bytes`]; it is no JSON object.
pub(super) fn json(path: &Path) -> Result<Map<String, Value>> {
    serde_json::from_slice(&bytes(path)?)
        .map_err(|e| Error::file(path, format!("not a JSON object: {e}"), "download or copy it again"))
}
