//! Whole files and the entries they hold.

use jiff::civil::date;
use proptest::prelude::*;

use super::super::parts::Known;
use super::super::recognise;
use super::*;
use crate::journal::dates::date_lines::underline;

/// The pieces of a text of which no more than its file's day is known.
fn split(text: &str, named: Option<Date>) -> Pieces {
    super::split(text, Context { named, ..Context::default() }, &[])
}

/// Entries as `(date or "-", text, line)`.
fn read(text: &str) -> Vec<(String, &str, usize)> {
    let show = |date: Option<Date>| date.map_or("-".to_string(), |d| d.to_string());
    split(text, None)
        .pieces
        .into_iter()
        .map(|p| (show(p.when.map(|when| when.day)), &text[p.range], p.line))
        .collect()
}

fn dates_of(text: &str) -> Vec<String> {
    read(text).into_iter().map(|(date, ..)| date).collect()
}

#[test]
fn lines_in_the_first_style_start_entries() {
    let text =
        "\nAbout me\n\n# 5 May 2020\n\n  Rain.\nMore.  \n\n\n# 4 May 2020\nEarlier.\n# 4 May 2020\nAgain.";
    assert_eq!(
        read(text),
        [
            ("-".into(), "About me", 2),
            ("2020-05-05".into(), "  Rain.\nMore.  ", 6),
            ("2020-05-04".into(), "Earlier.", 11),
            ("2020-05-04".into(), "Again.", 13),
        ]
    );
    assert_eq!(split(text, None).doubts.left, 0);
}

#[test]
fn text_before_the_first_date_has_the_files_own() {
    let days = |text: &str| -> Vec<i8> {
        let pieces = split(text, Some(date(2020, 5, 5))).pieces;
        pieces.iter().map(|p| p.when.unwrap().day.day()).collect()
    };
    assert_eq!(days("Morning.\n\n5 May 2020, 21:00\nNight.\n\n6 May 2020\nNext.\n"), [5, 5, 6]);
    assert_eq!(days("6 May 2020\nNext.\n"), [6]);
    assert_eq!(days("# 2020\n\n## 6 May\nNext.\n\n## 7 May 2020\nMore.\n"), [6, 7]);
    assert_eq!(days("Morning.\n\n## 6 May 2020\n- dentist\n\nNight.\n"), [5]);
    assert_eq!(days("# Week 19\n\n## 3 May 2020\nRain.\n\n## 4 May 2020\nSun.\n"), [5, 3, 4]);
    assert_eq!(days("My diary\n\n6 May 2019\nRain.\n\n7 May 2019\nSun.\n"), [5, 6, 7]);
    assert_eq!(days("Morning.\n\n## 6 May 2020\n- dentist\n\n2020-05-07: party\n"), [5]);
    assert_eq!(days("[[2020-05-04]]\n---\nMorning.\n"), [5]);
}

#[test]
fn a_link_is_no_date_but_in_company() {
    assert_eq!(dates_of("We talked of\n\n[[2020-05-05]]\n\nand slept.\n"), ["-"]);
    let linked = "[[2020-05-05]]\na\n\n[[2020-05-06]]\nb\n\n[[2020-05-07]]\nc\n";
    assert_eq!(dates_of(linked), ["2020-05-05", "2020-05-06", "2020-05-07"]);
    assert_eq!(dates_of("## [[2020-05-05]]\na\n"), ["2020-05-05"]);
    let bare = linked.replace(['[', ']'], "");
    let pieces = |links: &[usize]| super::split(&bare, Context::default(), links).pieces.len();
    assert_eq!((pieces(&[]), pieces(&[1, 4, 7]), pieces(&[4]), pieces(&[1, 7])), (3, 3, 2, 2));
}

