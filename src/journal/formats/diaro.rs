//! Diaro's backup: a zip with `DiaroBackup.xml`, which holds the app's tables.
//!
//! ```text
//! <data version="2">
//! <table name="diaro_tags"><r><uid>1a2b</uid><title>garden</title></r></table>
//! <table name="diaro_entries"><r><uid>…</uid><date>1704497400000</date><tz_offset>+01:00</tz_offset>
//!    <title>Rain</title><text>It rained.</text><tags>,1a2b,</tags></r></table>
//! </data>
//! ```
//!
//! Version 1 (`DiaroExport.xml`) has `<row>` and `<col name="title">`, or `<r>` and `<c n="title">`, and keeps the names
//! of its tags in the entries. Titles, texts, dates and tags are read; folders, places, weather, moods and attachments
//! are the app's, and templates are no entries.

use std::collections::HashMap;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::titles;
use crate::journal::syntax::xml::{Piece, Xml};

/// Diaro.
pub struct Diaro;

impl Format for Diaro {
    fn name(&self) -> &'static str {
        "Diaro"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head().trim_start();
        let tables = ["diaro_folders", "diaro_tags", "diaro_moods", "diaro_locations", "diaro_entries"];
        let holds = |table: &&str| head.contains(&format!("<table name=\"{table}\""));
        input.extension() == "xml" && head.starts_with('<') && tables.iter().any(holds)
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut tags = HashMap::new();
        // Damage is reported when the entries are read: some tags are better than none.
        let _ = each_row(input, &mut |table, row| {
            if table == "diaro_tags" {
                tags.insert(row.field("uid").to_string(), row.either("title", "tag_name").to_string());
            }
        });
        each_row(input, &mut |table, row| match table {
            "diaro_entries" => row.hand_over(&tags, sink),
            "diaro_templates" => sink.left_out("templates", 1),
            _ => {}
        })
    }
}

/// A row of a table.
#[derive(Default)]
struct Row {
    line: usize,
    fields: Vec<(String, String)>,
}

/// `data`, `table`, row, field.
const FIELDS: usize = 4;

fn each_row(input: &Input, take: &mut dyn FnMut(&str, Row)) -> Result<(), String> {
    let mut xml = Xml::new(input.utf8()?);
    let (mut depth, mut table, mut row) = (0_usize, String::new(), Row::default());
    loop {
        match xml.piece().map_err(|fault| format!("line {}: {fault}", xml.line()))? {
            Piece::Open(tag) => {
                depth += 1;
                let attribute = |name| tag.get(name).map(str::to_string);
                match depth {
                    2 => table = attribute("name").unwrap_or_default(),
                    3 => row = Row { line: xml.line(), fields: Vec::new() },
                    FIELDS => {
                        let name = attribute("name").or(attribute("n"));
                        let name = name.unwrap_or_else(|| tag.name.clone());
                        row.fields.push((name, String::new()));
                    }
                    _ => {}
                }
            }
            Piece::Close => {
                if depth == 3 {
                    take(&table, std::mem::take(&mut row));
                }
                depth = depth.saturating_sub(1);
            }
            Piece::Text(text) => {
                // An element in a field is none of the app's making; its words count all the same.
                if let (FIELDS.., Some((_, value))) = (depth, row.fields.last_mut()) {
                    value.push_str(&text);
                }
            }
            Piece::End => return Ok(()),
        }
    }
}

impl Row {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A field by the name it has, or had in version 1.
    fn either(&self, name: &str, old: &str) -> &str {
        Some(self.field(name)).filter(|value| !value.is_empty()).unwrap_or(self.field(old))
    }

    fn hand_over(&self, tags: &HashMap<String, String>, sink: &mut dyn Sink) {
        let place = Place::Line(self.line);
        let millis = self.field("date").trim().parse();
        let when = millis.ok().and_then(|millis| When::at_millis(millis, Some(self.field("tz_offset"))));
        if when.is_none() {
            sink.trouble(place, format!("no date that can be read: {:?}", self.field("date")));
        }
        // The app's own text export, too, ends a line where its web editor left this.
        let text = self.field("text").replace("<br>", "\n");
        let title = titles::kept(self.either("title", "entry_name"), &text, when);
        let name = |tag: &str| match tags.get(tag) {
            Some(name) => Some(name.clone()),
            None => (!is_uid(tag)).then(|| tag.to_string()),
        };
        let tags = self.field("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
        sink.entry(Draft { when, title, text, tags: tags.filter_map(name).collect(), place });
    }
}

/// Whether it is one of the names that the app gives to its rows.
fn is_uid(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read};
    use proptest::prelude::*;

    fn rows(text: &str) -> Collected {
        read("DiaroBackup.xml", text.as_bytes(), &Options::default())
    }

    const WHOLE: &str = "<data version=\"2\">\n<table name=\"diaro_tags\">\n<r>\n<uid>t1</uid>\n<title>R&amp;D</title></r>\n\
        </table>\n<table name=\"diaro_entries\">\n<r>\n<uid>e1</uid>\n<date>1704497400000</date>\n<tz_offset>+05:45</tz_offset>\n\
        <title>&lt;3</title>\n<text>a &amp; b\nc &#128512;</text>\n<tags>,t1,</tags>\n<weather_description>rain & wind</weather_description>\n</r>\n\
        <r><date>x</date><text>undated</text></r></table></data>";

    #[test]
    fn a_row_is_an_entry() {
        let read = rows(WHOLE);
        let first = &read.entries[0];
        assert_eq!(first.when.unwrap().to_string(), "2024-01-06T05:15:00+05:45");
        assert_eq!((first.title.as_str(), first.text.as_str()), ("<3", "a & b\nc 😀"));
        assert_eq!((first.tags.as_slice(), first.place), (&["R&D".to_string()][..], Place::Line(8)));
        assert_eq!((read.entries[1].when, read.troubles.len()), (None, 1));
        assert_eq!(read.failed, None);
    }

    #[test]
    fn damage_leaves_what_stands_before_it() {
        let read = rows(&WHOLE[..WHOLE.len() - 15]);
        assert_eq!(read.entries.len(), 2);
        assert!(read.failed.unwrap().contains("line 18: the file ends in the middle"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_danger(at in 60..WHOLE.len(), text in "(<r>|</r>|<!--|&|<x/>|</table>|\\PC){0,20}") {
            if WHOLE.is_char_boundary(at) {
                rows(&format!("{}{text}{}", &WHOLE[..at], &WHOLE[at..]));
                rows(&format!("{}{text}", &WHOLE[..at]));
            }
        }
    }
}
