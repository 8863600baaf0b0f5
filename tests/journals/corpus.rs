//! Journals through the binary: whatever is bad is named and the rest is read, tokens are found again, headers are masked,
//! and what is alike is held out together.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// A folder to work in, with a cache of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::cargo_bin("diarist").unwrap();
        command
            .current_dir(self.0.path())
            .env("NODEVICE_SELECT", "1")
            .env("XDG_CACHE_HOME", self.path("cache"));
        let output = command.args(args).output().unwrap();
        assert!(!stderr(&output).contains("panicked"), "{args:?}: {}", stderr(&output));
        output
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["corpus", "--json", "--device", "cpu"], args].concat())).unwrap()
    }

    /// Trains for a step, and gives the text of `tokens.bin`, its validation range and the run's folder.
    fn train(&self, out: &str, args: &[&str]) -> (String, std::ops::Range<usize>, PathBuf) {
        let quick =
            ["--from", "scratch", "--steps", "1", "--context", "8", "--batch", "1", "--device", "cpu"];
        self.ok(&[&["train", "notes", "--out", out], &quick[..], args].concat());
        let dir = self.path(out);
        let ids = fs::read(dir.join("tokens.bin")).unwrap();
        // A byte is a token; the end of text is shown as a bar.
        let text = ids.chunks(2).map(|id| if id[1] == 0 { char::from(id[0]) } else { '|' }).collect();
        let run: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
        let val: Vec<usize> = serde_json::from_value(run["data"]["val"].clone()).unwrap();
        (text, val[0]..val[1], dir)
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Everything below a folder: names, lengths and times.
fn listing(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.path().symlink_metadata().unwrap();
            found.insert(format!("{:?} {} {:?}", entry.path(), metadata.len(), metadata.modified().unwrap()));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

const LAUGHS: &str = "<?xml version=\"1.0\"?><!DOCTYPE en-export [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\
    <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]>\
    <en-export><note><title>t</title><content>&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;</content></note></en-export>";

#[test]
fn whatever_is_bad_is_named_and_the_rest_is_read() {
    let place = Place::new();
    place.write("notes/2020-05-05.txt", "Rain.\n");
    let whole = zip(&[("a.txt", b"words that are long enough to be cut in the middle")]);
    place.write("notes/cut.zip", &whole[..whole.len() - 30]);
    let mut flipped = whole.clone();
    flipped[40] ^= 0xff;
    place.write("notes/flipped.zip", &flipped);
    place.write("notes/bomb.zip", zip(&[("zeros.txt", &vec![b'\n'; 20 << 20])]));
    place.write(
        "notes/climbs.zip",
        zip(&[("../out.txt", b"climbed"), ("/etc/out.txt", b"climbed"), ("in.txt", b"Inside.")]),
    );
    place.write("notes/deep.json", "[".repeat(1_000_000));
    place.write("notes/laughs.enex", LAUGHS);
    place.write("notes/placeholder.md", "");
    place.write("notes/letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1words");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::os::unix::fs::symlink(place.path("notes"), place.path("notes/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", place.path("notes/gone.txt")).unwrap();
        let odd = Path::new("notes").join(std::ffi::OsStr::from_bytes(b"d\xe9j\xe0\n.doc"));
        place.write("notes/x", "");
        fs::rename(place.path("notes/x"), place.0.path().join(odd)).unwrap();
    }
    let before = listing(&place.path("notes"));

    let found = place.json(&["notes"]);
    let skipped: Vec<String> = found["report"]["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skipped| {
            format!("{}: {}", skipped["path"].as_str().unwrap(), skipped["reason"].as_str().unwrap())
        })
        .collect();
    let troubles = found["report"]["troubles"].to_string();
    for expected in [
        "notes/cut.zip: ",
        "notes/flipped.zip/a.txt: damaged",
        "notes/bomb.zip/zeros.txt: a zip bomb",
        "notes/climbs.zip/../out.txt: its path climbs out of the zip",
        "notes/climbs.zip/etc/out.txt: its path climbs out of the zip",
        "notes/deep.json: ",
        "notes/placeholder.md: empty (0 bytes); if it is a cloud placeholder",
        "notes/letter.doc: ",
        #[cfg(unix)]
        "notes/loop: a link back to notes",
        #[cfg(unix)]
        "notes/gone.txt: No such file",
        #[cfg(unix)]
        "notes/d\u{fffd}j\u{fffd}\\n.doc: empty",
    ] {
        assert!(skipped.iter().any(|line| line.starts_with(expected)), "{expected}: {skipped:#?}");
    }
    assert!(troubles.contains("laughs.enex") && troubles.contains("of this file's own making"), "{troubles}");
    let list = place.ok(&["corpus", "notes", "--list"]);
    assert!(list.contains("Rain.") && list.contains("Inside."), "{list}");
    assert!(!list.contains("climbed") && !list.contains("haha"), "{list}");

    let strict = place.run(&["corpus", "notes", "--strict", "--device", "cpu"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(stderr(&strict).contains("--strict: something could not be read"), "{}", stderr(&strict));
    let nothing = place.run(&["corpus", "notes/letter.doc"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("no words to read"), "{}", stderr(&nothing));
    assert_eq!(listing(&place.path("notes")), before, "nothing is written among the sources");
}

#[cfg(unix)]
#[test]
fn what_a_lock_kept_back_is_not_remembered() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let place = Place::new();
    place.write("notes/a.txt", "5 May 2020\nRain all day long.\n");
    let locked = place.write("notes/b.txt", "6 May 2020\nWords that were locked away.\n");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads whatever it likes: for it, somebody else reads.
    let is_root = fs::read(&locked).is_ok();
    let binary = place.path("diarist");
    fs::copy(assert_cmd::cargo::cargo_bin("diarist"), &binary).unwrap();
    for path in [place.path(""), place.path("notes")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let list = || {
        let mut command = std::process::Command::new(&binary);
        command.current_dir(place.0.path()).env("XDG_CACHE_HOME", place.path("cache"));
        command.args(["corpus", "notes", "--device", "cpu", "--json"]).env("NODEVICE_SELECT", "1");
        if is_root {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            found["report"]["entries"].as_u64().unwrap(),
            found["tokens"].as_u64().unwrap(),
            found["report"]["skipped"].to_string(),
        )
    };
    let (entries, tokens, skipped) = list();
    assert!(entries == 1 && skipped.contains("notes/b.txt") && skipped.contains("ermission"), "{skipped}");
    assert_eq!(kept(&place), 0);
    // The file stays as it is, down to its times; whoever reads it may.
    let times = fs::metadata(&locked).unwrap().modified().unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o644)).unwrap();
    fs::File::open(&locked).unwrap().set_modified(times).unwrap();
    let (entries, more, skipped) = list();
    assert!(entries == 2 && more > tokens && skipped == "[]", "{skipped}");
    // Counted with GPT-2's tokenizer, and with that of the model.
    assert_eq!(kept(&place), 2);
}

/// How many journals the cache holds.
fn kept(place: &Place) -> usize {
    fs::read_dir(place.path("cache/diarist/tokens")).map_or(0, Iterator::count)
}

/// Twenty days, unlike each other.
fn days(place: &Place) {
    let words = ["weir", "kettle", "heron", "ledger", "plum", "thaw", "gate", "fiddle"];
    for day in 1..=20 {
        let told: Vec<String> = (0..14)
            .map(|n| format!("{} {}", words[(day * 5 + n * 3) % 8], (day * 31 + n * n * 7) % 97))
            .collect();
        place.write(&format!("notes/2021-03-{day:02}.md"), format!("Day {day}: {}.\n", told.join(", ")));
    }
}

#[test]
fn tokens_are_made_once_and_found_again() {
    let place = Place::new();
    days(&place);
    let (first, ..) = place.train("one", &["--no-cache"]);
    assert_eq!(kept(&place), 0);
    let (second, ..) = place.train("two", &[]);
    assert_eq!((kept(&place), &second), (1, &first));
    let folder = fs::read_dir(place.path("cache/diarist/tokens")).unwrap().next().unwrap().unwrap().path();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place.path("cache/diarist")), mode(&folder)), (0o700, 0o700));
        assert_eq!(mode(&folder.join("tokens.bin")), 0o600);
    }
    // Found, not made: what is found is what was put there.
    let mut tokens = fs::read(folder.join("tokens.bin")).unwrap();
    let at = tokens.iter().position(|byte| *byte == b'D').unwrap();
    tokens[at] = b'X';
    fs::write(folder.join("tokens.bin"), tokens).unwrap();
    let (third, ..) = place.train("three", &[]);
    assert_eq!(third.matches("Xay ").count(), 1, "{third}");
    // Another setting, or another text, is another journal; one that is not whole is made again.
    let (lower, ..) = place.train("four", &["--lowercase"]);
    assert!(lower == first.to_lowercase() && kept(&place) == 2);
    place.write("notes/2021-03-01.md", "A day that was written anew, with other words in it.\n");
    let (anew, ..) = place.train("five", &[]);
    assert!(anew.contains("written anew") && kept(&place) == 3);
    for folder in fs::read_dir(place.path("cache/diarist/tokens")).unwrap() {
        fs::write(folder.unwrap().path().join("entries.bin"), b"cut").unwrap();
    }
    let (again, ..) = place.train("six", &[]);
    assert_eq!((again, kept(&place)), (anew, 3));
    // A cache that cannot be made stops nothing.
    fs::remove_dir_all(place.path("cache")).unwrap();
    place.write("cache", "in the way");
    place.train("seven", &[]);
}

