//! What this room's own tests read with.

use super::entry::{Draft, Place};
use super::format::{Format, Sink};
use super::formats::of;
use super::options::Options;
use super::source::input::Input;

/// All that a reader handed over.
#[derive(Debug, Default)]
pub struct Collected {
    /// In the order of the file.
    pub entries: Vec<Draft>,
    /// What, and how many times.
    pub left_out: Vec<(&'static str, usize)>,
    /// What, before and after.
    pub changed: Vec<(&'static str, String, String)>,
    /// Where, which, and why.
    pub lost: Vec<(Place, String, String)>,
    /// Where, and what.
    pub troubles: Vec<(Place, String)>,
    /// Names, as often as they spoke.
    pub strangers: Vec<String>,
    /// Date lines that stay in the text.
    pub dates_left: usize,
    /// Why the file could not be read to its end.
    pub failed: Option<String>,
}

impl Sink for Collected {
    fn entry(&mut self, draft: Draft) {
        self.entries.push(draft);
    }
    fn left_out(&mut self, what: &'static str, times: usize) {
        self.left_out.push((what, times));
    }
    fn changed(&mut self, what: &'static str, before: &str, after: &str) {
        self.changed.push((what, before.to_string(), after.to_string()));
    }
    fn lost(&mut self, place: Place, title: &str, problem: String) {
        self.lost.push((place, title.to_string(), problem));
    }
    fn trouble(&mut self, place: Place, problem: String) {
        self.troubles.push((place, problem));
    }
    fn date_left(&mut self, times: usize) {
        self.dates_left += times;
    }
    fn stranger(&mut self, name: &str) {
        self.strangers.push(name.to_string());
    }
}

/// Reads bytes as a file of that path, in the format that [`of`] gives; panics where none does.
pub fn read(path: &str, bytes: &[u8], options: &Options) -> Collected {
    read_first(Input::from_bytes(path, bytes.to_vec()), options)
}

/// The same, in the folder of a format's app.
pub fn read_in(app: &dyn Format, path: &str, bytes: &[u8], options: &Options) -> Collected {
    read_first(Input::from_bytes(path, bytes.to_vec()).in_vault(app.vault()), options)
}

fn read_first(input: Input, options: &Options) -> Collected {
    let format = of(&input).unwrap_or_else(|| panic!("{} is of no format", input.name()));
    read_with(format, &input, options)
}

/// Reads a file in the format given.
pub fn read_with(format: &dyn Format, input: &Input, options: &Options) -> Collected {
    let mut collected = Collected::default();
    collected.failed = format.read(input, options, &mut collected).err();
    collected
}

/// The texts of the entries.
pub fn texts(read: &Collected) -> Vec<&str> {
    read.entries.iter().map(|entry| entry.text.as_str()).collect()
}

/// The files as the zip of them; as in an EPUB, `mimetype` is stored as it is.
pub fn zipped<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Vec<u8> {
    use zip::CompressionMethod::{Deflated, Stored};
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let method = if *name == "mimetype" { Stored } else { Deflated };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        std::io::Write::write_all(&mut zip, bytes.as_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
