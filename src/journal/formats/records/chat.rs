//! Chats among records: where several people speak, only what is the writer's is taken.
//!
//! A record names who speaks (`from`, `sender`, `author`: a text or an object), or which way it went (`received`, `INBOX`,
//! `is_from_me`). Records of which two people or more are named, or of which some came in, are a chat, whatever app's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::{CONTACT, OWN_TEXT, SENDER, TEXT, TITLE, folded, is_blank, usual};
use crate::journal::format::{Options, Sink};
use crate::journal::syntax::csv::Record;

/// Records after which a file without a speaker is no chat, and one with several is one.
const SEVERAL: usize = 100;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Who speaks in a file.
#[derive(Default)]
pub struct Speakers {
    names: BTreeSet<String>,
    /// Records that name a speaker, those that do so as nothing but a chat does, those that came in and that went out, and all.
    speaking: usize,
    strangers: usize,
    came_in: usize,
    went_out: usize,
    met: usize,
}

/// What tells whose a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing: all of them are the writer's.
    Nowhere,
    /// The speaker's name.
    ByName,
    /// Which way it went.
    ByWay,
}

impl Speakers {
    /// Looks at a record; false where no further one is needed.
    pub fn meet(&mut self, record: &Record) -> bool {
        self.met += 1;
        let sender = sender(record);
        self.speaking += usize::from(sender.is_some());
        self.strangers += usize::from(full_name(record).is_some() || is_messengers(record));
        match way(record) {
            Some(Way::In) => self.came_in += 1,
            Some(Way::Out) => self.went_out += 1,
            None => {}
        }
        if let Some(name) = sender.and_then(|names| names.into_iter().next()).filter(|_| self.names.len() < 2)
        {
            self.names.insert(name);
        }
        let told = self.names.len() > 1 || self.names.is_empty();
        self.met < SEVERAL || !told
    }

    /// What tells whose a record is. A mail box's `INBOX` on all of them tells less than two names do.
    pub fn told(&self) -> Told {
        let named = self.names.len() > 1 && self.speaking * 2 >= self.met;
        let both = self.came_in > 0 && self.went_out > 0;
        if both || (self.came_in > 0 && !named) {
            Told::ByWay
        } else if named || self.strangers > 0 {
            Told::ByName
        } else {
            Told::Nowhere
        }
    }
}

/// Whether a record of a chat is the writer's; names its speaker where not.
pub fn is_mine(record: &Record, told: Told, options: &Options, sink: &mut dyn Sink) -> bool {
    let names = sender(record).unwrap_or_default();
    let way = way(record).filter(|_| told == Told::ByWay);
    // Which of the messages are one's own is known, but not that they are wanted until `--me` says so.
    let mine = match way {
        Some(Way::In) => false,
        Some(Way::Out) => !options.me.is_empty(),
        None => names.iter().any(|name| options.is_me(name)),
    };
    if way == Some(Way::Out) && !mine {
        sink.stranger(names.first().map_or("Me", String::as_str));
    } else if !mine {
        let contact = || {
            let (_, name) = usual(record, CONTACT)?;
            Some(said(name)).filter(|name| !name.is_empty())
        };
        // Of a message that came in the other one is named as often as the speaker.
        if let Some(name) = names.first().cloned().or_else(contact) {
            sink.stranger(&name);
        }
    }
    mine
}

/// Whether a record says whose it is.
pub fn speaks(record: &Record) -> bool {
    sender(record).is_some() || way(record).is_some()
}

/// The names of who wrote a record, the one that a person would know first. None for what is said of a book by another.
fn sender(record: &Record) -> Option<Vec<String>> {
    const IN_OBJECT: [&str; 11] = [
        "name",
        "fullName",
        "nickname",
        "display_name",
        "displayName",
        "real_name",
        "username",
        "login",
        "email",
        "role",
        "id",
    ];
    let profile = |name: &str| record.get("user_profile").and_then(|profile| profile[name].as_str());
    let named = |value: &Value| -> Vec<String> {
        match value {
            Value::Object(_) => IN_OBJECT.iter().map(|key| said(&value[*key])).collect(),
            _ => vec![said(value)],
        }
    };
    let mut names: Vec<String> =
        ["real_name", "display_name"].into_iter().filter_map(profile).map(str::to_string).collect();
    let found = usual_object(record, SENDER);
    let author = found.is_some_and(|(name, _)| folded(name).starts_with("author"));
    if (author && is_of_a_work(record)) || (is_a_note(record) && !is_messengers(record)) {
        return None;
    }
    // A name before a number that stands for it.
    let number = found.is_some_and(|(name, _)| folded(name).ends_with("id"));
    let in_field = found.map(|(_, value)| named(value)).unwrap_or_default();
    let by_name = usual(record, &["name", "displayname", "nickname"]).map(|(_, name)| said(name));
    if !number {
        names.extend(in_field.clone());
    }
    names.extend(full_name(record));
    if names.iter().all(String::is_empty) && is_message(record) {
        names.extend(by_name);
    }
    if number {
        names.extend(in_field);
    }
    names.retain(|name| !name.is_empty());
    (!names.is_empty()).then_some(names)
}