#[test]
fn headers_stand_before_entries_and_may_be_left_out_of_the_loss() {
    let place = Place::new();
    days(&place);
    place.write("notes/undated.md", "No day at all, and not much to say.\n");
    let header = ["--header", r"<{voice}> {date:%A, %B %-d, %Y}\n", "--label", "notes=voice:plain"];
    let args = [&header[..], &["--mask-header", "--label", "notes/2021-03-02.md=voice:other"]].concat();
    let (text, _, dir) = place.train("masked", &args);
    assert!(text.contains("|<plain> Wednesday, March 3, 2021\nDay 3:"), "{text}");
    assert!(
        text.contains("<other> Tuesday, March 2, 2021\nDay 2:") && text.contains("<plain> \nNo day at all"),
        "{text}"
    );
    let masked = fs::read(dir.join("masked.bin")).unwrap();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap()) as usize;
    let ranges: Vec<&str> =
        masked.chunks(16).map(|pair| &text[number(&pair[..8])..number(&pair[8..])]).collect();
    assert_eq!(ranges.len(), 21);
    assert!(ranges.iter().all(|range| range.starts_with('<') && range.ends_with('\n')), "{ranges:?}");
    let steps = |dir: &Path| fs::read_to_string(dir.join("log.jsonl")).unwrap();
    let (_, _, unmasked) = place.train("unmasked", &args[..args.len() - 3]);
    assert!(!unmasked.join("masked.bin").exists() && steps(&unmasked) != steps(&dir));
    // It goes on with the same mask; and not with another.
    place.ok(&["train", "--resume", "masked", "--steps", "2", "--device", "cpu"]);
    fs::write(dir.join("masked.bin"), &masked[..16]).unwrap();
    let output = place.run(&["train", "--resume", "masked", "--steps", "3", "--device", "cpu"]);
    assert!(!output.status.success() && stderr(&output).contains("masked.bin"), "{}", stderr(&output));

    for (args, says) in [
        (&["--label", "notes=voice:x"][..], "--header"),
        (&["--header", "{voice}", "--label", "elsewhere=voice:x"], "could not find elsewhere"),
        (
            &["--header", "{voice}", "--label", "/=voice:x", "--label", "cache=voice:x"],
            "no entry of these journals lies below",
        ),
        (&["--header", "{mood}"], "no entry has a {mood}"),
        (&["--mask-header"], "--mask-header without --header"),
    ] {
        let output =
            place.run(&[&["train", "notes", "--from", "scratch", "--out", "refused"], args].concat());
        assert!(!output.status.success() && stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
        assert!(!place.path("refused").exists());
    }
}

