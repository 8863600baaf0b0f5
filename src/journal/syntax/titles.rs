//! Titles, as all apps keep them: which are the writer's, and which the app made up.

use crate::journal::dates::{self, Reading, file_dates};
use crate::journal::format::When;

/// The title to keep: none where the app named a note that has no name, where the text opens with the same line, and
/// where it is nothing but the entry's own day.
pub fn kept(title: &str, text: &str, when: Option<When>) -> String {
    let title = spaced(title);
    let opens = spaced(text.trim_start().lines().next().unwrap_or("").trim_start_matches('#'));
    let repeated = opens.to_lowercase() == title.to_lowercase();
    if repeated || is_unnamed(&title) || is_day(&title, when) { String::new() } else { title }
}

fn spaced(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Untitled`, `untitled 2`, `Untitled Note`.
fn is_unnamed(title: &str) -> bool {
    const NAMES: [&str; 14] = [
        "untitled",
        "unbenannt",
        "ohne titel",
        "sans titre",
        "sin título",
        "senza titolo",
        "sem título",
        "naamloos",
        "namnlös",
        "제목 없음",
        "無題",
        "无标题",
        "無標題",
        "без названия",
    ];
    let title = title.to_lowercase();
    let behind = NAMES.iter().find_map(|name| title.strip_prefix(name)).map(str::trim);
    behind.is_some_and(|rest| rest == "note" || rest.bytes().all(|b| b.is_ascii_digit()))
}

fn is_day(title: &str, when: Option<When>) -> bool {
    let Some(own) = when.map(|when| when.day) else { return false };
    day(title).is_some_and(|day| day.may_be(own))
}

/// The day that a title is, where it is nothing else.
pub fn day(title: &str) -> Option<Reading> {
    let in_line = dates::recognise(title).filter(|line| line.style.tail.is_none()).map(|line| line.reading);
    let as_name = || Some(dates::in_file_name(title, None)?.0);
    let as_name = || as_name().filter(|_| file_dates::without_date(title, None).is_empty());
    in_line.or_else(as_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_made_up_goes() {
        let when = "2024-01-05T09:30:00Z".parse().ok();
        let kept = |title, text| kept(title, text, when);
        assert_eq!(kept(" Rain ", "It rained."), "Rain");
        for title in ["Untitled Note", "untitled", "Untitled 2", "5 January 2024", "01/05/2024", "20240105"] {
            assert_eq!(kept(title, "x"), "", "{title}");
        }
        for title in ["6 January 2024", "20240106", "2024-01-05 A walk", "Untitled sonnet"] {
            assert_eq!(kept(title, "x"), title);
        }
        assert_eq!(super::kept("5 January 2024", "x", None), "5 January 2024");
        assert_eq!(kept("a  walk", "# A walk\nwords"), "");
        assert_eq!(kept("5 January 2024: rain", "x"), "5 January 2024: rain");
        assert_eq!(kept("Rain", "\n# Rain\nIt rained."), "");
        assert_eq!(kept("Rain", "Rain, again"), "Rain");
    }
}