#[test]
fn dates_may_stand_below_their_texts() {
    assert_eq!(read("It rained on us.\n\n5 May 2020\n"), [("2020-05-05".into(), "It rained on us.", 1)]);
    let letters =
        "Dear Ada,\nIt rained.\n\n5 May 2020\n\nDear Bob,\nSnow.\n\n6 May 2020\n\nDear Cy.\n\n7 May 2020\n";
    assert_eq!(
        read(letters),
        [
            ("2020-05-05".into(), "Dear Ada,\nIt rained.", 1),
            ("2020-05-06".into(), "Dear Bob,\nSnow.", 6),
            ("2020-05-07".into(), "Dear Cy.", 11),
        ]
    );
    assert_eq!(
        (
            split(letters, None).doubts.below,
            split(letters.trim_end_matches("7 May 2020\n"), None).doubts.below
        ),
        (Some(4), None)
    );
    // A title, and a day still without words.
    for text in [
        "My diary\n\n5 May 2020\n\nRain.\n\n6 May 2020\n",
        "My diary\nby\nme\n\n5 May 2020\nRain.\n\n6 May 2020\n",
        "My diary\n\n# 5 May 2020\n",
    ] {
        assert_eq!(read(text)[0].0, "-", "{text}");
        assert_eq!(split(text, None).empty, 1, "{text}");
    }
}

#[test]
fn words_beside_a_date_start_its_entry() {
    let text = "5 May 2020\nRain.\n\n6 May 2020 (Ada's birthday)\nCake.\n\n7 May 2020, New York\nTrain.\n\n8 May 2020\nWe met on\n9 May 2020, Monday\nor\n10 May 2020, Easter\nthen.\n";
    let found: Vec<_> = read(text).into_iter().map(|(date, text, _)| (date, text)).collect();
    assert_eq!(
        found[1..3],
        [("2020-05-06".into(), "(Ada's birthday)\nCake."), ("2020-05-07".into(), "New York\nTrain."),]
    );
    assert_eq!(found.last().unwrap().1, "or\n10 May 2020, Easter\nthen.");
    let below = |text: &str| days_in(Some(2014), text).len();
    assert_eq!(below("5 May\nRain.\n\n6 May: Sun and a walk.\n\n7 May\nWind.\n"), 3);
    assert_eq!(below("5 May - Rain.\n\n6 June - Sun.\n\n7 Sept - Wind.\n"), 3);
    assert_eq!(below("5 May - Rain.\n\n6 May - Sun.\n"), 1);
    assert_eq!(below("## Mo, 5.5.\nRegen.\n\n## Mi, 7.5\nWind.\n"), 2);
    assert_eq!(below("5月5日\n雨。\n\n5月6日（火）\n晴れ。\n"), 2);
}

#[test]
fn days_to_come_are_text() {
    for list in ["12 June 2020, Paris\n15 June 2020, Rome", "1 June 2020 (deadline)\n15 June 2020 (party)"] {
        let text = format!("5 May 2020\nRain.\n\n6 May 2020\nPlans:\n\n{list}\n\nThen home.\n");
        assert_eq!(dates_of(&text), ["2020-05-05", "2020-05-06"], "{list}");
        assert_eq!(split(&text, None).doubts.left, 1);
    }
    let journey = "5 May 2020\nRain.\n\n6 May 2020, London\nSun.\n\n7 May 2020, Paris\nWind.\n";
    assert_eq!(dates_of(journey).len(), 3);
}

#[test]
fn no_date_line_one_entry() {
    assert_eq!(read("Rain.\n\nMay 1st. This morning\n"), [("-".into(), "Rain.\n\nMay 1st. This morning", 1)]);
    assert_eq!(split("", None), Pieces { empty: 1, ..Pieces::default() });
    assert_eq!(split(" \n\t\n", None), Pieces { empty: 1, ..Pieces::default() });
}

#[test]
fn another_style_starts_where_it_keeps_the_order() {
    let text = "1 May 2020\na\n2020-05-03\nb\n2020-04-30\nc\n2020-06-09\nd\n5 May 2020\ne\n2020-05-04\nf\n2020-05-06\ng\n";
    assert_eq!(
        read(text),
        [
            ("2020-05-01".into(), "a", 2),
            ("2020-05-03".into(), "b\n2020-04-30\nc\n2020-06-09\nd", 4),
            ("2020-05-05".into(), "e\n2020-05-04\nf", 10),
            ("2020-05-06".into(), "g", 14),
        ]
    );
    assert_eq!(split(text, None).doubts.left, 3);
}

