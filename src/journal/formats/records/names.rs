//! The names that fields go by, in what apps export and what people make.

use std::borrow::Cow;

use serde_json::Value;

use crate::journal::syntax::csv::Record;

/// Names as [`folded`] leaves them, the likelier first. Those of [`OWN_TEXT`] are an entry's and nothing else's.
pub const TEXT: &[&str] = &[
    "text",
    "content",
    "body",
    "entry",
    "entrytext",
    "textcontent",
    "fulltext",
    "contenttext",
    "note",
    "notes",
    "notetext",
    "notecontent",
    "entrycontent",
    "entrybody",
    "message",
    "journal",
    "journalentry",
    "journaltext",
    "diary",
    "diaryentry",
    "diarytext",
    "post",
    "reflection",
    "comment",
    "description",
    "markdown",
    "plaintext",
    "bodytext",
    "memo",
    "notiz",
    "notizen",
    "eintrag",
    "inhalt",
    "texte",
    "contenu",
    "texto",
    "contenido",
    "nota",
    "testo",
    "tekst",
    "tekstur",
    "texten",
    "inlägg",
    "anteckning",
    "merknad",
    "notat",
    "desc",
    "contents",
    "sharecommentary",
    // An app's own HTML, where there is nothing plainer.
    "html",
    "contenthtml",
    "bodyhtml",
    "texthtml",
];
pub const OWN_TEXT: &[&str] = &[
    "text",
    "content",
    "body",
    "entry",
    "entrytext",
    "textcontent",
    "fulltext",
    "contenttext",
    "message",
    "contents",
    "html",
    "contenthtml",
    "bodyhtml",
];
/// `time` and its like may hold a time of day and nothing more: they come last.
pub const DATE: &[&str] = &[
    "phototakentime",
    "date",
    "datetime",
    "fulldate",
    "isodate",
    "dateiso",
    "localdate",
    "datelocal",
    "entrydate",
    "entrydatetime",
    "journaldate",
    "diarydate",
    "notedate",
    "logdate",
    "loggeddate",
    "created",
    "createdat",
    "createdon",
    "createdtime",
    "creationdate",
    "creationtime",
    "creationdatetime",
    "datecreated",
    "createddate",
    "createddatetime",
    "usercreatedtime",
    "timestamp",
    "timestampms",
    "ts",
    "published",
    "publishedat",
    "publisheddate",
    "datepublished",
    "pubdate",
    "posted",
    "postedat",
    "writtenat",
    "day",
    "when",
    "datum",
    "fecha",
    "dato",
    "data",
    "messagedate",
    "sentat",
    "sentdate",
    "senton",
    "written",
    "writtenon",
    "loggedat",
    "loggedon",
    "datesent",
    "createdutc",
    "creationtimestamp",
    "createdtimestamp",
    "datelastactivity",
    "time",
];
/// A time of day beside the day.
pub const TIME: &[&str] = &[
    "time",
    "uhrzeit",
    "zeit",
    "hora",
    "heure",
    "ora",
    "tijd",
    "tid",
    "klokkeslæt",
    "klockslag",
    "timeofday",
];
pub const TITLE: &[&str] = &[
    "title",
    "notetitle",
    "entrytitle",
    "subject",
    "headline",
    "heading",
    "titel",
    "titre",
    "titulo",
    "título",
    "titolo",
];
/// Titles that are typed, and by apps whose entries may have nothing else.
pub const OWN_TITLE: &[&str] = &["notetitle", "entrytitle"];
pub const TAGS: &[&str] =
    &["tags", "labels", "keywords", "categories", "tag", "category", "activities", "hashtags"];
pub const ZONE: &[&str] = &["timezone", "tz", "zone"];
/// Who speaks, in a chat.
pub const SENDER: &[&str] = &[
    "from",
    "fromname",
    "sender",
    "sendername",
    "author",
    "authorname",
    "creator",
    "user",
    "username",
    "speaker",
    "role",
    "actor",
    "commenter",
    "membercreator",
    "nick",
    "displayusername",
    "fromid",
    "senderid",
    "authorid",
    "userid",
];
/// Whom a message that came in is from, where nothing else says it.
pub const CONTACT: &[&str] = &["contact", "contactname", "name", "number", "address", "phone", "phonenumber"];