#[test]
fn what_is_held_out() {
    let place = Place::new();
    days(&place);
    let (text, val, _) = place.train("latest", &["--split", "latest"]);
    assert!(
        text[val.clone()].contains("Day 20:") && !text[..val.start].contains("Day 20:"),
        "{}",
        &text[val]
    );
    place.write("list.txt", "\u{feff}# what no model may see\n2021-03-04\nnotes/2021-03-09.md\n");
    let (text, val, _) = place.train("listed", &["--split", "list.txt"]);
    assert_eq!(text[val].matches("Day ").count(), 2);
    place.write("list.txt", "2022-01-01\n");
    for (split, says) in [("list.txt", "no entry is \"2022-01-01\""), ("Latest", "neither random nor latest")]
    {
        let output =
            place.run(&["train", "notes", "--from", "scratch", "--out", "refused", "--split", split]);
        assert!(!output.status.success() && stderr(&output).contains(says), "{}", stderr(&output));
    }

    // Each day once more, a word changed: both stay when they are asked to, and never on two sides.
    for day in 1..=20 {
        let text = fs::read_to_string(place.path(&format!("notes/2021-03-{day:02}.md"))).unwrap();
        place.write(&format!("notes/copy/2021-03-{day:02}.md"), text.trim_end().to_string() + " Copied.\n");
    }
    let seeds = ["1", "2", "3"];
    for (n, seed) in seeds.iter().enumerate() {
        let (text, val, _) = place.train(&format!("pairs{n}"), &["--keep-duplicates", "--seed", seed]);
        assert_eq!((text.matches("Day ").count(), text.matches("Copied").count()), (40, 20));
        assert!(!val.is_empty());
        for day in 1..=20 {
            let name = format!("Day {day}:");
            let sides: Vec<bool> = text.match_indices(&name).map(|(at, _)| val.contains(&at)).collect();
            assert!(sides == [false; 2] || sides == [true; 2], "seed {seed}, {name} {sides:?}");
        }
    }
    // Otherwise the earlier one alone stays, and the pairs are named.
    let found = place.json(&["notes"]);
    assert_eq!(found["report"]["duplicates"], 20);
    let pairs = found["report"]["pairs"].as_array().unwrap();
    assert!(pairs.iter().all(|pair| pair["likeness"].as_f64().unwrap() >= 0.8), "{pairs:?}");
    assert!(pairs[0]["dropped"].as_str().unwrap().starts_with("notes/copy/"), "{}", pairs[0]);
}