#[test]
fn one_stray_date_does_not_silence_the_rest() {
    let text = "1 May 2020\na\n2020-12-31\nb\n2020-05-02\nc\n2020-05-03\nd\n";
    assert_eq!(dates_of(text), ["2020-05-01", "2020-05-02", "2020-05-03"]);
    assert_eq!(split(text, None).doubts.left, 1);
}

#[test]
fn newest_first() {
    let text = "5 May 2020\na\n2020-05-04\nb\n2020-05-06\nc\n1 May 2020\nd\n2020-04-30\ne\n2020-05-02\nf\n";
    assert_eq!(dates_of(text), ["2020-05-05", "2020-05-04", "2020-05-01", "2020-04-30"]);
    assert_eq!(split(text, None).doubts.left, 2);
}

#[test]
fn one_day_under_two_styles_is_one_entry() {
    let text = "# 5 May 2020\n\n2020-05-05 09:30\nRain.\n\n# 6 May 2020\n# 7 May 2020\nSun.\n";
    assert_eq!(dates_of(text), ["2020-05-05", "2020-05-07"]);
    let pieces = split(text, None);
    assert_eq!((pieces.empty, pieces.doubts.left), (1, 0));
}

#[test]
fn a_date_that_closes_an_entry_stays() {
    let text = "# 5 May 2020\nRain.\nMay 5, 2020.\n\n# 6 May 2020\nSun.\n\nMay 7, 2020.\n2020-05-08\nFog.\n2020-05-08\n";
    assert_eq!(
        read(text),
        [
            ("2020-05-05".into(), "Rain.\nMay 5, 2020.", 2),
            ("2020-05-06".into(), "Sun.\n\nMay 7, 2020.", 6),
            ("2020-05-08".into(), "Fog.\n2020-05-08", 10),
        ]
    );
    let pieces = split(text, None);
    assert_eq!((pieces.empty, pieces.doubts.left), (0, 3));
    assert_eq!(split("# 5 May 2020\nMay 5, 2020\n", None), Pieces { empty: 1, ..Pieces::default() });
}

#[test]
fn words_on_the_date_line_are_kept() {
    let text = "5 May 2020 — Rain all day.\n6 May 2020 — Sun\nand wind.\n7 May 2020\nFog.\n";
    assert_eq!(
        read(text),
        [
            ("2020-05-05".into(), "Rain all day.", 1),
            ("2020-05-06".into(), "Sun\nand wind.", 2),
            ("2020-05-07".into(), "Fog.", 5),
        ]
    );
    // Between two dates alone on their lines, a date with words keeps the order; in the last entry it needs a paragraph.
    let text = "1 May 2020\na\n2 May 2020. Rain\n3 May 2020\nb\n4 May 2020. Sun\n";
    assert_eq!(dates_of(text), ["2020-05-01", "2020-05-02", "2020-05-03"]);
    assert_eq!(dates_of(&text.replace("b\n", "b\n\n")).len(), 4);
}

#[test]
fn a_sentence_that_begins_with_a_date_is_text() {
    let wrapped =
        "The war in Europe was over on\nMay 8, 1945. The bells rang.\nMay 9, 1945. They still did.\n";
    assert_eq!(read(wrapped), [("-".into(), wrapped.trim_end(), 1)]);
    assert_eq!(split(wrapped, None).doubts.left, 2);
    let once = "An essay.\n\nMay 8, 1945. The bells rang.\n\nThe end.\n";
    assert_eq!(read(once).len(), 1);
    let range = "5 May 2020\na\n\n1 May 2020 - 3 May 2020\nb\n";
    assert_eq!(read(range), [("2020-05-05".into(), "a\n\n1 May 2020 - 3 May 2020\nb", 2)]);
    let month = "5 May 2020\nMay it last.\nMay\n31 February 2020\n";
    assert_eq!(read(month), [("2020-05-05".into(), "May it last.\nMay\n31 February 2020", 2)]);
}

#[test]
fn an_underline_goes_with_its_date() {
    let text = "5 May 2020\n==========\nRain.\n\n6 May 2020\n==========\n\nSun.\n---\n";
    assert_eq!(read(text), [("2020-05-05".into(), "Rain.", 3), ("2020-05-06".into(), "Sun.\n---", 8)]);
}

