//! Files as they come, whole and in two passes; two real diaries, where they are at hand.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::journal::testing::{Collected, read, read_with};

fn input(path: &str, text: &str) -> Input {
    Input::from_bytes(path, text.as_bytes().to_vec())
}

/// Reads in two passes.
fn twice(input: &Input, most: usize) -> Collected {
    let mut collected = Collected::default();
    collected.failed = read_twice(input, &Options::default(), most, &mut collected).err();
    collected
}

fn assert_same_in_two_passes(input: &Input) {
    let once = read_with(&Text, input, &Options::default());
    let twice = twice(input, MOST);
    let with_words = |all: &Collected| {
        all.entries.iter().filter(|draft| !draft.text.is_empty()).cloned().collect::<Vec<_>>()
    };
    assert_eq!(with_words(&once), with_words(&twice));
    assert_eq!(once.entries.len(), twice.entries.len());
    assert_eq!((once.dates_left, &once.troubles), (twice.dates_left, &twice.troubles));
}

#[test]
fn two_passes_find_what_one_finds() {
    for text in [
        "",
        "\n\n",
        "Rain.",
        "About.\n\n# 5 May 2020\n\n  Rain.\n\n# 6 May 2020\n# 7 May 2020 9:30 Sun\nand wind.\n\n\n",
        "5 May 2020\n====\nRain.\n03/04/2019\n",
        "# 2014\n\nwords\n\n## 5 May\nRain.\n\n# 2015\n\n## 6 May\n",
        "2014\n====\n\n5 May\n-----\nRain.\n6 May\n",
    ] {
        assert_same_in_two_passes(&input("a.txt", text));
        assert_same_in_two_passes(&input("2014/a.txt", text));
    }
}

#[test]
fn a_long_entry_is_divided_between_paragraphs() {
    let text = "5 May 2020\nold words\n\nmore words here\nno gap here\nnor here\n\nend\n6 May 2020\nnext\n";
    let found = twice(&input("a.txt", text), 30);
    let parts: Vec<(&str, String, String)> = found
        .entries
        .iter()
        .map(|e| (e.text.as_str(), e.when.unwrap().to_string(), e.place.to_string()))
        .collect();
    let part = |text, day: &str, line: &str| (text, day.to_string(), line.to_string());
    assert_eq!(
        parts,
        [
            part("old words\n\nmore words here", "2020-05-05", ":2"),
            part("no gap here\nnor here\n\nend", "2020-05-05", ":5"),
            part("next", "2020-05-06", ":10"),
        ]
    );
    assert_eq!(found.troubles, [(Place::Line(2), "an entry of 1 MiB is divided".to_string())]);
}

#[test]
fn a_line_without_end_is_passed_over() {
    let text = format!("5 May 2020\nRain.\n{}\n6 May 2020\nSun.\n", "x".repeat(MOST + 1));
    let found = twice(&input("a.txt", &text), MOST);
    assert_eq!(found.failed, None);
    assert_eq!(found.lost, [(Place::Line(3), String::new(), "a line of more than 16 MiB".to_string())]);
    let texts: Vec<&str> = found.entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["Rain.", "Sun."]);
    let text = format!("5 May 2020\n{}", "x".repeat(MOST));
    assert_eq!(twice(&input("a.txt", &text), MOST).troubles, []);
}

#[test]
fn what_is_reported() {
    let options = Options::default();
    let found = read("a.txt", b"\n03/04/2020\nRain.\n2019-01-01: old\n", &options);
    assert_eq!(found.dates_left, 1);
    assert_eq!(found.troubles.len(), 1);
    assert_eq!(found.troubles[0].0, Place::Line(2));
    assert!(found.troubles[0].1.contains("--date-order mdy"));
    let found = read("a.txt", b"## 5 May\na\n## 6 May\nb\n## 7 May\nc\n", &options);
    assert!(found.troubles[0].1.starts_with("dates without a year: put the file"));
    // The path has the day, or the year.
    let day = |path| read(path, b"Rain.\n", &options).entries[0].when.map(|when| when.to_string());
    assert_eq!(day("2014/05/03.txt").as_deref(), Some("2014-05-03"));
    assert_eq!(day("2014-05-04 walk.txt").as_deref(), Some("2014-05-04"));
    assert_eq!(day("2014/walk.txt"), None);
}

/// The files of one of the real diaries, in order.
fn diary(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("../shared/journals"), PathBuf::from("/work/shared/journals")];
    let folder = folders.iter().map(|folder| folder.join(name)).find(|folder| folder.is_dir());
    // Where it is not at hand there is nothing to check.
    let Some(folder) = folder else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn pepys_whole() {
    let files = diary("pepys");
    let (mut entries, mut left) = (0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let input = Input::from_bytes(file, text.clone().into_bytes());
        let found = read_with(&Text, &input, &Options::default());
        assert!(found.troubles.is_empty() && found.failed.is_none());
        let is_date = |line: &&str| line.len() == 10 && line.parse::<jiff::civil::Date>().is_ok();
        let written = text.lines().filter(|line| !is_date(line)).flat_map(str::split_whitespace);
        assert!(
            found.entries.iter().flat_map(|e| e.text.split_whitespace()).eq(written),
            "{}",
            file.display()
        );
        let days = text.lines().filter(is_date).map(str::to_string);
        assert!(found.entries.iter().map(|e| e.when.unwrap().to_string()).eq(days), "{}", file.display());
        (entries, left) = (entries + found.entries.len(), left + found.dates_left);
        assert_same_in_two_passes(&input);
    }
    assert!(files.is_empty() || (entries, left) == (3_413, 6), "{entries} entries, {left} dates left");
}

#[test]
fn barbellion_whole() {
    let files = diary("barbellion");
    let mut entries = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let input = Input::from_bytes(file, text.clone().into_bytes());
        let found = read_with(&crate::journal::formats::markdown::Markdown, &input, &Options::default());
        assert_eq!(
            found.entries.iter().map(|e| e.text.as_str()).collect::<Vec<_>>(),
            [text.trim_matches('\n')]
        );
        assert_eq!(found.entries[0].when.unwrap().to_string(), input.stem()[..10]);
        entries += found.entries.len();
    }
    assert!(files.is_empty() || entries == 531, "{entries} entries");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// On any text, in pieces of any length: two passes hand over every word that one does.
    #[test]
    fn no_word_is_lost_between_parts(
        lines in prop::collection::vec("(#{0,2} ?(2014|5 May|[1-9] May 20(14|20)|2014-05-0[1-9]))|[a-z ]{0,9}|={3}|\\PC{0,8}", 0..40),
        most in 40usize..200,
    ) {
        let input = input("2014/a.txt", &lines.join("\n"));
        let words = |found: &Collected| {
            found.entries.iter().flat_map(|e| e.text.split_whitespace()).map(str::to_string).collect::<Vec<_>>()
        };
        let once = read_with(&Text, &input, &Options::default());
        prop_assert_eq!(words(&once), words(&twice(&input, most)));
        assert_same_in_two_passes(&input);
    }

    #[test]
    fn bytes_are_no_trouble(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read("2014/a.txt", &bytes, &Options::default());
    }
}
