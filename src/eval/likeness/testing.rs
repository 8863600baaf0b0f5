//! The real diaries, for tests. Where they are not at hand there is nothing to check.

use std::path::{Path, PathBuf};

/// One of the diaries' files, in order of their names: each with its text.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn files(diary: &str) -> Vec<(String, String)> {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals");
    let Ok(folder) = std::fs::read_dir(journals.join(diary)) else {
        eprintln!("{diary} is not at hand: what is tried on it is skipped");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// Barbellion's entries: a file each.
pub fn barbellion() -> Vec<String> {
    files("barbellion").into_iter().map(|(_, text)| text).collect()
}

/// Pepys's entries: a line that is a date goes before each.
pub fn pepys() -> Vec<String> {
    let is_date = |line: &str| line.len() == 10 && line.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let mut entries: Vec<String> = Vec::new();
    for line in files("pepys").iter().flat_map(|(_, text)| text.lines()) {
        if is_date(line) {
            entries.push(String::new());
        } else if let Some(entry) = entries.last_mut() {
            entry.push_str(line);
            entry.push('\n');
        }
    }
    entries.iter().map(|entry| entry.trim().to_string()).filter(|entry| !entry.is_empty()).collect()
}

/// Views of them.
pub fn views(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// SplitMix64, for tests.
pub fn draws(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
