//! The spool: entries' texts on their way from the reader to the tokenizer, in memory while they are few, else in a file
//! without a name that goes with this process.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use tempfile::SpooledTempFile;

/// Spooled texts longer than this in all lie in a file.
const MOST_IN_MEMORY: usize = 64 << 20;

/// Where files without a name are made: on Linux `/tmp` may be memory, so the cache comes first.
pub fn folder() -> PathBuf {
    crate::base::disk::cache_folder().unwrap_or_else(std::env::temp_dir)
}

/// A file that no other process can open by name and that goes with this one.
///
/// # Errors
/// What the system says.
pub fn unnamed_file() -> std::io::Result<File> {
    tempfile::tempfile_in(folder())
}

/// Bytes that are appended to and read back from anywhere.
#[derive(Debug)]
pub struct Spool {
    data: SpooledTempFile,
    /// Bytes appended.
    length: u64,
    /// Where the file stands.
    at: u64,
}

/// An empty one.
impl Default for Spool {
    fn default() -> Spool {
        Spool { data: SpooledTempFile::new_in(MOST_IN_MEMORY, folder()), length: 0, at: 0 }
    }
}

impl Spool {
    /// Appends bytes and gives the place where they begin.
    ///
    /// # Errors
    /// A full disk, say.
    pub fn append(&mut self, parts: &[&[u8]]) -> std::io::Result<u64> {
        let start = self.length;
        self.seek(start)?;
        for part in parts {
            self.data.write_all(part)?;
            self.length += part.len() as u64;
        }
        self.at = self.length;
        Ok(start)
    }

    /// The bytes of a range that was appended.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&mut self, start: u64, length: usize) -> std::io::Result<Vec<u8>> {
        self.seek(start)?;
        let mut bytes = vec![0; length];
        self.data.read_exact(&mut bytes)?;
        self.at = start + length as u64;
        Ok(bytes)
    }

    fn seek(&mut self, to: u64) -> std::io::Result<()> {
        if self.at != to {
            self.at = self.data.seek(SeekFrom::Start(to))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut spool = Spool::default();
        let first = spool.append(&[b"one", b" two"]).unwrap();
        let second = spool.append(&[b"three"]).unwrap();
        assert_eq!(spool.read(second, 5).unwrap(), b"three");
        assert_eq!(spool.read(first, 7).unwrap(), b"one two");
        let third = spool.append(&[b"four"]).unwrap();
        assert_eq!(spool.read(third, 4).unwrap(), b"four");
        assert!(spool.read(third, 5).is_err());
    }
}
