//! `tokens.bin`: a whole journal as token ids, never held in memory whole.
//!
//! The file is little-endian ids of one [`Width`] and nothing else: all training entries, then all validation entries. Each entry is
//! **followed** by one end-of-text token, so a model learns where every entry ends, the last one too, and the two
//! ranges meet without a token of nobody's between them. Which width it is and where the
//! ranges lie stands in `run.json`, not here.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, disk, units};
use crate::tokens::Width;

/// Which tokens are trained on and which are held out: indices of tokens, the end not included.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ranges {
    /// The training entries. In JSON `[start, end]`.
    #[serde(with = "pair")]
    pub train: Range<usize>,
    /// The validation entries. In JSON `[start, end]`.
    #[serde(with = "pair")]
    pub val: Range<usize>,
}

/// A half-open range as `[start, end]`.
mod pair {
    use std::ops::Range;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(range: &Range<usize>, serializer: S) -> Result<S::Ok, S::Error> {
        [range.start, range.end].serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Range<usize>, D::Error> {
        let [start, end] = <[usize; 2]>::deserialize(deserializer)?;
        if start > end {
            return Err(D::Error::custom(format!("a range that ends before it starts: [{start}, {end}]")));
        }
        Ok(start..end)
    }
}

/// The ids of a run's journal, in a file: what is asked for is read when it is asked for.
///
/// It is not mapped into memory. Under a map, a file that another program shortens or overwrites is undefined behaviour,
/// and no lock of ours binds other programs; read, it is an error or other numbers. A step's windows are a few kilobytes,
/// which the system has in its own memory either way.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    file: File,
    len: usize,
    width: Width,
    /// Tokens that are no targets: ranges, ascending, none of them empty.
    masked: Vec<Range<usize>>,
}

impl TokenFile {
    /// Writes the file: the training entries, then the validation entries, each with end of text after it (an entry
    /// without a token adds nothing). It appears under its name only when it is whole and on the disk; on Unix, this
    /// user alone may read it.
    ///
    /// # Errors
    /// What the system refuses; then nothing is left behind.
    pub fn write(
        path: &Path,
        train: impl IntoIterator<Item = Result<Vec<u32>>>,
        val: impl IntoIterator<Item = Result<Vec<u32>>>,
        end_of_text: u32,
        width: Width,
    ) -> Result<Ranges> {
        disk::replace_with(path, |fresh| write_whole(fresh, train, val, (end_of_text, width)))
    }

    /// Opens the file, which has to hold exactly `expected_len` tokens of a width.
    ///
    /// # Errors
    /// What the system refuses; another number of tokens, or bytes that are no whole one.
    pub fn open(path: &Path, expected_len: usize, width: Width) -> Result<TokenFile> {
        TokenFile::open_of(path, expected_len, width, false)
    }

    /// Opens the first `len` tokens of the file, which may hold more.
    ///
    /// # Errors
    /// What the system refuses; fewer tokens, or bytes that are no whole one.
    pub fn open_part(path: &Path, len: usize, width: Width) -> Result<TokenFile> {
        TokenFile::open_of(path, len, width, true)
    }

