//! One process at a time in a run's folder. The file `lock` is held by the operating system, which frees it however the process
//! ends; and it says who holds it, for a person, and for a disk that cannot lock.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::base::units::shown;
use crate::base::{Error, Result, disk};
use crate::run::record::now;
use crate::run::runs::LOCK;

/// What the file begins with while somebody holds it.
const BEGINS: &str = "diarist ";

/// A run's folder in this process's hands, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// What a person should know of it: the disk cannot lock.
    pub note: Option<String>,
}

/// Who holds a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    host: String,
    pid: u32,
    /// RFC 3339.
    since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Holder { host, pid, since } = self;
        write!(f, "{BEGINS}process {pid} on {host} since {since}")
    }
}

impl Holder {
    fn this() -> Holder {
        let host = System::host_name().unwrap_or_default().replace(char::is_whitespace, "-");
        let host = if host.is_empty() { "this-computer".to_string() } else { host };
        Holder { host, pid: std::process::id(), since: now() }
    }

    fn parse(text: &str) -> Option<Holder> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["diarist", "process", pid, "on", host, "since", since] => {
                Some(Holder { host: host.to_string(), pid: pid.parse().ok()?, since: since.to_string() })
            }
            _ => None,
        }
    }

    /// Whether it may still be there. Of another computer nothing tells; here, a process that began later has only its number.
    fn may_live(&self) -> bool {
        if self.host != Holder::this().host {
            return true;
        }
        let pid = Pid::from_u32(self.pid);
        let Ok(mut system) = System::new() else { return true };
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            false,
            ProcessRefreshKind::nothing(),
        );
        let since = self.since.parse::<jiff::Timestamp>().map_or(0, |since| since.as_second());
        // Both are whole seconds, and a clock may be set.
        system.process(pid).is_some_and(|process| process.start_time() as i64 <= since + 2)
    }
}

/// Whether a lock file holds what ours do, whole or cut short.
pub(super) fn is_ours(path: &Path) -> bool {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(1 << 10).read_to_string(&mut text));
    read.is_ok() && (BEGINS.starts_with(&text) || text.starts_with(BEGINS))
}

/// Whether a process works in a folder.
pub fn is_held(path: &Path) -> bool {
    File::open(path.join(LOCK)).is_ok_and(|mut file| match file.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => named(&mut file).is_some_and(|holder| holder.may_live()),
    })
}

/// Holds a folder for this process.
///
/// # Errors
/// Another process holds it; nothing can be written there.
pub(super) fn hold(folder: &Path) -> Result<Lock> {
    hold_by(folder, File::try_lock)
}

fn hold_by(folder: &Path, try_lock: impl Fn(&File) -> std::result::Result<(), TryLockError>) -> Result<Lock> {
    let at = folder.join(LOCK);
    let mut file = disk::open_or_create(&at).map_err(|e| unwritable(folder, &at, e))?;
    let mut held = try_lock(&file);
    if matches!(held, Err(TryLockError::WouldBlock)) {
        // Who lists the runs looks at the lock, and has gone again in a moment.
        std::thread::sleep(Duration::from_millis(100));
        held = try_lock(&file);
    }
    let note = match held {
        Ok(()) => None,
        Err(TryLockError::WouldBlock) => return Err(used(folder, named(&mut file), None)),
        Err(TryLockError::Error(e)) if cannot_lock(&e) => {
            if let Some(holder) = named(&mut file).filter(Holder::may_live) {
                return Err(used(folder, Some(holder), Some(&at)));
            }
            Some(format!(
                "the disk of {} cannot lock files; {LOCK} says who trains there instead",
                shown(folder)
            ))
        }
        Err(TryLockError::Error(e)) => return Err(Error::io("lock", &at)(e)),
    };
    let ours = Holder::this();
    write(&file, &format!("{ours}\n")).map_err(|e| unwritable(folder, &at, e))?;
    let lock = Lock { file, note };
    if lock.note.is_some() {
        // Two may have come at once: the one that wrote last has it.
        std::thread::sleep(Duration::from_millis(100));
        let found = File::open(&at).ok().and_then(|mut file| named(&mut file));
        if found.as_ref() != Some(&ours) {
            // It is the other's to empty.
            std::mem::forget(lock);
            return Err(used(folder, found, Some(&at)));
        }
    }
    Ok(lock)
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The system frees a lock; a name that stays would only be wrong where there is none.
        let _ = self.file.set_len(0);
    }
}

