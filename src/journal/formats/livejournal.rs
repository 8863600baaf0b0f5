//! LiveJournal and its kin (Dreamwidth, InsaneJournal): the site's own export, `<livejournal>` with one `<entry>` an
//! entry, and what ljdump saves, one file an entry with `<event>` as its root (`L-12`) and one for its comments (`C-12`).
//! Left out: moods, music, who may read an entry, embedded films, comments by others, and subjects that repeat theirs.
//!
//! The site shows every line feed of an entry as a line break, unless the entry says `opt_preformatted`.

use std::cell::Cell;
use std::sync::LazyLock;

use regex::Regex;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::xml::{self, Fault, Lost, Xml};
use crate::journal::syntax::{html, titles};

/// LiveJournal.
pub struct LiveJournal;

impl Format for LiveJournal {
    fn name(&self) -> &'static str {
        "LiveJournal"
    }

    fn is(&self, input: &Input) -> bool {
        if !(input.extension() == "xml" || input.name().starts_with("L-") || input.name().starts_with("C-")) {
            return false;
        }
        match xml::root(input.head()).as_str() {
            "livejournal" | "dreamwidth" => true,
            "event" => input.head().contains("<itemid>") || input.head().contains("<eventtime>"),
            "comments" => input.name().starts_with("C-"),
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let record = match xml::root(input.head()).as_str() {
            "event" => "event",
            "comments" => "comment",
            // What jbackup.pl saves.
            _ if input.head().contains("<events>") => "event",
            _ => "entry",
        };
        xml::records(input, &[record], sink, &mut |xml, _, place, sink| {
            let mut post = Post::default();
            post.read(xml).map_err(|fault| Lost { fault, title: post.subject.clone() })?;
            if record == "comment" {
                if !options.is_me(&post.user) {
                    sink.left_out("other people's messages", 1);
                    return Ok(());
                }
                if post.subject.trim_start().to_lowercase().starts_with("re:") {
                    sink.changed("subjects of replies", &post.subject, "");
                    post.subject.clear();
                }
            }
            post.hand_over(place, sink);
            Ok(())
        })
    }
}

/// An entry or a comment.
#[derive(Default)]
struct Post {
    subject: String,
    body: String,
    date: String,
    user: String,
    tags: Vec<String>,
    preformatted: bool,
    moods_and_music: usize,
    /// Comments that stand in the entry.
    comments: usize,
}

impl Post {
    /// Reads the fields of an entry.
    fn read(&mut self, xml: &mut Xml) -> Result<(), Fault> {
        while let Some(tag) = xml.child()? {
            match tag.name.as_str() {
                "props" => {
                    while let Some(property) = xml.child()? {
                        match (property.get("name"), property.get("value")) {
                            (Some(name), Some(value)) => {
                                self.property(name, value.to_string());
                                xml.skip()?;
                            }
                            _ => self.field(&property.name, xml)?,
                        }
                    }
                }
                "comments" => {
                    while xml.child()?.is_some() {
                        self.comments += 1;
                        xml.skip()?;
                    }
                }
                name => self.field(name, xml)?,
            }
        }
        Ok(())
    }

    fn field(&mut self, name: &str, xml: &mut Xml) -> Result<(), Fault> {
        match name {
            "subject" => self.subject = xml.text()?,
            "event" | "body" => self.body = xml.text()?,
            "eventtime" | "date" => self.date = xml.text()?,
            "user" => self.user = xml.text()?,
            "taglist" | "opt_preformatted" | "current_mood" | "current_moodid" | "current_music"
            | "current_location" => {
                let value = xml.text()?;
                self.property(name, value);
            }
            _ => xml.skip()?,
        }
        Ok(())
    }

