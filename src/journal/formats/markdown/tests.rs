//! Whole files.

use super::*;
use crate::journal::testing::{Collected, read as read_file};

fn read(path: &str, text: &str) -> Collected {
    read_file(path, text.as_bytes(), &Options::default())
}

fn shown(found: &Collected) -> Vec<(String, &str, &str, String)> {
    let when = |draft: &Draft| draft.when.map_or("-".into(), |when| when.to_string());
    found.entries.iter().map(|d| (when(d), d.title.as_str(), d.text.as_str(), d.place.to_string())).collect()
}

#[test]
fn a_file_and_what_it_knows() {
    let found = read(
        "a.md",
        "---\ntitle: Fog\ndate: 2024-01-05 09:30\ntags: [x]\n---\n\nSaw [it](/b).\n\n# 6 January 2024\nRain.\n",
    );
    assert_eq!(
        shown(&found),
        [
            ("2024-01-05T09:30:00".into(), "Fog", "Saw it.", ":7".into()),
            ("2024-01-06".into(), "", "Rain.", ":10".into()),
        ]
    );
    assert!(found.entries.iter().all(|draft| draft.tags == ["x"]));
}

#[test]
fn which_date_counts() {
    let date = |path: &str, text: &str| shown(&read(path, text)).remove(0).0;
    assert_eq!(date("2024-01-05.md", "x"), "2024-01-05");
    assert_eq!(date("2024-01-05.md", "---\ncreated: 2024-01-05T22:10\n---\nx"), "2024-01-05T22:10:00");
    assert_eq!(date("2024-01-05.md", "---\ncreated: 2024-01-09T22:10\n---\nx"), "2024-01-05");
    assert_eq!(date("2024-01-05.md", "---\ndate: 2024-01-04\n---\nx"), "2024-01-04");
    assert_eq!(date("2024/01-January/05 Fri.md", "x"), "2024-01-05");
    assert_eq!(date("a.md", "---\ndate: someday\n---\nx"), "-");
}

#[test]
fn links_are_no_days() {
    let shown = |path: &str, text: &str| -> Vec<String> {
        shown(&read(path, text)).into_iter().map(|(day, _, text, _)| format!("{day} {text}")).collect()
    };
    assert_eq!(shown("2024-01-06.md", "[[2024-01-05]]\n---\nSun.\n"), ["2024-01-06 2024-01-05\n---\nSun."]);
    let text = "%%x\n%%\nSnow.\n\n---\n[the 10th](b.md)\n[[2024-01-10]]\n[2024-01-12](c.md)\n";
    assert_eq!(shown("2024/01/11.md", text).len(), 1);
    assert_eq!(shown("a.md", text), ["- Snow.\n\n---\nthe 10th\n2024-01-10\n2024-01-12"]);
}

#[test]
fn comments_stay_where_they_are_wanted() {
    let options = Options { comments: true, ..Options::default() };
    assert_eq!(read_file("a.md", b"a %%b%%", &options).entries[0].text, "a %%b%%");
    let found = read("a.md", "a %%b%%");
    assert_eq!(found.changed, [("comments", "%%b%%".to_string(), String::new())]);
}

#[test]
fn a_title_alone_is_words() {
    assert_eq!(
        shown(&read("a.md", "---\ntitle: Only this\n---\n")),
        [("-".into(), "Only this", "", ":4".into())]
    );
    assert!(read("a.md", "---\nx: y\n---\n").entries.iter().all(|e| e.text.is_empty() && e.title.is_empty()));
}

#[test]
fn a_title_that_is_a_day_dates_what_has_no_date() {
    for front in ["title: 10 January 2024", "title: 2024-01-10\ncreated: 2024-01-11T02:30:00Z"] {
        let found = read("Wednesday.md", &format!("---\n{front}\n---\nwords"));
        assert_eq!(
            shown(&found),
            [("2024-01-10".into(), "", "words", ":".to_string() + &(front.lines().count() + 3).to_string())]
        );
    }
}

#[test]
fn a_title_that_is_another_day_is_kept() {
    let title =
        |front: &str| shown(&read("a.md", &format!("---\n{front}\n---\nwords"))).remove(0).1.to_string();
    assert_eq!(title("title: 1984-06-08\ndate: 2020-01-01"), "1984-06-08");
    assert_eq!(title("title: 5 May 1984\ndate: 2020-01-01"), "5 May 1984");
    assert_eq!(title("title: Friday, 5 January 2024\ndate: 2024-01-05 09:30"), "");
}
