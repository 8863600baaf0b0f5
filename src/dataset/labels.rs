//! `--label PATH=key:value`: what is said of everything below a path, for headers.

use std::path::{Path, PathBuf};

use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::journal::whole_path;

/// `--label PATH=key:value`, ready to be asked of files.
pub(super) struct Labels(Vec<Label>);

struct Label {
    path: PathBuf,
    key: String,
    value: String,
    /// Whether a file with words lies below `path`.
    fits: bool,
}

impl Labels {
    /// Reads them.
    pub(super) fn parse(typed: &[String]) -> Result<Labels> {
        let label = |typed: &String| {
            let (path, key, value) = parse_label(typed)?;
            Ok(Label { path, key, value, fits: false })
        };
        typed.iter().map(label).collect::<Result<Vec<_>>>().map(Labels)
    }

    /// What is said of a file, the nearer PATH last.
    pub(super) fn of(&mut self, source: &Path) -> Vec<(String, String)> {
        let there = whole_path(source).unwrap_or_default();
        let mut fitting: Vec<_> = self.0.iter_mut().filter(|label| there.starts_with(&label.path)).collect();
        fitting.sort_by_key(|label| label.path.components().count());
        fitting.iter_mut().for_each(|label| label.fits = true);
        fitting.into_iter().map(|label| (label.key.clone(), label.value.clone())).collect()
    }

    /// A label of nothing is a slip: nobody means it.
    pub(super) fn all_fit(&self) -> Result<()> {
        self.0.iter().find(|label| !label.fits).map_or(Ok(()), |label| {
            let problem = format!("--label: no entry of these journals lies below {}", shown(&label.path));
            Err(Error::usage(problem, "give a folder or file of the journals that are read"))
        })
    }
}

/// Reads `PATH=key:value`; the last `=` divides, since a path may hold one.
pub fn parse_label(typed: &str) -> Result<(PathBuf, String, String)> {
    let next = "use --label PATH=key:value, such as --label ~/letters=genre:letter";
    let bad = |problem: &str| Error::usage(format!("--label {typed}: {problem}"), next);
    let (path, label) = typed.rsplit_once('=').ok_or_else(|| bad("no = in it"))?;
    let (key, value) = label.split_once(':').ok_or_else(|| bad("no : after the ="))?;
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() || !key.chars().all(word) || ["date", "title", "tags", "source"].contains(&key) {
        return Err(bad("the key is no name for a label"));
    }
    let path = Path::new(path);
    let whole = whole_path(path).map_err(Error::typed("find", path))?;
    Ok((whole, key.to_string(), value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_path_a_key_and_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a=b");
        std::fs::create_dir(&path).unwrap();
        let typed = |label: &str| parse_label(&format!("{}={label}", path.display()));
        let read = typed("genre:letter: to a friend").unwrap();
        assert_eq!(read, (path.canonicalize().unwrap(), "genre".into(), "letter: to a friend".into()));
        for bad in ["genre", ":letter", "two words:x", "date:x", "title:x"] {
            assert!(typed(bad).is_err(), "{bad}");
        }
        assert!(parse_label("no equals sign").is_err());
        assert!(parse_label(&format!("{}/none=a:b", path.display())).is_err(), "a path that is not there");
    }

    #[test]
    fn the_nearer_path_comes_last_and_each_has_to_fit_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("letters");
        std::fs::create_dir(&deep).unwrap();
        std::fs::write(deep.join("a.txt"), "x").unwrap();
        let typed = |path: &Path, label: &str| format!("{}={label}", path.display());
        let all = [typed(&deep, "genre:letter"), typed(folder.path(), "genre:diary")];
        let mut labels = Labels::parse(&all).unwrap();
        assert!(labels.all_fit().is_err(), "no file was asked about yet");
        let values: Vec<String> =
            labels.of(&deep.join("a.txt")).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["diary", "letter"]);
        assert!(labels.all_fit().is_ok());
    }
}