    fn property(&mut self, name: &str, value: String) {
        match name {
            "taglist" => {
                let tags = value.split(',').map(str::trim).filter(|tag| !tag.is_empty());
                self.tags.extend(tags.map(String::from));
            }
            "opt_preformatted" => self.preformatted = value.trim() == "1",
            "current_mood" | "current_moodid" | "current_music" | "current_location" => {
                self.moods_and_music += usize::from(!value.trim().is_empty());
            }
            _ => {}
        }
    }

    fn hand_over(self, place: Place, sink: &mut dyn Sink) {
        if self.moods_and_music > 0 {
            sink.left_out("app metadata", self.moods_and_music);
        }
        if self.comments > 0 {
            sink.left_out("other people's messages", self.comments);
        }
        let body = own_tags(&self.body);
        let body = if self.preformatted { body } else { html::with_breaks(&body) };
        let embeds = Cell::new(0);
        let document = match html::parse(&body) {
            Ok(document) => document,
            Err(problem) => return sink.lost(place, &self.subject, problem),
        };
        let mut content = html::convert(*document.root_element(), &|element| {
            let leave = matches!(element.value().name(), "lj-embed" | "lj-template" | "lj-repost");
            embeds.set(embeds.get() + usize::from(leave));
            leave
        });
        content.embeds += embeds.get();
        content.count(sink);
        let when: Option<When> = self.date.parse().ok();
        let title = titles::kept(&html::to_text(&self.subject).text, &content.text, when);
        sink.entry(Draft { when, title, text: content.text, tags: self.tags, place });
    }
}

/// The site's own tags as HTML: `<lj user="ada">` is her name, and `<lj-cut text="more">` is shown as `(more)`.
fn own_tags(body: &str) -> String {
    static USER: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?i)<(?:lj|user)\s[^<>]*?\b(?:user|comm|name)\s*=\s*["']?([\w-]+)["']?[^<>]*>"#;
        Regex::new(pattern).expect("a sound pattern")
    });
    static CUT: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?i)<(?:lj-)?cut\s[^<>]*?\btext\s*=\s*(?:"([^"]*)"|'([^']*)')[^<>]*>"#;
        Regex::new(pattern).expect("a sound pattern")
    });
    CUT.replace_all(&USER.replace_all(body, "$1"), "($1$2) ").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, read_with};

    const ENTRY: &str = "<?xml version=\"1.0\"?>\n<event>\n<itemid>3</itemid>\n<props>\n<taglist>rain, tea</taglist>\n\
        </props>\n<eventtime>2005-03-01 22:00:00</eventtime>\n<event>one\ntwo &lt;lj user=ada&gt;</event>\n</event>\n";

    #[test]
    fn ljdump_keeps_one_file_an_entry() {
        let read = read("me/L-3", ENTRY.as_bytes(), &Options::default());
        let entry = &read.entries[0];
        assert_eq!((entry.text.as_str(), entry.tags.len()), ("one\ntwo ada", 2));
        assert_eq!(entry.when.unwrap().to_string(), "2005-03-01T22:00:00");
    }

    #[test]
    fn comments_of_ones_own_are_read() {
        let xml = "<?xml version=\"1.0\"?>\n<comments>\n<comment>\n<id>1</id>\n<user>ada</user>\n<body>no</body>\n\
            </comment>\n<comment><user>me</user><date>2005-03-02T01:02:03Z</date><body>yes\nyes</body></comment></comments>";
        let options = Options { me: vec!["Me".into()], ..Options::default() };
        let read = read("me/C-3", xml.as_bytes(), &options);
        assert_eq!(read.entries.len(), 1);
        assert_eq!(read.entries[0].text, "yes\nyes");
        assert_eq!(read.left_out, [("other people's messages", 1)]);
    }

    proptest::proptest! {
        #[test]
        fn damage_is_no_danger(at in 0..ENTRY.len(), byte: u8) {
            let mut bytes = ENTRY.as_bytes().to_vec();
            bytes[at] = byte.max(1);
            read_with(&LiveJournal, &Input::from_bytes("L-3", bytes), &Options::default());
        }
    }
}
