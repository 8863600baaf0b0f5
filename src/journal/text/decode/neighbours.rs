//! A few letters tell an encoding badly: `na?ve` is `naïve` and `naīve`. The short files of one folder, a day each, tell
//! it together.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::detect::detect;
use super::encoding::Encoding;

/// The longest file that is taken for a short one.
const SHORT: u64 = 4 << 10;

/// How much of a folder is looked at, and of all folders.
const MOST_OF_FOLDER: usize = 64 << 10;
const MOST: usize = 64 << 20;

/// The encodings of folders whose short files are in none of Unicode's.
#[derive(Debug, Default)]
pub struct Neighbours(HashMap<PathBuf, Encoding>);

impl Neighbours {
    /// What the short files among these, given with their lengths, are in. What cannot be read is passed over.
    pub fn of<'a>(files: impl Iterator<Item = (&'a Path, u64)>) -> Neighbours {
        let (mut folders, mut held) = (HashMap::<PathBuf, Vec<u8>>::new(), 0);
        let is_text = |path: &Path| {
            path.extension().is_none_or(|extension| {
                ["txt", "text", "md", "markdown"].iter().any(|known| extension.eq_ignore_ascii_case(known))
            })
        };
        for (path, length) in files.filter(|(path, length)| *length <= SHORT && is_text(path)) {
            let Some(folder) = path.parent().filter(|_| held < MOST) else { continue };
            if folders.get(folder).is_some_and(|bytes| bytes.len() >= MOST_OF_FOLDER) {
                continue;
            }
            let Ok(bytes) = fs::read(path) else { continue };
            if detect(&bytes[..]).is_ok_and(|encoding| !encoding.is_unicode()) {
                held += length as usize;
                let all = folders.entry(folder.to_path_buf()).or_default();
                all.extend(bytes);
                all.push(b'\n');
            }
        }
        let encodings =
            folders.into_iter().filter_map(|(folder, bytes)| Some((folder, detect(&bytes[..]).ok()?)));
        Neighbours(encodings.collect())
    }

    /// What the short files beside this one are in.
    pub fn beside(&self, path: &Path) -> Option<Encoding> {
        self.0.get(path.parent()?).copied()
    }
}