#[test]
fn day_and_month_are_told_from_the_whole_file() {
    let days = |text: &str, named| {
        let found = split(text, named);
        (
            found.pieces.iter().map(|p| p.when.unwrap().day.to_string()).collect::<Vec<_>>(),
            found.doubts.guessed.is_some(),
        )
    };
    let iso = |days: &[&str]| days.iter().map(|d| d.to_string()).collect::<Vec<_>>();
    // A day above 12, before or after.
    assert_eq!(days("03/04/2020\na\n04/13/2020\nb\n", None), (iso(&["2020-03-04", "2020-04-13"]), false));
    assert_eq!(days("03/04/2020\na\n13/04/2020\nb\n", None), (iso(&["2020-04-03", "2020-04-13"]), false));
    // A weekday: 4 March 2020 was a Wednesday.
    assert_eq!(days("Wed 03/04/2020\na\n", None), (iso(&["2020-03-04"]), false));
    // The file's own day.
    assert_eq!(days("03/04/2020\na\n", Some(date(2020, 3, 4))), (iso(&["2020-03-04"]), false));
    // The sequence.
    let text = "03/10/2020\na\n03/11/2020\nb\n04/02/2020\nc\n";
    assert_eq!(days(text, None), (iso(&["2020-03-10", "2020-03-11", "2020-04-02"]), false));
    // Nothing.
    assert_eq!(days("03/04/2020\na\n", None), (iso(&["2020-04-03"]), true));
    assert_eq!(days("04/04/2020\na\n", None), (iso(&["2020-04-04"]), false));
    // A line that the file's order cannot read is in another style, and starts where it keeps the order of dates.
    let text = "25/03/2020\na\n26/03/2020\nb\n03/27/2020\nc\n28/03/2020\nd\n12/31/2019\ne\n";
    assert_eq!(days(text, None).0.len(), 4);
    assert_eq!(split(text, None).doubts.left, 1);
}

#[test]
fn chains_are_longest_and_earliest() {
    let chain = |days: &[i32]| {
        let items: Vec<(usize, i32)> = days.iter().copied().enumerate().collect();
        longest_in_order(&items)
    };
    assert_eq!(chain(&[]), [] as [usize; 0]);
    assert_eq!(chain(&[5, 4, 3]), [0]);
    assert_eq!(chain(&[9, 1, 2, 8, 3]), [1, 2, 3]);
    assert_eq!(chain(&[2, 2, 1, 2]), [0, 1, 3]);
}

/// Entries in a file that tells its year, as [`read`] gives them.
fn read_in(year: Option<i16>, text: &str) -> Vec<(String, &str, usize)> {
    let pieces = super::split(text, Context { year, ..Context::default() }, &[]).pieces;
    let show = |when: Option<When>| when.map_or("-".to_string(), |when| when.to_string());
    pieces.into_iter().map(|p| (show(p.when), &text[p.range], p.line)).collect()
}

fn days_in(year: Option<i16>, text: &str) -> Vec<String> {
    read_in(year, text).into_iter().map(|(day, ..)| day).collect()
}

#[test]
fn a_year_line_governs_the_dates_below_it() {
    let text = "About.\n\n# 2014\n\nA good year.\n\n## 5 May\nRain.\n## 6 May, 9:30 pm\nSun.\n\n# 2015\n## 2 Jan\nFog.\n";
    assert_eq!(
        read_in(None, text),
        [
            ("-".into(), "About.", 1),
            ("-".into(), "A good year.", 5),
            ("2014-05-05".into(), "Rain.", 8),
            ("2014-05-06T21:30:00".into(), "Sun.", 10),
            ("2015-01-02".into(), "Fog.", 14),
        ]
    );
    assert_eq!(days_in(None, "2014:\n5 May\nRain.\n\nMay 6th\nSun.\n"), ["2014-05-05", "2014-05-06"]);
    assert_eq!(days_in(None, "2014\n====\n\n5 May\n-----\nRain.\n"), ["2014-05-05"]);
    assert_eq!(days_in(None, "== 2014 ==\n=== 5 May ===\nRain.\n"), ["2014-05-05"]);
}

