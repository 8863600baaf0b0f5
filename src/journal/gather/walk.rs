//! From PATHs to files: what is there, what is left out and why.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::Value;
use walkdir::WalkDir;

use super::select::Select;
use crate::base::{Error, Result};
use crate::journal::corpus::report::Skipped;
use crate::journal::dates::{DayNames, file_dates};
use crate::journal::format::Beside;
use crate::journal::formats;
use crate::journal::options::DateOrder;
use crate::journal::source::input::{Input, Vault};

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// Its path below the PATH that was given; its name, where it was given itself.
    pub relative: PathBuf,
    /// Bytes.
    pub length: u64,
    pub vault: Option<&'static Vault>,
    /// Its day, as its app's settings tell it from its name.
    pub day: Option<Date>,
    /// The order of day and month in the names of its folder, where they tell.
    pub order: Option<DateOrder>,
}

/// The files to read, in order, and what was passed over.
#[derive(Debug, Default)]
pub struct Finds {
    pub files: Vec<Found>,
    pub skipped: Vec<Skipped>,
    /// Canonical paths met before, so that nothing is read or reported twice and no maze of links is walked twice.
    seen: HashSet<PathBuf>,
    /// Canonical paths that a vault's settings name as templates.
    templates: HashSet<PathBuf>,
    /// What settings say of the names of days, with the canonical path of the vault.
    days: Vec<(PathBuf, DayNames)>,
}

/// Finds the files of some PATHs: the PATHs in the order given, a folder's files by name.
///
/// # Errors
/// A PATH that does not exist.
pub fn find(paths: &[PathBuf], select: &Select) -> Result<Finds> {
    let mut finds = Finds::default();
    let mut folders = Vec::with_capacity(paths.len());
    for path in paths {
        folders.push(std::fs::metadata(path).map_err(Error::typed("read", path))?.is_dir());
    }
    for (path, is_folder) in paths.iter().zip(folders) {
        let vault = finds.vault_above(path);
        if is_folder {
            finds.walk(path, vault, select);
        } else {
            let relative = Path::new(path.file_name().unwrap_or_default());
            finds.file(path, relative, vault, select, &|other| paths.iter().any(|path| path == other));
        }
    }
    let orders =
        file_dates::orders(&finds.files.iter().map(|found| found.path.as_path()).collect::<Vec<_>>());
    finds.files.iter_mut().zip(orders).for_each(|(found, order)| found.order = order);
    Ok(finds)
}

