//! What `diarist corpus --export` writes is read back as it was: the Markdown files, and `entries.jsonl`.

use std::path::{Path, PathBuf};

use diarist::journal::{Entry, Options, export, read};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::common::samples::{all, lay_out, options};

/// All of an entry but where it stands; the two forms of an export differ in that.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    when: Option<String>,
    title: String,
    text: String,
    tags: Vec<String>,
}

fn kept(entry: Entry, to_the_day: bool) -> Kept {
    // entries.jsonl has an instant or a day: a time of no known zone is kept in the Markdown alone.
    let day_only = |when: diarist::journal::When| to_the_day && when.offset.is_none();
    let when = entry.when.map(|when| if day_only(when) { when.day.to_string() } else { when.to_string() });
    Kept { when, title: entry.title, text: entry.text, tags: entry.tags }
}

fn entries(path: &Path, options: &Options, to_the_day: bool) -> Vec<Kept> {
    let Ok(mut corpus) = read(&[path.to_path_buf()], options, &mut ()) else { return Vec::new() };
    corpus.entries().unwrap().into_iter().map(|entry| kept(entry, to_the_day)).collect()
}

/// Reads, exports, and reads the export in both its forms. How many entries there were.
fn there_and_back(path: &Path, options: &Options) -> Result<usize, TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("export");
    let Ok(mut corpus) = read(&[path.to_path_buf()], options, &mut ()) else { return Ok(0) };
    export::write(&mut corpus, &target).unwrap();
    let plain = Options { keep_duplicates: true, ..Options::default() };

    let markdown = entries(&target, &plain, false);
    prop_assert_eq!(&markdown, &entries(path, options, false));

    let jsonl = folder.path().join("entries.jsonl");
    std::fs::rename(target.join("entries.jsonl"), &jsonl).unwrap();
    prop_assert_eq!(entries(&jsonl, &plain, true), entries(path, options, true));
    Ok(markdown.len())
}

#[test]
fn every_sample_comes_back() {
    let mut seen = 0;
    for sample in all() {
        let folder = tempfile::tempdir().unwrap();
        let root: PathBuf = folder.path().join("in");
        lay_out(&sample.join("in"), &root);
        seen +=
            there_and_back(&root, &options(&sample)).unwrap_or_else(|e| panic!("{}: {e}", sample.display()));
    }
    assert!(seen > 100, "{seen} entries");
}

/// Lines that a reader may take for something other than the writer's words.
const AWKWARD: &[&str] = &[
    "---",
    "...",
    "***",
    "+++",
    "# 2014",
    "## Monday",
    "5 May 2020",
    "2020-05-06",
    "May 2021",
    "12 mai",
    "[2020-05-05 09:30] up",
    "date: 2019-01-01",
    "title: no",
    "tags: [a]",
    "mood:: grey",
    "id:: 64a1",
    "exported-by: diarist",
    "```",
    "~~~",
    "```dataview",
    "- [ ] a task",
    "- item",
    "1. one",
    "> quoted",
    "On Monday Ann wrote:",
    "-- ",
    "From ann@example.org Mon May  4",
    "From: Ann",
    "05/05/2020, 09:30 - Ann: hello",
    "{\"date\":null}",
    "<p>hi</p>",
    "<!-- no -->",
    "<3",
    "<sigh>",
    "¯\\_(ツ)_/¯",
    "\\. \\# \\*",
    "&amp; &lt;3 &eacute;",
    "![photo](a.jpg)",
    "[label](http://a.example/b)",
    "[[page|label]]",
    "![[embed]]",
    "^block-id",
    "a line ^b1",
    "%%a comment%%",
    "100%% sure",
    "#tag #other",
    "**bold** *it* _it_",
    "    four spaces",
    "\ta tab",
    "two spaces behind  ",
    "a\r\nreturn\r",
    "café — “quoted” ‘s",
    "יום שלם",
    "مرحبا",
    "日本語の日記",
    "👩‍👩‍👧 👋🏽",
    "na\u{ef}ve",
    "nai\u{308}ve",
    "x\u{a0}y",
    "",
    "",
    "   ",
    "=====",
    "a | b",
    "{{query}}",
    "((ref))",
    "{date}",
    "\"",
    "'",
    "key: \"value\"",
    "@import x",
    "$$x^2$$",
    "~",
    "null",
    "yes",
    "%YAML",
];

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(AWKWARD).prop_map(String::from),
        2 => "[a-zA-Z ,.;:!?'\"()\\[\\]*_#|<>&\\\\%{}^~`=+/@$-]{0,24}",
        1 => "\\PC{0,12}",
    ]
}

fn date() -> impl Strategy<Value = Option<String>> {
    let time = (0..24_u8, 0..60_u8, 0..60_u8);
    let day = (1000..2100_i32, 1..13_u8, 1..29_u8).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let zone = prop::sample::select(&["+00:00", "+05:30", "-03:30", "+14:00", "-12:00", "+01:00"][..]);
    prop_oneof![
        1 => Just(None),
        2 => day.clone().prop_map(Some),
        2 => (day, time, zone).prop_map(|(day, (h, m, s), zone)| Some(format!("{day}T{h:02}:{m:02}:{s:02}{zone}"))),
    ]
}

fn entry() -> impl Strategy<Value = serde_json::Value> {
    let text = prop::collection::vec(line(), 1..8).prop_map(|lines| lines.join("\n"));
    let title = prop_oneof![2 => Just(String::new()), 3 => line()];
    (date(), title, text, prop::collection::vec(line(), 0..3)).prop_map(|(date, title, text, tags)| {
        serde_json::json!({"date": date, "title": title, "text": text, "tags": tags, "source": "made"})
    })
}

#[test]
fn whatever_is_written_comes_back() {
    let mut runner = TestRunner::deterministic();
    let journals = prop::collection::vec(entry(), 1..6);
    let seen = std::cell::Cell::new(0);
    let result = runner.run(&journals, |entries| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
        std::fs::write(&path, lines).unwrap();
        let kept = Options { keep_duplicates: true, ..Options::default() };
        seen.set(seen.get() + there_and_back(&path, &kept)?);
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
    assert!(seen.get() > 300, "{} entries were read at all", seen.get());
}
