//! Every reader on damaged files: no panic, and no memory out of proportion to what was given.
//!
//! The samples of every format are damaged inside their zips and outside. The cases are the same on every run;
//! `DIARIST_FUZZ=100000 cargo test --release --test fuzz` tries other ones, as many as it says.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use diarist::journal::{Options, read};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

mod common;

use common::samples::{all, lay_out, options};

/// Counts what is held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A few kilobytes of any format take this much at most. Undamaged samples peak at 3 MB, most of it tables that every
/// reading builds; a zip may grow to 16 MiB before its growth is asked about, and its text is held once more while it is
/// decoded and once while it is parsed.
const MOST: usize = 32 << 20;

/// Cases of a usual run.
const CASES: u32 = 1200;

/// A way to damage a file. Places are shares of its length, in 65,536ths.
#[derive(Debug, Clone)]
enum Damage {
    /// It ends here.
    Cut(u16),
    /// A byte is another one.
    Byte(u16, u8),
    /// A stretch is gone.
    Gap(u16, u16),
    /// A stretch stands again elsewhere, so many times.
    Again(u16, u16, u16, u8),
    /// Something that means something stands here.
    Word(u16, &'static [u8]),
}

const WORDS: &[&[u8]] = &[
    b"<",
    b">",
    b"</",
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>",
    b"&",
    b"&#0;",
    b"&#xD800;",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"1e999",
    b"-9223372036854775809",
    b"9999-99-99",
    b"0000-00-00",
    b"2024-02-30T25:61:61+99:99",
    b"\r",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80",
    b"---\n",
    b"```",
    b"![[",
    b"]]",
    b"%%",
    b"[a](",
    b"\\'",
    b"\\bin99999999 ",
    b"\\u-1",
    b"{\\*",
    b"{\\rtf1",
    b"Content-Type: multipart/mixed; boundary=b\n",
    b"--b\n",
    b"From a@b.c Mon May  4 09:30:00 2020\n",
    b"=?utf-8?b?",
    b"05/05/2020, 09:30 - Ann: ",
    b"@import",
    b"&anchor *anchor",
    b"? : -",
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"window.YTD.tweets.part0 = ",
    b"\xc3\xa2\xe2\x82\xac\xe2\x84\xa2",
    b"\xcc\x81",
    b"\xe2\x80\xae",
];

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |share: u16| usize::from(share) * bytes.len() / 65_536;
        match *self {
            Damage::Cut(end) => bytes.truncate(at(end)),
            Damage::Byte(place, byte) => {
                if let Some(held) = {
                    let i = at(place);
                    bytes.get_mut(i)
                } {
                    *held = byte;
                }
            }
            Damage::Gap(from, to) => drop(bytes.drain(at(from.min(to))..at(from.max(to)))),
            Damage::Again(from, to, place, times) => {
                let (place, piece) = (at(place), bytes[at(from.min(to))..at(from.max(to))].to_vec());
                let all = piece.repeat(usize::from(times).min(200_000 / piece.len().max(1)));
                bytes.splice(place..place, all);
            }
            Damage::Word(place, word) => {
                let place = at(place);
                bytes.splice(place..place, word.iter().copied());
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let share = any::<u16>;
    prop_oneof![
        1 => share().prop_map(Damage::Cut),
        3 => (share(), any::<u8>()).prop_map(|(place, byte)| Damage::Byte(place, byte)),
        1 => (share(), share()).prop_map(|(from, to)| Damage::Gap(from, to)),
        2 => (share(), share(), share(), any::<u8>()).prop_map(|(a, b, at, n)| Damage::Again(a, b, at, n)),
        4 => (share(), prop::sample::select(WORDS)).prop_map(|(place, word)| Damage::Word(place, word)),
    ]
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Copies a folder as it is.
fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}

/// Damages one of a folder's files.
fn damaged(folder: &Path, which: usize, damages: &[Damage]) {
    let files = files(folder);
    let path = &files[which % files.len()];
    let mut bytes = fs::read(path).unwrap();
    damages.iter().for_each(|damage| damage.apply(&mut bytes));
    fs::write(path, bytes).unwrap();
}

/// The most that reading a folder holds at once.
fn peak(folder: &Path, options: &Options) -> usize {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    // An error is as good an answer as a corpus.
    let _ = read(&[folder.to_path_buf()], options, &mut ());
    PEAK.load(Relaxed) - before
}

#[test]
fn damaged_files_harm_nobody() {
    let samples = all();
    let more: Option<u32> = std::env::var("DIARIST_FUZZ").ok().map(|cases| cases.parse().unwrap());
    let config = Config { cases: more.unwrap_or(CASES), failure_persistence: None, ..Config::default() };
    let mut runner = match more {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let damages = || prop::collection::vec(damage(), 1..5);
    let case = (0..samples.len(), any::<usize>(), damages(), any::<bool>());
    let most = std::cell::Cell::new(0);
    let result = runner.run(&case, |(sample, which, damages, outside)| {
        let folder = tempfile::tempdir().unwrap();
        let (raw, root) = (folder.path().join("raw"), folder.path().join("in"));
        copy(&samples[sample].join("in"), &raw);
        if !outside {
            damaged(&raw, which, &damages);
        }
        lay_out(&raw, &root);
        if outside {
            damaged(&root, which, &damages);
        }
        let peak = peak(&root, &options(&samples[sample]));
        most.set(most.get().max(peak));
        prop_assert!(peak <= MOST, "{}: {} bytes at once", samples[sample].display(), peak);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
    eprintln!("the most at once: {} bytes", most.get());
    assert!(most.get() > 100_000, "nothing was counted");
}
