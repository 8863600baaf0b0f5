//! A model's file being written: new, private, whole on the disk or not there at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::base::disk::{self, PIECE};
use crate::base::{Error, Result};
use crate::weights::dtype::Dtype;
use crate::weights::words::quoted;

/// A new file, written from its beginning to its end. Dropped before [`Output::finish`], it takes the unfinished file with it.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    /// Taken when the file is finished.
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Output {
    /// Creates the file (mode 0600 on Unix).
    ///
    /// # Errors
    /// There is a file of that name already (nothing is ever overwritten), or it cannot be written.
    pub fn create(path: &Path) -> Result<Output> {
        let file = disk::create_new(path).map_err(Error::io("create", path))?;
        let file = Some(BufWriter::with_capacity(PIECE, file));
        Ok(Output { path: path.to_path_buf(), file, written: 0 })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes so far: where the next one will stand.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// The file cannot be written (a full disk, say).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        let file = self.file.as_mut().expect("open until finished");
        file.write_all(bytes).map_err(Error::io("write", &self.path))
    }

    /// Waits until the file is on the disk, and returns its length.
    ///
    /// # Errors
    /// The file cannot be written; it is removed then.
    pub fn finish(mut self) -> Result<u64> {
        let file = self.file.as_mut().expect("open until finished");
        file.flush()
            .and_then(|()| disk::synced(file.get_ref(), &self.path))
            .map_err(Error::io("write", &self.path))?;
        self.file = None;
        Ok(self.written)
    }
}

/// As a library writes it.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.as_mut().expect("open until finished").write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().expect("open until finished").flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // Without the last flush: what could not be written will not be, and a removed file needs no bytes.
            drop(file.into_parts());
            let _ = disk::remove(&self.path);
        }
    }
}

/// Adds a tensor's numbers to `bytes` as they will be stored.
///
/// # Errors
/// One that cannot be stored so, with the tensor's name and the model's place.
pub(super) fn encode(
    dtype: &Dtype,
    data: &[f32],
    bytes: &mut Vec<u8>,
    model: &Path,
    name: &str,
) -> Result<()> {
    dtype.encode(data, bytes).map_err(|told| {
        let next = "use --dtype bf16 or f32, which hold such numbers";
        Error::file(model, format!("tensor {} {told}", quoted(name)), next)
    })
}
