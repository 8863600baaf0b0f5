//! The lines that are dates, and the many that only look like it.

use jiff::civil::{Date, date};

use super::*;
use crate::journal::dates::in_file_name;
use crate::journal::dates::names::MonthForm;
use crate::journal::options::DateOrder;

/// The date line, read day first where that is open.
fn read(line: &str) -> Option<(Date, &str, Style)> {
    let found = recognise(line)?;
    let day = match found.reading {
        Reading::Certain(day) => day,
        Reading::DayMonth { day_first, month_first } => day_first.or(month_first).unwrap(),
    };
    Some((day, &line[found.rest..], found.style))
}

#[test]
fn a_line_of_its_own() {
    for line in [
        "2020-05-05",
        "2020/5/5",
        "2020.05.05",
        "20200505",
        "2020 May 5",
        "5 May 2020",
        "  5 May 2020  ",
        "5th May, 2020",
        "5th of May 2020",
        "the 5th of May, 2020",
        "5-May-2020",
        "May 5, 2020",
        "May 5th 2020.",
        "MAY 5 2020:",
        "05/05/2020",
        "5.5.2020",
        "5. 5. 2020",
        "5/5/20",
        "05.05.20",
        "Tuesday, May 5, 2020",
        "Tue 5 May 2020",
        "Tue. 05/05/2020",
        "Tuesday the 5th of May 2020",
        "2020-05-05 Tuesday",
        "2020-05-05 (Tue)",
        "5 May 2020, Tue",
        "5 May 2020, 9:30",
        "5 May 2020 at 9 pm",
        "5 May 2020 (21.30)",
        "2020-05-05 09:30",
        "2020-05-05T09:30:15.250+01:00",
        "2020-05-05T09:30Z",
        "May 5, 2020 at 9:30:00 PM GMT+2",
        "Tuesday, May 5, 2020 — 9:30 a.m.",
        "5 May 2020 - 09:30",
        "# 5 May 2020",
        "###### Tuesday, May 5, 2020 ######",
        "## **5 May 2020**",
        "**5 May 2020**",
        "**5 May 2020:**",
        "_May 5, 2020_",
        "[[2020-05-05]]",
        "(5 May 2020)",
        "[2020-05-05 09:30]",
        "5. Mai 2020",
        "Dienstag, 5. Mai 2020, 9.30 Uhr",
        "Dienstag, den 5. Mai 2020",
        "mardi 5 mai 2020",
        "Le 5 mai 2020 à 9h30",
        "martes, 5 de mayo de 2020",
        "martedì 5 maggio 2020",
        "dinsdag 5 mei 2020",
        "terça-feira, 5 de maio de 2020",
        "tisdag den 5 maj 2020 kl. 21.30",
    ] {
        let (day, rest, style) = read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((day, rest, style.tail), (date(2020, 5, 5), "", None), "{line}");
    }
}

#[test]
fn words_after_the_date() {
    for (line, divider, words) in [
        ("5 May 2020 — Rain all day", '—', "Rain all day"),
        ("5 May 2020. Rain all day", '.', "Rain all day"),
        ("5 May 2020: Rain all day", ':', "Rain all day"),
        ("5 May 2020 - Rain all day", '-', "Rain all day"),
        ("5 May 2020 -- Rain all day", '-', "Rain all day"),
        ("5 May 2020–Rain all day", '–', "Rain all day"),
        ("2020-05-05: 3 eggs", ':', "3 eggs"),
        ("2020-05-05 - 9:30 went to town", '-', "9:30 went to town"),
        ("2020-05-05 09:30 Rain all day", ' ', "Rain all day"),
        ("[2020-05-05 09:30] Rain all day", ']', "Rain all day"),
        ("**5 May 2020** Rain all day", '*', "Rain all day"),
        ("**5 May 2020.** Rain all day", '*', "Rain all day"),
        ("Tuesday, 5 May 2020. Sun and rain", '.', "Sun and rain"),
        ("5 May 2020, Tuesday. Sun and rain", '.', "Sun and rain"),
        ("# 5 May 2020 Rain all day", ' ', "Rain all day"),
        ("# 5 May 2020, Rain all day", ',', "Rain all day"),
        ("# 5 May 2020 So it goes", ' ', "So it goes"),
        ("# 5 May 2020 Tuesday blues", ' ', "Tuesday blues"),
        ("# 5 May 2020 -5 degrees", ' ', "-5 degrees"),
        ("# 5 May 2020 (Tue) - rain", '-', "rain"),
    ] {
        let (day, rest, style) = read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((day, rest, style.tail), (date(2020, 5, 5), words, Some(divider)), "{line}");
    }
}

