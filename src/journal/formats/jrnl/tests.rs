use super::*;
use crate::journal::formats;
use crate::journal::testing::{Collected, read};
use proptest::prelude::*;

fn entries(path: &str, text: &str) -> Collected {
    let read = read(path, text.as_bytes(), &Options::default());
    let input = Input::from_bytes(path, text.as_bytes().to_vec());
    assert_eq!(formats::of(&input).unwrap().name(), "jrnl");
    read
}

fn shown(path: &str, text: &str) -> Vec<(String, String)> {
    let read = entries(path, text).entries.into_iter();
    read.map(|e| (e.when.map_or(String::new(), |when| when.to_string()), e.text.trim_end().to_string()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(when, text)| (when.to_string(), text.to_string())).collect()
}

#[test]
fn brackets_in_the_body_are_text() {
    let text = "[2024-01-05 09:30] One.\n[1] a note\n[x] done\n[5 May 2020] was wet\n[2024-01-05 09:30]: no\n\n[2024-01-06 09:30] Two\n";
    let first = "One.\n[1] a note\n[x] done\n[5 May 2020] was wet\n[2024-01-05 09:30]: no";
    assert_eq!(
        shown("journal.txt", text),
        pairs(&[("2024-01-05T09:30:00", first), ("2024-01-06T09:30:00", "Two")])
    );
}

#[test]
fn dates_as_the_configuration_writes_them() {
    for (date, when) in [
        ("01/05/2024 09:30 PM", "2024-01-05T21:30:00"),
        ("Friday, 5 January 2024 9:30 am", "2024-01-05T09:30:00"),
        ("Fri Jan  5 09:30:15 2024", "2024-01-05T09:30:15"),
        ("05.01.2024 09:30", "2024-01-05T09:30:00"),
        ("2024-01-05", "2024-01-05"),
    ] {
        let order = if date.contains('/') { "01/31/2023 09:30 PM" } else { date };
        let read = shown("journal", &format!("[{order}] A\n\n[{date}] B\n"));
        assert_eq!(read[1], (when.to_string(), "B".to_string()), "{date}");
    }
}

#[test]
fn stars_go_and_other_asterisks_stay() {
    let texts = |text: &str| entries("journal.txt", text).entries[0].text.clone();
    assert_eq!(texts("[2024-01-05 09:30] Title. *\nBody *\n"), "Title.\nBody *");
    assert_eq!(texts("[2024-01-05 09:30] I was *happy*"), "I was *happy*");
    assert_eq!(entries("journal.txt", "[2024-01-05 09:30] T *").left_out, [("stars", 1)]);
}

#[test]
fn a_folder_gives_the_day() {
    let text = "[2024-01-05 09:30] One\n\n[2024-01-05 21:00] Two\n";
    assert_eq!(
        shown("j/2024/01/05.txt", text),
        pairs(&[("2024-01-05T09:30:00", "One"), ("2024-01-05T21:00:00", "Two")])
    );
    assert_eq!(
        shown("j/2024/01/05.txt", "[09:30] One\n[10] x\n[10:15] Two"),
        pairs(&[("2024-01-05T09:30:00", "One\n[10] x"), ("2024-01-05T10:15:00", "Two")])
    );
    assert_eq!(shown("2024/01/05.txt", "Only words.\n"), pairs(&[("2024-01-05", "Only words.")]));
    assert_eq!(day_in_path(Path::new("2024/13/05.txt")), None);
    assert_eq!(day_in_path(Path::new("2024/01/05.md")), None);
}

#[test]
fn a_word_of_the_clocks_may_begin_an_entry() {
    let old = "2024-03-05 09:15 Rain all day.\n2024-03-06 08:00 Am tired of it.\n2024-03-07 07:30 H. came to tea.\n\
        2024-03-08 21:00 Sun.\n2024-03-09 21:00 - and more of it.\n2024-03-10 21:00 Fog.\n2024-03-11 21:00 Wind.\n";
    let read = entries("old.txt", old);
    let texts: Vec<&str> = read.entries.iter().map(|entry| entry.text.as_str()).collect();
    let all =
        ["Rain all day.", "Am tired of it.", "H. came to tea.", "Sun.", "- and more of it.", "Fog.", "Wind."];
    assert_eq!(texts, all);
    let few = entries(
        "few.txt",
        "2024-03-05 09:00 Am tired.\n\n2024-03-06 21:00 H. came.\n\n2024-03-07 08:00 Pm.\n",
    );
    assert_eq!(few.entries[0].text, "Am tired.");
    let typed = "2024-03-05 09:15 PM\nThe kettle.\n\n2024-03-06 09:20 AM\nA new one.\n";
    assert!(!Jrnl.is(&Input::from_bytes("typed.txt", typed.as_bytes().to_vec())));
}

#[test]
fn version_1_had_no_brackets() {
    let text = "2013-06-09 15:39 Old. *\nA line.\n2013 was long\n\n2013-06-10 15:40 Newer.\n";
    let expected =
        [("2013-06-09T15:39:00", "Old.\nA line.\n2013 was long"), ("2013-06-10T15:40:00", "Newer.")];
    assert_eq!(shown("journal.txt", text), pairs(&expected));
}

#[test]
fn a_clock_of_twelve_hours_is_no_jrnl_1() {
    let text = "2024-03-05 09:15 PM\nThe kettle broke.\n\n2024-03-06 09:20 AM\nA new one came.\n";
    let entries = read("iso.txt", text.as_bytes(), &Options::default()).entries;
    let shown: Vec<_> = entries.iter().map(|e| (e.when.unwrap().day.to_string(), e.text.trim())).collect();
    assert_eq!(shown, [("2024-03-05".into(), "The kettle broke."), ("2024-03-06".into(), "A new one came.")]);
    for text in [
        "2024-03-05 09:15 a.m. Up.\n",
        "2024-03-05 09:15 Uhr, Tee.\n",
        "2024-03-05 09:15 \nTea.\n",
        "2024-03-05 09:15 CET\nTea.\n",
        "2024-03-05 09:15 +0100 Tea.\n",
        "2024-03-05 09:15 Tuesday\nTea.\n",
        "2024-03-05 09:15 - Tea.\n",
        "2024-03-05 09:15 Up.\n2024-03-06\nTea.\n",
    ] {
        assert!(!Jrnl.is(&Input::from_bytes("a.txt", text.as_bytes().to_vec())), "{text}");
    }
}

#[test]
fn all_of_a_file_has_to_agree() {
    let by_hand = "[2024-03-05 09:15] Up early.\n\n6 March 2024\nA new kettle.\n";
    let entries = read("a.txt", by_hand.as_bytes(), &Options::default()).entries;
    assert_eq!(entries.len(), 2);
    assert!(!Jrnl.is(&Input::from_bytes("a.txt", by_hand.as_bytes().to_vec())));
    let body = "[2024-03-05 09:15] Up early.\n\nOn 6 March 2024 a kettle.\n\n[2024-03-07 09:15] B.\n";
    assert_eq!(shown("a.txt", body).len(), 2);
}

#[test]
fn dates_that_only_a_configuration_writes() {
    for (first, second, time) in [
        ("20191213 0905", "20200114 1330", "T09:05:00"),
        ("201912130905", "202001141330", "T09:05:00"),
        ("20191213T090500", "20200114T133000", "T09:05:00"),
        ("2019-12-13 0905", "2020-01-14 1330", "T09:05:00"),
        ("2019-12-13T09:05", "2020-01-14T13:30", "T09:05:00"),
        ("2019-12-13-09-05", "2020-01-14-13-30", "T09:05:00"),
        ("1576227900", "1579008600", "T09:05:00"),
        ("19-12-13 09:05", "20-01-14 13:30", "T09:05:00"),
        ("191213 09:05", "200114 13:30", "T09:05:00"),
        ("13 Dec 19", "14 Jan 20", ""),
        ("13 Dec 2019 0905", "14 Jan 2020 1330", "T09:05:00"),
        ("13Dec2019 09:05", "14Jan2020 13:30", "T09:05:00"),
        ("09:05, 13 December 2019", "13:30, 14 January 2020", "T09:05:00"),
    ] {
        let text =
            format!("[{first}] The first came.\nIt stood. @weir\n\n[{second}] The second. *\nIt too.\n");
        let read = shown("journal.txt", &text);
        let when = |at: usize| read[at].0.get(..10).unwrap_or("").to_string();
        assert_eq!((when(0), when(1), read.len()), ("2019-12-13".into(), "2020-01-14".into(), 2), "{first}");
        assert_eq!((&read[0].0[10..], read[1].1.as_str()), (time, "The second.\nIt too."), "{first}");
    }
}

#[test]
fn the_margin_of_what_jrnl_prints_goes() {
    let text = "2024-03-05 09:30 Frost.\n| It stayed. @mill\n|\n| | and a bar\n\n2024-03-06 21:30 Again.\n| No more.\n";
    assert_eq!(
        shown("journal.txt", text),
        pairs(&[
            ("2024-03-05T09:30:00", "Frost.\nIt stayed. @mill\n\n| and a bar"),
            ("2024-03-06T21:30:00", "Again.\nNo more.")
        ])
    );
    let mine = "2024-03-05 09:30 Frost.\n| a bar of mine\nand none\n";
    assert_eq!(shown("journal.txt", mine)[0].1, "Frost.\n| a bar of mine\nand none");
}

#[test]
fn yaml_as_jrnl_exports_it() {
    let text = "---\ntitle: The heron came.\ndate: 2024-03-05 09:30\nstarred: False\ntags: weir, fog\nbody: |\t\n\t\n\tIt stood. @weir\n\t\n\tThen it flew.\n\t\n...\n";
    let read = entries("2024-03-05_the-heron-came.md", text);
    let entry = &read.entries[0];
    assert_eq!(entry.text, "The heron came.\nIt stood. @weir\n\nThen it flew.");
    assert_eq!(
        (entry.when.unwrap().to_string(), entry.tags.join(" ")),
        ("2024-03-05T09:30:00".into(), "weir fog".into())
    );
}

#[test]
fn other_peoples_files_are_not_claimed() {
    for (path, text) in [
        ("diary.txt", "[5 May 2020]\nRain"),
        ("diary.txt", "[1] a note"),
        ("diary.txt", "[09:30] rain"),
        ("diary.txt", "2024-01-05\nRain"),
        ("a.json", "{\"metadata\": {}, \"entries\": [{\"text\": \"x\"}]}"),
    ] {
        assert!(!Jrnl.is(&Input::from_bytes(path, text.as_bytes().to_vec())), "{text}");
    }
}

#[test]
fn json_of_one_entry_and_of_many() {
    let one = "{\n\"title\": \"A.\", \"body\": \"B @x\", \"date\": \"2024-01-05\", \"time\": \"09:30\", \"tags\": [\"@x\"], \"starred\": true}";
    assert_eq!(shown("a.json", one), pairs(&[("2024-01-05T09:30:00", "A.\nB @x")]));
    let many =
        format!("{{\"tags\": {{\"@x\": 1}}, \"entries\": [{one},\n7, {{\"title\": 3, \"body\": \"c\"}}, ");
    let read = entries("b.json", &many);
    assert_eq!(read.entries.len(), 2);
    assert_eq!(
        (read.entries[0].tags.as_slice(), read.lost.len() + read.troubles.len()),
        (&["x".to_string()][..], 2)
    );
    assert!(read.failed.unwrap().contains("line 3"));
}

#[test]
fn tags_as_jrnl_lists_them() {
    assert_eq!(tags("@Rain, a@b.c (@no) @c++ @rain @über-uns @"), ["rain", "c++", "über-uns"]);
}

proptest! {
    #[test]
    fn no_word_is_lost(text in "(\\[2024-01-05 09:30\\] |\\[5 May 2020\\] |2024-01-05 09:30 |@a|é|\\[|\\]| \\*|word|\n){0,40}") {
        let input = Input::from_bytes("journal.txt", text.as_bytes().to_vec());
        let read = crate::journal::testing::read_with(&Jrnl, &input, &Options::default());
        let words: usize = read.entries.iter().map(|e| e.text.matches("word").count()).sum();
        prop_assert_eq!(words, text.matches("word").count());
    }

    #[test]
    fn no_bytes_are_a_danger(bytes: Vec<u8>) {
        let tail = String::from_utf8_lossy(&bytes).into_owned();
        let json = format!("{{\"tags\":{{}},\"entries\":[{{\"title\":\"\",\"body\":\"\"}},{tail}");
        read("a.json", json.as_bytes(), &Options::default());
    }
}
