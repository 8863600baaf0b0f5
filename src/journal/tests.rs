//! Folders and files as people have them.

use std::fs;
use std::path::{Path, PathBuf};

use super::testing::zipped;
use super::*;

/// A folder with the files given.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn read_all(folder: &tempfile::TempDir) -> Corpus {
    read(&[folder.path().to_path_buf()]).unwrap()
}

fn read(paths: &[PathBuf]) -> Result<Corpus> {
    super::read(paths, &Options::default(), &mut ())
}

/// What was skipped, as `name: reason`.
fn skipped(corpus: &Corpus) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    corpus.report.skipped.iter().map(|s| format!("{}: {}", name(&s.path), s.reason)).collect()
}

fn texts(corpus: &mut Corpus) -> Vec<String> {
    corpus.entries().unwrap().into_iter().map(|e| e.text).collect()
}

#[test]
fn entries_come_by_day_and_undated_last() {
    let folder = folder(&[
        ("a.txt", b"no date\n"),
        ("b/2020-05-06.md", b"sixth\n"),
        ("b/2020-05-05 Tuesday.TXT", b"fifth\r\n\r\nmore\r\n"),
        ("c.markdown", b"---\ndate: 2020-05-04\nmood: grey\n---\n\nfourth\n\n# 2020-05-05\nfifth too\n"),
    ]);
    let mut corpus = read_all(&folder);
    assert_eq!(texts(&mut corpus), ["fourth", "fifth\n\nmore", "fifth too", "sixth", "no date"]);
    let report = &corpus.report;
    assert_eq!((report.files, report.entries, report.words, report.undated), (4, 5, 8, 1));
    assert_eq!(report.first.unwrap().to_string(), "2020-05-04");
    assert_eq!(report.last.unwrap().to_string(), "2020-05-06");
    assert_eq!(report.skipped, []);
    let entries = corpus.entries().unwrap();
    let front = &entries[0];
    assert_eq!(
        (front.place, front.source.as_path()),
        (Place::Line(6), folder.path().join("c.markdown").as_path())
    );
    assert_eq!(entries[2].place, Place::Line(9));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = folder(&[
        ("a.txt", b"words\n"),
        ("bad.txt", b"caf\xe9\n"),
        ("binary.md", b"\x00\x01\x02"),
        ("empty.txt", b""),
        ("photo.jpg", b"\xff\xd8"),
        ("none", b"words"),
        (".hidden.txt", b"secret\n"),
        (".trash/old.txt", b"old\n"),
        ("run/run.json", b"{}"),
        ("run/tokens.bin", b""),
        ("run/samples.md", b"not mine\n"),
        ("half/log.jsonl", b""),
        ("half/samples.md", b"not mine\n"),
        ("mine/samples.md", b"mine\n"),
    ]);
    let mut corpus = read_all(&folder);
    assert_eq!(texts(&mut corpus), ["words", "café", "mine", "words"]);
    let mut found = skipped(&corpus);
    found.sort();
    assert_eq!(
        found,
        [
            ".hidden.txt: a hidden file",
            ".trash: a hidden folder",
            "binary.md: not text but a program's data (NUL bytes)",
            "empty.txt: empty (0 bytes); if it is a cloud placeholder, download the file first",
            "half: a run's own folder, not a journal",
            "photo.jpg: a picture: no text",
            "run: a run's own folder, not a journal",
        ]
    );
    let inside = folder.path().join("run/samples.md");
    assert!(read(&[inside]).unwrap_err().to_string().contains("a run's own folder"));
}

#[test]
fn a_hidden_folder_that_is_named_is_read() {
    let folder = folder(&[(".diary/a.txt", b"words\n")]);
    assert_eq!(read(&[folder.path().join(".diary")]).unwrap().report.words, 1);
}

#[test]
fn a_file_reached_twice_is_read_once() {
    let folder = folder(&[("a/a.txt", b"one\n"), ("a/b.pdf", b"%PDF")]);
    let path = |name: &str| folder.path().join(name);
    let twice = [path("a/a.txt"), path("a"), path("a/../a/a.txt"), path("."), path("a/b.pdf")];
    let corpus = read(&twice).unwrap();
    assert_eq!((corpus.report.files, corpus.report.words, corpus.report.skipped.len()), (1, 1, 1));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_end() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("a/a.txt", b"one\n"), ("b/b.txt", b"two\n")]);
    let path = |name: &str| folder.path().join(name);
    symlink(path("a"), path("a/loop")).unwrap();
    symlink(path("b/b.txt"), path("a/link.txt")).unwrap();
    symlink(path("nowhere"), path("a/broken.txt")).unwrap();
    // Two links a level would be 2³⁰ ways to the bottom.
    for level in 0..30 {
        fs::create_dir(path(&format!("m{level:02}"))).unwrap();
    }
    for level in 0..29 {
        for name in ["x", "y"] {
            symlink(path(&format!("m{:02}", level + 1)), path(&format!("m{level:02}/{name}"))).unwrap();
        }
    }
    let corpus = read_all(&folder);
    assert_eq!(corpus.report.words, 2);
    let found = skipped(&corpus);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("broken.txt: No such file"), "{found:?}");
    assert!(found[1].starts_with("loop: a link back to"), "{found:?}");
}

