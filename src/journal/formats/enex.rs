//! Evernote's export (ENEX): XML with one `<note>` a note, its content as XHTML in a CDATA section, attachments as
//! base64 that make the file long and are never held. Left out: attachments, web clips, encrypted passages and what
//! Evernote notes about a note. The tasks of its newer versions stand beside the content and follow the text.

use std::cell::Cell;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::lists::{self, Links};
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::xml::{self, Fault, Lost, Xml};
use crate::journal::syntax::{html, titles};

/// Evernote.
pub struct Enex;

impl Format for Enex {
    fn name(&self) -> &'static str {
        "Evernote"
    }

    fn is(&self, input: &Input) -> bool {
        matches!(input.extension().as_str(), "enex" | "notes" | "xml" | "")
            && xml::root(input.head()) == "en-export"
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        xml::records(input, &["note"], sink, &mut |xml, _, place, sink| {
            let mut note = Note::default();
            note.read(xml).map_err(|fault| Lost { fault, title: note.title.clone() })?;
            note.hand_over(place, options, sink);
            Ok(())
        })
    }
}

#[derive(Default)]
struct Note {
    title: String,
    content: String,
    created: String,
    updated: String,
    tags: Vec<String>,
    tasks: Vec<String>,
    source: String,
    /// Its text is encrypted.
    locked: bool,
}

fn task(xml: &mut Xml) -> Result<String, Fault> {
    let (mut title, mut done) = (String::new(), false);
    while let Some(tag) = xml.child()? {
        match tag.name.as_str() {
            "title" => title = xml.text()?,
            "taskStatus" => done = xml.text()?.trim() == "completed",
            _ => xml.skip()?,
        }
    }
    Ok(format!("[{}] {}", if done { "x" } else { " " }, title.trim()))
}

