//! A record of what was done to the files below a folder, and the folders that a power cut could leave of it.
//!
//! The model is the least that POSIX promises. Bytes are on the disk once their file is synced, a name once its folder is;
//! before, each may be there or not, whatever was done first. Of bytes that are not, a part may be there, or zeros. A rename
//! within a folder happens or does not. So of n operations, any subset of those that no sync has made certain may have been
//! done.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Op;
use crate::base::rng::Rng;

/// More combinations than this at one moment are sampled.
const COMBINATIONS: u64 = 1 << 10;

/// A file or a folder, whatever it is called.
type Inode = usize;

/// The traced folder itself, which was there before.
const ROOT: Inode = 0;

#[derive(Debug, Clone)]
enum Effect {
    /// Names in a folder come to mean other things, or nothing: all of them, or none.
    Names(Inode, Vec<(String, Option<Inode>)>),
    /// What is in a file.
    Bytes(Inode, Vec<u8>),
    /// A file's bytes or a folder's names are certain.
    Synced(Inode),
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    root: PathBuf,
    effects: Vec<Effect>,
    /// What each path below the root is now.
    live: BTreeMap<PathBuf, Inode>,
    folders: HashSet<Inode>,
    made: Inode,
}

thread_local! {
    static TRACE: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// What a power cut left, by path: a file's bytes, or a folder.
pub(crate) type Left = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Records what this thread does to files below a folder, which is empty.
pub(crate) fn begin(root: &Path) {
    let live = BTreeMap::from([(PathBuf::new(), ROOT)]);
    let folders = HashSet::from([ROOT]);
    TRACE.set(Some(Trace { root: root.to_path_buf(), effects: Vec::new(), live, folders, made: ROOT }));
}

/// Ends it.
pub(crate) fn end() -> Trace {
    TRACE.take().expect("a trace was begun")
}

/// How many effects there are so far.
pub(crate) fn so_far() -> usize {
    TRACE.with_borrow(|trace| trace.as_ref().map_or(0, |trace| trace.effects.len()))
}

pub(crate) fn note(op: Op<'_>) {
    TRACE.with_borrow_mut(|trace| trace.as_mut().map_or((), |trace| trace.take(op)));
}

impl Trace {
    fn take(&mut self, op: Op<'_>) {
        let root = self.root.clone();
        let below = |path: &Path| path.strip_prefix(&root).ok().map(Path::to_path_buf);
        match op {
            Op::Created(path) => below(path).map_or((), |path| self.create(&root, &path)),
            Op::Wrote(path) => {
                if let Some(&inode) = below(path).and_then(|path| self.live.get(&path)) {
                    self.effects.push(Effect::Bytes(inode, fs::read(path).unwrap()));
                }
            }
            Op::Synced(path) => {
                if let Some(&inode) = below(path).and_then(|path| self.live.get(&path)) {
                    self.effects.push(Effect::Synced(inode));
                }
            }
            Op::Renamed(from, to) => {
                let (Some(from), Some(to)) = (below(from), below(to)) else { return };
                assert_eq!(
                    from.parent(),
                    to.parent(),
                    "a rename within a folder is whole; another would not be"
                );
                let inode = self.live[&from];
                let names = vec![(name(&from), None), (name(&to), Some(inode))];
                self.effects.push(Effect::Names(self.live[&parent(&from)], names));
                let moved: Vec<PathBuf> =
                    self.live.keys().filter(|path| path.starts_with(&from)).cloned().collect();
                self.live.retain(|path, _| !path.starts_with(&to) || path.starts_with(&from));
                for path in moved {
                    let inode = self.live.remove(&path).unwrap();
                    let rest = path.strip_prefix(&from).unwrap();
                    // Joining nothing would add a slash.
                    let path = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                    self.live.insert(path, inode);
                }
            }
            Op::Linked(from, to) => {
                let (Some(from), Some(to)) = (below(from), below(to)) else { return };
                let inode = self.live[&from];
                self.effects.push(Effect::Names(self.live[&parent(&to)], vec![(name(&to), Some(inode))]));
                self.live.insert(to, inode);
            }
            Op::Removing(path) => {
                let Some(path) = below(path) else { return };
                // What is deepest goes first.
                let gone: Vec<PathBuf> =
                    self.live.keys().rev().filter(|p| p.starts_with(&path)).cloned().collect();
                for path in gone {
                    self.effects.push(Effect::Names(self.live[&parent(&path)], vec![(name(&path), None)]));
                    self.live.remove(&path);
                }
            }
        }
    }

    /// A new name, and those of the folders above it that are new too.
    fn create(&mut self, root: &Path, path: &Path) {
        let mut above: Vec<&Path> = path.ancestors().filter(|path| !self.live.contains_key(*path)).collect();
        above.reverse();
        for path in above {
            self.made += 1;
            let inode = self.made;
            self.effects.push(Effect::Names(self.live[&parent(path)], vec![(name(path), Some(inode))]));
            self.live.insert(path.to_path_buf(), inode);
            if root.join(path).is_dir() {
                self.folders.insert(inode);
            }
        }
    }

    /// How many effects there are.
    pub fn len(&self) -> usize {
        self.effects.len()
    }

    /// Every folder that a cut after `n` effects could leave, or a sample of them; the two that have all and nothing of what is
    /// not certain are among them.
    pub fn cuts(&self, n: usize, rng: &mut Rng) -> HashSet<Left> {
        let done = &self.effects[..n];
        let certain =
            |i: usize, of: Inode| done[i..].iter().any(|e| matches!(e, Effect::Synced(s) if *s == of));
        // How many outcomes each effect has: a name is there or not; bytes are, or not, or in part, or as zeros.
        let outcomes: Vec<u64> = (0..n)
            .map(|i| match &done[i] {
                Effect::Names(folder, _) => 1 + u64::from(!certain(i, *folder)),
                Effect::Bytes(file, _) => 1 + 3 * u64::from(!certain(i, *file)),
                Effect::Synced(_) => 1,
            })
            .collect();
        let all = outcomes.iter().fold(1_u64, |all, n| all.saturating_mul(*n));
        let mut left = HashSet::new();
        for nth in 0..all.min(COMBINATIONS) {
            let mut rest = nth;
            let choice: Vec<u64> = outcomes
                .iter()
                .map(|&n| match (all <= COMBINATIONS, nth) {
                    (true, _) => {
                        let one = rest % n;
                        rest /= n;
                        one
                    }
                    (false, 0) => 0,
                    // Nothing of what is not certain.
                    (false, 1) => u64::from(n > 1),
                    (false, _) => rng.below(n),
                })
                .collect();
            left.insert(self.left(&choice));
        }
        left
    }

    /// What is there where each effect came out so: 0 as it was done, 1 not at all, 2 in part, 3 as zeros.
    fn left(&self, choice: &[u64]) -> Left {
        let mut names: BTreeMap<(Inode, &str), Inode> = BTreeMap::new();
        let mut bytes: BTreeMap<Inode, Vec<u8>> = BTreeMap::new();
        for (effect, outcome) in self.effects.iter().zip(choice) {
            match (effect, outcome) {
                (Effect::Names(folder, changes), 0) => {
                    for (name, inode) in changes {
                        match inode {
                            Some(inode) => names.insert((*folder, name), *inode),
                            None => names.remove(&(*folder, name.as_str())),
                        };
                    }
                }
                (Effect::Bytes(file, whole), 0) => drop(bytes.insert(*file, whole.clone())),
                (Effect::Bytes(file, whole), 2 | 3) => {
                    let before = bytes.entry(*file).or_default();
                    let mut torn = whole.clone();
                    let at = before.len().min(whole.len());
                    match outcome {
                        2 => torn.truncate(at + (whole.len() - at) / 2),
                        _ => torn[at..].fill(0),
                    }
                    *before = torn;
                }
                _ => {}
            }
        }
        let mut left = Left::new();
        let mut todo = vec![(PathBuf::new(), ROOT)];
        while let Some((at, folder)) = todo.pop() {
            for ((_, name), inode) in names.range((folder, "")..).take_while(|((of, _), _)| *of == folder) {
                let path = at.join(name);
                if self.folders.contains(inode) {
                    left.insert(path.clone(), None);
                    todo.push((path, *inode));
                } else {
                    left.insert(path, Some(bytes.get(inode).cloned().unwrap_or_default()));
                }
            }
        }
        left
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().expect("below the root").to_path_buf()
}

fn name(path: &Path) -> String {
    path.file_name().expect("below the root").to_str().expect("our names are plain").to_string()
}

/// Makes a folder what was left.
pub(crate) fn make(left: &Left, at: &Path) {
    fs::create_dir_all(at).unwrap();
    for (path, bytes) in left {
        match bytes {
            None => fs::create_dir(at.join(path)).unwrap(),
            Some(bytes) => fs::write(at.join(path), bytes).unwrap(),
        }
    }
}

/// What is not synced may be there in every way; what is, in one.
#[test]
fn a_sync_makes_certain_what_was_done_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    begin(dir.path());
    super::replace(&path, b"old").unwrap();
    let replaced = so_far();
    fs::write(super::temporary(&path), "newer").unwrap();
    note(Op::Created(&super::temporary(&path)));
    note(Op::Wrote(&super::temporary(&path)));
    super::rename(&super::temporary(&path), &path).unwrap();
    let trace = end();
    let mut rng = Rng::new(1, "cuts");
    let whole = |bytes: &[u8]| Left::from([("a".into(), Some(bytes.to_vec()))]);
    assert_eq!(trace.cuts(replaced, &mut rng), HashSet::from([whole(b"old")]));
    // Renamed without a sync of its bytes, the new file may be empty, torn or zeros.
    let left = trace.cuts(trace.len(), &mut rng);
    for bytes in [&b"old"[..], b"newer", b"", b"ne", b"\0\0\0\0\0"] {
        assert!(left.contains(&whole(bytes)), "{bytes:?} is not in {left:?}");
    }
}
