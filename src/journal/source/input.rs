//! One file to be read, wherever it lies: on the disk, or in a zip.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::civil::Date;

use crate::journal::dates::file_dates;
use crate::journal::dates::{self, Reading};
use crate::journal::options::DateOrder;
use crate::journal::text::decode;

/// What is held in memory at once: longer files are read piece by piece, by the formats that can.
pub const MOST_WHOLE: u64 = 64 << 20;

/// How much of a file a format sees before it says whether the file is one of its own.
pub const HEAD: usize = 64 << 10;

/// Something that can be read and searched.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The kind of folder that an app keeps a journal in: how it is told, and what in it the writer did not write.
#[derive(Debug, PartialEq, Eq)]
pub struct Vault {
    /// The app.
    pub app: &'static str,
    /// What lies in such a folder: a file, or a folder with `/` behind its name.
    pub mark: &'static str,
    /// Folders of the app's own in it, in lower case, beside those whose names begin with a dot.
    pub own: &'static [&'static str],
    /// Settings that name a template or a folder of them: the file, the key, and what ends the name of what it names.
    pub templates: &'static [(&'static str, &'static str, &'static str)],
}

/// A file to be read.
pub struct Input {
    path: PathBuf,
    /// The last part of the path; what is not UTF-8 in it reads as U+FFFD.
    name: String,
    content: Content,
    vault: Option<&'static Vault>,
    /// Its day, as its app's settings tell it from its name.
    day: Option<Date>,
    /// In which order its name has day and month.
    order: Option<DateOrder>,
    head: OnceLock<String>,
    /// Whether the person says that all of it is theirs.
    mine: bool,
    /// What the files beside it are in.
    neighbours: Option<decode::Encoding>,
}

enum Content {
    Memory(Vec<u8>),
    /// The file and its length.
    File(File, u64),
}

impl Input {
    /// A file on the disk, or one without a name.
    ///
    /// # Errors
    /// What the system says.
    pub fn from_file(path: impl Into<PathBuf>, mut file: File) -> std::io::Result<Input> {
        let length = file.metadata()?.len();
        let content = if length <= MOST_WHOLE {
            let mut bytes = Vec::with_capacity(length as usize);
            // A file may grow while it is read.
            (&mut file).take(MOST_WHOLE).read_to_end(&mut bytes)?;
            Content::Memory(bytes)
        } else {
            Content::File(file, length)
        };
        Ok(Input::new(path.into(), content))
    }

    fn new(path: PathBuf, content: Content) -> Input {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Input {
            path,
            name,
            content,
            vault: None,
            day: None,
            head: OnceLock::new(),
            order: None,
            mine: false,
            neighbours: None,
        }
    }

