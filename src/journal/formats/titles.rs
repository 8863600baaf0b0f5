//! Titles, as all apps keep them: which are the writer's, and which the app made up.

use crate::journal::dates::{self, Reading};
use crate::journal::entry::When;

/// The title to keep: none where the app named a note that has no name, where the text opens with the same line, and
/// where it is nothing but the entry's own day.
pub(super) fn kept(title: &str, text: &str, when: Option<When>) -> String {
    let title = title.trim();
    let opens = text.trim_start().lines().next().unwrap_or("").trim_start_matches('#').trim();
    let unnamed = ["untitled", "untitled note"].iter().any(|name| title.eq_ignore_ascii_case(name));
    let made_up = unnamed || title == opens || is_day(title, when);
    if made_up { String::new() } else { title.to_string() }
}

fn is_day(title: &str, when: Option<When>) -> bool {
    let (Some(when), Some(line)) = (when, dates::recognise(title)) else { return false };
    line.style.tail.is_none()
        && match line.reading {
            Reading::Certain(day) => day == when.day,
            Reading::DayMonth { day_first, month_first } => {
                [day_first, month_first].contains(&Some(when.day))
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_made_up_goes() {
        let when = "2024-01-05T09:30:00Z".parse().ok();
        let kept = |title, text| kept(title, text, when);
        assert_eq!(kept(" Rain ", "It rained."), "Rain");
        assert_eq!(kept("Untitled Note", "x") + &kept("untitled", "x"), "");
        assert_eq!(kept("5 January 2024", "x") + &kept("01/05/2024", "x"), "");
        assert_eq!(kept("6 January 2024", "x"), "6 January 2024");
        assert_eq!(kept("5 January 2024: rain", "x"), "5 January 2024: rain");
        assert_eq!(kept("Rain", "\n# Rain\nIt rained."), "");
        assert_eq!(kept("Rain", "Rain, again"), "Rain");
    }
}