#[test]
fn no_such_path_is_an_error_that_names_it() {
    let folder = folder(&[("a.txt", b"one\n")]);
    let error = read(&[folder.path().join("a.txt"), PathBuf::from("/no/such/diary")]).unwrap_err();
    assert!(error.to_string().contains("/no/such/diary"), "{error}");
}

#[test]
fn no_words_is_an_error_that_says_what_there_was() {
    let cases: [&[(&str, &[u8])]; 4] =
        [&[], &[("a.pdf", b"%PDF")], &[("a.txt", b"5 May 2020\n\n6 May 2020\n")], &[("a.txt", b" \n")]];
    for files in cases {
        let folder = folder(files);
        let error = read(&[folder.path().to_path_buf()]).unwrap_err().to_string();
        assert!(error.contains("no words to read in") && error.contains("next: give journals"), "{error}");
        assert_eq!(error.contains("pdftotext"), files.iter().any(|f| f.0 == "a.pdf"));
        assert_eq!(error.contains("entries without words (2)"), files.iter().any(|f| f.1.starts_with(b"5")));
    }
    assert!(read(&[]).unwrap_err().to_string().contains("no path"));
}

#[test]
fn an_open_order_of_day_and_month_is_reported() {
    let folder = folder(&[("a.txt", b"03/04/2020\nRain.\n"), ("b.txt", b"04/13/2020\nSun.\n")]);
    let corpus = read_all(&folder);
    let [trouble] = &corpus.report.troubles[..] else { panic!("{:?}", corpus.report.troubles) };
    assert_eq!(trouble.path, folder.path().join("a.txt"));
    assert!(trouble.problem.contains("--date-order"), "{}", trouble.problem);
}