/// The field of that name, of that path (`entry.text`; through a list it leads to all that lies there), or of that name
/// but for its case and signs.
pub fn named<'r>(record: &'r Record, name: &str) -> Option<(&'r str, Cow<'r, Value>)> {
    if let Some((key, value)) = record.get_key_value(name) {
        return Some((key, Cow::Borrowed(value)));
    }
    if let Some((first, path)) = name.split_once('.')
        && let Some((key, value)) = record.get_key_value(first)
    {
        let parts: Vec<&str> = path.split('.').collect();
        let mut found = Vec::new();
        follow(value, &parts, &mut found);
        return match found.len() {
            0 => None,
            1 => Some((key, Cow::Borrowed(found[0]))),
            _ => Some((key, Cow::Owned(Value::Array(found.into_iter().cloned().collect())))),
        };
    }
    let found = record.iter().find(|(key, _)| folded(key) == folded(name));
    found.map(|(key, value)| (key.as_str(), Cow::Borrowed(value)))
}

fn follow<'r>(value: &'r Value, parts: &[&str], found: &mut Vec<&'r Value>) {
    let Some((part, rest)) = parts.split_first() else { return found.push(value) };
    match value {
        Value::Array(items) => match part.parse::<usize>() {
            Ok(at) => items.get(at).into_iter().for_each(|item| follow(item, rest, found)),
            Err(_) => items.iter().for_each(|item| follow(item, parts, found)),
        },
        _ => value.get(part).into_iter().for_each(|value| follow(value, rest, found)),
    }
}

/// The first of the usual names that has something to say, or else the first that is there.
pub fn usual<'r>(record: &'r Record, names: &[&str]) -> Option<(&'r str, &'r Value)> {
    let place = |key: &str| names.iter().position(|name| *name == folded(key));
    let known = record.iter().filter_map(|(key, value)| Some((place(key)?, key.as_str(), value)));
    known.min_by_key(|(place, _, value)| (is_blank(value), *place)).map(|(_, key, value)| (key, value))
}

/// `Created At`, `created_at` and `createdAt` are one name.
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a name is one of those known here.
pub fn is_known(name: &str) -> bool {
    let folded = folded(name);
    [TEXT, DATE, TIME, TITLE, TAGS, ZONE, SENDER].iter().any(|names| names.contains(&folded.as_str()))
}

pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether a field that is not read may be missed by the writer.
pub fn has_words(value: &Value) -> bool {
    match value {
        Value::String(text) => text.split_whitespace().nth(1).is_some(),
        Value::Array(items) => items.iter().any(has_words),
        Value::Object(fields) => fields.values().any(has_words),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_by_name_and_path() {
        let Value::Object(record) =
            json!({"a.b": 1, "Created At": 2, "a": {"c": {"d": 3}}, "Body": "x", "note": " "})
        else {
            unreachable!()
        };
        for (name, value) in [("a.b", 1), ("createdat", 2), ("a.c.d", 3)] {
            assert_eq!(*named(&record, name).unwrap().1, json!(value), "{name}");
        }
        let Value::Object(lists) = json!({"a": [{"b": "x"}, {"c": 1}, {"b": ["y", "z"]}]}) else {
            unreachable!()
        };
        assert_eq!(*named(&lists, "a.b").unwrap().1, json!(["x", ["y", "z"]]));
        assert_eq!(*named(&lists, "a.0.b").unwrap().1, json!("x"));
        assert!(named(&record, "a.x").is_none() && named(&record, "z").is_none());
        assert_eq!(usual(&record, TEXT).unwrap().0, "Body");
        assert_eq!(usual(&record, DATE).unwrap().0, "Created At");
    }
}
