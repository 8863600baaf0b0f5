//! RedNotebook: a file a month (`2024-01.txt`), in YAML a map of days, whose `text` is in txt2tags.
//!
//! The marks of txt2tags (`**`, `//`, `__`, `--`, `===`, lists) are typed by hand and stay, as Markdown's do. Links
//! become their labels; pictures are left out. A day's `Tags` are its tags; so are the names of its other categories,
//! whose entries are words of the writer's and stand as a list below the text. Aliases, which RedNotebook never
//! writes and by which a small file can grow without bounds, are refused.

use jiff::civil::Date;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};

/// RedNotebook.
pub struct RedNotebook;

impl Format for RedNotebook {
    fn name(&self) -> &'static str {
        "RedNotebook"
    }

    /// A numbered list under a month's name is no YAML: below a day there are keys.
    fn is(&self, input: &Input) -> bool {
        let mut lines =
            input.head().lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', '%']));
        let first = lines.find(|line| *line != "---").unwrap_or("");
        let (day, value) = first.split_once(':').unwrap_or(("", ""));
        let day = matches!(day.len(), 1..=2) && day.bytes().all(|b| b.is_ascii_digit());
        let mut key_below =
            || lines.next().is_some_and(|line| line.starts_with([' ', '\t']) && line.contains(':'));
        let value = value.trim();
        let map = if value.is_empty() { key_below() } else { value.starts_with('{') && value.contains(':') };
        // A month that was opened and left empty is an empty map.
        let is_ours = (day && map) || input.head().trim() == "{}";
        input.extension() == "txt" && month(input.stem()).is_some() && is_ours
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let month = month(input.stem()).ok_or("not named after a month, as 2024-01.txt is")?;
        let text = input.text()?;
        if text.trim() == "{}" {
            return Ok(());
        }
        Days { parser: Parser::new_from_str(&text), depth: 0, month, sink }.read()
    }
}

/// `2024-01`, as its first day.
fn month(stem: &str) -> Option<Date> {
    let (year, month) = stem.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2)?;
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}

/// RedNotebook nests three deep.
const MOST_DEPTH: usize = 8;

struct Days<'a> {
    parser: Parser<'a, StrInput<'a>>,
    depth: usize,
    month: Date,
    sink: &'a mut dyn Sink,
}

/// What stands at one place of the file, and the line.
type Found<'a> = (Event<'a>, usize);

