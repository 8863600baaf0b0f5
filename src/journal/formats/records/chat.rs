//! Chats among records: where several people speak, only what is the writer's is taken.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::{AUTHOR, SENDER, TITLE, folded, usual};
use crate::journal::format::{Options, Sink};
use crate::journal::syntax::csv::Record;

/// Records after which a file without a speaker is no chat, and one with several is one.
const SEVERAL: usize = 100;

/// Who speaks in a file.
#[derive(Default)]
pub struct Speakers {
    names: BTreeSet<String>,
    /// Records that name a speaker, and all.
    speaking: usize,
    met: usize,
}

impl Speakers {
    /// Looks at a record; false where no further one is needed.
    pub fn meet(&mut self, record: &Record) -> bool {
        self.met += 1;
        let sender = sender(record);
        self.speaking += usize::from(sender.is_some());
        if let Some(name) = sender.and_then(|names| names.into_iter().next()).filter(|_| self.names.len() < 2)
        {
            self.names.insert(name);
        }
        let told = self.names.len() > 1 || self.names.is_empty();
        self.met < SEVERAL || !told
    }

    /// Whether several people speak.
    pub fn are_several(&self) -> bool {
        self.names.len() > 1 && self.speaking * 2 >= self.met
    }
}

/// Whether a record of a chat is the writer's; names its speaker where not.
pub fn is_mine(record: &Record, options: &Options, sink: &mut dyn Sink) -> bool {
    let names = sender(record).unwrap_or_default();
    let sent = direction(record) == Some(true) && !options.me.is_empty();
    let mine = sent || names.iter().any(|name| options.is_me(name));
    if let Some(name) = names.first().filter(|_| !mine) {
        sink.stranger(name);
    }
    mine
}

/// Whether a message was sent, where a record says which way it went.
fn direction(record: &Record) -> Option<bool> {
    let (_, way) = usual(record, &["type", "direction", "folder"])?;
    match way.as_str()?.trim().to_lowercase().as_str() {
        "outgoing" | "sent" | "out" => Some(true),
        "incoming" | "received" | "in" => Some(false),
        _ => None,
    }
}

/// The names of who wrote a record, the one that a person would know first.
fn sender(record: &Record) -> Option<Vec<String>> {
    const IN_OBJECT: [&str; 8] =
        ["name", "nickname", "display_name", "displayName", "real_name", "username", "email", "id"];
    let named = |value: &Value| -> Vec<String> {
        match value {
            Value::String(name) => vec![name.trim().to_string()],
            Value::Object(_) => {
                IN_OBJECT.iter().filter_map(|key| value[*key].as_str()).map(str::to_string).collect()
            }
            _ => Vec::new(),
        }
    };
    // An author beside a title is a book's, or a post's; a name beside a telephone number is who wrote.
    let is_of_a_post = |name: &str| AUTHOR.contains(&folded(name).as_str()) && usual(record, TITLE).is_some();
    let speaks = |found: &(&str, &Value)| !is_of_a_post(found.0);
    let by_name = || usual(record, &["name"]).filter(|_| usual(record, &["phone", "phonenumber"]).is_some());
    let found = usual(record, SENDER).filter(speaks).or_else(by_name);
    let profile = |name: &str| record.get("user_profile").and_then(|profile| profile[name].as_str());
    let mut names: Vec<String> =
        ["real_name", "display_name"].into_iter().filter_map(profile).map(str::to_string).collect();
    names.extend(found.map(|(_, value)| named(value)).unwrap_or_default());
    names.retain(|name| !name.is_empty());
    if names.is_empty() && direction(record) == Some(true) {
        names.push("Me".to_string());
    }
    (!names.is_empty()).then_some(names)
}