    fn open_of(path: &Path, expected_len: usize, width: Width, more: bool) -> Result<TokenFile> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let bytes = file.metadata().map_err(Error::io("read", path))?.len();
        let size = width.bytes() as u64;
        let expected = expected_len as u64 * size;
        if bytes != expected && !(more && bytes > expected && bytes.is_multiple_of(size)) {
            let found = match bytes % size {
                0 => format!("{} tokens", units::thousands(bytes / size)),
                _ => format!("{} bytes, which no number of them has", units::thousands(bytes)),
            };
            return Err(Error::file(
                path,
                format!(
                    "expected {} tokens of {size} bytes, found {found}",
                    units::thousands(expected_len as u64)
                ),
                "the file was cut short or replaced: put a copy of it back, or train again from the journals",
            ));
        }
        Ok(TokenFile { path: path.to_path_buf(), file, len: expected_len, width, masked: Vec::new() })
    }

    /// Leaves the tokens of some ranges, which ascend, out of the loss.
    pub fn mask(&mut self, ranges: Vec<Range<usize>>) {
        self.masked = ranges.into_iter().filter(|range| !range.is_empty()).collect();
    }

    /// Whether each token of a range is left out of the loss.
    pub fn masked(&self, range: Range<usize>) -> impl Iterator<Item = bool> + '_ {
        let mut next = self.masked.partition_point(|masked| masked.end <= range.start);
        range.map(move |token| {
            while self.masked.get(next).is_some_and(|masked| masked.end <= token) {
                next += 1;
            }
            self.masked.get(next).is_some_and(|masked| masked.start <= token)
        })
    }

    /// Reads the file through once and checks that a vocabulary has every id in it.
    ///
    /// # Errors
    /// The first id that it does not have; a file that cannot be read.
    pub fn check_ids(&self, vocab_size: usize) -> Result<()> {
        for start in (0..self.len).step_by(disk::PIECE) {
            let ids = self.read(start..self.len.min(start + disk::PIECE))?;
            let foreign = (start..).zip(ids).find(|(_, id)| *id as usize >= vocab_size);
            if let Some((at, id)) = foreign {
                return Err(Error::file(
                    &self.path,
                    format!(
                        "token {} is {id}, but the vocabulary has {}",
                        units::thousands(at as u64),
                        units::thousands(vocab_size as u64)
                    ),
                    "the file belongs to another tokenizer or is damaged: put a copy of it back, or train again",
                ));
            }
        }
        Ok(())
    }

    /// Tokens in the file.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of a range of tokens, which has to lie in the file.
    ///
    /// # Errors
    /// The file cannot be read, or was cut short since it was opened.
    pub fn read(&self, range: Range<usize>) -> Result<Vec<u32>> {
        let size = self.width.bytes();
        let mut bytes = vec![0; size * range.len()];
        disk::read_at(&self.file, &mut bytes, (size * range.start) as u64)
            .map_err(Error::io("read", &self.path))?;
        Ok(self.width.ids(&bytes))
    }
}

