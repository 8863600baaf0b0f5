use proptest::prelude::*;

use super::*;
use crate::journal::testing::{Collected, read as read_file};

const ID: &str = "0123456789abcdef0123456789abcdef";

fn read(name: &str, text: &str) -> Collected {
    read_file(&format!("Export/{name} {ID}.md"), text.as_bytes(), &Options::default())
}

#[test]
fn a_page_of_a_database() {
    let found = read(
        "A walk",
        "# A walk\n\nCreated: January 6, 2024 8:00 AM\nDate: January 5, 2024\nTags: fog, rain\nMood: grey\n\n1\\. Fog &lt;3\n\n![Untitled](A%20walk/Untitled.png)\n\n<aside>\n💡 Go [there](There%20abc.md)\n\n</aside>\n",
    );
    let draft = &found.entries[0];
    assert_eq!(draft.when.unwrap().to_string(), "2024-01-05");
    assert_eq!(
        (draft.title.as_str(), draft.text.as_str()),
        ("A walk", "Mood: grey\n\n1. Fog <3\n\n💡 Go there")
    );
    assert_eq!((draft.tags.join("|").as_str(), draft.place), ("fog|rain", Place::Line(3)));
}

#[test]
fn a_title_that_is_not_the_pages_day_is_kept() {
    let title =
        |head: &str| read("x", &format!("{head}\n\nDate: January 5, 2024\n\nx\n")).entries.remove(0).title;
    assert_eq!(title("# 8 June 1984"), "8 June 1984");
    assert_eq!(title("# @home"), "@home");
    assert_eq!(title("# @January 5, 2024"), "");
}

#[test]
fn text_is_not_properties() {
    let text = |text: &str| read("x", text).entries.remove(0).text;
    assert_eq!(text("# Fog\n\nNote: I slept.\n\nWell.\n").trim(), "Note: I slept.\n\nWell.");
    assert_eq!(text("# Fog\n\nMood: grey\nand words.\n").trim(), "Mood: grey\nand words.");
    // A day all the same, as in any text.
    let found = read("x", "# Fog\n\nDate: January 5, 2024\nand words.\n").entries.remove(0);
    assert_eq!((found.text.as_str(), found.when.unwrap().to_string().as_str()), ("and words.", "2024-01-05"));
}

#[test]
fn properties_of_any_shape() {
    let of = |text: &str| {
        let draft = read("x", text).entries.remove(0);
        (draft.when.map(|when| when.to_string()).unwrap_or_default(), draft.tags.join("|"), draft.text)
    };
    for (properties, day, tags, text) in [
        (
            "Date: January 5, 2024\nMood (1-5): 4\nTags: fog, rain",
            "2024-01-05",
            "fog|rain",
            "Mood (1-5): 4\n\n",
        ),
        ("📅 Date: January 6, 2024\n😀 Mood: 4", "2024-01-06", "", "😀 Mood: 4\n\n"),
        (
            "Created: January 7, 2024 9:30 PM\nStatus: Done\nSleep, hours: 7",
            "2024-01-07T21:30:00",
            "",
            "Sleep, hours: 7\n\n",
        ),
        (
            "Date: January 8, 2024\nGratitude: my dog\nand the rain\nTags: a",
            "2024-01-08",
            "a",
            "Gratitude: my dog\nand the rain\n\n",
        ),
        (
            &format!(
                "Date: January 9, 2024\nProjects: Garden (https://www.notion.so/G-{ID}?pvs=21), Old (house) (../Old%20(house)%20{ID}.md)\nChecked: No"
            ),
            "2024-01-09",
            "",
            "Projects: Garden, Old (house)\n\n",
        ),
        (
            "Date: January 9, 2024\nStatus: tired of it all, Ada says",
            "2024-01-09",
            "",
            "Status: tired of it all, Ada says\n\n",
        ),
        ("Status: tired\nType: I type too much", "", "", "\n\nStatus: tired\nType: I type too much\n\n"),
    ] {
        let expected = (day.to_string(), tags.to_string(), format!("{text}Words."));
        let (when, tags, text) = of(&format!("# A\n\n{properties}\n\nWords.\n"));
        assert_eq!((when, tags, text.trim()), (expected.0, expected.1, expected.2.trim()), "{properties}");
    }
}