impl<'a> Days<'a> {
    fn next(&mut self) -> Result<Found<'a>, String> {
        let (event, span) = match self.parser.next_event() {
            Some(Ok(found)) => found,
            Some(Err(e)) => return Err(format!("broken YAML on line {}: {}", e.marker().line(), e.info())),
            None => (Event::StreamEnd, Default::default()),
        };
        let line = span.start.line();
        let anchor = match &event {
            Event::Alias(_) => 1,
            Event::Scalar(_, _, anchor, _) => *anchor,
            Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) => {
                self.depth += 1;
                *anchor
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.depth = self.depth.saturating_sub(1);
                0
            }
            _ => 0,
        };
        match anchor {
            0 if self.depth <= MOST_DEPTH => Ok((event, line)),
            0 => Err(format!("nested too deep for RedNotebook, on line {line}")),
            _ => Err(format!(
                "line {line} holds a YAML alias, which RedNotebook does not write: write it out in full"
            )),
        }
    }

    /// Hands over each key of a map whose start has been read; what is called must read its value.
    fn members(
        &mut self,
        take: &mut dyn FnMut(&mut Self, String, usize) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::MappingEnd | Event::StreamEnd => return Ok(()),
                key => {
                    let key = self.scalars(key)?.join(" ");
                    take(self, key, line)?;
                }
            }
        }
    }

    /// Every word of a value whose start has been read, whatever its shape.
    fn scalars(&mut self, start: Event) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let above = self.depth.saturating_sub(1);
        let nests = matches!(start, Event::MappingStart(..) | Event::SequenceStart(..));
        found.extend(scalar(start));
        while nests && self.depth > above {
            match self.next()? {
                (Event::StreamEnd, _) => break,
                (event, _) => found.extend(scalar(event)),
            }
        }
        Ok(found)
    }

    fn read(&mut self) -> Result<(), String> {
        loop {
            match self.next()?.0 {
                Event::StreamEnd => return Ok(()),
                Event::MappingStart(..) => self.members(&mut |days, key, line| days.day(&key, line))?,
                _ => {}
            }
        }
    }

    fn day(&mut self, key: &str, line: usize) -> Result<(), String> {
        let day = key.parse().ok().and_then(|day| Date::new(self.month.year(), self.month.month(), day).ok());
        let mut draft = Draft { when: day.map(When::day), place: Place::Line(line), ..Draft::default() };
        let mut lists = Vec::new();
        match self.next()?.0 {
            Event::MappingStart(..) => self.members(&mut |days, key, _| match key.as_str() {
                "text" => days.text(&mut draft),
                _ => days.category(key, &mut draft.tags, &mut lists),
            })?,
            other => draft.text = self.scalars(other)?.join("\n"),
        }
        for list in lists {
            if !draft.text.is_empty() {
                draft.text.push_str("\n\n");
            }
            draft.text.push_str(&list);
        }
        if day.is_none() {
            let month = self.month.strftime("%B %Y");
            self.sink.trouble(draft.place, format!("{month} has no day “{key}”: read without a date"));
        }
        self.sink.entry(draft);
        Ok(())
    }

    fn text(&mut self, draft: &mut Draft) -> Result<(), String> {
        let (value, line) = self.next()?;
        let text = self.scalars(value)?.join("\n");
        let plain = self.without_links(&text);
        draft.place = Place::Line(line);
        draft.text = plain.trim_end().to_string();
        Ok(())
    }

    /// `Tags: {rain: null}`, `Ideas: {Build a boat: null}`, `Rain: null`.
    fn category(
        &mut self,
        name: String,
        tags: &mut Vec<String>,
        lists: &mut Vec<String>,
    ) -> Result<(), String> {
        let (value, _) = self.next()?;
        let mut entries = self.scalars(value)?;
        if name.eq_ignore_ascii_case("tags") {
            tags.append(&mut entries);
            return Ok(());
        }
        tags.push(name);
        if !entries.is_empty() {
            let items: Vec<String> =
                entries.iter().map(|entry| format!("- {}", self.without_links(entry))).collect();
            lists.push(items.join("\n"));
        }
        Ok(())
    }

    fn without_links(&mut self, text: &str) -> String {
        let plain = without_links(text);
        self.sink.left_out("photo links", plain.pictures);
        self.sink.left_out("link addresses", plain.links);
        plain.text
    }
}

/// What a scalar says; RedNotebook writes a bare `null` for nothing.
fn scalar(event: Event) -> Option<String> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(text.as_ref(), "null" | "~" | "") => None,
        Event::Scalar(text, ..) => Some(text.into_owned()),
        _ => None,
    }
}

#[derive(Debug, Default, PartialEq)]
struct Plain {
    text: String,
    pictures: usize,
    links: usize,
}

/// `[label ""address""]` becomes its label; `[""picture"".jpg]` and `[""picture"".png?200]` go.
fn without_links(text: &str) -> Plain {
    let mut out = Plain::default();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, bracket) = rest.split_at(at);
        out.text.push_str(before);
        match link(&bracket[1..]) {
            Some((label, after)) => {
                out.text.push_str(label);
                *if label.is_empty() { &mut out.pictures } else { &mut out.links } += 1;
                rest = after;
            }
            None => {
                out.text.push('[');
                rest = &bracket[1..];
            }
        }
    }
    out.text.push_str(rest);
    out
}