#[test]
fn a_year_without_dates_is_text() {
    for text in ["# 2014\n\nA good year.", "2014\n\n2020-05-05: no date alone\nmay be", "# May 2014\nRain."] {
        let undated: String = read_in(None, text).iter().map(|(_, text, _)| *text).collect();
        assert!(undated.contains("2014") || undated.starts_with("no date"), "{text}");
    }
    let text = "# May 2014\n\n## 5 May 2014\nRain.\n\n# June 2014\n\n## 1 June 2014\nSun.\n\n# July 2015\n\n## 2 July 2014\nFog.\n";
    assert_eq!(
        read(text),
        [
            ("2014-05-05".into(), "Rain.", 4),
            ("2014-06-01".into(), "Sun.\n\n# July 2015", 9),
            ("2014-07-02".into(), "Fog.", 14),
        ]
    );
    let jrnl = "# 2014\n\n## May\n\n### 2014-05-05 09:30 Rain came.\n\nAll day.\n\n# 2015\n\n## January\n\n### 2015-01-01 10:00 Snow.\n";
    let texts: Vec<_> = read(jrnl).into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(texts, ["Rain came.\n\nAll day.", "Snow."]);
}

#[test]
fn a_number_in_an_entry_is_no_year() {
    let plain = "2014\n\n5 May\nI walked this many steps:\n\n2000\n\nGood.\n\n6 May\nSun.\n";
    assert_eq!(days_in(None, plain), ["2014-05-05", "2014-05-06"]);
    assert_eq!(days_in(Some(2014), &plain[6..]), ["2014-05-05", "2014-05-06"]);
    let headings = "## 5 May\nThis many steps:\n\n2000\n\n### 1999\n\n## 6 May\nSun.\n";
    assert_eq!(days_in(Some(2014), headings), ["2014-05-05", "2014-05-06"]);
    assert_eq!(days_in(None, "2014\n\n5 May\na\n\n2015\n\n6 May\nb\n"), ["2014-05-05", "2015-05-06"]);
}

#[test]
fn months_above_days() {
    let text = "# May 2014\n\n## 5\nRain.\n## Tuesday 6\nSun.\n\n# June 2014\n\n## 1st\nFog.\n";
    assert_eq!(days_in(None, text), ["2014-05-05", "2014-05-06", "2014-06-01"]);
    let nested = "# 2014\n\n## May\n\n### 5\nRain.\n\n## June\n\n### 1\nSun.\n";
    let expected = [("2014-05-05".to_string(), "Rain.", 6), ("2014-06-01".to_string(), "Sun.", 11)];
    assert_eq!(read_in(None, nested), expected);
    assert_eq!(days_in(Some(2014), "# May\n## 5\nRain.\n"), ["2014-05-05"]);
    assert_eq!(days_in(None, "== 2014 ==\n== Mai ==\n## 5\nRain.\n"), ["2014-05-05"]);
    assert_eq!(days_in(None, "# May\n## 5\nRain.\n"), ["-"]);
}

#[test]
fn dates_of_a_path_with_a_year() {
    assert_eq!(days_in(Some(2014), "## 5 May\na\n## 6 May\nb\n"), ["2014-05-05", "2014-05-06"]);
    assert_eq!(days_in(Some(2014), "5 May\na\n"), ["2014-05-05"]);
    // A line that a wrapped sentence leaves.
    assert_eq!(days_in(Some(2014), "We meet on\n5 May\nand part.\n"), ["-"]);
    assert_eq!(days_in(Some(2014), "## 1/5\na\n## 13/5\nb\n"), ["2014-05-01", "2014-05-13"]);
    assert_eq!(days_in(Some(2014), "1.5.\na\n\n2.5.\nb\n\n3.5.\nc\n").len(), 3);
    assert_eq!(days_in(Some(2014), "1/2\ncup of flour\n\n1/4\nof milk\n"), ["-"]);
    assert_eq!(days_in(Some(2015), "## 29 February\na\n"), ["-"]);
    // A date with its year gives the style.
    let mixed = "A list.\n\n7 May\n\n# 5 May 2014\na\n# 6 May 2014\nb\n";
    assert_eq!(days_in(Some(2014), mixed), ["-", "2014-05-05", "2014-05-06"]);
}

