//! Day One's plain text export: entries one below the other, each led by lines that begin with a tab (→).
//!
//! ```text
//! →Date:→15 January 2024 at 09:30:00 CET
//! →Weather:→3°C Cloudy
//! →Tags:→rain, garden
//!
//! # It rained
//! Photo: 1A2B3C.jpeg
//! ```
//!
//! A file belongs to it whose first line that begins with a tab is a date, at the top or below a blank line; what stands
//! above it has no day. The lines that begin with a tab are the app's, and so are the lines and links that stand for pictures, and the
//! addresses of links. A zone that is a name (`EST`) means more than one place: the local time stands without it.

use std::sync::LazyLock;

use regex::Regex;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink};
use crate::journal::syntax::markup::Markup;
use crate::journal::syntax::stamps::{self, Stamp};

/// Day One, as plain text.
pub struct DayOneText;

impl Format for DayOneText {
    fn name(&self) -> &'static str {
        "Day One text"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head();
        let first = if head.starts_with('\t') { Some(0) } else { head.find("\n\t").map(|at| at + 1) };
        let opens = |at: usize| {
            let (above, below) = head.split_at(at);
            let date = field(below.lines().next()?)?.1;
            Some(is_date(date) && above.lines().next_back().is_none_or(|line| line.trim().is_empty()))
        };
        matches!(input.extension().as_str(), "" | "txt" | "text" | "md")
            && first.and_then(opens) == Some(true)
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        let entries = divide(&text);
        let stamps = entries.iter().filter_map(|entry| Some((entry.line, entry.stamp.as_ref()?)));
        let month_leads = stamps::month_leads(stamps, options.date_order, sink);
        for entry in entries {
            entry.hand_over(month_leads, sink);
        }
        Ok(())
    }
}

/// An entry as it stands in the file.
#[derive(Default)]
struct Raw<'a> {
    /// The line of its date, from 1.
    line: usize,
    date: &'a str,
    stamp: Option<Stamp>,
    tags: Vec<String>,
    /// Lines of the app beside date and tags.
    metadata: usize,
    photos: usize,
    /// Its text, line by line, and the line that begins with.
    body: Vec<&'a str>,
    body_line: usize,
}

fn divide(text: &str) -> Vec<Raw<'_>> {
    let mut entries: Vec<Raw> = Vec::new();
    let (mut after_blank, mut in_head, mut date_name) = (true, false, None);
    for (number, line) in (1..).zip(text.split('\n')) {
        let (blank, field) = (line.trim().is_empty(), field(line));
        let starts = field
            .filter(|(name, value)| after_blank && date_name.unwrap_or(*name) == *name && is_date(value));
        if let Some((name, date)) = starts {
            date_name = Some(name);
            entries.push(Raw { line: number, date, stamp: stamp(date), ..Raw::default() });
            in_head = true;
        } else {
            if entries.is_empty() && !blank {
                entries.push(Raw { line: number, ..Raw::default() });
            }
            let Some(entry) = entries.last_mut() else { continue };
            in_head &= !blank;
            match field.filter(|_| in_head) {
                Some((name, value)) => entry.take_field(name, value),
                None => entry.take_line(line, number),
            }
        }
        after_blank = blank;
    }
    entries
}

/// The name and the value of `→Name:→value`.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix('\t')?.split_once(":\t")?;
    let is_name = !name.is_empty() && name.chars().count() <= 30 && !name.contains(['\t', ':']);
    is_name.then_some((name, value.trim()))
}

/// Whether it is a date: one that can be read, or one with a year and two numbers more, as the app writes it in any language.
fn is_date(text: &str) -> bool {
    let signs: Vec<char> = text.chars().take(100).collect();
    let year = signs.windows(4).any(|four| four.iter().all(|c| c.is_numeric()));
    let numbers = text.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty()).count();
    (year && numbers > 2) || stamp(text).is_some()
}

