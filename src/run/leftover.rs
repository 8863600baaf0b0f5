//! What a run leaves that is killed before its first save: files that are ours by name, no record, and nobody who holds the lock.
//! The next run that is told to go there takes it over.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result};
use crate::dataset::data::MASKED;
use crate::dataset::index::INDEX;
use crate::run::lock::{is_held, is_ours};
use crate::run::runs::{ADAPTER, LOCK, LOG, MODEL, RECORD, SAMPLES};
use crate::weights::peft;

/// What a folder is begun with, and what a `.tmp` of ours may be beside; but for the lock and the `.gitignore`.
const BEGUN: [&str; 13] = [
    "tokens.bin",
    "tokens.bin.tmp",
    "run.json.tmp",
    INDEX,
    MASKED,
    "config.json",
    "generation_config.json",
    peft::CONFIG,
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
];
/// What is opened then, and has its first line after the first save.
const EMPTY: [&str; 2] = [LOG, SAMPLES];
/// The first state, before and after it is whole.
const STATES: [&str; 2] = [".0.partial", "0"];
/// What is in one.
const OF_STATE: [&str; 4] = [MODEL, ADAPTER, "optimizer.safetensors", RECORD];
const IGNORE: &str = ".gitignore";
/// What a run's `.gitignore` says.
pub(super) const ALL: &str = "*\n";

/// Whether a folder holds what such a run leaves and nothing else, and no process works in it.
pub fn is_leftover(folder: &Path) -> bool {
    remains(folder).is_some() && folder.join(LOCK).is_file() && !is_held(folder)
}

/// Removes what such a run left, but for the lock, which the caller holds. Of a new folder that is nothing.
///
/// # Errors
/// The folder holds something else, and nothing is removed; or the system refuses.
pub(super) fn clear(folder: &Path) -> Result<()> {
    let Some(remains) = remains(folder) else {
        return Err(Error::file(
            folder,
            "another diarist has just made a run here",
            "train again: the next free place is taken, or give one with --out",
        ));
    };
    for path in remains {
        let removed = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// What there is but the lock, a folder after its files and the `.gitignore` last, so that a death among the removals leaves
/// what is known again; none where anything is not ours.
fn remains(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (name, path, is_folder) in entries(folder)? {
        let empty = || fs::metadata(&path).is_ok_and(|about| about.len() == 0);
        match name.as_str() {
            "state" if is_folder => found.extend(states(&path)?),
            _ if is_folder => return None,
            LOCK if is_ours(&path) => continue,
            IGNORE => continue,
            name if BEGUN.contains(&name) || EMPTY.contains(&name) && empty() => {}
            _ => return None,
        }
        found.push(path);
    }
    let ignore = folder.join(IGNORE);
    let whole = match fs::read_to_string(&ignore) {
        Ok(text) if text == ALL => true,
        // Killed while it was written, and then nothing else was.
        Ok(text) if ALL.starts_with(&text) => false,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return found.is_empty().then_some(found),
        _ => return None,
    };
    (whole || found.is_empty()).then(|| found.into_iter().chain([ignore]).collect())
}

/// The first state's folders, each after its files.
fn states(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (name, path, is_folder) in entries(folder)? {
        if !is_folder || !STATES.contains(&name.as_str()) {
            return None;
        }
        for (name, file, is_folder) in entries(&path)? {
            if is_folder || !OF_STATE.contains(&name.as_str()) {
                return None;
            }
            found.push(file);
        }
        found.push(path);
    }
    Some(found)
}

/// A folder's files and folders: name, path, and whether it is a folder; none where there is a link, or what cannot be read.
fn entries(folder: &Path) -> Option<Vec<(String, PathBuf, bool)>> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok().filter(|kind| kind.is_dir() || kind.is_file())?;
        Some((entry.file_name().into_string().ok()?, entry.path(), kind.is_dir()))
    };
    fs::read_dir(folder).ok()?.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk;
    use crate::run::state::OPTIMIZER;
    use crate::tokens::{Tokenizer, files};

    /// A folder as a run leaves it that dies when its first state is written.
    fn left(folder: &Path) {
        fs::create_dir_all(folder.join("state/.0.partial")).unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
        for (name, bytes) in files::files(&Tokenizer::gpt2(), 8) {
            write(name, &bytes);
        }
        for name in ["tokens.bin", MASKED, "config.json", "generation_config.json", peft::CONFIG] {
            write(name, b"x");
        }
        for name in [LOCK, LOG, SAMPLES] {
            write(name, b"");
        }
        write(IGNORE, ALL.as_bytes());
        write(&format!("state/.0.partial/{MODEL}"), b"x");
        write(&format!("state/.0.partial/{OPTIMIZER}"), b"x");
    }

    #[test]
    fn what_is_ours_is_taken_over_whole() {
        let dir = tempfile::tempdir().unwrap();
        left(dir.path());
        assert!(is_leftover(dir.path()));
        let lock = disk::open_or_create(&dir.path().join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        assert!(!is_leftover(dir.path()), "somebody works in it");
        clear(dir.path()).unwrap();
        drop(lock);
        let rest: Vec<_> = entries(dir.path()).unwrap().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(rest, [LOCK]);
        assert!(is_leftover(dir.path()), "killed before it wrote anything");
        fs::write(dir.path().join(IGNORE), "*").unwrap();
        assert!(is_leftover(dir.path()), "killed while it wrote its first file");
    }

    #[test]
    fn what_is_not_ours_keeps_everything() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |what: &str| {
            assert!(!is_leftover(dir.path()), "{what}");
            assert!(clear(dir.path()).is_err(), "{what}");
            assert!(dir.path().join("tokens.bin").exists(), "{what}");
        };
        left(dir.path());
        for name in
            ["notes.txt", "run.json", MODEL, "state/0.txt", "state/.0.partial/notes.txt", "run.json.bak"]
        {
            fs::write(dir.path().join(name), "x").unwrap();
            refused(name);
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        for name in ["state/5", "state/0/deeper", "notes"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            refused(name);
            fs::remove_dir(dir.path().join(name)).unwrap();
        }
        for (name, bytes) in [(IGNORE, "*.tmp\n"), (IGNORE, ""), (LOG, "{}\n"), (LOCK, "1234")] {
            let before = fs::read(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name), bytes).unwrap();
            refused(name);
            fs::write(dir.path().join(name), before).unwrap();
        }
        #[cfg(unix)]
        {
            fs::remove_file(dir.path().join("config.json")).unwrap();
            std::os::unix::fs::symlink("tokens.bin", dir.path().join("config.json")).unwrap();
            refused("a link");
            fs::remove_file(dir.path().join("config.json")).unwrap();
        }
        assert!(is_leftover(dir.path()));
        fs::remove_file(dir.path().join(IGNORE)).unwrap();
        refused("no .gitignore");
    }
}