#[test]
fn december_may_be_followed_by_january() {
    let forward = "# 2014\n## 30 Dec\na\n## 31 Dec\nb\n## 1 Jan\nc\n## 6 Jan\nd\n";
    assert_eq!(days_in(None, forward), ["2014-12-30", "2014-12-31", "2015-01-01", "2015-01-06"]);
    let backward = "# 2014\n## 2 Jan\na\n## 1 Jan\nb\n## 31 Dec\nc\n";
    assert_eq!(days_in(None, backward), ["2014-01-02", "2014-01-01", "2013-12-31"]);
    // A look back in January, and a year that has both ends.
    let stray = "# 2014\n## 1 Jan\na\n## 3 Jan\nb\n## 31 Dec\nc\n## 5 Jan\nd\n## 9 May\ne\n";
    assert!(days_in(None, stray).iter().all(|day| day.starts_with("2014")));
    assert_eq!(days_in(None, "# 2014\n## 31 Dec\na\n## 5 Jan\nb\n"), ["2014-12-31", "2014-01-05"]);
}

#[test]
fn dates_without_any_year_are_noticed() {
    let text = "# Me\n\n## 5 May\na\n## 6 May\nb\n## 7 May\nc\n";
    let pieces = split(text, None);
    assert_eq!((pieces.pieces.len(), pieces.doubts.without_year), (1, Some(3)));
    assert_eq!(split(&text.replace("## 7", "7"), None).doubts.without_year, None);
    let lines = "5 May\na\n\n6 May\nb\n\n7 May\nc, as on\n8 May\n";
    assert_eq!(split(lines, None).doubts.without_year, Some(1));
    assert_eq!(split(&lines.replace("7 May", "7 May, rain"), None).doubts.without_year, None);
    assert_eq!(split("## 1.1.\n## 1.2.\n## 1.3.\n", None).doubts.without_year, None);
}

#[test]
fn the_person_tells_day_from_month() {
    let read = |text, order| {
        let pieces = super::split(text, Context { order: Some(order), ..Context::default() }, &[]);
        (pieces.pieces[0].when.unwrap().to_string(), pieces.doubts.guessed)
    };
    assert_eq!(read("03/04/2020\na\n", DateOrder::Mdy), ("2020-03-04".into(), None));
    assert_eq!(read("03/04/2020\na\n", DateOrder::Dmy), ("2020-04-03".into(), None));
    assert_eq!(read("\n03/04/2020\na\n", DateOrder::Ymd), ("2020-04-03".into(), Some(2)));
    assert_eq!(read("03/13/2020\na\n", DateOrder::Dmy), ("2020-03-13".into(), None));
    assert_eq!(read("24/01/05\na\n", DateOrder::Ymd), ("2024-01-05".into(), None));
    // A guess that no entry rests on is none.
    assert_eq!(split("5 May 2020\na\n6 May 2020\nb\n\n03/04/2019: c\n", None).doubts.guessed, None);
}

#[test]
fn dates_with_words_that_start_nothing_are_counted() {
    let text = "5 May 2020\na\n6 May 2019. An old letter.\n7 May 2019 — another\n6 May 2020\nb\n";
    assert_eq!((dates_of(text).len(), split(text, None).doubts.left), (2, 2));
}

/// A way to write a date, and the words that may come between.
const STYLES: [fn(Date) -> String; 7] = [
    |d| d.to_string(),
    |d| format!("# {}", d.strftime("%-d %B %Y")),
    |d| format!("## {}", d.strftime("%A, %B %-d, %Y")),
    |d| d.strftime("%d.%m.%Y").to_string(),
    |d| d.strftime("%b %-d, %Y").to_string(),
    |d| format!("**{}**", d.strftime("%Y/%m/%d")),
    |d| format!("{} 09:30", d),
];

const WORDS: [&str; 14] = [
    "rain",
    "May",
    "march",
    "5",
    "2020",
    "the",
    "Monday",
    "—",
    "#",
    "**",
    "3rd",
    "at",
    "Août",
    "¯\\_(ツ)_/¯",
];

prop_compose! {
    fn any_day()(y in 1900i16..2100, m in 1i8..=12, d in 1i8..=28) -> Date { date(y, m, d) }
}