#[test]
fn text_stays_text() {
    for line in [
        "",
        "   ",
        "May",
        "May we all be well in 2020",
        "May 1st. This morning I rose early",
        "May 2020",
        "5 May",
        "2020",
        "31 February 2020",
        "2020-02-30",
        "2020-13-01",
        "32/13/2020",
        "5 May 2020 was a wet day",
        "5 May 2020, I went out",
        "5 May 2020, London was wet",
        "5 May 2020, On The Road And Far",
        "5 May 2020 (a Tuesday) was wet (very)",
        "5 May 2020 at 9 pm I went out",
        "On 5 May 2020",
        "- 5 May 2020",
        "> 5 May 2020",
        "#5 May 2020",
        "####### 5 May 2020",
        "5 May 20201",
        "5 May 2020th",
        "2020-05-05-06",
        "2020-05-05.txt",
        "2020s",
        "1.2.10",
        "24/7/365",
        "192.168.10.20",
        "12:30",
        "5-6-2020-7",
        "5-May 2020",
        "5.5/2020",
        "02079460018",
        "55512345",
        "1 May 2020 - 3 May 2020",
        "1 May 2020 – 3 May",
        "1 May 2020 to 3 May 2020",
        "1 - 3 May 2020",
        "May 1-3, 2020",
        "May 1, 2020 – May 3rd",
        "2020-05-05 - 2020-05-07",
        "2020-05-05 – 07",
        "# 1 May 2020 to 3 May 2020",
        "# 1 May 2020 - Sunday, 3 May 2020",
        "2020-05-05/2020-05-07",
        "**5 May 2020: Rain**",
        "è",
    ] {
        assert_eq!(recognise(line), None, "{line}");
    }
}

#[test]
fn a_line_of_sixteen_megabytes_is_no_trouble() {
    for piece in ["a", "5", " ", "-", "é", "# "] {
        let line = piece.repeat(16 << 20);
        assert_eq!(recognise(&line), None);
        let found = recognise(&format!("5 May 2020. x{line}")).unwrap();
        assert_eq!(found.rest, "5 May 2020. ".len());
    }
}

#[test]
fn two_numbers_leave_the_order_open() {
    let reading = |line| recognise(line).unwrap().reading;
    assert_eq!(
        reading("03/04/2020"),
        Reading::DayMonth { day_first: Some(date(2020, 4, 3)), month_first: Some(date(2020, 3, 4)) }
    );
    assert_eq!(
        reading("12/25/98"),
        Reading::DayMonth { day_first: None, month_first: Some(date(1998, 12, 25)) }
    );
    assert_eq!(recognise("Tue 03/03/2020").unwrap().weekday, Some(2));
}

