//! One file, from the hub into the cache: resumed where it broke, its length and its hash checked, under its name only then.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::base::disk::{self, PIECE, hex};
use crate::base::units::thousands;
use crate::base::{Error, Result};
use crate::weights::hub::cache::Cache;
use crate::weights::hub::client::{Asked, Client, Failure, Remote};
use crate::weights::hub::name::Name;

/// Where a file comes from and where it goes.
pub(super) struct Download<'a> {
    pub client: &'a Client,
    pub cache: &'a Cache,
    pub name: &'a Name,
    pub commit: &'a str,
}

/// Who watches it.
pub trait Watcher {
    /// So many bytes of the model are there, of so many.
    fn progress(&mut self, done: u64, of: u64);
    /// Something that a person should know.
    fn say(&mut self, line: &str);
}

impl Download<'_> {
    /// What is there of a file already, in bytes: all of it, or what an earlier try left.
    pub fn present(&self, remote: &Remote) -> u64 {
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let blob = self.cache.blob(self.name, &remote.hash);
        length(&blob).max(length(&partial(&blob))).min(remote.size)
    }

    /// Gets a file, unless it is there. `watcher` is told of progress from `before` on, of `of` bytes in all.
    ///
    /// # Errors
    /// What came is not what the hub says it is: that is removed. The connection broke too often: what came stays for the
    /// next time. A full disk.
    pub fn run(&self, remote: &Remote, before: u64, of: u64, watcher: &mut dyn Watcher) -> Result<()> {
        let blob = self.cache.blob(self.name, &remote.hash);
        let waiting = |watcher: &mut dyn Watcher| {
            watcher.say(&format!("another process is getting {}; waiting for it", remote.file));
        };
        let lock = self.cache.lock(self.name, &remote.hash, || waiting(watcher))?;
        let in_snapshot = self.cache.snapshot(self.name, self.commit).join(&remote.file).exists();
        if !blob.exists() && !in_snapshot {
            self.fill(&partial(&blob), remote, before, of, watcher)?;
            disk::rename(&partial(&blob), &blob)?;
        }
        self.cache.link(self.name, self.commit, &remote.file, &remote.hash)?;
        watcher.progress(before + remote.size, of);
        drop(lock);
        Ok(())
    }

    /// Completes a partial file until it is whole, right, and on the disk.
    fn fill(
        &self,
        path: &Path,
        remote: &Remote,
        before: u64,
        of: u64,
        watcher: &mut dyn Watcher,
    ) -> Result<()> {
        let open = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut part =
            Part { file: open.map_err(Error::io("create", path))?, path, hash: Hash::of(remote), length: 0 };
        part.take_up(remote)?;
        let mut tries = 1;
        while part.length < remote.size {
            let start = part.length;
            let told = |length| watcher.progress(before + length, of);
            match self.piece(&mut part, remote, told) {
                Ok(()) => {}
                Err(Failure::Final(e)) => return Err(e),
                Err(Failure::Broke(why, wait)) => {
                    if part.length > start {
                        tries = 1;
                    }
                    self.client.pause(&mut tries, &why, wait).map_err(|e| self.stays(e, &part, remote))?;
                    watcher.say(&format!("{}: {why}; going on", remote.file));
                }
            }
        }
        let found = part.hash.finish();
        if found != remote.hash {
            fs::remove_file(path).map_err(Error::io("remove", path))?;
            return Err(Error::setting(
                format!(
                    "{} came with other bytes than the hub's: their hash is {found}, and not {}; they were removed",
                    remote.file, remote.hash
                ),
                "get it again; if it stays so, try another network: something between here and the hub changes what it sends",
            ));
        }
        part.file.sync_all().map_err(Error::io("write", path))
    }

    /// One connection's worth.
    fn piece(&self, part: &mut Part, remote: &Remote, mut told: impl FnMut(u64)) -> Asked<()> {
        let (mut answer, at) = self.client.get(self.name, self.commit, remote, part.length)?;
        if at != part.length {
            // A server that knows no parts begins again.
            part.begin_again(remote).map_err(Failure::Final)?;
        }
        let mut body = answer.body_mut().as_reader();
        let mut piece = vec![0; PIECE];
        loop {
            let n = match body.read(&mut piece) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                read => read.map_err(|e| self.client.broken(e))?,
            };
            if n == 0 {
                break;
            }
            if part.length + n as u64 > remote.size {
                // What came before may be right, but nothing of this server's is kept.
                fs::remove_file(part.path).map_err(Error::io("remove", part.path)).map_err(Failure::Final)?;
                return Err(Failure::Final(Error::setting(
                    format!(
                        "{}: the server sends more than the {} bytes that the hub says; what came was removed",
                        remote.file,
                        thousands(remote.size)
                    ),
                    "try again later, or another network",
                )));
            }
            part.append(&piece[..n]).map_err(Failure::Final)?;
            told(part.length);
        }
        if part.length < remote.size {
            let (came, all) = (thousands(part.length), thousands(remote.size));
            return Err(Failure::Broke(format!("the connection ended after {came} of {all} bytes"), None));
        }
        Ok(())
    }

    /// Says that what came is not lost.
    fn stays(&self, e: Error, part: &Part, remote: &Remote) -> Error {
        match e {
            Error::Setting { problem, next } => Error::setting(
                format!(
                    "{}: {problem}; {} of {} bytes came, and stay",
                    remote.file,
                    thousands(part.length),
                    thousands(remote.size)
                ),
                format!("try again, and it goes on from there; or {next}"),
            ),
            e => e,
        }
    }
}

