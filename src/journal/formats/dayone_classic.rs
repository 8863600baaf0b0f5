//! Day One Classic: a folder `Journal.dayone/entries` with a property list in XML (`*.doentry`) for every entry.
//!
//! Text, tags, the moment (in UTC) and the zone are read; place, weather, music and the rest are the app's.

use jiff::Timestamp;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::xml::{Piece, Xml};

/// Day One Classic.
pub struct DayOneClassic;

impl Format for DayOneClassic {
    fn name(&self) -> &'static str {
        "Day One Classic"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head();
        input.extension() == "doentry" || (head.contains("<plist") && head.contains("<key>Entry Text</key>"))
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if input.head().starts_with("bplist") {
            return Err("a binary property list: `plutil -convert xml1` makes XML of it".to_string());
        }
        let mut list = PropertyList::default();
        let result = list.read(&mut Xml::new(input.utf8()?));
        // What was read before the damage stays.
        if result.is_ok() || !list.text.is_empty() {
            list.hand_over(sink);
        }
        result
    }
}

/// What is read of the list's outermost dictionary.
#[derive(Default)]
struct PropertyList {
    text: String,
    created: String,
    zone: String,
    tags: Vec<String>,
}

/// `plist`, `dict`, and then the dictionary's own keys and values.
const VALUES: usize = 3;

impl PropertyList {
    fn read(&mut self, xml: &mut Xml) -> Result<(), String> {
        let (mut depth, mut name, mut key) = (0_usize, String::new(), String::new());
        loop {
            match xml.piece().map_err(|fault| format!("line {}: {fault}", xml.line()))? {
                Piece::Open(tag) => {
                    depth += 1;
                    name = tag.name;
                    if depth == VALUES && name == "key" {
                        key.clear();
                    }
                    if depth == VALUES + 1 && key == "Tags" {
                        self.tags.push(String::new());
                    }
                }
                Piece::Close => {
                    depth = depth.saturating_sub(1);
                    name.clear();
                }
                Piece::Text(text) => match (depth, name.as_str(), key.as_str()) {
                    (VALUES, "key", _) => key.push_str(&text),
                    (VALUES, "string", "Entry Text") => self.text.push_str(&text),
                    (VALUES, "string", "Time Zone") => self.zone.push_str(&text),
                    (VALUES, "date", "Creation Date") => self.created.push_str(&text),
                    (4, "string", "Tags") => {
                        if let Some(tag) = self.tags.last_mut() {
                            tag.push_str(&text);
                        }
                    }
                    _ => {}
                },
                Piece::End => return Ok(()),
            }
        }
    }

    fn hand_over(self, sink: &mut dyn Sink) {
        let when = self.created.trim().parse::<Timestamp>().ok().map(|at| When::at(at, Some(&self.zone)));
        if when.is_none() {
            sink.trouble(Place::default(), format!("no date that can be read: {:?}", self.created));
        }
        let tags = self.tags.into_iter().filter(|tag| !tag.trim().is_empty()).collect();
        sink.entry(Draft { when, text: self.text, tags, ..Draft::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read};
    use proptest::prelude::*;

    fn entry(text: &str) -> Collected {
        read("Journal.dayone/entries/A1.doentry", text.as_bytes(), &Options::default())
    }

    const WHOLE: &str = "<plist version=\"1.0\"><dict><key>Creation Date</key><date>2014-10-23T22:36:33Z</date>\
        <key>Location</key><dict><key>Entry Text</key><string>no</string><key>Place Name</key><string>Rome</string></dict>\
        <key>Entry Text</key><string>&lt;3 R&amp;D &#233;\n&bomb;</string>\
        <key>Tags</key><array><string>a &amp; b</string><string/></array>\
        <key>Time Zone</key><string>Europe/Rome</string></dict></plist>";

    #[test]
    fn only_the_outermost_dictionary_counts() {
        let read = entry(WHOLE);
        let draft = &read.entries[0];
        assert_eq!(draft.text, "<3 R&D é\n&bomb;");
        assert_eq!(draft.tags, ["a & b"]);
        assert_eq!(draft.when.unwrap().to_string(), "2014-10-24T00:36:33+02:00");
    }

    #[test]
    fn damage_leaves_what_stands_before_it() {
        let cut = WHOLE.find("\n&bomb;").unwrap();
        let read = entry(&WHOLE[..cut]);
        assert_eq!(read.entries[0].text, "<3 R&D é");
        assert!(read.failed.unwrap().contains("line 1: the file ends in the middle"));
        assert!(entry("bplist00").failed.unwrap().contains("plutil"));
        let none = entry("<plist><dict><key>Entry Text</key><string>x</string></dict></plist>");
        assert_eq!((none.entries[0].when, none.troubles.len()), (None, 1));
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_danger(at in 0..WHOLE.len(), bytes: Vec<u8>) {
            let mut mutated = WHOLE.as_bytes().to_vec();
            mutated.splice(at..(at + bytes.len()).min(WHOLE.len()), bytes);
            entry(&String::from_utf8_lossy(&mutated));
        }
    }
}