    /// A file whose bytes are at hand.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Input {
        Input::new(path.into(), Content::Memory(bytes))
    }

    /// The same file, in an app's folder.
    pub fn in_vault(self, vault: Option<&'static Vault>) -> Input {
        Input { vault, ..self }
    }

    /// The same file, of the day that its app's settings tell from its name.
    pub fn of_day(self, day: Option<Date>) -> Input {
        Input { day, ..self }
    }

    /// The same file, its name read in an order of day and month.
    pub fn with_order(self, order: Option<DateOrder>) -> Input {
        Input { order, ..self }
    }

    /// The same file; `mine` says that all of it is the writer's, whatever it looks like.
    pub fn all_mine(self, mine: bool) -> Input {
        Input { mine, ..self }
    }

    /// The same file, with what the files beside it are in.
    pub fn beside(self, neighbours: Option<decode::Encoding>) -> Input {
        Input { neighbours, ..self }
    }

    /// Where it lies; in a zip, the zip's path and then the path in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name without extension.
    pub fn stem(&self) -> &str {
        Path::new(&self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or("")
    }

    /// Its extension in lower case, `""` where it has none.
    pub fn extension(&self) -> String {
        Path::new(&self.name).extension().and_then(|e| e.to_str()).unwrap_or("").to_lowercase()
    }

    /// Whether a folder of this name (in any case) is above it.
    pub fn lies_in(&self, folder: &str) -> bool {
        let above = self.path.parent().into_iter().flat_map(Path::components);
        above.into_iter().any(|part| part.as_os_str().eq_ignore_ascii_case(folder))
    }

    /// The kind of app's folder that it lies in; none where none is known.
    pub fn vault(&self) -> Option<&'static Vault> {
        self.vault
    }

    /// Whether the person says that all of it is theirs, so that it is nobody's chat.
    pub fn is_all_mine(&self) -> bool {
        self.mine
    }

    /// The day that its app's settings tell from its name.
    pub fn day_by_settings(&self) -> Option<Date> {
        self.day
    }

    /// The day that its name is, or opens with.
    pub fn day_in_name(&self) -> Option<Date> {
        if self.day.is_some() {
            return self.day;
        }
        Some(self.date_in_name()?.day(self.order == Some(DateOrder::Mdy)))
    }

    /// The day that its name and its folders tell together.
    pub fn day_in_path(&self) -> Option<Date> {
        file_dates::in_path(&self.path, self.order)
    }

    /// Whether the day in its name was read day first because nothing tells.
    pub fn guesses_day(&self) -> bool {
        let told = matches!(self.order, Some(DateOrder::Dmy | DateOrder::Mdy));
        !told && self.day.is_none() && self.date_in_name().is_some_and(Reading::is_open)
    }

    fn date_in_name(&self) -> Option<Reading> {
        dates::in_file_name(self.stem(), file_dates::year_above(&self.path)).map(|(date, _)| date)
    }

    /// The year that its name is, or the nearest folder above it whose name is a year: `2014.md`, `2014/may.txt`.
    pub fn year_in_path(&self) -> Option<i16> {
        file_dates::year(self.stem()).or_else(|| file_dates::year_above(&self.path))
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(_, length) => *length,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its first bytes, 64 KiB at most.
    pub fn head_bytes(&self) -> Vec<u8> {
        let mut head = Vec::new();
        // A file that cannot be read has no head: reading it will say why.
        let _ = self.reader().take(HEAD as u64).read_to_end(&mut head);
        head
    }

    /// The text that its first 64 KiB hold, its lines ending in LF; what is no text reads as U+FFFD.
    pub fn head(&self) -> &str {
        self.head.get_or_init(|| decode::head(&self.head_bytes()))
    }

    /// Whether its first or its last 64 KiB hold a text in ASCII: a long entry may stand between.
    pub fn holds_at_an_end(&self, wanted: &str) -> bool {
        let tail = || {
            let (mut reader, mut tail) = (self.seekable(), Vec::new());
            // What cannot be read holds nothing: reading it will say why.
            let _ = reader.seek(SeekFrom::Start(self.len().saturating_sub(HEAD as u64)));
            let _ = reader.take(HEAD as u64).read_to_end(&mut tail);
            String::from_utf8_lossy(&tail).contains(wanted)
        };
        self.head().contains(wanted) || (self.len() > HEAD as u64 && tail())
    }

    /// Its bytes from the start, as they are.
    pub fn reader(&self) -> Box<dyn BufRead + '_> {
        match &self.content {
            Content::Memory(bytes) => Box::new(bytes.as_slice()),
            Content::File(file, _) => {
                let mut file = file;
                match file.seek(SeekFrom::Start(0)) {
                    Ok(_) => Box::new(BufReader::with_capacity(1 << 18, file)),
                    Err(e) => Box::new(BufReader::new(Failed(Some(e)))),
                }
            }
        }
    }

    /// The same, for containers that are read from their end.
    pub fn seekable(&self) -> Box<dyn ReadSeek + '_> {
        match &self.content {
            Content::Memory(bytes) => Box::new(Cursor::new(bytes.as_slice())),
            Content::File(file, _) => Box::new(BufReader::with_capacity(1 << 16, file)),
        }
    }

    /// Its text from the start, in UTF-8 whatever it was written in, its lines ending in LF, without a byte order mark.
    ///
    /// # Errors
    /// What is no text, as a phrase.
    pub fn utf8(&self) -> Result<Box<dyn BufRead + '_>, String> {
        let encoding = decode::detect_beside(self.reader(), self.neighbours)?;
        Ok(Box::new(BufReader::with_capacity(1 << 18, decode::Decoder::new(self.reader(), encoding))))
    }

    /// The whole of that text.
    ///
    /// # Errors
    /// What is no text, and what is longer than [`MOST_WHOLE`], as a phrase.
    pub fn text(&self) -> Result<String, String> {
        self.check_length()?;
        let mut text = String::new();
        self.utf8()?.read_to_string(&mut text).map_err(|e| e.to_string())?;
        Ok(text)
    }

    /// Refuses what cannot be held in memory, as a phrase.
    ///
    /// # Errors
    /// It is longer than [`MOST_WHOLE`].
    pub fn check_length(&self) -> Result<(), String> {
        match self.len() {
            0..=MOST_WHOLE => Ok(()),
            _ => Err("longer than 64 MiB, and not of a kind that is read in pieces: divide it".to_string()),
        }
    }
}

/// A reader that says once what went wrong, then ends.
struct Failed(Option<std::io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Input {
        Input::from_bytes(path, b"words".to_vec())
    }

    #[test]
    fn what_a_path_tells() {
        let file = at("diary/2014/May.TXT");
        assert_eq!((file.name(), file.stem(), file.extension().as_str()), ("May.TXT", "May", "txt"));
        assert_eq!(file.year_in_path(), Some(2014));
        assert_eq!(at("2013/2014.md").year_in_path(), Some(2014));
        assert_eq!(at("2013/x/y.md").year_in_path(), Some(2013));
        assert_eq!(at("12345/0042/y.md").year_in_path(), None);
        assert!(at("Takeout/keep/a.json").lies_in("Keep"));
        assert!(!at("Takeout/keep").lies_in("Keep"));
        assert_eq!(at("2014-05-03 walk.md").day_in_name(), Some(jiff::civil::date(2014, 5, 3)));
    }

    #[test]
    fn a_long_file_is_read_from_the_start_each_time() {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &vec![b'a'; MOST_WHOLE as usize + 1]).unwrap();
        let input = Input::from_file("long.txt", file).unwrap();
        assert_eq!((input.len(), input.head().len()), (MOST_WHOLE + 1, HEAD));
        for _ in 0..2 {
            assert_eq!(std::io::copy(&mut input.reader(), &mut std::io::sink()).unwrap(), MOST_WHOLE + 1);
        }
        assert!(input.text().unwrap_err().contains("64 MiB"));
    }
}
