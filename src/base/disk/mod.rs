//! Files and folders: private, never overwritten by accident, whole or not there at all; their hashes; and this user's
//! cache. What `diarist` writes holds a diary, or was trained on one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::base::{Error, Result};

#[cfg(test)]
pub(crate) mod trace;

/// An operation on files, told to the tests that cut the power between two of them.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests alone read which file it was"))]
pub(crate) enum Op<'a> {
    /// A file or a folder has a name that it had not.
    Created(&'a Path),
    /// Bytes were handed to the system, which has them on the disk when it likes.
    Wrote(&'a Path),
    /// What is in a file, or the names in a folder, are on the disk.
    Synced(&'a Path),
    /// One name instead of another.
    Renamed(&'a Path, &'a Path),
    /// A second name.
    Linked(&'a Path, &'a Path),
    /// A file, or a folder with all that is in it, is about to lose its name.
    Removing(&'a Path),
}

/// Tells the tests of an operation; there is nothing else to tell.
#[cfg(not(test))]
pub(crate) fn note(_: Op<'_>) {}

#[cfg(test)]
pub(crate) use trace::note;

/// Bytes read or converted at a time: large enough that system calls cost nothing, small enough to forget about.
pub const PIECE: usize = 1 << 20;

/// Creates a file that must not exist yet, readable and writable by its owner alone (mode 0600 on Unix).
///
/// # Errors
/// What the system says; `AlreadyExists` where there is anything at `path`.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = private(OpenOptions::new().read(true).write(true).create_new(true)).open(path)?;
    note(Op::Created(path));
    Ok(file)
}

/// Opens a file to append to, created with mode 0600 where it is missing.
///
/// # Errors
/// What the system says.
pub fn append(path: &Path) -> io::Result<File> {
    let file = private(OpenOptions::new().append(true).create(true)).open(path)?;
    note(Op::Created(path));
    Ok(file)
}

/// Opens a file as it is, or creates it empty with mode 0600: to hold a lock on it.
///
/// # Errors
/// What the system says.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)?;
    note(Op::Created(path));
    Ok(file)
}

/// Asks for mode 0600 where files have modes.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a folder and what is missing above it, 0700 on Unix; one that is there stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn create_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("create", path))?;
    note(Op::Created(path));
    Ok(())
}

/// As [`create_folder`], with the new names on the disk when this returns.
///
/// # Errors
/// It cannot be made.
pub fn create_folder_for_good(path: &Path) -> Result<()> {
    let missing = |at: &&Path| !at.as_os_str().is_empty() && !at.exists();
    let new: Vec<&Path> = path.ancestors().take_while(missing).collect();
    create_folder(path)?;
    for made in new {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A folder that may be written and not read cannot be synced; what is made in it is no less there.
        let _ = sync_folder(above);
    }
    Ok(())
}

/// Makes a folder that somebody else made as private as ours.
///
/// # Errors
/// It belongs to another user, say.
pub fn make_private(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(folder, mode).map_err(Error::io("make private", folder))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// A folder in `above` for this user alone, of a name that nothing has; it goes when it is dropped.
///
/// # Errors
/// What the system says.
pub fn temporary_folder(above: &Path, prefix: &str, suffix: &str) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(above)
}

/// Writes a new private file, on the disk when this returns.
///
/// # Errors
/// There is one already, or it cannot be written; then nothing is left of it.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    filled(path, |file| file.write_all(bytes))
}

/// Copies a file to a new private one, on the disk when this returns.
///
/// # Errors
/// As [`write_new`]; or `from` cannot be read.
pub fn copy_new(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    filled(to, |file| io::copy(&mut source, file).map(drop))
}

/// A second name for a file that nothing will write to again; a copy, on a disk without links.
///
/// # Errors
/// As [`copy_new`].
pub fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_err() {
        return copy_new(from, to);
    }
    note(Op::Linked(from, to));
    Ok(())
}

/// A new file that `fill` writes; removed where that fails.
fn filled(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let mut file = create_new(path).map_err(Error::io("create", path))?;
    let filled = fill(&mut file).and_then(|()| synced(&file, path)).map_err(Error::io("write", path));
    filled.inspect_err(|_| {
        let _ = remove(path);
    })
}

/// Brings what was written to a new file to the disk.
///
/// # Errors
/// What the system says.
pub fn synced(file: &File, path: &Path) -> io::Result<()> {
    note(Op::Wrote(path));
    file.sync_all()?;
    note(Op::Synced(path));
    Ok(())
}

/// Writes a whole file beside its place and renames it there: at every moment the old one or the new one.
///
/// # Errors
/// It cannot be written, and the old one stands; or only its folder could not be brought to the disk, and the new one does.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_with(path, |fresh| write_new(fresh, bytes))
}

