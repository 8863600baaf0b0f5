//! Zips, read with care: nothing is unpacked to a path, and no member may grow out of proportion.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::input::{Input, MOST_WHOLE, ReadSeek};
use super::spool::unnamed_file;

/// A member that grows more than this many times, past [`FREE_BYTES`], is no text that a person wrote: journals in JSON
/// shrink to a tenth, and DEFLATE reaches 1,032 times at most.
pub const MOST_GROWTH: u64 = 250;
const FREE_BYTES: u64 = 16 << 20;

/// An open zip.
pub struct Archive<'a> {
    zip: ZipArchive<Box<dyn ReadSeek + 'a>>,
    /// Bytes that it may still unpack to, with the zips in it.
    left: Rc<Cell<u64>>,
}

/// A member of a zip, by its place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where in the archive, for [`Archive::input`].
    pub index: usize,
    /// Its path in the zip, `/` between the parts.
    pub name: String,
    /// Why it is not read, where its entry in the zip already says so.
    pub refused: Option<String>,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl<'a> Archive<'a> {
    /// Opens a zip.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase.
    pub fn open(input: &'a Input) -> Result<Archive<'a>, String> {
        Archive::within(input, Rc::new(Cell::new(u64::MAX)))
    }

    /// Opens a zip that may unpack to so many bytes in all.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase.
    pub fn within(input: &'a Input, left: Rc<Cell<u64>>) -> Result<Archive<'a>, String> {
        Ok(Archive { zip: ZipArchive::new(input.seekable()).map_err(phrase)?, left })
    }

    /// How many members have the name of another: of those, only one can be read.
    pub fn namesakes(&self, input: &Input) -> usize {
        stated_members(input).map_or(0, |stated| stated.saturating_sub(self.zip.len()))
    }

    /// Its members, by name.
    pub fn members(&mut self) -> Vec<Member> {
        let mut members: Vec<Member> = (0..self.zip.len()).map(|index| self.member(index)).collect();
        members.sort_by(|a, b| (&a.name, a.index).cmp(&(&b.name, b.index)));
        members
    }

    fn member(&mut self, index: usize) -> Member {
        let file = match self.zip.by_index_raw(index) {
            Ok(file) => file,
            Err(e) => {
                let name = format!("member {}", index + 1);
                return Member { index, name, refused: Some(phrase(e)), is_folder: false };
            }
        };
        let name = String::from_utf8_lossy(file.name_raw()).replace('\\', "/");
        // `C:` would leave the folder on Windows.
        let climbs = name.starts_with('/')
            || name.split('/').any(|part| part == "..")
            || name.as_bytes().get(1) == Some(&b':');
        let refused = if climbs || file.enclosed_name().is_none() {
            Some("its path climbs out of the zip".to_string())
        } else if file.encrypted() {
            Some("encrypted: unpack it with its password, and give the folder".to_string())
        } else if file.is_symlink() {
            Some("a link, in a zip".to_string())
        } else {
            None
        };
        Member { index, name, refused, is_folder: file.is_dir() }
    }

    /// A member of that name as bytes; none where there is none.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let mut bytes = Vec::new();
        if self.copy(index, &mut bytes, MOST_WHOLE)? > MOST_WHOLE {
            return Err(format!("{name} is longer than 64 MiB"));
        }
        Ok(Some(bytes))
    }

    /// A member, ready to be read: a long one is unpacked to a file without a name.
    ///
    /// # Errors
    /// What is wrong with it, as a phrase.
    pub fn input(&mut self, index: usize, path: std::path::PathBuf) -> Result<Input, String> {
        let mut bytes = Vec::new();
        if self.copy(index, &mut bytes, MOST_WHOLE)? <= MOST_WHOLE {
            return Ok(Input::from_bytes(path, bytes));
        }
        drop(bytes);
        let mut file = unnamed_file().map_err(|e| e.to_string())?;
        self.copy(index, &mut file, u64::MAX)?;
        file.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
        Input::from_file(path, file).map_err(|e| e.to_string())
    }

    /// The first bytes of a member, `most` of them; none where it cannot be read.
    pub fn head(&mut self, index: usize, most: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.copy(index, &mut bytes, most).ok()?;
        bytes.truncate(most as usize);
        Some(bytes)
    }

    /// Copies a member; stops one byte past `most`. Gives the bytes copied.
    fn copy(&mut self, index: usize, to: &mut impl Write, most: u64) -> Result<u64, String> {
        let file = self.zip.by_index(index).map_err(phrase)?;
        let (allowed, left) =
            (FREE_BYTES.max(file.compressed_size().saturating_mul(MOST_GROWTH)), self.left.get());
        let bound = allowed.min(most).min(left).saturating_add(1);
        let mut limited = file.take(bound);
        let outcome = std::io::copy(&mut limited, to);
        // What was unpacked is spent, damaged or not.
        let copied = bound - limited.limit();
        self.left.set(left.saturating_sub(copied));
        outcome.map_err(|e| match e.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!("{e}: free some space"),
            _ => format!("damaged: {e}"),
        })?;
        if copied > left {
            return Err("a zip bomb: its zip unpacks to far too much".to_string());
        }
        if copied > allowed && most >= allowed {
            return Err(format!("a zip bomb: it grows more than {MOST_GROWTH} times when unpacked"));
        }
        Ok(copied)
    }
}

fn phrase(e: ZipError) -> String {
    match e {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            "encrypted: unpack it with its password, and give the folder".into()
        }
        ZipError::UnsupportedArchive(what) => {
            format!("a kind of zip that is not read ({what}): unpack it, and give the folder")
        }
        other => format!("a damaged zip ({other}): download it again"),
    }
}
/// How many members the zip says that it has, at its end; none where there are too many for the old form of zips.
fn stated_members(input: &Input) -> Option<usize> {
    /// The record at the end, and the comment behind it.
    const LONGEST_END: u64 = 22 + 0xffff;
    let mut reader = input.seekable();
    reader.seek(SeekFrom::Start(input.len().saturating_sub(LONGEST_END))).ok()?;
    let mut end = Vec::new();
    reader.read_to_end(&mut end).ok()?;
    let at = end.windows(4).rposition(|four| four == b"PK\x05\x06")?;
    let count = u16::from_le_bytes(end.get(at + 10..at + 12)?.try_into().ok()?);
    (count != u16::MAX).then_some(usize::from(count))
}