#[test]
fn a_long_entry_is_divided_between_the_sides() {
    // Paragraphs that no two are alike, each named by its number.
    let paragraph = |i: usize| format!("Paragraph {i}: {}.", "rain and tea, ".repeat(3 + i * 7 % 5));
    let long = |from: usize| (from..from + 120).map(paragraph).collect::<Vec<_>>().join("\n\n");
    let sides = |text: &str, val: &std::ops::Range<usize>| {
        let of = |side: &str| {
            let named = |part: &str| part.split(':').next().unwrap().parse::<usize>().unwrap();
            side.split("Paragraph ").skip(1).map(named).collect::<Vec<usize>>()
        };
        (of(&text[..val.start]), of(&text[val.clone()]))
    };
    for (files, more) in [(1, ""), (2, ""), (1, "latest"), (2, "days")] {
        let place = Place::new();
        for file in 0..files {
            let head = if more == "latest" { "2024-05-06\n" } else { "" };
            place.write(&format!("notes/{file}.txt"), head.to_string() + &long(file * 500));
        }
        if more == "days" {
            (1..=5).for_each(|d| drop(place.write(&format!("notes/2024-01-0{d}.txt"), format!("{d} {d}"))));
        }
        let args: &[&str] = if more == "latest" { &["--split", "latest"] } else { &[] };
        let (text, val, _) = place.train("run", args);
        let share = val.len() as f64 / text.chars().count() as f64;
        assert!((0.07..0.13).contains(&share), "{files} {more}: {share}");
        let (train, held) = sides(&text, &val);
        for file in 0..files {
            // Whole paragraphs, one after another, and the ones next to them on neither side.
            let of_file = |all: &[usize]| -> Vec<usize> {
                all.iter().copied().filter(|n| (file * 500..file * 500 + 120).contains(n)).collect()
            };
            let (train, held) = (of_file(&train), of_file(&held));
            let (first, last) = (held[0], held[held.len() - 1]);
            assert_eq!(held, (first..=last).collect::<Vec<_>>());
            assert!(
                !train.iter().any(|n| (first.saturating_sub(1)..=last + 1).contains(n)),
                "{train:?} {held:?}"
            );
            assert!(train.len() + held.len() >= 118);
            assert!(more != "latest" || last == 119, "the end is held out");
        }
        if more == "days" {
            // A short day is drawn among the short ones.
            assert!((1..5).any(|d| text[..val.start].contains(&format!("{d} {d}"))));
        }
        // The preview says the same of an epoch, to the token, with the same words.
        let found = place.json(&[&["notes", "--tokenizer", "bytes"], args].concat());
        assert_eq!(found["training"]["tokens"], val.start);
        assert_eq!(found["training"]["held_out"], val.len());
        let train = ["train", "notes", "--from", "scratch", "--steps", "1", "--device", "cpu"];
        let began = place.run(&[&train[..], args].concat());
        let line = format!("split    {}", found["training"]["split"].as_str().unwrap());
        assert!(stderr(&began).contains(&line), "{line}: {}", stderr(&began));
    }

    // What cannot be divided is not held out, and that is said.
    let place = Place::new();
    place.write("notes/dictated.txt", "one paragraph of a voice that goes on ".repeat(150));
    let begun = place.run(&["train", "notes", "--from", "scratch", "--steps", "1", "--device", "cpu"]);
    assert!(stderr(&begun).contains("nothing held out, so nothing tells when to stop: there is one entry"));
    let shown = place.ok(&["corpus", "notes", "--device", "cpu"]);
    assert!(shown.contains("nothing held out") && !shown.contains("watch the validation loss"), "{shown}");
}

