//! Where a file lies, by whatever path it is reached.

use std::path::{Path, PathBuf};

/// The canonical path; what lies in a zip lies below the zip.
///
/// # Errors
/// What the system says of a path that does not exist.
pub fn whole_path(path: &Path) -> std::io::Result<PathBuf> {
    let mut zips = path.ancestors().skip(1).filter(|above| above.is_file());
    match (path.canonicalize(), zips.next()) {
        (Err(_), Some(zip)) => Ok(zip.canonicalize()?.join(path.strip_prefix(zip).unwrap_or(path))),
        (whole, _) => whole,
    }
}