/// Whether it names its speaker as only messengers do.
fn is_messengers(record: &Record) -> bool {
    let sender = usual(record, &["sendername", "senderid", "fromname", "fromid"]);
    sender.is_some_and(|(_, name)| !is_blank(name))
}

/// Whether its text is a note by name, of whoever keeps the file: what it is `from` is a place, a shop, a person met.
fn is_a_note(record: &Record) -> bool {
    const NOTES: [&str; 12] = [
        "note",
        "notes",
        "notetext",
        "notecontent",
        "journal",
        "journalentry",
        "journaltext",
        "diary",
        "diaryentry",
        "diarytext",
        "reflection",
        "memo",
    ];
    usual(record, TEXT).is_some_and(|(name, _)| NOTES.contains(&folded(name).as_str()))
}

/// A name, or the number that stands for one.
fn said(value: &Value) -> String {
    match value {
        Value::String(name) => name.trim().to_string(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Like [`usual`], where an object says something too.
fn usual_object<'r>(record: &'r Record, names: &[&str]) -> Option<(&'r str, &'r Value)> {
    let place = |key: &str| names.iter().position(|name| *name == folded(key));
    let known = record.iter().filter_map(|(key, value)| Some((place(key)?, key.as_str(), value)));
    known
        .filter(|(_, _, value)| value.is_object() || !is_blank(value))
        .min_by_key(|(place, ..)| *place)
        .map(|(_, key, value)| (key, value))
}

/// `First Name` beside `Last Name`: whoever is named so is another.
fn full_name(record: &Record) -> Option<String> {
    let (_, first) = usual(record, &["firstname"])?;
    let (_, last) = usual(record, &["lastname", "surname"])?;
    Some(format!("{} {}", first.as_str()?.trim(), last.as_str()?.trim()).trim().to_string())
        .filter(|name| !name.is_empty())
}

/// Whether an author beside a title is a book's: the text is the reader's note on it.
fn is_of_a_work(record: &Record) -> bool {
    let titled = usual(record, TITLE).is_some_and(|(_, title)| !is_blank(title));
    let noted = usual(record, TEXT).is_some_and(|(name, _)| !OWN_TEXT.contains(&folded(name).as_str()));
    titled && noted
}

/// Whether a record's `name` is that of who speaks: its text is a message, or an address stands beside it.
fn is_message(record: &Record) -> bool {
    let text = usual(record, TEXT).is_some_and(|(name, _)| folded(name) == "message");
    text || usual(record, &["senderid", "sendertype", "phone", "number", "address", "phonenumber"]).is_some()
}

/// Which way a record went, by a field that says so.
fn way(record: &Record) -> Option<Way> {
    let flags = ["isfromme", "fromme", "issender", "isoutgoing", "outgoing", "issent"];
    let in_key = || record.get("key")?.as_object().and_then(|key| usual(key, &flags));
    let flag = usual(record, &flags).or_else(in_key).and_then(|(_, value)| match value {
        Value::Bool(mine) => Some(*mine),
        Value::Number(number) => Some(number.as_i64()? != 0),
        Value::String(said) => match said.trim().to_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    });
    if let Some(mine) = flag {
        return Some(if mine { Way::Out } else { Way::In });
    }
    let fields = ["direction", "type", "folder", "messagetype", "kind", "box", "status"];
    fields.iter().find_map(|field| {
        let (name, value) = usual(record, &[field])?;
        match said(value).to_lowercase().as_str() {
            // A note may lie in an inbox, too.
            "received" | "incoming" | "inbox" | "inbound" | "receive" => {
                let named = [SENDER, CONTACT].iter().filter_map(|names| usual(record, names));
                named.into_iter().any(|(_, name)| !is_blank(name)).then_some(Way::In)
            }
            "sent" | "outgoing" | "outbox" | "outbound" | "send" if folded(name) != "status" => {
                Some(Way::Out)
            }
            // Android's own numbers, beside the address that its messages have.
            "1" if has_address(record, name) => Some(Way::In),
            "2" if has_address(record, name) => Some(Way::Out),
            _ => None,
        }
    })
}

fn has_address(record: &Record, kind: &str) -> bool {
    let address = ["address", "number", "phonenumber", "phone"];
    folded(kind) == "type" && usual(record, &address).is_some_and(|(_, address)| !is_blank(address))
}