#[test]
fn what_the_preview_shows() {
    let place = Place::new();
    days(&place);
    place.write("names.txt", "Ada\n");
    place.write("notes/2021-04-01.md", "Ada and “Ida” walked; it was sunny. IÃ¢â‚¬â„¢m glad.\n");
    let shown = place.ok(&["corpus", "notes", "--device", "cpu"]);
    for line in [
        "journal  21 entries",
        "2021     ████",
        "longest ",
        "shortest",
        "tokens   ",
        "training tiny",
        "training too little text",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let list = place.ok(&["corpus", "notes", "--list"]);
    assert_eq!(list.lines().count(), 21);
    assert!(
        list.lines().last().unwrap().contains("2021-04-01") && list.contains("notes/2021-04-01.md:1"),
        "{list}"
    );
    let entry = place.ok(&["corpus", "notes", "--show", "21"]);
    assert!(entry.ends_with("Ada and “Ida” walked; it was sunny. I’m glad.\n"), "{entry}");
    let redacted = ["--redact", "names.txt"];
    let letter = place.write("notes/Letter to Ada.md", "Dear Ada, come soon.\n");
    place.ok(&[&["corpus", "notes", "--export", "told"], &redacted[..]].concat());
    let list = fs::read_to_string(place.path("told/entries.jsonl")).unwrap();
    assert!(list.contains("notes/Letter to [name 1].md") && !list.contains("Ada"), "{list}");
    let (text, ..) = place.train("told-run", &[&["--header", r"{source}\n"], &redacted[..]].concat());
    assert!(text.contains("Letter to [name 1].md\nDear [name 1]") && !text.contains("Ada"), "{text}");
    fs::remove_file(letter).unwrap();
    let diff = place.ok(&["corpus", "notes", "--diff", "--redact", "names.txt", "--straight-quotes"]);
    for line in [
        "mojibake repaired",
        "-Ada and",
        "+[name 1] and",
        "+[name 1] and \"Ida\" walked; it was sunny. I'm glad.",
    ] {
        assert!(diff.contains(line), "{line}: {diff}");
    }
    assert_eq!(place.run(&["corpus", "notes", "--show", "22"]).status.code(), Some(2));
    place.ok(&["corpus", "notes", "--export", "clean"]);
    assert_eq!(fs::read_dir(place.path("clean")).unwrap().count(), 22);
    let again = place.run(&["corpus", "notes", "--export", "clean"]);
    assert!(
        !again.status.success() && stderr(&again).contains("nothing is ever overwritten"),
        "{}",
        stderr(&again)
    );
    assert!(
        !place.run(&["corpus", "notes", "--export", "notes/clean"]).status.success(),
        "not among the sources"
    );
}