/// As [`replace`], with a file that `write` makes under the temporary name that it is given.
///
/// # Errors
/// As [`replace`]; those of `write`.
pub fn replace_with<T>(path: &Path, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let fresh = temporary(path);
    let written = stage(path, write)?;
    rename(&fresh, path).inspect_err(|_| {
        let _ = remove(&fresh);
    })?;
    sync_folder(path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    Ok(written)
}

/// The first half of it: the new file is on the disk, under its [`temporary`] name.
///
/// # Errors
/// Those of `write`; a leftover of that name that cannot be removed.
pub fn stage<T>(path: &Path, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let fresh = temporary(path);
    remove(&fresh)?;
    write(&fresh).inspect_err(|_| {
        // What stopped the writing is the news, not whether its remains could be cleared away.
        let _ = remove(&fresh);
    })
}

/// Where a file waits until it is whole: `run.json.tmp`.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Renames a file or a folder.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("rename a file to", to))?;
    note(Op::Renamed(from, to));
    Ok(())
}

/// Removes a file that may not be there.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> Result<()> {
    note(Op::Removing(path));
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it, which may not be there.
///
/// # Errors
/// What the system says.
pub fn remove_folder(path: &Path) -> Result<()> {
    note(Op::Removing(path));
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// A new file, or a folder, that `write` makes under the temporary path that it is given: whole at `path`, or not there.
///
/// # Errors
/// There is something at `path` already (nothing is overwritten); those of `write`, of whose file they say that it is `path`.
pub fn new_with<T>(path: &Path, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if path.symlink_metadata().is_ok() {
        return Err(taken(path));
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(above)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    // A name may have 255 bytes, and this one is longer than the file's.
    let prefix: String = prefix.to_string_lossy().chars().take(40).collect();
    let folder = Temporary::new(above, &prefix)?;
    let fresh = folder.0.join("new");
    let written = write(&fresh).map_err(|e| e.of(&fresh, path))?;
    // A link fails where there is something, whoever put it there meanwhile; so does renaming a folder onto one that is not empty.
    let linked = if fresh.is_dir() { fs::rename(&fresh, path) } else { fs::hard_link(&fresh, path) };
    match linked {
        Ok(()) => {}
        Err(_) if path.symlink_metadata().is_ok() => return Err(taken(path)),
        // A disk without links.
        Err(_) => rename(&fresh, path)?,
    }
    sync_folder(above)?;
    Ok(written)
}

/// The temporary folders of this process, so that they can go when it is interrupted.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder that goes when it is dropped, or by [`remove_temporaries`].
struct Temporary(PathBuf);

impl Temporary {
    fn new(above: &Path, prefix: &str) -> Result<Temporary> {
        let made = temporary_folder(above, &format!("{prefix}."), ".partial");
        let folder = made.map_err(Error::io("create a folder in", above))?.keep();
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).push(folder.clone());
        Ok(Temporary(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).retain(|folder| *folder != self.0);
    }
}

/// Removes what is half written: for a process that ends before its time.
pub fn remove_temporaries() {
    for folder in TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Opens a file to read, and nothing else: a pipe would be waited for without end.
///
/// # Errors
/// What the system says; it is no file.
pub fn open_file(path: &Path) -> Result<File> {
    let about = fs::metadata(path).map_err(Error::typed("open", path))?;
    if !about.is_file() {
        return Err(Error::file(path, "not a file", "name a file, or the folder that a model is in"));
    }
    File::open(path).map_err(Error::io("open", path))
}

/// All bytes of a file, which has an end.
///
/// # Errors
/// As [`open_file`].
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// All bytes of a file that has so many at most; none where it has more. No more than that is read.
///
/// # Errors
/// As [`open_file`].
pub fn read_at_most(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(most + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

/// The error of a place that has something already.
pub fn taken(path: &Path) -> Error {
    Error::file(
        path,
        "there is something already, and nothing is overwritten",
        "give another name, or move that away",
    )
}

/// Brings a file that others wrote to the disk.
///
/// # Errors
/// What the system says.
pub fn sync_file(path: &Path) -> Result<()> {
    // Open for writing, because Windows syncs nothing else.
    let file = OpenOptions::new().append(true).open(path).map_err(Error::io("open", path))?;
    synced(&file, path).map_err(Error::io("write", path))
}

/// A renamed or new name is on the disk once its folder is. Windows has no such call and needs none.
///
/// # Errors
/// What the system says.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let opened = File::open(folder).map_err(Error::io("open", folder))?;
        opened.sync_all().map_err(Error::io("write", folder))?;
        note(Op::Synced(folder));
    }
    Ok(())
}

/// Fills a buffer with the bytes of a file from a place on, whoever else reads it at the same time.
///
/// # Errors
/// The file ends before; what the system says.
pub fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytes, at);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < bytes.len() {
            match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], at + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a file's bytes, in hex.
///
/// # Errors
/// The file cannot be opened or read.
pub fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(Error::io("read", path))? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// This user's cache of `diarist`, which no other user may look into; none where there is no such place.
pub fn cache_folder() -> Option<PathBuf> {
    let folder = dirs::cache_dir()?.join("diarist");
    create_folder(&folder).ok()?;
    // A folder that was there before may have been more open.
    make_private(&folder).ok()?;
    Some(folder)
}

/// Bytes that this user may still write where `path` is or will be; none where the system does not say.
pub fn free(path: &Path) -> Option<u64> {
    let absolute = std::path::absolute(path).ok()?;
    let there = absolute.ancestors().find(|above| above.exists())?;
    fs4::available_space(there).ok()
}

#[cfg(test)]
mod tests;