#[test]
fn titles_and_dates() {
    let of = |text: &str| {
        let draft = read("x", text).entries.remove(0);
        (draft.title, draft.when.map(|when| when.to_string()).unwrap_or_default())
    };
    assert_eq!(of("# @January 5, 2024\n\nwords"), (String::new(), "2024-01-05".into()));
    assert_eq!(of("# Untitled\n\nDue: January 9, 2024\n\nwords"), (String::new(), String::new()));
    assert_eq!(
        of("# a\\_b\n\nCreated time: January 5, 2024 9:30 PM\n\nw"),
        ("a_b".into(), "2024-01-05T21:30:00".into())
    );
    assert_eq!(of("# a\n\nDate: January 5, 2024 → January 7, 2024\n\nw").1, "2024-01-05");
    let doubts = |date: &str| read("x", &format!("# a\n\nDate: {date}\n\nw")).troubles.len();
    assert_eq!((doubts("01/05/2024"), doubts("01/25/2024")), (1, 0));
}

#[test]
fn what_is_notions() {
    let of = |path: &str, text: &str| {
        crate::journal::formats::of(&Input::from_bytes(path, text.into())).map(|f| f.name())
    };
    assert_eq!(of(&format!("Journal {ID}_all.csv"), "Name,Date"), Some("Notion"));
    assert_eq!(of(&format!("Journal {ID}.md"), "words"), Some("Markdown"));
    assert_eq!(of("Journal.md", "# words"), Some("Markdown"));
    assert_eq!(
        read_file(&format!("J {ID}.csv"), b"a,b\nc,d", &Options::default()).left_out,
        [("database indexes", 1)]
    );
}

proptest! {
    #[test]
    fn nothing_panics(text in "# (Date: |Tags: |: |\n|a|January 5, 2024|é|<aside>|\\]\\(|\\\\){0,40}") {
        read("x", &text);
    }
}

/// A page as HTML, with these rows of properties and this text.
fn html(title: &str, rows: &[(&str, &str, &str)], body: &str) -> Collected {
    let rows = rows.iter().map(|(kind, key, value)| {
        format!("<tr class=\"property-row property-row-{kind}\"><th><span class=\"icon\"><svg></svg></span>{key}</th><td>{value}</td></tr>")
    });
    let page = format!(
        "<html><head><title>{title}</title><style>.page-body {{}}</style></head><body><article id=\"01234567-89ab-cdef-0123-456789abcdef\" class=\"page sans\"><header><h1 class=\"page-title\">{title}</h1><table class=\"properties\"><tbody>{}</tbody></table></header><div class=\"page-body\">{body}</div></article></body></html>",
        rows.collect::<String>()
    );
    read_file(&format!("Export/{title} {ID}.html"), page.as_bytes(), &Options::default())
}

#[test]
fn a_page_as_html_is_told_by_its_classes() {
    let rows = [
        ("created_time", "Erstellt", "<time>@October 6, 2024 8:45 AM</time>"),
        ("date", "Tag", "<time>@October 4, 2024</time>"),
        (
            "multi_select",
            "Schlagworte",
            "<span class=\"selected-value\">fog</span><span class=\"selected-value\">a walk</span>",
        ),
        ("select", "Zustand", "<span class=\"selected-value\">fertig</span>"),
        ("checkbox", "Gelesen", "<div class=\"checkbox checkbox-on\"></div>"),
        ("text", "Dank", "my dog"),
    ];
    let found = html(
        "Walk",
        &rows,
        "<p>The heron <strong>stood</strong> still.</p><figure class=\"link-to-page\"><a href=\"There%20 0123456789abcdef0123456789abcdef.html\"><span class=\"icon\">📄</span>There</a></figure>",
    );
    let draft = &found.entries[0];
    assert_eq!((draft.when.unwrap().to_string().as_str(), draft.title.as_str()), ("2024-10-04", "Walk"));
    assert_eq!(draft.text, "Dank: my dog\n\nThe heron stood still.\n\nThere");
    assert_eq!(draft.tags, ["fog", "a walk"]);
    assert_eq!(found.changed.iter().filter(|(what, ..)| *what == "app properties").count(), 5);
    let days =
        html("Diary", &rows[..1], "<h1>October 4, 2024</h1><p>Rain.</p><h1>October 5, 2024</h1><p>Sun.</p>");
    let shown: Vec<String> = days.entries.iter().map(|e| format!("{}|{}", e.when.unwrap(), e.text)).collect();
    assert_eq!(shown, ["2024-10-04|Rain.", "2024-10-05|Sun."]);
}