#[test]
fn a_style_is_a_shape() {
    let style = |line| recognise(line).unwrap_or_else(|| panic!("{line}")).style;
    let same = |a, b| style(a).takes(&style(b));
    assert!(same("5 May 2020", "06 June, 2021"));
    assert!(same("5 May 2020", "6 Dec 2021") && same("6 Dec 2021", "5 May 2020"));
    assert!(same("Tuesday, 5 May 2020", "Wed 6 May 2020, 9:30"));
    assert!(same("## 5 May 2020", "## 7 May 2020 Rain all day"));
    assert!(same("5 May 2020 — Rain", "7 May 2020"));
    assert!(!same("5 May 2020", "7 May 2020 — Rain"));
    assert!(!same("5 May 2020 — Rain", "7 May 2020. Rain"));
    assert!(!same("5 December 2020", "6 Dec 2021"));
    assert!(!same("5 May 2020", "May 6, 2020"));
    assert!(!same("5 May 2020", "Wed 6 May 2020"));
    assert!(!same("# 5 May 2020", "## 6 May 2020"));
    assert!(!same("# 5 May 2020", "6 May 2020"));
    assert!(!same("2020-05-05", "2020/05/05"));
    assert!(!same("**5 May 2020**", "5 May 2020"));
    assert_eq!(style("5 June 2020").month, MonthForm::Either);
}

#[test]
fn file_names() {
    for stem in [
        "2024-01-05",
        "2024_01_05",
        "2024.01.05",
        "2024-1-5",
        "2024 01 05",
        "20240105",
        "2024-01-05 Friday",
        "2024-01-05-a-walk",
        "20240105_093000",
        "20240105T093000",
        "2024-01-05T09-30",
        "5 January 2024",
        "Jan 5, 2024",
        "Friday, 5 January 2024 - a walk",
        "05-01-2024",
        "5.1.2024 Fri",
        "05_01_2024_a walk",
        "202401050930 a walk",
        "20240105093059",
        "5 January 2024 Rain",
        "Friday 5 January 2024 was wet",
    ] {
        assert_eq!(in_file_name(stem, None).unwrap().0.day(false), date(2024, 1, 5), "{stem}");
    }
    for stem in [
        "",
        "2024",
        "2024-01",
        "2024-13-05",
        "2024-02-30",
        "2024-01-051",
        "2024-01-05th",
        "2024010",
        "202401055",
        "2024-01_05",
        "2024-01-05 to 2024-02-05",
        "20240105-20240205",
        "a-2024-01-05",
        "journal",
        "25-13-2024",
        "1.2.24",
        "5 January",
        "05.01",
        "05-01-2024 to 05-02-2024",
        "5 January 2024 to 7 January 2024",
        "5 January 2024 7 January 2024",
        "# 5 January 2024",
        "è2024-01-05",
    ] {
        assert_eq!(in_file_name(stem, None), None, "{stem}");
    }
}

#[test]
fn the_names_of_a_folder_tell_day_from_month() {
    use std::path::Path;
    let of = |names: &[&str]| {
        let paths: Vec<&Path> = names.iter().map(Path::new).collect();
        crate::journal::dates::file_dates::orders(&paths)
    };
    let (day, month) = (Some(DateOrder::Dmy), Some(DateOrder::Mdy));
    assert_eq!(of(&["a/05-01-2024.md", "a/25-12-2023.md", "a/x.md"]), [day; 3]);
    assert_eq!(of(&["05.01.2024 x.md", "12.25.2023.md"]), [month; 2]);
    assert_eq!(of(&["a/05-01-2024.md", "b/25-12-2023.md", "12.12.2024"]), [None, day, None]);
    assert_eq!(of(&["2014/31-12.md", "2014/05-01.md", "2015/05-01.md"]), [day, day, None]);
    assert_eq!(of(&["2014/05.07.txt", "2014/05.17.txt", "a/05.17.txt"]), [month, month, None]);
    let below = |stem| in_file_name(stem, Some(2014)).map(|(date, rest)| (date.day(false), rest));
    for (stem, rest) in [("5 May", ""), ("05.05", ""), ("5 May - a walk", "a walk")] {
        assert_eq!(below(stem), Some((date(2014, 5, 5), rest)), "{stem}");
    }
    assert_eq!((below("05"), below("05-05"), below("5.5.5"), below("5.50")), (None, None, None, None));
}