prop_compose! {
    /// Lines of words that no grammar could take for a date: each begins with a word that opens none.
    fn prose()(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..8)) -> String {
        if words.is_empty() { String::new() } else { format!("And {}", words.join(" ")) }
    }
}

proptest! {
    #[test]
    fn every_word_comes_out_once_and_in_order(
        style in 0..STYLES.len(),
        lines in prop::collection::vec((prop::option::of(any_day()), prose()), 0..40),
    ) {
        let (mut text, mut written, mut days) = (String::new(), Vec::new(), 0);
        for (day, prose) in &lines {
            if let Some(day) = day {
                text += &format!("{}\n", STYLES[style](*day));
                days += 1;
            }
            text += &format!("{prose}\n");
            written.extend(prose.split_whitespace());
        }
        let found = split(&text, None);
        let kept: Vec<&str> = found.pieces.iter().flat_map(|p| text[p.range.clone()].split_whitespace()).collect();
        prop_assert_eq!(kept, written);
        prop_assert_eq!(found.doubts.left, 0);
        let dated = found.pieces.iter().filter(|p| p.when.is_some()).count();
        prop_assert_eq!(dated + found.empty, days + usize::from(text.trim().is_empty() && days == 0));
    }

    /// On any text at all: what is not in an entry is blank, or a date, or a date's underline.
    #[test]
    fn nothing_but_dates_leaves_a_text(
        lines in prop::collection::vec(
            prop_oneof![
                (0..STYLES.len(), any_day(), "( — | |\\. |)(rain|05|to 3 May|)").prop_map(|(s, d, more)| STYLES[s](d) + &more),
                "[ #*\\[]{0,3}[0-9]{1,4}[-/. ]{1,2}(May|[0-9]{1,2})[-/., ]{1,2}[0-9]{1,4}[ .:)*]{0,2}[a-z]{0,3}",
                prose(),
                "={3,5}|-{3,5}",
                "#{0,3} ?(20[0-9]{2}|May|May 2014|5|Tue 6|7 May|June 8th|9\\.5\\.|10/5)",
                "\\PC{0,12}",
            ],
            0..30,
        ),
        year in prop::option::of(2000i16..2030),
    ) {
        let text = lines.join("\n");
        let found = super::split(&text, Context { year, ..Context::default() }, &[]);
        let mut at = 0;
        let ends = found.pieces.iter().map(|p| p.range.clone()).chain(std::iter::once(text.len()..text.len()));
        for range in ends {
            prop_assert!(at <= range.start, "pieces overlap");
            for gone in text[at..range.start].lines().filter(|line| !line.trim().is_empty()) {
                let known = Known { year: Some(2000), month: Some(1), year_leads: false };
                let date = recognise::recognise(gone).is_some_and(|found| found.rest == gone.len())
                    || recognise::recognise_without_year(gone, known).is_some_and(|found| found.rest == gone.len())
                    || recognise::recognise_without_year(&format!("{gone} word"), known).is_some()
                    || recognise::recognise_year(gone).is_some()
                    // the date and divider before words that were kept
                    || recognise::recognise(&format!("{gone}word")).is_some_and(|found| found.rest == gone.len())
                    || recognise::recognise(&format!("{gone} word")).is_some_and(|found| found.rest >= gone.len());
                prop_assert!(date || underline(gone).is_some(), "{:?} is gone from {:?}", gone, text);
            }
            if let Some(piece) = found.pieces.iter().find(|p| p.range == range) {
                prop_assert_eq!(piece.line, 1 + feeds(&text[..range.start]));
            }
            at = range.end;
        }
    }
}

#[test]
fn a_labelled_day_begins_an_entry_and_a_pasted_mail_does_not() {
    let texts = |text: &str| {
        let found = split(text, None);
        found.pieces.iter().map(|piece| text[piece.range.clone()].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(texts("Date: 5 May 2020\nRain.\n\nDate: 6 May 2020\nSun.\n"), ["Rain.", "Sun."]);
    let mail = "She wrote:\n\nFrom: Ada\nDate: 5 May 2020\n\nCome.";
    assert_eq!(texts(&format!("5 May 2020\n{mail}\n\n6 May 2020\nSun.\n")), [mail, "Sun."]);
}
