//! Writes a file of PyTorch's: a pickle of protocol 2, and the zip around it as torch writes it. Streamed: a storage's bytes
//! go straight to the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::base::{Error, Result};
use crate::weights::dtype::Dtype;
use crate::weights::output::Output;

/// A pickle being written. Values are written in the order of their places; a container is between its `begin` and `end`.
#[derive(Debug)]
pub(in crate::weights) struct Pickler(Vec<u8>);

impl Pickler {
    pub fn new() -> Pickler {
        Pickler(vec![0x80, 2])
    }

    pub fn bool(&mut self, value: bool) {
        self.0.push(if value { 0x88 } else { 0x89 });
    }

    pub fn none(&mut self) {
        self.0.push(b'N');
    }

    pub fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(small) => {
                self.0.push(b'J');
                self.0.extend(small.to_le_bytes());
            }
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend(value.to_le_bytes());
            }
        }
    }

    pub fn float(&mut self, value: f64) {
        self.0.push(b'G');
        self.0.extend(value.to_be_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn name(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    /// A dict: a text and a value by turns up to [`Pickler::end_dict`].
    pub fn begin_dict(&mut self) {
        self.0.extend(b"}(");
    }

    pub fn begin_ordered_dict(&mut self) {
        self.name("collections", "OrderedDict");
        self.0.extend(b")R(");
    }

    pub fn end_dict(&mut self) {
        self.0.push(b'u');
    }

    pub fn begin_list(&mut self) {
        self.0.extend(b"](");
    }

    pub fn end_list(&mut self) {
        self.0.push(b'e');
    }

    pub fn begin_tuple(&mut self) {
        self.0.push(b'(');
    }

    pub fn end_tuple(&mut self) {
        self.0.push(b't');
    }

    /// A tensor that is all of storage `key`, row by row. Two tensors of one key are one in PyTorch too.
    pub fn tensor(&mut self, key: usize, dtype: &Dtype, shape: &[usize]) {
        self.name("torch._utils", "_rebuild_tensor_v2");
        self.begin_tuple();
        // The persistent id of the storage.
        self.begin_tuple();
        self.text("storage");
        self.name("torch", storage(dtype));
        self.text(&key.to_string());
        self.text("cpu");
        self.int(shape.iter().product::<usize>() as i64);
        self.end_tuple();
        self.0.push(b'Q');
        self.int(0);
        self.ints(shape.iter().copied());
        self.ints((0..shape.len()).map(|i| shape[i + 1..].iter().product()));
        self.bool(false);
        self.begin_ordered_dict();
        self.end_dict();
        self.end_tuple();
        self.0.push(b'R');
    }

    fn ints(&mut self, values: impl Iterator<Item = usize>) {
        self.begin_tuple();
        values.for_each(|n| self.int(n as i64));
        self.end_tuple();
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }
}

/// torch's class of storages.
fn storage(dtype: &Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "FloatStorage",
        Dtype::F16 => "HalfStorage",
        Dtype::BF16 => "BFloat16Storage",
        Dtype::F64 => "DoubleStorage",
        other => unreachable!("{} is none of torch's floats", other.name()),
    }
}

/// The folder in the zip: any name does.
const FOLDER: &str = "archive";
/// Where data begins, as torch aligns it: such a file can be mapped into memory.
const ALIGNMENT: u16 = 64;

/// A file of PyTorch's being written, its members stored as they are. Dropped before [`TorchWriter::finish`], it takes the
/// unfinished file with it.
pub(in crate::weights) struct TorchWriter {
    path: PathBuf,
    zip: ZipWriter<StreamWriter<Output>>,
    /// Bytes of the last member that are still to come.
    missing: u64,
}

impl TorchWriter {
    /// Creates the file (mode 0600 on Unix) with its pickle.
    ///
    /// # Errors
    /// There is a file of that name already (nothing is ever overwritten), or it cannot be written.
    pub fn create(path: &Path, pickle: &[u8]) -> Result<TorchWriter> {
        let zip = ZipWriter::new_stream(Output::create(path)?);
        let mut writer = TorchWriter { path: path.to_path_buf(), zip, missing: 0 };
        for (name, bytes) in [("data.pkl", pickle), ("byteorder", b"little"), (".format_version", b"1")] {
            writer.member(name, bytes)?;
        }
        Ok(writer)
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes)
    }

    /// Begins storage `key`, of so many bytes; [`TorchWriter::write`] them.
    ///
    /// # Errors
    /// The file cannot be written.
    ///
    /// # Panics
    /// If bytes of the one before are missing.
    pub fn storage(&mut self, key: usize, len: u64) -> Result<()> {
        self.begin(&format!("data/{key}"), len)
    }

    fn begin(&mut self, name: &str, len: u64) -> Result<()> {
        assert_eq!(self.missing, 0, "every announced byte was written before {name}");
        // The first day that zips know: a file says nothing of when it was made.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(len >= u64::from(u32::MAX))
            .with_alignment(ALIGNMENT);
        let begun = self.zip.start_file(format!("{FOLDER}/{name}"), options);
        begun.map_err(|e| Error::io("write", &self.path)(e.into()))?;
        self.missing = len;
        Ok(())
    }

    /// Writes the next bytes of a storage.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    ///
    /// # Panics
    /// If more come than were announced.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let missing = self.missing.checked_sub(bytes.len() as u64);
        self.missing =
            missing.unwrap_or_else(|| panic!("{} bytes, and {} are announced", bytes.len(), self.missing));
        self.zip.write_all(bytes).map_err(Error::io("write", &self.path))
    }

    /// Writes the zip's end and waits until the file is on the disk; returns its length.
    ///
    /// # Errors
    /// The file cannot be written; it is removed then.
    ///
    /// # Panics
    /// If bytes of the last storage are missing.
    pub fn finish(mut self) -> Result<u64> {
        self.member("version", b"3\n")?;
        let out = self.zip.finish().map_err(|e| Error::io("write", &self.path)(e.into()))?;
        out.into_inner().finish()
    }
}