impl Note {
    fn read(&mut self, xml: &mut Xml) -> Result<(), Fault> {
        while let Some(tag) = xml.child()? {
            match tag.name.as_str() {
                "title" => self.title = xml.text()?,
                // Evernote's Chinese sister locks what it exports.
                "content" if tag.get("encoding").is_some_and(|encoding| encoding.contains("aes")) => {
                    self.locked = true;
                    xml.skip()?;
                }
                "content" => self.content = xml.html("content", "note")?,
                "created" => self.created = xml.text()?,
                "updated" => self.updated = xml.text()?,
                "tag" => self.tags.push(xml.text()?.trim().to_string()),
                "task" => self.tasks.push(task(xml)?),
                "note-attributes" => {
                    while let Some(tag) = xml.child()? {
                        match tag.name.as_str() {
                            "source" => self.source = xml.text()?,
                            _ => xml.skip()?,
                        }
                    }
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn hand_over(self, place: Place, options: &Options, sink: &mut dyn Sink) {
        // The clipper signs as `web.clip`, `web.clip7` and the like.
        if self.source.trim().starts_with("web.clip") {
            sink.left_out("web clips", 1);
            return;
        }
        if self.locked {
            let problem = "encrypted: export it as HTML, or from a client that does not lock it";
            return sink.lost(place, &self.title, problem.to_string());
        }
        let encrypted = Cell::new(0);
        let document = match html::parse(&self.content) {
            Ok(document) => document,
            Err(problem) => return sink.lost(place, &self.title, problem),
        };
        let leads_on = |to: &str| to.starts_with("evernote:") || lists::is_local(to);
        if Links::of(&document).is_list_of(leads_on) && self.tasks.is_empty() {
            sink.left_out("lists of notes", 1);
            return;
        }
        let content = html::convert(*document.root_element(), &|element| {
            let leave = element.value().name() == "en-crypt";
            encrypted.set(encrypted.get() + usize::from(leave));
            // What stands where a group of tasks is shown.
            let placeholder =
                element.attr("style").is_some_and(|style| style.contains("--en-task-group:true"));
            leave || placeholder
        });
        content.count(sink);
        if encrypted.get() > 0 {
            let problem = "encrypted text left out: decrypt it in Evernote and export the note again";
            sink.trouble(place, problem.to_string());
        }
        let mut text = content.text;
        if !self.tasks.is_empty() {
            text.push_str(if text.is_empty() { "" } else { "\n\n" });
            text.push_str(&self.tasks.join("\n"));
        }
        let when: Option<When> = self.created.parse().or_else(|()| self.updated.parse()).ok();
        let title = titles::kept(&self.title, &text, when);
        let draft = Draft { when, title, text, tags: self.tags, place };
        notes::hand_over(draft, Day::Made, options, sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, read_with, texts};

    const NOTE: &str = "<note><title>Tea &amp; rain</title><content><![CDATA[<?xml version=\"1.0\"?><!DOCTYPE en-note \
        SYSTEM \"x\"><en-note><div>wet</div><en-media hash=\"0\"/>day</en-note>]]></content></note>";

    #[test]
    fn notes_before_the_damage_are_read() {
        let cut = format!("<en-export>{NOTE}<note><title>half");
        let read = read("a.enex", cut.as_bytes(), &Options::default());
        assert_eq!(read.entries[0].text, "wet\nday");
        assert_eq!(read.entries[0].title, "Tea & rain");
        assert_eq!(read.left_out, [("photo links", 1)]);
        assert!(read.failed.unwrap().contains("ends in the middle"));
    }

    #[test]
    fn a_damaged_note_is_read_or_named() {
        // An exporter that divides `]]>` one sign too early, one that writes elements, one that forgets an end.
        let split = "<note><title>Pond</title><content><![CDATA[<?xml version=\"1.0\"?><en-note><div>left \
            <b>x</b>]]<![CDATA[>]]><div>right</div></en-note>]]></content><created>20210203T040506Z</created></note>";
        let bare =
            "<note><content><en-note><div>one</div><div>two &amp; three</div></en-note></content></note>";
        let open = "<note><title>Well</title><content><![CDATA[<en-note>deep</en-note>]]></note>";
        let lost = "<note><title>Gone</title><created>2021</updated></note>";
        let file = format!("<en-export>{split}{bare}{open}{lost}{NOTE}</en-export>");
        let read = read("a.enex", file.as_bytes(), &Options::default());
        assert_eq!(texts(&read), ["left x\nright", "one\ntwo & three", "deep", "wet\nday"]);
        assert_eq!(read.entries[0].when.unwrap().to_string(), "2021-02-03T04:05:06+00:00");
        assert_eq!((read.entries[2].title.as_str(), read.failed), ("Well", None));
        assert_eq!((read.lost.len(), read.lost[0].1.as_str()), (1, "Gone"));
    }

    #[test]
    fn locked_notes_are_lost_and_placeholders_left_out() {
        let note = |attributes: &str, text: &str| {
            let content = format!("<content{attributes}><![CDATA[{text}]]></content>");
            format!("<note><title>Walk</title>{content}</note>")
        };
        let tasks = "<en-note><div>Rain.</div><div style=\"--en-task-group:true; x:y\">Content not supported</div></en-note>";
        let file =
            format!("<en-export>{}{}</en-export>", note(" encoding=\"base64:aes\"", "RU5D"), note("", tasks));
        let found = read("a.enex", file.as_bytes(), &Options::default());
        assert_eq!((found.lost.len(), found.lost[0].1.as_str()), (1, "Walk"));
        assert_eq!(texts(&found), ["Rain."]);
    }

    #[test]
    fn a_list_of_notes_is_none() {
        let link = |name: &str| format!("<li><a href=\"evernote:///view/1/s1/{name}/\">{name}</a></li>");
        let list = format!("<en-note><ol>{}{}</ol></en-note>", link("Rain"), link("Snow"));
        let file = |list: &str| {
            let note = format!("<note><title>Table</title><content><![CDATA[{list}]]></content></note>");
            read("a.enex", format!("<en-export>{note}</en-export>").as_bytes(), &Options::default())
        };
        let found = file(&list);
        assert_eq!((found.entries.len(), found.left_out), (0, vec![("lists of notes", 1)]));
        assert_eq!(file(&list.replace("</ol>", "</ol>and what I thought of it all")).entries.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn damage_is_no_danger(at in 0..NOTE.len(), byte: u8) {
            let mut bytes = format!("<en-export>{NOTE}{NOTE}</en-export>").into_bytes();
            bytes[11 + at] = byte.max(1);
            read_with(&Enex, &Input::from_bytes("a.enex", bytes), &Options::default());
        }
    }
}
