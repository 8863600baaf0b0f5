//! Where a run goes: a place of its own, never one that holds something, never inside the journals.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use crate::base::units::shown;
use crate::base::{Error, Result, shell};
use crate::run::leftover::is_leftover;
use crate::run::runs::RECORD;

/// The folder for a new run: `out`, which must hold nothing yet but what a run left that was killed before its first save; without it, `checkpoints/NAME` after the first path's
/// file or folder, then `NAME-2`, `NAME-3`… where there is one. Creates nothing.
///
/// # Errors
/// `out` exists and holds something, or is no folder.
pub fn choose_out(out: Option<&Path>, first_path: &Path, checkpoints: &Path) -> Result<PathBuf> {
    if let Some(out) = out {
        check_empty(out)?;
        return Ok(out.to_path_buf());
    }
    let place = checkpoints.join(name_of(first_path));
    Ok(if is_free(&place) { place } else { numbered(&place) })
}

/// Whether nothing is there. A broken link is something too: `exists` would follow it.
fn is_free(place: &Path) -> bool {
    place.symlink_metadata().is_err()
}

/// The first of `PLACE-2`, `PLACE-3`… that is free.
fn numbered(place: &Path) -> PathBuf {
    // Without a last `/`, or the number would become a name in the folder.
    let plain: PathBuf = place.components().collect();
    let mut numbered = (2_u64..).map(|n| {
        let mut name = plain.clone().into_os_string();
        name.push(format!("-{n}"));
        PathBuf::from(name)
    });
    numbered.find(|place| is_free(place)).expect("there are fewer folders than numbers")
}

/// An absent or an empty folder, or one that holds what a run left that was killed before its first save.
pub(super) fn check_empty(out: &Path) -> Result<()> {
    if out.symlink_metadata().is_err() {
        return Ok(());
    }
    let taken = |problem| {
        let mut next = format!("give another place: --out {}", shell::path(numbered(out)));
        if out.join(RECORD).is_file() {
            next += &format!(
                "\n  or continue the run that is there: {} train --resume {}",
                shell::program(),
                shell::path(out)
            );
        }
        Error::file(out, problem, next)
    };
    if !out.is_dir() {
        return Err(taken("exists, and is not a folder"));
    }
    match std::fs::read_dir(out).map_err(Error::io("read", out))?.next() {
        None => Ok(()),
        Some(_) if is_leftover(out) => Ok(()),
        Some(_) => Err(taken("holds something already, and nothing is ever overwritten")),
    }
}

/// A folder's name, or a file's without its extension.
fn name_of(path: &Path) -> OsString {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    // The name as typed, where there is one: a link called `journal` gives `journal`.
    let named = if path.file_name().is_some() { path } else { real.as_path() };
    let name = if real.is_dir() { named.file_name() } else { named.file_stem() };
    name.unwrap_or(OsStr::new("journal")).to_os_string()
}

/// Refuses a place inside (or at) any of the folders that are read: people keep their journals in synced folders, and a run
/// must not be synced, nor read as a journal. Links are followed; `out` need not exist.
///
/// # Errors
/// `out` is inside a path, or a path does not exist.
pub fn refuse_inside(out: &Path, paths: &[PathBuf]) -> Result<()> {
    let place = resolve(out)?;
    for path in paths {
        let journal = path.canonicalize().map_err(Error::typed("find", path))?;
        if place.starts_with(&journal) {
            let problem =
                format!("inside {}, which holds the journals: nothing is written among them", shown(path));
            return Err(Error::file(
                out,
                problem,
                outside(&paths.iter().map(resolve).collect::<Result<Vec<_>>>()?),
            ));
        }
    }
    Ok(())
}

/// Refuses a place inside (or at) a run's folder, for what is made of a run: the folder is the run's own, and what is not of it
/// would be taken for a part of it. Links are followed; `out` need not exist.
///
/// # Errors
/// `out` is inside a run's folder.
pub fn refuse_in_run(out: &Path) -> Result<()> {
    let place = resolve(out)?;
    let Some(run) = place.ancestors().find(|above| above.join(RECORD).is_file()) else { return Ok(()) };
    let mut beside = run.as_os_str().to_os_string();
    beside.push("-made");
    let beside = PathBuf::from(beside);
    let beside = if is_free(&beside) { beside } else { numbered(&beside) };
    let problem =
        format!("inside {}, which is a run's own folder: nothing else is written there", shown(run));
    Err(Error::file(out, problem, format!("give another place, such as {}", shell::path(beside))))
}

/// A place outside the journals, as advice: in this user's home, beside the journals, or in the temporary folder.
fn outside(journals: &[PathBuf]) -> String {
    let beside = journals.iter().filter_map(|journal| journal.parent().map(Path::to_path_buf));
    let places = dirs::home_dir().into_iter().chain(beside).chain([std::env::temp_dir()]);
    let mut outside = places.map(|place| place.join("diarist/1")).filter_map(|place| resolve(&place).ok());
    match outside.find(|place| !journals.iter().any(|journal| place.starts_with(journal))) {
        Some(place) if is_free(&place) => format!("give another place, such as {}", shell::path(place)),
        Some(place) => format!("give another place, such as {}", shell::path(numbered(&place))),
        None => "name the folders of the journals themselves, not one that holds everything".into(),
    }
}