/// Reads a date, whose clock some regions write as `09.30.00`, `09 h 30 min 00 s` or `9시 30분 0초`, and whose zone some put
/// in brackets.
fn stamp(text: &str) -> Option<Stamp> {
    static CLOCKS: LazyLock<Regex> = LazyLock::new(|| {
        let parts = r"(\d{1,2})(?:\.| ?h | ?시 ?)(\d{2})(?:\.| min | ?분 ?)(\d{1,2})(?: s\b|초)?";
        Regex::new(&format!(r"(^|[^\d.]){parts}($|[^\d.])")).expect("a pattern that is tested")
    });
    let plain = || {
        let clock = CLOCKS.captures(text)?;
        let second: u8 = clock[4].parse().ok()?;
        let colons = format!("{}{}:{}:{second:02}{}", &clock[1], &clock[2], &clock[3], &clock[5]);
        stamps::read(&CLOCKS.replace(text, colons.as_str()))
    };
    // China writes the zone before the clock.
    static ZONE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:GMT|UTC)[+-]\d{1,2}(?::\d\d)? (\d)").expect("a pattern that is tested")
    });
    let text = &*ZONE.replace(text, "$1");
    stamps::read(&text.replace(['[', ']'], ""))
        .filter(|stamp| stamp.time.is_some())
        .or_else(plain)
        .or_else(|| stamps::read(text))
}

impl<'a> Raw<'a> {
    fn take_field(&mut self, name: &str, value: &str) {
        match name {
            "Tags" => {
                let tags = value.split(',').map(str::trim).filter(|tag| !tag.is_empty());
                self.tags.extend(tags.map(str::to_string));
            }
            "Photo" | "Photos" => self.photos += 1,
            _ => self.metadata += 1,
        }
    }

    fn take_line(&mut self, line: &'a str, number: usize) {
        if is_photo(line) {
            self.photos += 1;
        } else if !self.body.is_empty() || !line.trim().is_empty() {
            if self.body.is_empty() {
                self.body_line = number;
            }
            self.body.push(line);
        }
    }

    fn hand_over(self, month_leads: bool, sink: &mut dyn Sink) {
        // What stands above the first date has none.
        if self.stamp.is_none() && !self.date.is_empty() {
            sink.trouble(Place::Line(self.line), format!("no date that can be read: {:?}", self.date));
        }
        let body = self.body.join("\n");
        let mut markup = Markup::new(body.trim_end_matches('\n'));
        markup.links(sink);
        let cleaned = markup.finish();
        for (what, times) in [("metadata lines", self.metadata), ("photo links", self.photos)] {
            if times > 0 {
                sink.left_out(what, times);
            }
        }
        sink.entry(Draft {
            when: self.stamp.map(|stamp| stamp.when(month_leads)),
            place: Place::Line((self.body_line + cleaned.original_line(1) - 1).max(self.line)),
            text: cleaned.text,
            tags: self.tags,
            ..Draft::default()
        });
    }
}

