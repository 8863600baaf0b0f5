//! The samples of `tests/samples`, laid out as a person has them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use diarist::journal::Options;
use serde_json::{Value, json};

/// Every sample's folder.
pub fn all() -> Vec<PathBuf> {
    listed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples"))
}

/// The files of a folder, by name.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// A folder as the zip of what lies in it.
fn zipped(folder: &Path) -> Vec<u8> {
    fn add(base: &Path, folder: &Path, zip: &mut zip::ZipWriter<std::io::Cursor<Vec<u8>>>) {
        for path in listed(folder) {
            if path.is_dir() {
                add(base, &path, zip);
                continue;
            }
            let name = path.strip_prefix(base).unwrap().to_str().unwrap();
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&fs::read(&path).unwrap()).unwrap();
        }
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    add(folder, folder, &mut zip);
    zip.finish().unwrap().into_inner()
}

/// Lays out what a sample has in `in/` as a person has it.
pub fn lay_out(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in listed(from) {
        let target = to.join(path.file_name().unwrap());
        match path.extension().and_then(|e| e.to_str()) {
            Some("zip") if path.is_dir() => fs::write(target, zipped(&path)).unwrap(),
            Some("zipped") => fs::write(target.with_extension(""), zipped(&path)).unwrap(),
            _ if path.is_dir() => lay_out(&path, &target),
            _ => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

/// What was asked for when a sample was read; duplicates are kept.
pub fn options(sample: &Path) -> Options {
    let given: Value = fs::read_to_string(sample.join("options.json"))
        .map_or(json!({}), |text| serde_json::from_str(&text).unwrap());
    let word = |key: &str| given[key].as_str().map(String::from);
    let me = given["me"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_string());
    Options {
        me: me.collect(),
        date_order: word("date_order").map(|order| order.parse().unwrap()),
        comments: given["comments"] == json!(true),
        text_field: word("text_field"),
        date_field: word("date_field"),
        keep_duplicates: true,
        ..Options::default()
    }
}