/// The label of a link, read after its bracket, and what follows the link. A picture has no label, and its ending
/// stands behind the quotes; a link has a space before them and nothing behind. Neither goes over a line's end.
fn link(text: &str) -> Option<(&str, &str)> {
    let label_ends = text.find(['[', ']', '\n']).unwrap_or(text.len());
    let quotes = text[..label_ends].find("\"\"")?;
    let (label, address) = (&text[..quotes], &text[quotes + 2..]);
    let (address, tail) = address.split_once("\"\"")?;
    let ending = tail.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '?')))?;
    let after = tail[ending..].strip_prefix(']').filter(|_| !address.contains('\n'))?;
    let picture = label.is_empty() && (ending == 0 || tail.starts_with('.'));
    (picture || (label.ends_with(' ') && ending == 0)).then_some((label.trim(), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_with};
    use proptest::prelude::*;

    fn input(name: &str, text: &[u8]) -> Input {
        Input::from_bytes(name, text.to_vec())
    }

    fn read(text: &[u8]) -> Collected {
        read_with(&RedNotebook, &input("data/2024-02.txt", text), &Options::default())
    }

    #[test]
    fn lists_of_months_are_not_claimed() {
        let is = |name: &str, text: &str| RedNotebook.is(&input(name, text.as_bytes()));
        assert!(is("2024-02.txt", "1: {text: rain}\n") && is("2024-02.txt", "12:\n  text: 'rain'\n"));
        assert!(is("2024-02.txt", "3:\n  Tags:\n    rain: null\n"));
        for text in
            ["1: rain\n2: sun\n", "1:\nrain: much\n", "rain", "", "123:\n  text: a\n", "1: {brackets}"]
        {
            assert!(!is("2024-02.txt", text), "{text:?}");
        }
        assert!(!is("2024-02-01.txt", "1: {text: rain}") && !is("2024-13.txt", "1: {text: rain}"));
    }

    #[test]
    fn links_and_pictures() {
        let plain = |text: &str| without_links(text);
        assert_eq!(
            plain(
                "a [map \"\"https://x.org/?a=[1]\"\"] b [\"\"file:///rain\"\".jpg] c [\"\"rain\"\".png?200]"
            ),
            Plain { text: "a map b  c ".into(), pictures: 2, links: 1 }
        );
        for text in [
            "[x] done",
            "[a \"\"b\n\"\"]",
            "[a",
            "[a \"\"b]",
            "[\"\"a\"\" b]",
            "a[0]",
            "[[a \"\"\n\"\"]",
            "[a\"\"b\"\"]",
        ] {
            assert_eq!(plain(text), Plain { text: text.into(), ..Plain::default() });
        }
    }

    #[test]
    fn damage_ends_the_file_and_keeps_what_stood_before() {
        let found = read(b"1: {text: rain}\n2: {text: 'sun\n");
        assert_eq!(found.entries.len(), 1);
        assert!(found.failed.unwrap().starts_with("broken YAML on line "));
    }

    #[test]
    fn nothing_grows_or_sinks_without_bounds() {
        for text in ["1: &a {text: x}\n2: *a\n", "1: {text: &a x}"] {
            assert!(read(text.as_bytes()).failed.unwrap().contains("alias"), "{text}");
        }
        let deep = format!("1: {}", "{a: ".repeat(200));
        assert!(read(deep.as_bytes()).failed.is_some());
        assert!(read("- ".repeat(100_000).as_bytes()).failed.unwrap().contains("deep"));
    }

    #[test]
    fn odd_shapes_lose_no_words() {
        let found = read(
            b"30: {text: late}\n1: words\n2: [a, {b: c}]\n3: {text: [a], Ideas: x, [k]: v}\n4: {text: 5}\n",
        );
        assert_eq!(found.failed, None);
        assert_eq!(
            found.troubles,
            [(Place::Line(1), "February 2024 has no day “30”: read without a date".into())]
        );
        let texts: Vec<&str> = found.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, ["late", "words", "a\nb\nc", "a\n\n- x\n\n- v", "5"]);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9a-z:{}\\[\\]'\"&*|>?!, \n-]{0,120}", bytes in any::<Vec<u8>>()) {
            read(text.as_bytes());
            read(&bytes);
            without_links(&text);
        }
    }
}