/// Who a lock file says holds it.
fn named(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    io::Seek::rewind(file).ok()?;
    file.take(1 << 10).read_to_string(&mut text).ok()?;
    Holder::parse(&text)
}

fn write(mut file: &File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    io::Seek::rewind(&mut file)?;
    file.write_all(text.as_bytes())
}

/// Whether a disk has no locks: some network disks, some that are mounted from phones. `ENOLCK` has no kind of its own.
fn cannot_lock(e: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    e.kind() == io::ErrorKind::Unsupported || cfg!(unix) && e.raw_os_error() == Some(ENOLCK)
}

fn used(folder: &Path, holder: Option<Holder>, remove: Option<&PathBuf>) -> Error {
    let who =
        holder.map_or(String::new(), |holder| format!(": {}", holder.to_string().trim_start_matches(BEGINS)));
    let remove = remove.map_or(String::new(), |lock| {
        format!("; its disk cannot lock files, so if nothing trains there, remove {}", shown(lock))
    });
    Error::file(
        folder,
        format!("another diarist is using this run{who}"),
        format!("wait until it has finished, or stop it with Ctrl-C (it saves first){remove}"),
    )
}

/// The error of a folder that nothing can be written to, once, and not of the first file that it happens to.
fn unwritable(folder: &Path, at: &Path, e: io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::file(
            folder,
            format!("nothing can be written there ({e}), and a run that trains writes into its folder"),
            "make it writable for this user; or copy it to a disk that is, and resume it there: a run's folder may be moved",
        ),
        _ => Error::io("open", at)(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(folder: &Path) -> String {
        hold(folder).unwrap_err().to_string()
    }

    #[test]
    fn who_holds_a_folder_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let lock = hold(dir.path()).unwrap();
        assert!(lock.note.is_none() && is_held(dir.path()) && is_ours(&dir.path().join(LOCK)));
        let told = refused(dir.path());
        let this = Holder::this();
        assert!(told.contains(&format!("process {} on {} since 20", this.pid, this.host)), "{told}");
        drop(lock);
        assert!(!is_held(dir.path()));
        assert_eq!(std::fs::read(dir.path().join(LOCK)).unwrap(), b"");
        // What a process left that was killed is in nobody's way.
        std::fs::write(dir.path().join(LOCK), "diarist process 1 on elsewhere since 2020-01-01T00:00:00Z\n")
            .unwrap();
        hold(dir.path()).unwrap();
    }

    fn no_locks(_: &File) -> std::result::Result<(), TryLockError> {
        Err(TryLockError::Error(io::ErrorKind::Unsupported.into()))
    }

    #[test]
    fn where_nothing_locks_the_file_says_who_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let lock = hold_by(dir.path(), no_locks).unwrap();
        assert!(lock.note.as_ref().is_some_and(|note| note.contains("cannot lock")));
        let told = hold_by(dir.path(), no_locks).unwrap_err().to_string();
        assert!(told.contains("another diarist") && told.contains("remove "), "{told}");
        drop(lock);
        let left = |holder: &Holder| std::fs::write(dir.path().join(LOCK), format!("{holder}\n")).unwrap();
        // A process of this computer that is gone; one whose number another has now; one of another computer, of which nobody knows.
        let gone = Holder { pid: 4_000_000, ..Holder::this() };
        let later = Holder { since: "2001-01-01T00:00:00Z".into(), ..Holder::this() };
        for stale in [gone, later] {
            left(&stale);
            assert!(hold_by(dir.path(), no_locks).is_ok(), "{stale}");
        }
        left(&Holder { host: "elsewhere".into(), ..Holder::this() });
        let told = hold_by(dir.path(), no_locks).unwrap_err().to_string();
        assert!(told.contains("on elsewhere since"), "{told}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_one_clear_error() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            let told = unwritable(Path::new("run"), Path::new("run/lock"), kind.into()).to_string();
            assert!(told.starts_with("run: nothing can be written") && told.contains("copy it"), "{told}");
        }
        let no_locks = |code| cannot_lock(&io::Error::from_raw_os_error(code));
        assert!(!cfg!(target_os = "linux") || no_locks(37) && no_locks(95) && !no_locks(5));
    }
}
