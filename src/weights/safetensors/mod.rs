//! `.safetensors`: the header read and held against the file, and the file written, its hash with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::base::disk;
use crate::base::{Error, Result};
use crate::weights::dtype::Dtype;
use crate::weights::output::Output;
use crate::weights::tensors::Tensors;
use header::{Header, MAX_HEADER, parse};

pub(super) mod header;

/// Opens a file and checks its header. Memory: the header's, at most 100 MB and at most the file's own length.
///
/// # Errors
/// The file cannot be read, is too short, is a Git LFS pointer, or its header does not fit the file.
pub fn open(path: impl AsRef<Path>) -> Result<Tensors> {
    let path = path.as_ref();
    let (header, file) = read(path)?;
    Ok(Tensors::new(path, file, header.entries))
}

/// The header's `__metadata__`.
///
/// # Errors
/// As [`open`].
pub fn metadata(path: impl AsRef<Path>) -> Result<BTreeMap<String, String>> {
    Ok(read(path.as_ref())?.0.metadata)
}

fn read(path: &Path) -> Result<(Header, File)> {
    let damaged = |problem: String| Error::file(path, problem, "download or copy the file again");
    let mut file = disk::open_file(path)?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if length < 8 {
        return Err(damaged(format!(
            "only {length} bytes long; a safetensors file begins with 8 bytes of header length"
        )));
    }
    let mut head = [0; 8];
    file.read_exact(&mut head).map_err(Error::io("read", path))?;
    if &head == b"version " {
        return Err(Error::file(
            path,
            "a Git LFS pointer, not the weights themselves",
            "run `git lfs pull` in that folder, or download the file itself",
        ));
    }
    let n = u64::from_le_bytes(head);
    if n > length - 8 || n > MAX_HEADER {
        return Err(damaged(format!(
            "its first 8 bytes announce a header of {n} bytes, but {} follow (and the format allows {MAX_HEADER}): cut short, damaged, or not a safetensors file",
            length - 8
        )));
    }
    let mut json = vec![0; n as usize];
    file.read_exact(&mut json).map_err(Error::io("read", path))?;
    Ok((parse(&json, 8 + n, length).map_err(damaged)?, file))
}

/// A file of tensors being written: the header first, then the tensors' elements in the order they were listed.
/// Dropped before [`Writer::finish`], it takes the unfinished file with it.
#[derive(Debug)]
pub struct Writer {
    out: Output,
    hash: Sha256,
    dtype: Dtype,
    /// Elements still to come.
    missing: u64,
}

impl Writer {
    /// Creates the file (mode 0600 on Unix) and writes its header, all tensors of it as `dtype`; `metadata` is left out where
    /// it is empty.
    ///
    /// # Errors
    /// There is a file of that name already (nothing is ever overwritten), or it cannot be written.
    ///
    /// # Panics
    /// If two tensors have one name, or the dtype is none of safetensors' floats.
    pub fn create(
        path: impl AsRef<Path>,
        tensors: &[(String, Vec<usize>)],
        dtype: Dtype,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Writer> {
        let (header, missing) = header(tensors, &dtype, metadata);
        let mut out = Output::create(path.as_ref())?;
        out.write(&header)?;
        let hash = Sha256::new_with_prefix(&header);
        Ok(Writer { out, hash, dtype, missing })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.out.path()
    }

    /// Writes the next elements of a file of f32: rows in order, in as many calls as suits, a call never wider than the file.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    ///
    /// # Panics
    /// If more elements come than the header announced, or they are stored as something else.
    pub fn write_f32(&mut self, data: &[f32]) -> Result<()> {
        assert_eq!(self.dtype, Dtype::F32, "f32 goes into a file of f32");
        if cfg!(target_endian = "little") {
            return self.write_stored(bytemuck::cast_slice(data));
        }
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.write_stored(&bytes)
    }

    /// Writes the next elements as they are stored.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    ///
    /// # Panics
    /// If more elements come than the header announced.
    pub(super) fn write_stored(&mut self, bytes: &[u8]) -> Result<()> {
        let (_, size) = self.dtype.block().expect("one of safetensors' floats");
        let n = (bytes.len() / size) as u64;
        assert!(n <= self.missing, "{n} elements come, {} are announced", self.missing);
        self.missing -= n;
        self.hash.update(bytes);
        self.out.write(bytes)
    }

    /// Waits until the file is on the disk, and returns the SHA-256 of its bytes, in hex.
    ///
    /// # Errors
    /// The file cannot be written; it is removed then.
    ///
    /// # Panics
    /// If fewer elements came than the header announced.
    pub fn finish(self) -> Result<String> {
        assert_eq!(self.missing, 0, "every announced element was written");
        self.out.finish()?;
        Ok(disk::hex(&self.hash.finalize()))
    }
}

/// The header's bytes, padded with spaces to a multiple of eight as the format asks, and the number of elements.
fn header(
    tensors: &[(String, Vec<usize>)],
    dtype: &Dtype,
    metadata: &BTreeMap<String, String>,
) -> (Vec<u8>, u64) {
    let mut map = serde_json::Map::new();
    if !metadata.is_empty() {
        map.insert("__metadata__".into(), serde_json::json!(metadata));
    }
    let at = |elements| dtype.bytes(elements).expect("one of safetensors' floats");
    let mut total = 0;
    for (name, shape) in tensors {
        let begin = at(total);
        total += shape.iter().map(|&d| d as u64).product::<u64>();
        let info =
            serde_json::json!({ "dtype": dtype.name(), "shape": shape, "data_offsets": [begin, at(total)] });
        assert!(map.insert(name.clone(), info).is_none(), "one tensor a name: {name}");
    }
    let mut json = serde_json::Value::Object(map).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    (header, total)
}

#[cfg(test)]
mod tests;