impl Finds {
    fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped::harmless(path, reason));
    }

    fn lose(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped::lost(path, reason));
    }

    /// True the first time that a place is met, by whatever way. A place that cannot be resolved is skipped.
    fn is_new(&mut self, path: &Path) -> bool {
        match path.canonicalize() {
            Ok(place) => self.seen.insert(place),
            Err(e) => {
                self.lose(path, e.to_string());
                false
            }
        }
    }

    /// The app whose vault begins at this folder.
    fn vault_of(&mut self, folder: &Path) -> Option<&'static Vault> {
        let begins = |vault: &&Vault| match vault.mark.strip_suffix('/') {
            Some(mark) => folder.join(mark).is_dir(),
            None => folder.join(vault.mark).is_file(),
        };
        let vault = formats::vaults().find(begins)?;
        let mut open = |name: &str| {
            let path = Some(folder.join(name)).filter(|path| path.is_file())?;
            let mut bytes = Vec::new();
            File::open(path).ok()?.take(MOST_SETTINGS).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        let inside = |path: &PathBuf| {
            folder.canonicalize().is_ok_and(|folder| path.starts_with(&folder) && *path != folder)
        };
        let named =
            templates(vault, &mut open).into_iter().filter_map(|name| folder.join(name).canonicalize().ok());
        self.templates.extend(named.filter(inside));
        if let Ok(place) = folder.canonicalize() {
            let names = formats::day_names(vault, &mut open).into_iter();
            self.days.extend(names.map(|names| (place.clone(), names)));
        }
        Some(vault)
    }

    /// The app in whose vault a PATH lies.
    fn vault_above(&mut self, path: &Path) -> Option<&'static Vault> {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        whole.ancestors().skip(1).find_map(|folder| self.vault_of(folder))
    }

    fn is_template(&self, path: &Path) -> bool {
        !self.templates.is_empty() && path.canonicalize().is_ok_and(|path| self.templates.contains(&path))
    }

    /// The day of a file, as the settings of its vault have it.
    fn day(&self, path: &Path) -> Option<Date> {
        let place = (!self.days.is_empty()).then(|| path.canonicalize().ok()).flatten()?;
        // The vault that is deepest comes last.
        self.days.iter().rev().find_map(|(vault, names)| names.day(place.strip_prefix(vault).ok()?))
    }

    fn walk(&mut self, root: &Path, above: Option<&'static Vault>, select: &Select) {
        // The vault of each folder on the way down.
        let mut vaults = vec![above];
        let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(step) = walk.next() {
            let entry = match step {
                Ok(entry) => entry,
                Err(e) => {
                    let path = e.path().unwrap_or(root).to_path_buf();
                    match path.strip_prefix(root) {
                        Ok(relative) if select.refuses(relative) => self.skip(&path, NOT_ASKED_FOR),
                        _ => self.lose(&path, reason(&e)),
                    }
                    continue;
                }
            };
            let (path, is_folder, depth) = (entry.path(), entry.file_type().is_dir(), entry.depth());
            vaults.truncate(depth + 1);
            let vault = vaults[vaults.len() - 1];
            let name = entry.file_name().to_string_lossy();
            let reason = not_the_writers(&name, is_folder, vault)
                .filter(|_| !(is_folder && is_mailbox(path)))
                .or_else(|| self.is_template(path).then_some(TEMPLATES));
            // What is named is read.
            if let Some(reason) = reason.filter(|_| depth > 0) {
                if self.is_new(path) {
                    match reason {
                        CLOUD => self.lose(path, CLOUD),
                        other => self.skip(path, other),
                    }
                }
            } else if !is_folder {
                let relative = path.strip_prefix(root).unwrap_or(path).to_path_buf();
                let below =
                    |other: &Path| other.strip_prefix(root).is_ok_and(|other| select.takes_file(other));
                self.file(path, &relative, vault, select, &below);
                continue;
            } else if self.is_new(path) {
                if !is_run(path) {
                    vaults.push(self.vault_of(path).or(vault));
                    continue;
                }
                self.skip(path, "a run's own folder, not a journal");
            }
            if is_folder {
                walk.skip_current_dir();
            }
        }
    }

    fn file(
        &mut self,
        path: &Path,
        relative: &Path,
        vault: Option<&'static Vault>,
        select: &Select,
        is_asked_for: &dyn Fn(&Path) -> bool,
    ) {
        let metadata = match std::fs::metadata(path) {
            Err(e) => return self.lose(path, e.to_string()),
            // The shell's pipes have no place that could be resolved.
            Ok(metadata) if !metadata.is_file() => {
                return self.skip(path, "not a file but a pipe, a socket or a device: save it to a file");
            }
            Ok(metadata) => metadata,
        };
        if !self.is_new(path) {
            return;
        }
        if path.canonicalize().ok().as_deref().and_then(Path::parent).is_some_and(is_run) {
            self.skip(path, "part of a run's own folder, not a journal");
        } else if let Some(reason) = passed_over(path, is_asked_for) {
            self.skip(path, reason);
        } else if select.refuses(relative) || (!could_be_archive(path) && !select.takes_file(relative)) {
            self.skip(path, NOT_ASKED_FOR);
        } else {
            let (path, relative, length) = (path.to_path_buf(), relative.to_path_buf(), metadata.len());
            let day = self.day(&path);
            self.files.push(Found { path, relative, length, vault, day, order: None });
        }
    }
}

