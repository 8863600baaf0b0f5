//! Reading and writing `.safetensors`, streamed: a tensor goes from the file straight into its destination, never
//! through a map or a copy of the file. Training a 124M model takes 2 GB for parameters, gradients and moments; there is
//! no room for a fifth copy.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use sha2::{Digest, Sha256};

use crate::base::disk::{self, PIECE};
use crate::base::{Error, Result};
pub use crate::weights::header::{Dtype, TensorEntry};
use crate::weights::header::{MAX_HEADER, parse, quoted};

/// An open file whose header was read and held against the file's length.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: File,
    entries: Vec<TensorEntry>,
    index: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
    /// Where other dtypes wait to be converted; empty until one is met.
    piece: Vec<u8>,
}

impl Reader {
    /// Opens a file and checks its header. Memory: the header's, at most 100 MB and at most the file's own length.
    ///
    /// # Errors
    /// The file cannot be read, is too short, is a Git LFS pointer, or its header does not fit the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
        let path = path.as_ref();
        let damaged = |problem: String| Error::file(path, problem, "download or copy the file again");
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let about = file.metadata().map_err(Error::io("read", path))?;
        if !about.is_file() {
            return Err(Error::file(path, "not a file", "name a folder that holds model.safetensors"));
        }
        let length = about.len();
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
        let header = parse(&json, 8 + n, length).map_err(damaged)?;
        let index = header.entries.iter().enumerate().map(|(i, e)| (e.name.clone(), i)).collect();
        Ok(Reader {
            path: path.to_path_buf(),
            file,
            entries: header.entries,
            index,
            metadata: header.metadata,
            piece: Vec::new(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every tensor, in the order of their bytes.
    pub fn entries(&self) -> &[TensorEntry] {
        &self.entries
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn entry(&self, name: &str) -> Result<&TensorEntry> {
        self.index.get(name).map(|&i| &self.entries[i]).ok_or_else(|| {
            Error::file(
                &self.path,
                format!("holds no tensor {}", quoted(name)),
                "check that this is the right file; a damaged one has to be downloaded or copied again",
            )
        })
    }

    /// The header's `__metadata__`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Reads a whole tensor into `out`, which is cleared first.
    ///
    /// # Errors
    /// As [`Reader::read_rows_f32`]; or the computer has not that much memory.
    pub fn read_f32(&mut self, name: &str, out: &mut Vec<f32>) -> Result<()> {
        let entry = self.entry(name)?;
        let (rows, numel) = (entry.rows(), entry.numel());
        out.clear();
        out.try_reserve_exact(numel).map_err(|_| {
            Error::file(
                &self.path,
                format!("no memory for the {numel} numbers of {}", quoted(name)),
                "use a smaller model, or a computer with more memory",
            )
        })?;
        out.resize(numel, 0.0);
        self.read_rows_f32(name, 0..rows, out)
    }

    /// Reads some rows of a tensor (elements, where it has one extent) into `sink`, as f32.
    ///
    /// # Errors
    /// No such tensor or rows, a dtype that is not a float, or a file that cannot be read to there.
    ///
    /// # Panics
    /// If `sink` is not as long as those rows.
    pub fn read_rows_f32(&mut self, name: &str, rows: Range<usize>, sink: &mut [f32]) -> Result<()> {
        let entry = self.entry(name)?;
        let (dtype, width, offset) = (entry.dtype, entry.row_len(), entry.offset);
        if rows.start > rows.end || rows.end > entry.rows() {
            return Err(Error::file(
                &self.path,
                format!("rows {rows:?} of {} were asked for; it has {}", quoted(name), entry.rows()),
                "check that config.json and the weights belong together",
            ));
        }
        assert_eq!(sink.len(), rows.len() * width, "the destination is as long as the rows");
        let size = match dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            Dtype::F64 => 8,
            Dtype::Other(found) => {
                return Err(Error::file(
                    &self.path,
                    format!(
                        "tensor {} is stored as {found:?}; weights must be F32, F16, BF16 or F64",
                        quoted(name)
                    ),
                    "use the checkpoint's unquantized float version",
                ));
            }
        };
        let at = offset + (rows.start * width * size) as u64;
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| match dtype {
            Dtype::F16 => self.convert(sink, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => self.convert(sink, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => self.convert(sink, |b| f64::from_le_bytes(b) as f32),
            _ => read_le(&mut self.file, sink),
        });
        read.map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::file(
                &self.path,
                format!("became shorter while {} was read", quoted(name)),
                "let whatever is writing the file finish, then try again",
            ),
            _ => Error::io("read", &self.path)(e),
        })
    }

    /// Reads elements of `N` bytes from the file's position on, a piece at a time.
    fn convert<const N: usize>(
        &mut self,
        sink: &mut [f32],
        element: impl Fn([u8; N]) -> f32,
    ) -> std::io::Result<()> {
        self.piece.resize(PIECE, 0);
        for part in sink.chunks_mut(PIECE / N) {
            let bytes = &mut self.piece[..part.len() * N];
            self.file.read_exact(bytes)?;
            for (x, b) in part.iter_mut().zip(bytes.chunks_exact(N)) {
                *x = element(b.try_into().expect("chunks of N bytes"));
            }
        }
        Ok(())
    }
}

/// Little-endian f32s straight into their place.
fn read_le(file: &mut File, sink: &mut [f32]) -> std::io::Result<()> {
    file.read_exact(bytemuck::cast_slice_mut(sink))?;
    if cfg!(target_endian = "big") {
        sink.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
    }
    Ok(())
}

/// A file of f32 tensors being written: the header first, then the tensors' elements in the order they were listed.
/// Dropped before [`Writer::finish`], it takes the unfinished file with it.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    /// Taken when the file is finished.
    file: Option<BufWriter<File>>,
    hash: Sha256,
    /// Elements still to come.
    missing: u64,
}

impl Writer {
    /// Creates the file (mode 0600 on Unix) and writes its header; `metadata` is left out where it is empty.
    ///
    /// # Errors
    /// There is a file of that name already (nothing is ever overwritten), or it cannot be written.
    ///
    /// # Panics
    /// If two tensors have one name.
    pub fn create(
        path: impl AsRef<Path>,
        tensors: &[(String, Vec<usize>)],
        metadata: &BTreeMap<String, String>,
    ) -> Result<Writer> {
        let path = path.as_ref();
        let (header, missing) = header(tensors, metadata);
        let file = disk::create_new(path).map_err(Error::io("create", path))?;
        let mut writer = Writer {
            path: path.to_path_buf(),
            file: Some(BufWriter::with_capacity(PIECE, file)),
            hash: Sha256::new(),
            missing,
        };
        writer.write(&header)?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the next elements: rows in order, in as many calls as suits, a call never wider than the file.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    ///
    /// # Panics
    /// If more elements come than the header announced.
    pub fn write_f32(&mut self, data: &[f32]) -> Result<()> {
        let n = data.len() as u64;
        assert!(n <= self.missing, "{n} elements come, {} are announced", self.missing);
        self.missing -= n;
        if cfg!(target_endian = "little") {
            return self.write(bytemuck::cast_slice(data));
        }
        data.iter().try_for_each(|x| self.write(&x.to_le_bytes()))
    }

    /// Waits until the file is on the disk, and returns the SHA-256 of its bytes, in hex.
    ///
    /// # Errors
    /// The file cannot be written; it is removed then.
    ///
    /// # Panics
    /// If fewer elements came than the header announced.
    pub fn finish(mut self) -> Result<String> {
        assert_eq!(self.missing, 0, "every announced element was written");
        let file = self.file.as_mut().expect("open until finished");
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(Error::io("write", &self.path))?;
        self.file = None;
        Ok(disk::hex(&std::mem::take(&mut self.hash).finalize()))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        let file = self.file.as_mut().expect("open until finished");
        file.write_all(bytes).map_err(Error::io("write", &self.path))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // Without the last flush: what could not be written will not be, and a removed file needs no bytes.
            drop(file.into_parts());
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The header's bytes, padded with spaces to a multiple of eight as the format asks, and the number of elements.
fn header(tensors: &[(String, Vec<usize>)], metadata: &BTreeMap<String, String>) -> (Vec<u8>, u64) {
    let mut map = serde_json::Map::new();
    if !metadata.is_empty() {
        map.insert("__metadata__".into(), serde_json::json!(metadata));
    }
    let mut total = 0;
    for (name, shape) in tensors {
        let begin = 4 * total;
        total += shape.iter().map(|&d| d as u64).product::<u64>();
        let info = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [begin, 4 * total] });
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