fn write_whole(
    path: &Path,
    train: impl IntoIterator<Item = Result<Vec<u32>>>,
    val: impl IntoIterator<Item = Result<Vec<u32>>>,
    (end_of_text, width): (u32, Width),
) -> Result<Ranges> {
    let failed = |e| Error::io("write", path)(e);
    let mut file = BufWriter::new(disk::create_new(path).map_err(failed)?);
    let mut write = |entries: &mut dyn Iterator<Item = Result<Vec<u32>>>| -> Result<usize> {
        let (mut tokens, mut bytes) = (0, Vec::new());
        for entry in entries {
            let mut entry = entry?;
            // An entry without a token has no end either.
            entry.extend((!entry.is_empty()).then_some(end_of_text));
            bytes.clear();
            width.put(&entry, &mut bytes);
            file.write_all(&bytes).map_err(failed)?;
            tokens += entry.len();
        }
        Ok(tokens)
    };
    let train = write(&mut train.into_iter())?;
    let val = write(&mut val.into_iter())?;
    let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
    disk::synced(&file, path).map_err(failed)?;
    Ok(Ranges { train: 0..train, val: train..train + val })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entries(of: &[Vec<u32>]) -> impl Iterator<Item = Result<Vec<u32>>> {
        of.iter().cloned().map(Ok)
    }

    #[test]
    fn training_then_validation_each_entry_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        let train = [vec![1, 2, 0x1234], vec![], vec![4]];
        let ranges = TokenFile::write(&path, entries(&train), entries(&[vec![5, 6]]), 9, Width::U16).unwrap();
        assert_eq!(ranges, Ranges { train: 0..6, val: 6..9 });

        let file = TokenFile::open(&path, 9, Width::U16).unwrap();
        assert_eq!((file.len(), file.is_empty()), (9, false));
        assert_eq!(file.read(ranges.train).unwrap(), [1, 2, 0x1234, 9, 4, 9]);
        assert_eq!(file.read(ranges.val).unwrap(), [5, 6, 9]);
        assert_eq!(&fs::read(&path).unwrap()[..6], [1, 0, 2, 0, 0x34, 0x12]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        TokenFile::write(&path, entries(&[vec![1, 2]]), entries(&[]), 9, Width::U16).unwrap();
        let error = TokenFile::open(&path, 4, Width::U16).unwrap_err().to_string();
        assert!(error.contains("expected 4 tokens") && error.contains("found 3 tokens"), "{error}");

        fs::write(&path, [1, 0, 2, 0, 3]).unwrap();
        for expected in [2, 3] {
            let error = TokenFile::open(&path, expected, Width::U16).unwrap_err().to_string();
            assert!(error.contains("5 bytes, which no number"), "{error}");
        }
        assert!(TokenFile::open(&folder.path().join("none"), 1, Width::U16).is_err());
    }

    #[test]
    fn a_file_that_is_cut_while_it_is_open_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        TokenFile::write(&path, entries(&[vec![1, 2, 3]]), entries(&[]), 9, Width::U16).unwrap();
        let file = TokenFile::open(&path, 4, Width::U16).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(5).unwrap();
        assert_eq!(file.read(0..2).unwrap(), [1, 2]);
        assert!(file.read(1..3).is_err() && file.check_ids(10).is_err());
    }

    #[test]
    fn a_wide_file_holds_ids_beyond_65535_and_says_what_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        let of = [vec![1, 151_643], vec![65_536]];
        TokenFile::write(&path, entries(&of), entries(&[]), 151_645, Width::U32).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 20);
        let file = TokenFile::open(&path, 5, Width::U32).unwrap();
        assert_eq!(file.read(1..5).unwrap(), [151_643, 151_645, 65_536, 151_645]);
        assert!(file.check_ids(151_646).is_ok() && file.check_ids(151_645).is_err());
        let error = TokenFile::open(&path, 5, Width::U16).unwrap_err().to_string();
        assert!(error.contains("expected 5 tokens of 2 bytes, found 10 tokens"), "{error}");
    }

    #[test]
    fn ids_outside_the_vocabulary_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        TokenFile::write(&path, entries(&[vec![1, 2, 256]]), entries(&[]), 0, Width::U16).unwrap();
        let file = TokenFile::open(&path, 4, Width::U16).unwrap();
        assert!(file.check_ids(257).is_ok());
        let error = file.check_ids(256).unwrap_err().to_string();
        assert!(error.contains("token 2 is 256"), "{error}");
    }

    #[test]
    fn a_journal_without_tokens_is_an_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.bin");
        let ranges = TokenFile::write(&path, entries(&[]), entries(&[]), 9, Width::U16).unwrap();
        assert_eq!(ranges, Ranges { train: 0..0, val: 0..0 });
        assert!(TokenFile::open(&path, 0, Width::U16).unwrap().is_empty());
    }

    #[test]
    fn a_refused_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            TokenFile::write(&folder.path().join("no/tokens.bin"), entries(&[]), entries(&[]), 9, Width::U16)
                .is_err()
        );
        // A folder of the file's own name: everything is written, and the rename fails.
        let taken = folder.path().join("tokens.bin");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("kept"), "").unwrap();
        assert!(TokenFile::write(&taken, entries(&[vec![1]]), entries(&[]), 9, Width::U16).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(taken.join("kept").exists());
    }

    #[test]
    fn ranges_are_pairs_in_json() {
        let ranges = Ranges { train: 0..6, val: 6..9 };
        let json = serde_json::to_string(&ranges).unwrap();
        assert_eq!(json, r#"{"train":[0,6],"val":[6,9]}"#);
        assert_eq!(serde_json::from_str::<Ranges>(&json).unwrap(), ranges);
        assert!(serde_json::from_str::<Ranges>(r#"{"train":[6,0],"val":[6,9]}"#).is_err());
    }
}