/// The real path of a place that may not exist yet: links are followed as far as there is something.
fn resolve(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    let absolute = std::path::absolute(path).map_err(Error::io("find", path))?;
    let mut real = PathBuf::new();
    for component in absolute.components() {
        match component {
            // What stands so far has no links left, so its parent is the real one.
            Component::ParentDir => {
                real.pop();
            }
            Component::CurDir => {}
            _ => real.push(component),
        }
        if real.symlink_metadata().is_ok() {
            real = real.canonicalize().map_err(Error::io("find", path))?;
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn names_follow_the_first_path_and_then_count() {
        let dir = tempfile::tempdir().unwrap();
        let (journal, runs) = (dir.path().join("my.journal"), dir.path().join("runs"));
        fs::create_dir_all(&journal).unwrap();
        fs::write(dir.path().join("2019.notes.txt"), "x").unwrap();
        let choose = |p: &Path| choose_out(None, p, &runs).unwrap();
        assert_eq!(choose(&journal), runs.join("my.journal"));
        assert_eq!(choose(&dir.path().join("2019.notes.txt")), runs.join("2019.notes"));
        assert_eq!(choose(&journal.join(".")), runs.join("my.journal"));
        assert_eq!(choose(&journal.join("..").join("my.journal").join("..")).parent(), Some(runs.as_path()));
        assert_eq!(choose(Path::new("/")), runs.join("journal"));
        fs::create_dir_all(runs.join("my.journal")).unwrap();
        assert_eq!(choose(&journal), runs.join("my.journal-2"));
        fs::write(runs.join("my.journal-2"), "").unwrap();
        assert_eq!(choose(&journal), runs.join("my.journal-3"));
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let choose = || choose_out(Some(&out), Path::new("x"), dir.path());
        assert_eq!(choose().unwrap(), out);
        fs::create_dir(&out).unwrap();
        assert_eq!(choose().unwrap(), out);
        fs::write(out.join("a"), "").unwrap();
        let message = choose().unwrap_err().to_string();
        assert!(message.contains("ever overwritten") && !message.contains("--resume"), "{message}");
        assert!(message.ends_with(&format!("--out {}-2", shell::path(&out))), "{message}");
        fs::write(out.join(RECORD), "").unwrap();
        let message = choose().unwrap_err().to_string();
        assert!(message.ends_with(&format!("train --resume {}", shell::path(&out))), "{message}");
        assert!(choose_out(Some(&out.join("a")), Path::new("x"), dir.path()).is_err());
    }

    #[test]
    fn a_place_inside_the_journals_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        fs::create_dir_all(at("vault/2019")).unwrap();
        fs::write(at("loose.txt"), "x").unwrap();
        let paths = [at("vault"), at("loose.txt")];
        for inside in
            ["vault", "vault/run", "vault/a/b/c", "vault/2019/../run", "other/../vault/x", "vault/x/../y"]
        {
            let message = refuse_inside(&at(inside), &paths).unwrap_err().to_string();
            assert!(message.contains("give another place"), "{inside}: {message}");
        }
        for beside in ["vault-2", "runs/vault", "vault/../run", "loose", "vault/2019/../../run"] {
            refuse_inside(&at(beside), &paths).unwrap();
        }
        assert!(refuse_inside(&at("run"), &[at("no")]).is_err());
    }

    #[test]
    fn a_place_inside_a_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        fs::create_dir_all(at("run/state")).unwrap();
        fs::write(at("run").join(RECORD), "{}").unwrap();
        for inside in ["run", "run/merged", "run/state/a/b", "other/../run/x"] {
            let message = refuse_in_run(&at(inside)).unwrap_err().to_string();
            assert!(
                message.contains("a run's own folder") && message.contains("run-made"),
                "{inside}: {message}"
            );
        }
        for beside in ["run-made", "merged", "run/../x"] {
            refuse_in_run(&at(beside)).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        fs::create_dir_all(at("vault/deep")).unwrap();
        fs::create_dir_all(at("runs")).unwrap();
        symlink(at("vault"), at("door")).unwrap();
        symlink(at("vault/deep"), at("runs/deep")).unwrap();
        symlink(at("nowhere"), at("broken")).unwrap();
        assert!(refuse_inside(&at("door/run"), &[at("vault")]).is_err());
        assert!(refuse_inside(&at("vault/run"), &[at("door")]).is_err());
        assert!(refuse_inside(&at("runs/deep/x"), &[at("vault")]).is_err());
        // `..` after a link leaves the link's target, not the folder it stands in.
        assert!(refuse_inside(&at("runs/deep/../x"), &[at("vault")]).is_err());
        assert!(refuse_inside(&at("broken/x"), &[at("vault")]).is_err());
        assert_eq!(choose_out(None, &at("door"), &at("runs")).unwrap(), at("runs/door"));
        symlink(at("nowhere"), at("runs/door")).unwrap();
        assert_eq!(choose_out(None, &at("door"), &at("runs")).unwrap(), at("runs/door-2"));
        assert!(choose_out(Some(&at("broken")), &at("door"), &at("runs")).is_err());
    }
}
