//! The Hugging Face cache on this computer: where it is and how it is laid out, so that what `transformers` put there is
//! found, and what is put there is found by `transformers`.
//!
//! ```text
//! hub/models--OWNER--NAME/blobs/HASH                    a file's bytes, under the hash that the hub has of it
//! hub/models--OWNER--NAME/blobs/HASH.incomplete         what there is of it so far
//! hub/models--OWNER--NAME/snapshots/COMMIT/FILE         a link to ../../blobs/HASH
//! hub/models--OWNER--NAME/refs/main                     COMMIT
//! hub/.locks/models--OWNER--NAME/HASH.lock              held by whoever is getting it
//! ```
//!
//! Files and folders have the modes that this user's umask gives, as the hub's own tools make them, and not 0600: they are
//! published weights and nobody's secret, and a cache may be shared.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::disk;
use crate::base::{Error, Result};
use crate::weights::hub::files;
use crate::weights::hub::name::Name;

/// What the standard wants in a CACHEDIR.TAG, so that backups pass a cache over (bford.info/cachedir).
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                   # This file is a cache directory tag, as huggingface_hub makes one too.\n";

/// A cache.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache that this user's environment names, by the hub's own rules: HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else
    /// `hub` in HF_HOME, else in `huggingface` of XDG_CACHE_HOME or `~/.cache` (on every system). What is set to nothing is
    /// not set.
    ///
    /// # Errors
    /// None of them is set, and this user has no home.
    pub fn of(get: impl Fn(&str) -> Option<OsString>, home: Option<&Path>) -> Result<Cache> {
        let path = |name: &str| {
            let path = PathBuf::from(get(name).filter(|value| !value.is_empty())?);
            // A shell reads `~`; where none has, it is this user's home all the same.
            let in_home = home.and_then(|home| Some(home.join(path.strip_prefix("~").ok()?)));
            Some(in_home.unwrap_or(path))
        };
        let caches = || path("XDG_CACHE_HOME").or(Some(home?.join(".cache")));
        let hub = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let hub = hub
            .or_else(|| Some(path("HF_HOME").or_else(|| Some(caches()?.join("huggingface")))?.join("hub")));
        let hub = hub.ok_or_else(|| {
            Error::setting(
                "no place for a cache: this user has no home folder, and HF_HOME is not set",
                "set HF_HOME to a folder of yours",
            )
        })?;
        // A relative one is relative to where the program was started.
        Ok(Cache::at(&std::path::absolute(&hub).map_err(Error::io("find", &hub))?))
    }

    /// The cache in a folder.
    pub fn at(root: &Path) -> Cache {
        Cache { root: root.to_path_buf() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a model goes.
    pub fn folder(&self, name: &Name) -> PathBuf {
        self.root.join(&name.folders()[0])
    }

    /// A model's snapshot that is whole, with its configuration and its weights: the one that `main` was when somebody last
    /// asked, else any.
    pub fn local(&self, name: &Name) -> Option<PathBuf> {
        name.folders().iter().find_map(|folder| {
            let folder = self.root.join(folder);
            let main = fs::read_to_string(folder.join("refs/main")).unwrap_or_default();
            let main = Some(main.trim()).filter(|commit| is_commit(commit));
            let mut all: Vec<PathBuf> =
                main.iter().map(|commit| folder.join("snapshots").join(commit)).collect();
            let others = fs::read_dir(folder.join("snapshots")).into_iter().flatten().flatten();
            let mut others: Vec<PathBuf> = others.map(|entry| entry.path()).collect();
            others.sort();
            all.extend(others);
            all.into_iter().find(|snapshot| files::is_whole(snapshot))
        })
    }

    pub(super) fn blob(&self, name: &Name, hash: &str) -> PathBuf {
        self.folder(name).join("blobs").join(hash)
    }

    pub(super) fn snapshot(&self, name: &Name, commit: &str) -> PathBuf {
        self.folder(name).join("snapshots").join(commit)
    }

    /// Makes a model's folders.
    pub(super) fn prepare(&self, name: &Name, commit: &str) -> Result<()> {
        let of_model = ["blobs", "refs"].map(|inner| self.folder(name).join(inner));
        for folder in of_model.into_iter().chain([self.snapshot(name, commit), self.locks(name)]) {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        let tag = self.root.join("CACHEDIR.TAG");
        if !tag.exists() {
            // A backup may then hold it twice: no reason to get nothing.
            let _ = fs::write(tag, TAG);
        }
        Ok(())
    }

    fn locks(&self, name: &Name) -> PathBuf {
        self.root.join(".locks").join(&name.folders()[0])
    }

    /// Waits until no other process is getting the file of this hash, those of `huggingface_hub` among them; `waiting` is
    /// called once if one is. The lock goes with the handle, and stays in its place as a file.
    pub(super) fn lock(&self, name: &Name, hash: &str, waiting: impl FnOnce()) -> Result<File> {
        let path = self.locks(name).join(format!("{hash}.lock"));
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(Error::io("open", &path))?;
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                // A disk without locks: two processes would get it twice, and neither finds less than a whole file.
                Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
            }
        }
    }

    /// Gives a blob its name in a snapshot. Where a file system knows no links, the file itself goes there, as
    /// `huggingface_hub` does it.
    pub(super) fn link(&self, name: &Name, commit: &str, file: &str, hash: &str) -> Result<()> {
        let path = self.snapshot(name, commit).join(file);
        if path.exists() {
            return Ok(());
        }
        // A link to a blob that was removed.
        disk::remove(&path)?;
        let to = Path::new("../../blobs").join(hash);
        #[cfg(unix)]
        let linked = std::os::unix::fs::symlink(to, &path);
        #[cfg(windows)]
        let linked = std::os::windows::fs::symlink_file(to, &path);
        match linked {
            Err(e) if !path.exists() => {
                fs::rename(self.blob(name, hash), &path).map_err(|_| Error::io("link", &path)(e))
            }
            _ => Ok(()),
        }
    }

    /// Notes which commit `main` is: last of all, so that what is found by it is whole.
    pub(super) fn set_main(&self, name: &Name, commit: &str) -> Result<()> {
        let path = self.folder(name).join("refs/main");
        if fs::read_to_string(&path).is_ok_and(|old| old == commit) {
            return Ok(());
        }
        let fresh = path.with_file_name(format!("main.{}.tmp", std::process::id()));
        fs::write(&fresh, commit).map_err(Error::io("write", &fresh))?;
        disk::rename(&fresh, &path)
    }
}