#[test]
fn more_languages() {
    for line in [
        "tirsdag den 5. maj 2020",
        "5. mai 2020, tirsdag",
        "wtorek, 5 maja 2020 r.",
        "5 maja 2020 roku",
        "úterý 5. května 2020",
        "utorok 5. mája 2020",
        "5. toukokuuta 2020",
        "вторник, 5 мая 2020 г.",
        "5 мая 2020 года, 9:30",
        "вівторок, 5 травня 2020 року",
        "5 Mayıs 2020 Salı",
        "Τρίτη, 5 Μαΐου 2020",
        "2020. május 5., kedd",
        "marți, 5 mai 2020",
        "Selasa, 5 Mei 2020",
        "2020年5月5日",
        "2020年5月5日（火）",
        "2020年5月5日 星期二",
        "2020年05月05日火曜日 9:30",
        "## 2020年5月5日",
        "2020년 5월 5일 화요일",
        "2020. 5. 5.",
        "2020. 5. 5. 화요일",
        "2020. 5. 5. (화)",
        "\u{feff}2020-05-05",
        "\u{200e}\u{200b} 5 May 2020",
        "# \u{200b}5 May 2020",
        "== 5 May 2020 ==",
    ] {
        let (day, rest, style) = read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((day, rest, style.tail), (date(2020, 5, 5), "", None), "{line}");
        assert!(may_be_date(line), "{line}");
    }
    let words = |line| read(line).map(|(_, rest, _)| rest);
    assert_eq!(words("2020年5月5日 晴れ"), Some("晴れ"));
    assert_eq!(words("2020年5月5日：晴れ"), Some("晴れ"));
    assert_eq!(words("5 мая 2020 г. Дождь"), None);
    assert_eq!(words("2020年5月5日我去了"), None);
    assert_eq!(words("2020.05.05. Saturday came"), Some("Saturday came"));
}

#[test]
fn times() {
    let time = |line| {
        let found = recognise(line).unwrap_or_else(|| panic!("{line}"));
        let time = found.time.map(|time| time.to_string()[..8].to_string());
        (time.unwrap_or_default(), found.offset.map(|offset| offset.seconds() / 60))
    };
    for (line, shown, offset) in [
        ("5 May 2020", "", None),
        ("2020-05-05 09:30", "09:30:00", None),
        ("5 May 2020, 9:30 pm", "21:30:00", None),
        ("5 May 2020, 9:30\u{202f}PM", "21:30:00", None),
        ("5 May 2020 at 12 am", "00:00:00", None),
        ("5 May 2020 at 12:15 p.m.", "12:15:00", None),
        ("5 May 2020 at 13:15 pm", "13:15:00", None),
        ("5 May 2020, 9h05", "09:05:00", None),
        ("5. Mai 2020, 21.30 Uhr", "21:30:00", None),
        ("5. Mai 2020, 7 Uhr", "07:00:00", None),
        ("2020-05-05 24:00", "", None),
        ("2020-05-05T24:00Z", "", None),
        ("2020-05-05T09:30:15.250+01:00", "09:30:15", Some(60)),
        ("2020-05-05 09:30 -0330", "09:30:00", Some(-210)),
        ("2020-05-05T09:30Z", "09:30:00", Some(0)),
        ("5 May 2020 9:30 GMT+2", "09:30:00", Some(120)),
        ("[2020-05-05 09:30] Rain", "09:30:00", None),
        ("5 May 2020, 9:30 PM EST", "21:30:00", None),
    ] {
        assert_eq!(time(line), (shown.to_string(), offset), "{line}");
    }
    assert_eq!(read("5 May 2020, 9:30 PM EST").unwrap().1, "");
    assert_eq!(read("[5 May 2020 21:30 MESZ] Rain").unwrap().1, "Rain");
    assert_eq!(read("5 May 2020, 9:30 PM NYC").unwrap().1, "NYC");
    assert_eq!(read("5 May 2020, 9:30 IST IT DA").unwrap().1, "IST IT DA");
}

