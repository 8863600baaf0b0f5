//! The names that fields go by, in what apps export and what people make.

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
    "html",
    "contenthtml",
    "bodyhtml",
    "texthtml",
];
pub const OWN_TEXT: &[&str] =
    &["text", "content", "body", "entry", "entrytext", "textcontent", "fulltext", "contenttext"];
/// `time` and its like may hold a time of day and nothing more: they come last.
pub const DATE: &[&str] = &[
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
    "data",
    "time",
    "written",
    "writtenon",
    "loggedat",
    "loggedon",
    "messagedate",
    "sentat",
    "senton",
    "datesent",
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
pub const TAGS: &[&str] =
    &["tags", "labels", "keywords", "categories", "tag", "category", "activities", "hashtags"];
pub const ZONE: &[&str] = &["timezone", "tz", "zone"];
/// A time of day, beside the day.
pub const TIME: &[&str] = &["time", "uhrzeit", "hora", "heure", "ora", "tijd", "tid", "klockslag"];
/// Who speaks, in a chat; those of [`AUTHOR`] may have written a post, or a book.
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
];
pub const AUTHOR: &[&str] = &["author", "authorname", "creator", "user", "username"];

/// The field of that name, of that path (`entry.text`), or of that name but for its case and signs.
pub fn named<'r>(record: &'r Record, name: &str) -> Option<(&'r str, &'r Value)> {
    if let Some((key, value)) = record.get_key_value(name) {
        return Some((key, value));
    }
    if let Some((first, path)) = name.split_once('.')
        && let Some((key, value)) = record.get_key_value(first)
    {
        return path
            .split('.')
            .try_fold(value, |value, part| value.get(part))
            .map(|value| (key.as_str(), value));
    }
    record.iter().find(|(key, _)| folded(key) == folded(name)).map(|(key, value)| (key.as_str(), value))
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

pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
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
            assert_eq!(named(&record, name).unwrap().1, &json!(value), "{name}");
        }
        assert!(named(&record, "a.x").is_none() && named(&record, "z").is_none());
        assert_eq!(usual(&record, TEXT).unwrap().0, "Body");
        assert_eq!(usual(&record, DATE).unwrap().0, "Created At");
    }
}