/// Why a file that `--glob` leaves out is left out.
pub const NOT_ASKED_FOR: &str = "left out by --glob";

/// Why an app's templates are left out.
pub const TEMPLATES: &str = "an app's templates";

/// No settings are longer, in bytes.
const MOST_SETTINGS: u64 = 1 << 20;

/// Why a file that lies elsewhere is left out.
pub const CLOUD: &str = "a cloud placeholder: download the file first";

/// Why a file is passed over because of what lies beside it.
fn passed_over(path: &Path, is_asked_for: &dyn Fn(&Path) -> bool) -> Option<&'static str> {
    let files = |extension: &str| {
        let listed = std::fs::read_dir(path.with_file_name("")).into_iter().flatten().flatten();
        listed
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect()
    };
    let mut open = |path: &Path, most: u64| {
        let (file, mut bytes) = (path.is_file().then(|| File::open(path))?.ok()?, Vec::new());
        file.take(most).read_to_end(&mut bytes).ok()?;
        Some(Input::from_bytes(path, bytes))
    };
    formats::passed_over(path, &mut Beside { files: &files, is_asked_for, open: &mut open })
}

/// Zips are looked into even if they fit no `--glob`, as folders are.
fn could_be_archive(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"))
}

/// Why a file or folder of this name is not looked at, on the disk or in a zip.
pub fn not_the_writers(name: &str, is_folder: bool, vault: Option<&Vault>) -> Option<&'static str> {
    let folded = name.to_lowercase();
    match folded.as_str() {
        _ if name.starts_with('.') && folded.ends_with(".icloud") => Some(CLOUD),
        _ if name.starts_with('.') && is_folder => Some("a hidden folder"),
        _ if name.starts_with('.') => Some("a hidden file"),
        "__macosx" => Some("what a Mac adds to zips"),
        "node_modules" | "site-packages" | "bower_components" | "__pycache__" if is_folder => {
            Some("other people's programs")
        }
        "package.json" | "package-lock.json" | "composer.json" if !is_folder => Some("a program's own file"),
        "$recycle.bin" | "lost+found" => Some("a system's own folder"),
        "thumbs.db" | "desktop.ini" => Some("a system's own file"),
        _ if name.starts_with("~$") => Some("an office program's lock file"),
        "templates" | "_templates" | "template" if is_folder && vault.is_some() => Some(TEMPLATES),
        own if is_folder && vault.is_some_and(|vault| vault.own.contains(&own)) => {
            Some("an app's own folder")
        }
        _ => None,
    }
}

/// What an app's settings name as templates, as paths below the vault that they are the settings of.
pub fn templates(vault: &Vault, open: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Vec<String> {
    let named = vault.templates.iter().filter_map(|(file, key, extension)| {
        let settings: Value = serde_json::from_slice(&open(file)?).ok()?;
        let found = if key.starts_with('/') { settings.pointer(key)? } else { &settings[key] };
        let path = found.as_str()?.trim_matches('/').trim_end_matches(extension);
        (!path.is_empty()).then(|| format!("{path}{extension}"))
    });
    named.collect()
}

fn reason(e: &walkdir::Error) -> String {
    match (e.loop_ancestor(), e.io_error()) {
        (Some(ancestor), _) => format!("a link back to {}, which holds it", ancestor.display()),
        (None, Some(io)) => io.to_string(),
        (None, None) => e.to_string(),
    }
}

/// Whether a folder is one of a Maildir's: all but the inbox are hidden ones (`.Sent`).
fn is_mailbox(folder: &Path) -> bool {
    let holds_mail = |folder: &Path| folder.join("cur").is_dir() || folder.join("new").is_dir();
    holds_mail(folder) && folder.parent().is_some_and(holds_mail)
}

/// Whether a folder is one that `diarist train` wrote.
fn is_run(folder: &Path) -> bool {
    let all = |names: &[&str]| names.iter().all(|name| folder.join(name).is_file());
    all(&["run.json", "tokens.bin"]) || all(&["log.jsonl", "samples.md"])
}