/// `Photo: 1A2B3C.jpeg`: one name and no word beside it.
fn is_photo(line: &str) -> bool {
    let name = line.trim().strip_prefix("Photo:").map(str::trim).unwrap_or("");
    let ending = name.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_lowercase());
    !name.contains(char::is_whitespace)
        && matches!(ending.as_str(), "jpg" | "jpeg" | "png" | "gif" | "heic" | "tif" | "tiff" | "webp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read};
    use proptest::prelude::*;

    fn entries(text: &str) -> Collected {
        read("Journal.txt", text.as_bytes(), &Options::default())
    }

    fn texts(text: &str) -> Vec<String> {
        entries(text).entries.into_iter().map(|entry| entry.text.trim_end().to_string()).collect()
    }

    #[test]
    fn only_a_date_below_a_blank_line_begins_an_entry() {
        let text = "\tDate:\t5 May 2020\n\nA list:\n\tDate:\t6 May 2020\n\n\tDate:\tof the party\n\n\tDate:\t7 May 2020\n\nB";
        assert_eq!(texts(text), ["A list:\n\tDate:\t6 May 2020\n\n\tDate:\tof the party", "B"]);
    }

    #[test]
    fn what_stands_above_the_first_date_has_none() {
        let read = entries("My Journal\nof days\n\n\tDate:\t5 May 2020\n\nA\n\n\tDate:\t6 May 2020\n\nB");
        let shown: Vec<_> = read.entries.iter().map(|e| (e.when.is_some(), e.text.trim_end())).collect();
        assert_eq!(shown, [(false, "My Journal\nof days"), (true, "A"), (true, "B")]);
        assert_eq!(read.troubles, []);
        for other in ["A list\n\tDate:\t5 May 2020\n", "Words\n\n\tan indent\n\n\tDate:\t5 May 2020\n"] {
            assert!(!DayOneText.is(&Input::from_bytes("a.txt", other.as_bytes().to_vec())), "{other}");
        }
    }

    #[test]
    fn pictures_go_and_words_stay() {
        let text = "\tDate:\t5 May 2020\n\nPhoto: a1.JPG\nPhoto: me and Ada.jpg\nx ![](photos/b.jpg) y\n![](dayone-moment://C)\n![k](http://x/y.jpg) ![\n[the lake](http://x.y/z), [day](dayone://view?entryId=AB), [so](it seems)";
        let read = entries(text);
        assert_eq!(read.entries[0].text, "Photo: me and Ada.jpg\nx y\nk ![\nthe lake, day, [so](it seems)");
        assert_eq!(read.left_out, [("photo links", 1)]);
        assert_eq!(
            read.changed.iter().map(|(what, ..)| *what).filter(|what| *what == "photo links").count(),
            3
        );
    }

    #[test]
    fn clocks_as_regions_write_them() {
        for date in [
            "2 March 2024 at 21.30.00 CET",
            "2 mars 2024 à 21 h 30 min 00 s HNE",
            "2024년 3월 2일 오후 9시 30분 0초 GMT+9",
            "2024年3月2日 下午9:30:00 [GMT+8]",
            "2024年3月2日 GMT+8 21:30:00",
        ] {
            let read = entries(&format!("\tDate:\t{date}\n\nA\n"));
            let when = read.entries[0].when.map_or(String::new(), |when| when.to_string());
            assert!(when.starts_with("2024-03-02T21:30:00"), "{date}: {when}");
        }
        assert_eq!(stamp("15.01.2024").unwrap().time, None);
        let read = entries(
            "\tDate:\t2. ožujka 2024. u 21:30:00 CET\n\nA\n\n\tDate:\t13. ožujka 2024. u 21:30:00 CET\n\nB\n",
        );
        assert_eq!((read.entries.len(), read.troubles.len()), (2, 2));
    }

    #[test]
    fn a_date_in_a_language_not_known_is_reported() {
        let read = entries("\tDate:\t15 มกราคม 2024 09:30:00 CET\n\nPada.\n");
        assert_eq!((read.entries[0].when, read.entries[0].text.trim()), (None, "Pada."));
        assert_eq!(read.troubles.len(), 1);
    }

    #[test]
    fn the_name_of_the_date_may_be_of_any_language() {
        assert_eq!(
            texts("\tDatum:\t5. Mai 2020 um 09:30:00 MESZ\n\nEins\n\n\tDatum:\t6. Mai 2020\n\nZwei"),
            ["Eins", "Zwei"]
        );
        let other = Input::from_bytes("a.txt", b"\tName:\tAda\n".to_vec());
        assert!(!DayOneText.is(&other));
    }

    proptest! {
        #[test]
        fn no_text_is_a_danger(text in "(\tDate:\t5 May 2020\n|\tTags:\ta,,b\n|!\\[|\\]\\(|photos/|\\)|\n|é| |Photo: x\\.jpg){0,30}") {
            let text = format!("\tDate:\t5 May 2020\n{text}");
            let read = entries(&text);
            prop_assert!(read.failed.is_none() && !read.entries.is_empty());
        }
    }
}