#[test]
fn what_leads_to_pages_is_no_writing() {
    let link = |label: &str| format!("[{label}]({label}%20{ID}.md)");
    let index = format!(
        "<ul><li>Arbeitsbereich:<p>Name: Meins</p></li><li><a href=\"Diary%20{ID}.md\">Diary {ID}.md</a></li></ul>"
    );
    let table = format!(
        "<table class=\"collection-content\"><tr><td><a href=\"A%20{ID}.html\">A</a></td></tr></table>"
    );
    for found in [
        read_file("Export/index.html", index.as_bytes(), &Options::default()),
        read("Journal", &format!("# Journal\n\n{}\n\n- {}\n", link("A"), link("B"))),
        html("Journal", &[], &table),
    ] {
        assert_eq!((found.entries.len(), found.left_out), (0, vec![("database indexes", 1)]));
    }
    let found = read("Garden", "# Garden\n\n\n");
    assert_eq!((found.entries.len(), found.changed.len()), (0, 1));
    for text in [format!("# A\n\nSee {}\n", link("B")), "# Fed the heron\n\nDate: January 5, 2024\n".into()] {
        assert_eq!(read("A", &text).entries.len(), 1, "{text}");
    }
}

#[test]
fn a_page_of_days_is_its_days() {
    let found = read(
        "Diary",
        "# Diary\n\nCreated: January 9, 2024\nMood: grey\n\n## January 5, 2024\n\nRain.\n\n## January 6, 2024\n\nSun.\n",
    );
    let shown: Vec<_> =
        found.entries.iter().map(|e| (e.when.unwrap().to_string(), e.text.trim(), e.place)).collect();
    let of = |day: &str, text, line| (day.to_string(), text, Place::Line(line));
    assert_eq!(
        shown,
        [of("2024-01-09", "Mood: grey", 3), of("2024-01-05", "Rain.", 8), of("2024-01-06", "Sun.", 12)]
    );
}

#[test]
fn a_title_that_is_a_day_goes_before_when_the_page_was_made() {
    for (text, day) in [
        ("# @November 11, 2024\n\nFull date: December 4, 2024 8:45 AM\nTags: a\n\nx\n", "2024-11-11"),
        ("# January 5, 2024\n\nCreated: March 9, 2024\n\nx\n", "2024-01-05"),
        ("# January 5, 2024\n\nDate: January 4, 2024\n\nx\n", "2024-01-04"),
    ] {
        assert_eq!(read("x", text).entries[0].when.unwrap().day.to_string(), day, "{text}");
    }
    assert_eq!(read("x", "# January 5, 2024\n\nCreated: March 9, 2024\n\nx\n").entries[0].title, "");
}

#[test]
fn properties_in_other_languages() {
    for (properties, day, tags) in [
        (
            "최종 편집 일시: 2024년 3월 9일 오전 9:00\n생성 일시: 2024년 1월 5일 오후 10:14\n태그: 안개, 비\n생성자: Ann Example",
            "2024-01-05T22:14:00",
            "안개|비",
        ),
        (
            "最終更新日時: 2024年3月9日 9:00\n作成日時: 2024年1月5日 22:14\nタグ: 霧",
            "2024-01-05T22:14:00",
            "霧",
        ),
        (
            "Zuletzt bearbeitet: 9. März 2024 09:00\nErstellt am: 5. Januar 2024 22:14\nErstellt von: Ann Example",
            "2024-01-05T22:14:00",
            "",
        ),
        (
            "Dernière modification: 9 mars 2024 09:00\nDate de création: 5 janvier 2024 22:14\nÉtiquettes: brume",
            "2024-01-05T22:14:00",
            "brume",
        ),
        (
            "Última edición: 9 de marzo de 2024 9:00\nFecha de creación: 5 de enero de 2024 22:14",
            "2024-01-05T22:14:00",
            "",
        ),
        ("날짜: 2024년 1월 5일\n최종 편집 일시: 2024년 3월 9일 오전 9:00", "2024-01-05", ""),
        ("Second: March 9, 2024\nFirst: January 5, 2024", "2024-01-05", ""),
    ] {
        let draft = read("x", &format!("# A\n\n{properties}\n\nWords.\n")).entries.remove(0);
        let when = draft.when.unwrap().to_string();
        assert_eq!(
            (when.as_str(), draft.tags.join("|").as_str(), draft.text.trim()),
            (day, tags, "Words."),
            "{properties}"
        );
    }
}

#[test]
fn debris_of_the_app() {
    let text = |text: &str| read("x", text).entries.remove(0).text.trim().to_string();
    assert_eq!(
        text("# A\n\nStatus: Done\nCreated by: Ann Example\nAttachments: A/x.png, A/y.jpeg\n\nWords.\n"),
        "Words."
    );
    let icon = "<img src=\"https://www.notion.so/icons/chat_gray.svg\" alt=\"x\" width=\"40px\" />";
    assert_eq!(text(&format!("# A\n\n<aside>\n{icon}\n\nWords.\n\n</aside>\n")), "Words.");
}