#[test]
fn two_digits_of_a_year_lead_only_where_they_are_said_to() {
    let reading = |line, year_leads| {
        recognise_with(line, Known { year_leads, ..Known::default() }).map(|found| found.reading)
    };
    let day = Some(Reading::Certain(date(2024, 1, 5)));
    assert_eq!(reading("24/01/05", true), day);
    assert_eq!(reading("24-01-05", true), day);
    assert_eq!(reading("24.01.05", true), day);
    assert_eq!(reading("24-01-05", false), None);
    assert_ne!(reading("24/01/05", false), day);
    assert_ne!(reading("24/13/98", true), day);
    assert!(matches!(reading("03/04/2020", true), Some(Reading::DayMonth { .. })));
}

#[test]
fn dates_below_a_year() {
    let read = |line, month| {
        let found = recognise_without_year(line, Known { year: Some(2020), month, year_leads: false })?;
        let day = match found.reading {
            Reading::Certain(day) => day,
            Reading::DayMonth { day_first, month_first } => day_first.or(month_first)?,
        };
        Some((day, &line[found.rest..]))
    };
    for line in [
        "5 May",
        "## 5 May",
        "May 5th",
        "Tuesday 5 May",
        "5th of May",
        "## May 5, Tuesday",
        "**5. Mai**",
        "5.5.",
        "5 мая",
        "5月5日",
        "== 5 May ==",
        "5 May, 9:30",
        "## \u{200b}Tue, 5 May",
        "## Tue, 5.5",
    ] {
        assert_eq!(read(line, None), Some((date(2020, 5, 5), "")), "{line}");
    }
    assert_eq!(read("## 5 May: rain", None), Some((date(2020, 5, 5), "rain")));
    assert_eq!(read("## 5 May rain", None), Some((date(2020, 5, 5), "rain")));
    for line in ["5 May: rain", "May 5th - rain", "Tue, 5 May — rain"] {
        assert_eq!(read(line, None), Some((date(2020, 5, 5), "rain")), "{line}");
    }
    for line in ["## 5", "## Tuesday 5", "### 5th", "## Tue, 5."] {
        assert_eq!(read(line, Some(5)), Some((date(2020, 5, 5), "")), "{line}");
        assert_eq!(read(line, None), None, "{line}");
    }
    for line in [
        "May 1st. This morning I rose early",
        "5 May was wet",
        "5.5.: rain",
        "5 May – 7 May",
        "## May 5 reasons",
        "## 5 May 98",
        "## 5 May '98",
        "## 5 May – 7 May",
        "## 5 things",
        "5",
        "## 5.5",
        "## 5.5. Section",
        "31 February",
        "30/30",
        "May",
        "2020",
        "On 5 May",
        "- 5 May",
        "## 5: five",
    ] {
        assert_eq!(read(line, Some(5)), None, "{line}");
    }
    assert!(recognise_without_year("5/5", Known { year: Some(2020), ..Known::default() }).is_some());
}