/// A note of Keep's, as Takeout has it.
fn note(words: &str, binned: bool) -> String {
    format!(r#"{{"isTrashed":{binned},"isPinned":false,"textContent":"{words}","title":""}}"#)
}

/// The texts that files hold, and that a zip of them holds, with a glob.
fn both_ways(files: &[(&str, &[u8])], glob: Option<&str>) -> [Vec<String>; 2] {
    let folders = [folder(files), folder(&[("all.zip", &zipped(files))])];
    folders.map(|folder| {
        let globs = glob.into_iter().map(str::to_string).collect();
        let options = Options { globs, keep_duplicates: true, ..Options::default() };
        super::read(&[folder.path().to_path_buf()], &options, &mut ())
            .map_or(Vec::new(), |mut corpus| texts(&mut corpus))
    })
}

#[test]
fn takeout_in_any_language() {
    let (kept, binned) = (note("Frost", false), note("Binned", true));
    let files: [(&str, &[u8]); 9] = [
        ("Takeout/Keep/Labels.txt", b"Garden\n"),
        ("Takeout/Google Notizen/a.json", kept.as_bytes()),
        ("Takeout/Google Notizen/a.html", b"<html>Frost, again</html>"),
        ("Takeout/Google Notizen/b.json", binned.as_bytes()),
        ("Takeout/Google Notizen/b.html", b"<html>Binned</html>"),
        ("Takeout/Google Notizen/Labels.txt", b"Weather\nWork\n"),
        ("Takeout/Archiv_Uebersicht.html", b"<html>Google made this</html>"),
        ("Takeout/archive_browser.html", b"<html>and this</html>"),
        ("mine/Labels.txt", b"Words on jars\n"),
    ];
    assert_eq!(both_ways(&files, None), [["Frost", "Words on jars"], ["Frost", "Words on jars"]]);
    let apart: [(&str, &[u8]); 2] = [("a.json", br#"{"text":"one"}"#), ("a.html", b"<html>two</html>")];
    assert_eq!(both_ways(&apart, None), [["two", "one"], ["two", "one"]]);
}

#[test]
fn an_exports_list_is_read_where_its_files_are_not() {
    let list = br#"{"date":"2024-01-05","title":"","text":"Listed","tags":[],"source":"a"}"#;
    let file = syntax::exported::export(None, "", &[], "a", "From the file");
    let files: [(&str, &[u8]); 2] = [("entries.jsonl", list), ("a.md", file.as_bytes())];
    assert_eq!(both_ways(&files, None), [["From the file"], ["From the file"]]);
    assert_eq!(both_ways(&files, Some("!*.md")), [["Listed"], ["Listed"]]);
    let other: [(&str, &[u8]); 2] = [("entries.jsonl", list), ("a.md", b"Typed")];
    assert_eq!(both_ways(&other, None), [["Listed", "Typed"], ["Listed", "Typed"]]);

    let folder = folder(&files);
    assert_eq!(texts(&mut read(&[folder.path().join("entries.jsonl")]).unwrap()), ["Listed"]);
}

#[test]
fn a_vault_says_where_its_templates_are() {
    let files: [(&str, &[u8]); 8] = [
        ("V/.obsidian/templates.json", br#"{"folder":"Meta/Vorlagen/"}"#),
        ("V/.obsidian/plugins/templater-obsidian/data.json", br#"{"templates_folder":"/"}"#),
        ("V/.obsidian/daily-notes.json", br#"{"template":"Day"}"#),
        ("V/Meta/Vorlagen/a.md", b"How was it?"),
        ("V/Meta/Vorlagen/deep/b.md", b"And then?"),
        ("V/Meta/Vorlagen too.md", b"One"),
        ("V/Day.md", b"Which day?"),
        ("Meta/Vorlagen/c.md", b"Two"),
    ];
    assert_eq!(both_ways(&files, None), [["Two", "One"], ["Two", "One"]]);
    let folder = folder(&files);
    let inside = read(&[folder.path().join("V/Meta")]).unwrap();
    assert_eq!(skipped(&inside), ["Vorlagen: an app's templates"]);
    let mut named = read(&[folder.path().join("V/Meta/Vorlagen")]).unwrap();
    assert_eq!(texts(&mut named), ["How was it?", "And then?"]);
}

#[test]
fn a_long_post_is_read_once_and_whole() {
    let long = (100..190).map(|n| format!("step{n}")).collect::<Vec<_>>().join(" ");
    let cut = format!("{}…", &long[..270]);
    let note = |second: usize, text: &str| {
        let note =
            format!("{{\"createdAt\": \"2024-01-05T23:30:0{second}Z\", \"core\": {{\"text\": \"{text}\"}}}}");
        format!("window.YTD.note_tweet.part0 = [{{\"noteTweet\": {note}}}]")
    };
    let post = format!(
        "window.YTD.tweets.part0 = [{{\"tweet\": {{\"created_at\": \"Fri Jan 05 23:30:00 +0000 2024\", \"full_text\": \"{cut}\"}}}}]"
    );
    let posts = |note: &str| {
        let folder = folder(&[("note-tweet.js", note.as_bytes()), ("tweets.js", post.as_bytes())]);
        let mut corpus = read_all(&folder);
        (texts(&mut corpus), corpus.report.left_out.get("beginnings of long posts").copied())
    };
    for second in [0, 5] {
        assert_eq!(posts(&note(second, &long)), (vec![long.clone()], Some(1)));
        // Alike enough to be a duplicate of its beginning.
        assert_eq!(posts(&note(second, &long[..290])).0, [&long[..290]]);
    }
    assert_eq!(posts(&note(0, "Another.")), (vec!["Another.".to_string(), cut.clone()], None));
}

/// Keeps the changes: what, before, after.
#[derive(Default)]
struct Changes(Vec<[String; 3]>);

impl Observer for Changes {
    fn wants_changes(&self) -> bool {
        true
    }

    fn changed(&mut self, change: &Change) {
        self.0.push([change.what, change.before, change.after].map(str::to_string));
    }
}

#[test]
fn boilerplate_is_shown_as_it_goes() {
    let day = |i: u32| format!("2020-{:02}-{:02}\nHow was it?\n\nDay {i}.\n\n", i / 28 + 1, i % 28 + 1);
    let days: String = (0..100).map(day).collect();
    let folder = folder(&[("a.txt", days.as_bytes())]);
    let mut options = Options::default();
    options.style.drop_boilerplate = true;
    let mut seen = Changes::default();
    let corpus = super::read(&[folder.path().to_path_buf()], &options, &mut seen).unwrap();
    assert_eq!((corpus.len(), seen.0.len()), (100, 100));
    assert_eq!(seen.0[7], ["boilerplate dropped", "How was it?\n\nDay 7.", "Day 7."]);
}

#[test]
fn names_go_from_tags_which_are_still_found() {
    let folder = folder(&[
        (
            "a.json",
            br#"[{"text": "Ann came", "tags": ["Ann", "rain"]}, {"text": "alone", "tags": ["rain"]}]"#,
        ),
        ("names.list", b"Ann\n"),
    ]);
    let mut options = Options { tags: vec!["ann".into()], ..Options::default() };
    options.style.redact = Some(folder.path().join("names.list"));
    let mut seen = Changes::default();
    let mut corpus = super::read(&[folder.path().join("a.json")], &options, &mut seen).unwrap();
    let [entry] = &corpus.entries().unwrap()[..] else { panic!("not one entry") };
    assert_eq!(
        (entry.text.as_str(), &entry.tags[..]),
        ("[name 1] came", &["[name 1]".into(), "rain".into()][..])
    );
    assert!(seen.0.contains(&["names redacted", "Ann", "[name 1]"].map(String::from)));
}

#[test]
fn short_files_of_a_folder_tell_their_encoding_together() {
    let folder = folder(&[
        ("en/1.txt", b"na\xefve"),
        ("en/2.txt", b"We went down to the caf\xe9 and had tea."),
        ("en/3.txt", b"Much too much for Zo\xeb, she said, and so to bed we went."),
        ("mac/1.txt", b"\xd1Yes, I said."),
        ("mac/2.txt", b"It\xd5s late, I said, and went."),
        ("pl/1.txt", b"Ko\xf1"),
        ("pl/2.txt", b"Dzi\x9c poszed\xb3em do lasu i widzia\xb3em lisa, by\xb3 rudy. \xaf\xf3\xb3w te\xbf."),
        ("ru/1.txt", b"\xc4\xe0"),
        ("ru/2.txt", b"\xd1\xe5\xe3\xee\xe4\xed\xff \xff \xf5\xee\xe4\xe8\xeb \xe2 \xeb\xe5\xf1."),
    ]);
    let found = texts(&mut read_all(&folder));
    assert_eq!([&found[0], &found[3], &found[5], &found[7]], ["naïve", "—Yes, I said.", "Koń", "Да"]);
    assert_eq!(texts(&mut read(&[folder.path().join("pl/1.txt")]).unwrap()), ["Koñ"], "alone it is a guess");
}

#[test]
fn a_name_alone_leaves_nothing_out() {
    let files: [(&str, &[u8]); 8] = [
        ("Templates/V/.obsidian/app.json", b"{}"),
        ("Templates/V/a.md", b"vault"),
        ("Templates/V/Templates/b.md", b"not this"),
        ("logseq/G/logseq/config.edn", b"{}"),
        ("logseq/G/journals/2024_01_05.md", b"- graph"),
        ("blog/README.txt", b"readme"),
        ("blog/tweets.csv", b"id,text\n1,hello\n"),
        ("takeout/letter.html", b"<p>letter"),
    ];
    let texts = ["graph", "vault", "readme", "hello", "letter"];
    for mut found in both_ways(&files, None) {
        found.sort();
        let mut expected = texts.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_said_to_be_mine_is_no_chat() {
    let log = b"2024-03-05 21:30 - Feed: 120 ml\n2024-03-05 23:00 - Nap: an hour\n";
    let folder = folder(&[
        ("nights.txt", log),
        ("a.txt", b"words\n"),
        ("old.zip", &zipped(&[("in/nights.txt", log)])),
    ]);
    let at = |path: &str| folder.path().join(path);
    let words = |mine: &[&str]| {
        let options = Options { mine: mine.iter().map(|path| at(path)).collect(), ..Options::default() };
        let corpus = super::read(&[folder.path().to_path_buf()], &options, &mut ()).unwrap();
        (corpus.report.words, corpus.report.skipped.iter().filter(|skipped| skipped.lost).count())
    };
    assert_eq!(words(&[]), (1, 2));
    assert_eq!(words(&["nights.txt"]).1, 1);
    assert_eq!(words(&["old.zip/in/nights.txt"]).1, 1);
    assert_eq!(words(&[""]).1, 0);
    let none = Options { mine: vec![at("nowhere.txt")], ..Options::default() };
    assert!(
        super::read(&[folder.path().to_path_buf()], &none, &mut ())
            .unwrap_err()
            .to_string()
            .contains("--mine")
    );
}

#[test]
fn a_month_that_was_left_empty_has_no_words() {
    let folder = folder(&[("data/2023-08.txt", b"{}\n"), ("a.txt", b"words\n")]);
    let corpus = read_all(&folder);
    assert_eq!((corpus.report.entries, corpus.report.skipped.len()), (1, 0));
}
