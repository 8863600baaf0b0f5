//! What tells whether the same would be read again.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::select::Select;
use super::walk;
use crate::base::Result;
use crate::base::disk::hex;
use crate::journal::options::{Options, Secrets};

/// What tells whether the same PATHs, read with the same options, would give the same: every file that would be read, with
/// its length and the time it was last changed, and every option.
///
/// # Errors
/// A PATH that does not exist; an option that cannot work.
pub fn fingerprint(paths: &[PathBuf], options: &Options) -> Result<String> {
    let select = Select::new(options)?;
    Ok(fingerprint_of(&walk::find(paths, &select)?, options))
}

/// The same, of what was found.
pub fn fingerprint_of(finds: &walk::Finds, options: &Options) -> String {
    let mut sha = Sha256::new();
    let mut add = |bytes: &[u8]| {
        sha.update((bytes.len() as u64).to_le_bytes());
        sha.update(bytes);
    };
    add(format!("{options:?}").as_bytes());
    for found in &finds.files {
        add(found.path.as_os_str().as_encoded_bytes());
        add(found.relative.as_os_str().as_encoded_bytes());
        add(format!("{} {}", found.vault.map_or("None", |vault| vault.app), stamp(&found.path)).as_bytes());
    }
    let review = match &options.secrets.what {
        Secrets::Reviewed(review) => Some(review),
        _ => None,
    };
    for listed in
        [options.style.redact.as_ref(), options.secrets.patterns.as_ref(), review].into_iter().flatten()
    {
        add(stamp(listed).as_bytes());
    }
    for skipped in &finds.skipped {
        add(skipped.path.as_os_str().as_encoded_bytes());
    }
    hex(&sha.finalize())
}

/// A file's length and times: when its text was changed and, on Unix, when anything about it was.
fn stamp(path: &Path) -> String {
    let Ok(metadata) = std::fs::metadata(path) else { return "none".into() };
    let mut stamp = format!("{} {:?}", metadata.len(), metadata.modified().ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        stamp += &format!(" {} {} {}", metadata.ctime(), metadata.ctime_nsec(), metadata.ino());
    }
    stamp
}