/// Where a blob grows: beside its place, under the name that huggingface_hub gave it too.
fn partial(blob: &Path) -> std::path::PathBuf {
    blob.with_added_extension("incomplete")
}

/// A file that is not whole yet, and the hash so far.
struct Part<'a> {
    file: File,
    path: &'a Path,
    hash: Hash,
    length: u64,
}

impl Part<'_> {
    /// Hashes what an earlier try left. What is longer than the whole is of no use.
    fn take_up(&mut self, remote: &Remote) -> Result<()> {
        let there = self.file.metadata().map_err(Error::io("read", self.path))?.len();
        if there > remote.size {
            return self.begin_again(remote);
        }
        let mut piece = vec![0; PIECE];
        loop {
            match self.file.read(&mut piece).map_err(Error::io("read", self.path))? {
                0 => return Ok(()),
                n => self.hash.update(&piece[..n]),
            }
            self.length = self.file.stream_position().map_err(Error::io("read", self.path))?;
        }
    }

    fn begin_again(&mut self, remote: &Remote) -> Result<()> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(Error::io("write", self.path))?;
        (self.hash, self.length) = (Hash::of(remote), 0);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", self.path))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// A hash as the hub names a file by.
enum Hash {
    Sha256(Sha256),
    Git(Sha1),
}

impl Hash {
    fn of(remote: &Remote) -> Hash {
        if remote.hash.len() == 64 {
            return Hash::Sha256(Sha256::new());
        }
        // Git hashes a file behind a line of its own.
        Hash::Git(Sha1::new_with_prefix(format!("blob {}\0", remote.size)))
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hash::Sha256(hash) => hash.update(bytes),
            Hash::Git(hash) => hash.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Hash::Sha256(hash) => hex(&hash.finalize()),
            Hash::Git(hash) => hex(&hash.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_hubs() {
        let of = |digits: usize, bytes: &[u8]| {
            let hash = "0".repeat(digits);
            let mut hash = Hash::of(&Remote { file: "x".into(), hash, size: bytes.len() as u64 });
            hash.update(bytes);
            hash.finish()
        };
        // `git hash-object` of an empty file and of "hello\n"; FIPS 180-4's "abc".
        assert_eq!(of(40, b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(of(40, b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(of(64, b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