/// A commit as git writes it: 40 hex digits. Anything else is no folder's name that a server may choose.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hex(text)
}

pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(set: &[(&str, &str)], home: Option<&str>) -> Option<PathBuf> {
        let get =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Cache::of(get, home.map(Path::new)).ok().map(|cache| cache.root().to_path_buf())
    }

    #[cfg(unix)]
    #[test]
    fn the_cache_is_where_the_hubs_own_tools_have_it() {
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(root(&[], Some("/home/a")), at("/home/a/.cache/huggingface/hub"));
        assert_eq!(root(&[("XDG_CACHE_HOME", "/c")], Some("/home/a")), at("/c/huggingface/hub"));
        let set = [("XDG_CACHE_HOME", "/c"), ("HF_HOME", "/hf")];
        assert_eq!(root(&set, Some("/home/a")), at("/hf/hub"));
        let set = [("HF_HUB_CACHE", "/hub"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")];
        assert_eq!(root(&set, Some("/home/a")), at("/hub"));
        assert_eq!(root(&set[1..], None), at("/old"));
        // Set to nothing, by a `~` that no shell read, and to a place below this one.
        assert_eq!(root(&[("HF_HOME", "")], Some("/home/a")), at("/home/a/.cache/huggingface/hub"));
        assert_eq!(root(&[("HF_HOME", "~/hf")], Some("/home/a")), at("/home/a/hf/hub"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(root(&[("HF_HOME", "hf")], None), Some(here.join("hf/hub")));
        assert_eq!(root(&[], None), None);
    }

    #[test]
    fn a_whole_snapshot_is_found_and_main_before_others() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path());
        let gpt2 = Name::gpt2();
        let [a, b] = ["a", "b"].map(|c| c.repeat(40));
        let put = |folder: &str, commit: &str, files: &[&str]| {
            let at = dir.path().join(folder).join("snapshots").join(commit);
            fs::create_dir_all(&at).unwrap();
            files.iter().for_each(|name| fs::write(at.join(name), "{}").unwrap());
            at
        };
        assert_eq!(cache.local(&gpt2), None);
        put("models--openai-community--gpt2", &a, &["config.json"]);
        assert_eq!(cache.local(&gpt2), None, "no weights");
        let old = put("models--gpt2", &a, &["config.json", "model.safetensors"]);
        assert_eq!(cache.local(&gpt2), Some(old));
        let second = put("models--openai-community--gpt2", &b, &["config.json", "pytorch_model.bin"]);
        assert_eq!(cache.local(&gpt2), Some(second.clone()));
        let first = put("models--openai-community--gpt2", &a, &["config.json", "model.safetensors"]);
        assert_eq!(cache.local(&gpt2), Some(first.clone()));
        fs::create_dir_all(dir.path().join("models--openai-community--gpt2/refs")).unwrap();
        cache.set_main(&gpt2, &b).unwrap();
        assert_eq!(cache.local(&gpt2), Some(second));
        // A ref that is no commit leads nowhere.
        fs::write(dir.path().join("models--openai-community--gpt2/refs/main"), "../../..").unwrap();
        assert_eq!(cache.local(&gpt2), Some(first));
    }
}