#[test]
fn years_and_months() {
    let read = |line| recognise_year(line).map(|found| (found.year, found.month, found.heading));
    assert_eq!(read("2014"), Some((Some(2014), None, 0)));
    assert_eq!(read("2014:"), Some((Some(2014), None, 0)));
    assert_eq!(read("## **2014**"), Some((Some(2014), None, 2)));
    assert_eq!(read("== 2014 =="), Some((Some(2014), None, 1)));
    assert_eq!(read("# May 2014"), Some((Some(2014), Some(5), 1)));
    assert_eq!(read("Mai 2014"), Some((Some(2014), Some(5), 0)));
    assert_eq!(read("# 2014-05"), Some((Some(2014), Some(5), 1)));
    assert_eq!(read("## May"), Some((None, Some(5), 2)));
    for line in
        ["", "May", "# May I?", "2014 was wet", "# 20145", "0042", "# 2014-13", "2014-05-03", "# Rain"]
    {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn paths() {
    let read = |path, order| crate::journal::dates::file_dates::in_path(std::path::Path::new(path), order);
    let day = |path| read(path, None);
    for path in [
        "2014/05/03.txt",
        "me.zip/2014/5/3.md",
        "2014/May/3.md",
        "2014-05/03.md",
        "diary/2014_05/03",
        "2014/05-03.md",
        "2014/May_3.md",
    ] {
        assert_eq!(day(path), Some(date(2014, 5, 3)), "{path}");
    }
    assert_eq!(read("2014/05-03.md", Some(DateOrder::Dmy)), Some(date(2014, 3, 5)));
    assert_eq!(day("2014/31-12.md"), Some(date(2014, 12, 31)));
    assert_eq!(
        (day("1666/09/02.txt"), day("1666/09-02.txt")),
        (Some(date(1666, 9, 2)), Some(date(1666, 9, 2)))
    );
    for path in [
        "",
        "03.txt",
        "05/03.txt",
        "2014/13/03.txt",
        "2014/05/32.txt",
        "14/05/03.txt",
        "2014/05/notes.txt",
        "2014/05/+3.txt",
        "2014/05/003.txt",
        "2014/2014-05.md",
        "2014/05/03-04.md",
        "2014/13-13.md",
    ] {
        assert_eq!(day(path), None, "{path}");
    }
}

#[test]
fn a_time_before_its_day() {
    for (line, time, rest) in [
        ("21:15 05/05/2020", "21:15:00", ""),
        ("9:15 PM 5/5/2020", "21:15:00", ""),
        ("12:05 AM 5/5/2020 Stars", "00:05:00", "Stars"),
        ("21:15:30 2020-05-05", "21:15:30", ""),
        ("21.15 5.5.2020", "21:15:00", ""),
        ("21:15 05.05.2020: Regen", "21:15:00", "Regen"),
        ("9:15 p. m. 05/05/2020", "21:15:00", ""),
        ("9:15\u{202f}PM 5/5/2020", "21:15:00", ""),
        ("下午 9:15 2020/5/5", "21:15:00", ""),
        ("오전 9:15 2020-05-05", "09:15:00", ""),
        ("9:15 pm, May 5, 2020", "21:15:00", ""),
        ("21:15 - Tuesday, 5 May 2020", "21:15:00", ""),
        ("## 21:15, 5 May 2020", "21:15:00", ""),
        ("**21:15 5 May 2020**", "21:15:00", ""),
    ] {
        let found = recognise(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((found.time.unwrap().to_string().as_str(), &line[found.rest..]), (time, rest), "{line}");
        assert_eq!(found.reading.day(false), date(2020, 5, 5), "{line}");
    }
    for line in [
        "21:15 5 May 2020 was when the gutter sang",
        "9.15pm, Tuesday 5 May 2020, I wrote this",
        "21:15",
        "21:15 and 05/05/2020",
        "9 05/05/2020",
        "25:15 05/05/2020",
        "at 9:15 5 May 2020",
        "9:30 to 10:00",
    ] {
        assert_eq!(recognise(line), None, "{line}");
    }
}

#[test]
fn a_time_alone_is_no_day() {
    let known = Known { year: Some(2024), month: Some(3), year_leads: false };
    for line in [
        "09:30",
        "## 9:30 pm",
        "## 21.15",
        "## 7h30",
        "### 9 Uhr",
        "## 9:30 5 things",
        "12.30 Uhr",
        "**9:30**",
    ] {
        assert_eq!((recognise(line), recognise_without_year(line, known)), (None, None), "{line}");
    }
}

#[test]
fn clocks_of_many_places() {
    for line in [
        "2020년 5월 5일 화요일 오후 9:15",
        "2020年5月5日 下午9:15",
        "2020年5月5日 午後9:15",
        "2020年5月5日 21時15分",
        "5 de mayo de 2020, 9:15 p. m.",
        "5 de mayo de 2020 a las 21:15",
        "5 Μαΐου 2020, 9:15 μ.μ.",
        "2020. május 5. 21:15",
        "5 mei 2020 om 21:15 uur",
        "5 maja 2020, godz. 21:15",
        "5 мая 2020 в 21:15",
        "5. května 2020 v 21:15",
        "5 Mayıs 2020 saat 21:15",
        "5.5.2020 klo 21.15",
        "5 maj 2020 klockan 21.15",
        "5 mai 2020, ora 21:15",
        "5 Mei 2020 pukul 21.15",
        "5 maggio 2020, ore 21.15",
        "5 May 2020 21:15 (CET)",
        "5 May 2020 | 21:15",
        "5 May 2020 · 21:15",
        "5 mai 2020, 21 h 15",
        "5 May 2020 2115h",
        "5 May 2020, 2115 hrs",
        "20200505T211500",
        "20200505 2115",
        "5/5/2020 9:15p",
    ] {
        let found = recognise(line).filter(|found| found.style.tail.is_none());
        let time = found.and_then(|found| found.time).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("21:15:00"), "{line}");
    }
}

#[test]
fn marks_and_labels_around_a_day() {
    for line in [
        "--- 5 May 2020 ---",
        "*** 2020-05-05 ***",
        "==5 May 2020==",
        "=====5 May 2020=====",
        "<u>5 May 2020</u>",
        "📅 5 May 2020",
        "## 📅 5 May 2020",
        "Date: 5 May 2020",
        "Datum: 05.05.2020",
    ] {
        let (day, rest, style) = read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((day, rest, style.tail), (date(2020, 5, 5), "", None), "{line}");
    }
    for line in ["Date: with Ben at nine", "=====", "--- 5", "Date: 5 May 2020 was wet"] {
        assert!(read(line).is_none(), "{line}");
    }
}

#[test]
fn days_as_they_are_typed() {
    for line in [
        "martedi 5 maggio 2020",
        "terca-feira, 5 de maio de 2020",
        "ΤΡΙΤΗ 5 ΜΑΪΟΥ 2020",
        "5 MAYIS 2020 SALI",
        "Le mardi 5 mai 2020",
        "El martes 5 de mayo de 2020",
        "Tisdagen den 5 maj 2020",
        "d. 5. maj 2020",
        "Tiistaina 5.5.2020",
        "вторник, 5 май 2020 г.",
        "5 мая 2020г.",
        "05.05.2020 г.",
        "05.05.2020 r.",
        "５.５.２０２０",
        "٢٠٢٠/٠٥/٠٥",
        "०५/०५/२०२०",
        "２０２０年５月５日",
        "2020年5月5号",
        "2020/5/5(火)",
        "Di 5.5.20",
        "5-May-20",
        "5th May ’20",
        "May 5, '20",
        "2020–05–05",
        "2020‑05‑05",
        "2020_05_05",
        "5 May 2020, morning",
        "Tuesday 5 May 2020 Evening",
        "令和2年5月5日",
        "民國109年5月5日",
    ] {
        let (day, rest, style) = read(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((day, rest, style.tail), (date(2020, 5, 5), "", None), "{line}");
    }
    // Another calendar's year is no year of ours.
    for line in ["5/5/2563", "۱۳۹۹/۰۲/۱۶", "2020 d. 5", "D 5 May"] {
        assert!(read(line).is_none(), "{line}");
    }
    assert_eq!(read("5 May 2020\tRain all day").map(|(_, rest, _)| rest), Some("Rain all day"));
    for line in ["05.05.2020 r and", "5.5.20", "5 May 20", "5 May 2020 morning tea", "5 May 2020 1200 steps"]
    {
        assert!(read(line).is_none(), "{line}");
    }
    for line in ["5 maj 2020 kl. 22", "5 maggio 2020, ore 22", "5 mai 2020, 22 h"] {
        let time = recognise(line).and_then(|found| found.time);
        assert_eq!(time.map(|time| time.to_string()).as_deref(), Some("22:00:00"), "{line}");
    }
}
