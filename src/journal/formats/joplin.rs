//! Joplin's items as it stores and synchronises them, and as its RAW export has them: one `.md` each, with a title, the
//! text, and below it the app's fields, the last of them `type_: 1` for a note. Times are in UTC.
//!
//! Left out: the fields; notebooks, tags and what tells of attachments; notes in the bin; pages that the clipper took.

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::markup::Markup;
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::{html, titles};

/// Joplin.
pub struct Joplin;

impl Format for Joplin {
    fn name(&self) -> &'static str {
        "Joplin"
    }

    fn is(&self, input: &Input) -> bool {
        input.extension() == "md"
            && input.holds_at_an_end("\ntype_: ")
            && input.text().is_ok_and(|text| Item::of(&text).is_some())
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let text = input.text()?;
        let item = Item::of(&text).ok_or("not one of Joplin's items")?;
        if item.field("type_") != "1" {
            sink.left_out("an app's own lists", 1);
            return Ok(());
        }
        if item.field("encryption_applied") == "1" {
            return Err("encrypted: export it as MD in Joplin, when it is unlocked there".to_string());
        }
        if !matches!(item.field("deleted_time"), "" | "0") {
            sink.left_out("notes in the bin", 1);
            return Ok(());
        }
        // Only the clipper notes an address.
        if !item.field("source_url").is_empty() {
            sink.left_out("web clips", 1);
            return Ok(());
        }
        sink.left_out("an app's fields", 1);
        let made = [item.field("user_created_time"), item.field("created_time")];
        let when: Option<When> = made.iter().find_map(|made| made.parse().ok());
        let text = match item.field("markup_language") {
            "2" => html::to_text(item.body).text,
            _ => {
                let mut markup = Markup::new(item.body);
                markup.links(sink);
                markup.finish().text
            }
        };
        let title = titles::kept(item.title, &text, when);
        let draft = Draft { when, title, text, place: Place::Line(3), ..Draft::default() };
        notes::hand_over(draft, Day::Made, options, sink);
        Ok(())
    }
}

/// An item's parts.
struct Item<'a> {
    title: &'a str,
    body: &'a str,
    fields: &'a str,
}

impl<'a> Item<'a> {
    /// The parts of what ends in Joplin's fields.
    fn of(text: &'a str) -> Option<Item<'a>> {
        let text = text.trim_end();
        let at = text.rfind("\n\n").map_or(0, |at| at + 2);
        let (above, fields) = text.split_at(at);
        let each = |line: &str| line.split_once(':').is_some_and(|(key, _)| is_field(key));
        let is_id = |id: &str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let item = Item { title: "", body: "", fields };
        let typed = item.field("type_").parse::<u8>().is_ok();
        if !(typed && is_id(item.field("id")) && fields.lines().all(each)) {
            return None;
        }
        let (title, body) = above.split_once('\n').unwrap_or((above, ""));
        Some(Item { title: title.trim(), body, fields })
    }

    fn field(&self, name: &str) -> &'a str {
        let pairs = self.fields.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim()).next().unwrap_or("")
    }
}

fn is_field(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::read;

    fn item(body: &str, fields: &str) -> String {
        format!("{body}\n\nid: 0123456789abcdef0123456789abcdef\n{fields}")
    }

    #[test]
    fn notes_are_read_and_lists_left_out() {
        let found = |text: String| read("a.md", text.as_bytes(), &Options::default());
        let note =
            "created_time: 2024-03-05T10:00:00.000Z\nuser_created_time: 2024-03-04T10:00:00.000Z\ntype_: 1";
        let read = found(item("A walk\n\nRain, and ![](:/0123).\n\nMore.", note));
        let draft = &read.entries[0];
        assert_eq!((draft.title.as_str(), draft.text.trim()), ("A walk", "Rain, and .\n\nMore."));
        assert_eq!(draft.when.unwrap().to_string(), "2024-03-04T10:00:00+00:00");
        for fields in ["type_: 2", "deleted_time: 5\ntype_: 1", "source_url: http://a\ntype_: 1"] {
            let read = found(item("Diary", fields));
            assert_eq!((read.entries.len(), read.left_out.len()), (0, 1), "{fields}");
        }
        assert!(found(item("x", "encryption_applied: 1\ntype_: 1")).failed.is_some());
        assert_eq!(
            found("A walk\n\nmood: good\ntype_: 1".into()).entries[0].text,
            "A walk\n\nmood: good\ntype_: 1"
        );
    }
}
