//! Markdown: the text is taken as it was typed; only front matter, which an app wrote, is not the writer's.

use jiff::civil::Date;

use crate::journal::dates::{self, Reading};

/// Front matter longer than this is text between two rules.
const MOST_LINES: usize = 100;

/// The YAML block that may open a Markdown file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontMatter {
    /// The day under its `date:` key.
    pub date: Option<Date>,
    /// Where the text begins, in bytes.
    pub end: usize,
    /// Lines before the text.
    pub lines: usize,
}

/// Finds front matter: `---` on the first line, `---` again within 100 lines, and between them at least one `key:` and
/// nothing but keys, list items, indented lines, comments and blank lines. Anything else between two rules is the
/// writer's text, and stays.
pub fn front_matter(text: &str) -> Option<FrontMatter> {
    let mut lines = text.split_inclusive('\n');
    let mut end = lines.next().filter(|line| line.trim_end() == "---")?.len();
    let (mut date, mut keys) = (None, 0);
    for (i, line) in lines.take(MOST_LINES).enumerate() {
        end += line.len();
        let line = line.trim_end();
        if line == "---" {
            return (keys > 0).then_some(FrontMatter { date, end, lines: i + 2 });
        }
        if let Some((key, value)) = key_and_value(line) {
            keys += 1;
            if key.eq_ignore_ascii_case("date") {
                date = day(value);
            }
            continue;
        }
        let below_a_key = line.starts_with([' ', '\t']) || line == "-" || line.starts_with("- ");
        if !(line.is_empty() || line.starts_with('#') || (keys > 0 && below_a_key)) {
            return None;
        }
    }
    None
}

/// `key: value`, the key one word.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_key = !key.is_empty() && key.len() <= 40 && key.chars().all(word) && !key.starts_with('-');
    (is_key && (value.is_empty() || value.starts_with([' ', '\t']))).then_some((key, value))
}

/// A date as people and apps write it into front matter; `03/04/2020` is read day first.
fn day(value: &str) -> Option<Date> {
    let line = dates::recognise(value.trim().trim_matches(['"', '\'']))?;
    match line.reading {
        _ if line.style.tail.is_some() => None,
        Reading::Certain(day) => Some(day),
        Reading::DayMonth { day_first, month_first } => day_first.or(month_first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn front_matter_is_left_out() {
        let text = "---\ntitle: A walk\ntags:\n  - rain\n- wind\n\n# made by an app\ndate: \"2020-05-05T09:30:00Z\"\n---\nRain: all day\n";
        let found = front_matter(text).unwrap();
        assert_eq!(found, FrontMatter { date: Some(date(2020, 5, 5)), end: text.len() - 14, lines: 9 });
        assert_eq!(&text[found.end..], "Rain: all day\n");
        assert_eq!(front_matter("---\nlayout: x\n---").unwrap().date, None);
        assert_eq!(front_matter("---\ndate: someday\n---\n").unwrap().date, None);
    }

    #[test]
    fn text_between_rules_is_text() {
        for text in [
            "",
            "---",
            "---\n---\nwords\n",
            "---\nRain all day\n---\n",
            "---\n- bread\n- milk\n---\n",
            "---\nToday I learned: much\n---\n",
            "---\nnote:this\n---\n",
            "---\ntitle: no end\n",
            "\n---\ntitle: late\n---\n",
            "----\ntitle: four\n----\n",
            "---\ntitle: a\nwords of mine\n---\n",
        ] {
            assert_eq!(front_matter(text), None, "{text:?}");
        }
        let long = format!("---\n{}---\n", "key: value\n".repeat(MOST_LINES));
        assert_eq!(front_matter(&long), None);
    }
}
