//! Chromium, without a window: what a page looks like, what it says on the console, what it asks for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the reader's system prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Dark,
    Light,
}

/// A browser on this computer.
pub struct Browser(PathBuf);

/// A page that was opened.
pub struct Seen {
    /// Lines of its console.
    pub console: Vec<String>,
    /// Addresses that it asked for, itself aside.
    pub asked: Vec<String>,
    pub shot: Shot,
}

impl Browser {
    /// The tests' browser. A machine without one fails here: nothing is skipped. `tests/run` installs it.
    pub fn new() -> Browser {
        let names =
            ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome.exe"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
        let mac = [
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        ];
        let mut all = places.chain(mac.map(PathBuf::from));
        let found = all.find(|place| place.is_file());
        Browser(found.expect(
            "the tests look at pages in Chromium: tests/run installs it, or install it yourself (the package is called chromium on \
             Debian, Fedora and Arch, chromium-browser on Ubuntu; Chrome will do too)",
        ))
    }

    /// Opens a page in a window of a size.
    pub fn open(&self, page: &Path, scheme: Scheme, (width, height): (u32, u32)) -> Seen {
        let own = tempfile::tempdir().unwrap();
        let at = |name: &str| own.path().join(name);
        let flag = |name: &str, value: &dyn std::fmt::Display| format!("--{name}={value}");
        let output = Command::new(&self.0)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-extensions",
            ])
            .args(["--hide-scrollbars", "--enable-logging=stderr", "--net-log-capture-mode=Everything"])
            // What it asks for, it asks a port where nobody listens.
            .arg("--proxy-server=http://127.0.0.1:9")
            .arg(flag("blink-settings", &format!("preferredColorScheme={}", scheme as u8)))
            .arg(flag("window-size", &format!("{width},{height}")))
            .arg(flag("user-data-dir", &at("profile").display()))
            .arg(flag("log-net-log", &at("net.json").display()))
            .arg(flag("screenshot", &at("shot.png").display()))
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let shot = std::fs::read(at("shot.png")).unwrap_or_else(|e| panic!("no screenshot: {e}: {told}"));
        let console = told.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_string).collect();
        Seen { console, asked: asked(&std::fs::read(at("net.json")).unwrap()), shot: Shot::read(&shot) }
    }
}

/// What of a log of the network a page began. What the browser asks for itself (updates, the time) has no origin.
fn asked(log: &[u8]) -> Vec<String> {
    let log: Value = serde_json::from_slice(log).unwrap();
    let started = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(started.is_number());
    let events = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == *started);
    let of_pages = events.filter(|event| event["params"]["initiator"] != "not an origin");
    // A request's end is an event of the same kind, without its address.
    of_pages.filter_map(|event| event["params"]["url"].as_str()).map(str::to_string).collect()
}

/// A picture of a page.
pub struct Shot {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Shot {
    /// Reads a PNG of eight bits a channel, RGB or RGBA, not interlaced: what Chromium writes (the specification is RFC 2083).
    fn read(png: &[u8]) -> Shot {
        let word = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        let (width, height, channels) = (word(16), word(20), if png[25] == 6 { 4 } else { 3 });
        assert!(png[24] == 8 && [2, 6].contains(&png[25]) && png[28] == 0, "another kind of PNG");
        let (mut at, mut packed) = (8, Vec::new());
        while at < png.len() {
            let len = word(at);
            if &png[at + 4..at + 8] == b"IDAT" {
                packed.extend_from_slice(&png[at + 8..at + 8 + len]);
            }
            at += len + 12;
        }
        let mut raw = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&packed[..]), &mut raw).unwrap();
        let stride = width * channels;
        let mut above = vec![0_u8; stride];
        let mut pixels = Vec::with_capacity(width * height);
        for line in raw.chunks_exact(stride + 1) {
            let mut row = line[1..].to_vec();
            for i in 0..stride {
                let left = if i < channels { 0 } else { row[i - channels] };
                let corner = if i < channels { 0 } else { above[i - channels] };
                row[i] = row[i].wrapping_add(match line[0] {
                    0 => 0,
                    1 => left,
                    2 => above[i],
                    3 => u16::midpoint(left.into(), above[i].into()) as u8,
                    _ => paeth(left, above[i], corner),
                });
            }
            pixels.extend(row.chunks_exact(channels).map(|p| [p[0], p[1], p[2]]));
            above = row;
        }
        assert_eq!(pixels.len(), width * height);
        Shot { width, pixels }
    }

    /// The colour that most of it has.
    pub fn ground(&self) -> [u8; 3] {
        let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
        for pixel in &self.pixels {
            *counts.entry(*pixel).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, n)| *n).unwrap().0
    }

    /// How many pixels are so.
    pub fn count(&self, so: impl Fn([u8; 3]) -> bool) -> usize {
        self.pixels.iter().filter(|pixel| so(**pixel)).count()
    }

    /// Which share of the pixels is so.
    pub fn share(&self, so: impl Fn([u8; 3]) -> bool) -> f64 {
        self.count(so) as f64 / self.pixels.len() as f64
    }

    /// The pixels of a column, from the left.
    pub fn column(&self, x: usize) -> impl Iterator<Item = [u8; 3]> + '_ {
        self.pixels.iter().skip(x).step_by(self.width).copied()
    }
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let p = i16::from(a) + i16::from(b) - i16::from(c);
    let off = |x: u8| (p - i16::from(x)).abs();
    if off(a) <= off(b) && off(a) <= off(c) {
        a
    } else if off(b) <= off(c) {
        b
    } else {
        c
    }
}
