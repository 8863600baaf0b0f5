//! The names of keys, as people and apps write them: `date`, `Date Created`, `creation_date`, `pubDate`, `Datum`.

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The day that the text is of.
    Date,
    /// When it was made.
    Created,
    /// When it was published.
    Published,
    Title,
    Tags,
    Other,
}

const DATE: &[&str] = &[
    "date",
    "day",
    "date time",
    "datetime",
    "journal date",
    "journal day",
    "diary date",
    "entry date",
    "note date",
    "date written",
    "written",
    "datum",
    "dátum",
    "dato",
    "data",
    "fecha",
    "päivämäärä",
    "tarih",
    "дата",
    "日付",
    "日期",
    "날짜",
];

const CREATED: &[&str] = &[
    "created",
    "created at",
    "created on",
    "created time",
    "created date",
    "date created",
    "time created",
    "creation",
    "creation date",
    "creation time",
    "date added",
    "ctime",
    "timestamp",
    "dcterms created",
    "erstellt",
    "erstellt am",
    "creado",
    "créé",
    "créé le",
    "date de création",
];

const PUBLISHED: &[&str] = &[
    "published",
    "published at",
    "published on",
    "published date",
    "published time",
    "publish date",
    "publishdate",
    "publication date",
    "pub date",
    "pubdate",
    "date published",
    "post date",
    "posted",
    "posted on",
];

const TITLE: &[&str] = &["title", "titel", "titre", "título", "titulo", "titolo", "tytuł", "заголовок"];

/// Keys of no moment, by which apps' front matter is known all the same.
const OTHERS: &[&str] = &[
    "updated",
    "modified",
    "date modified",
    "modification date",
    "last modified",
    "lastmod",
    "aliases",
    "alias",
    "id",
    "uid",
    "uuid",
    "cssclass",
    "cssclasses",
    "author",
    "category",
    "categories",
    "completed",
    "draft",
    "layout",
    "permalink",
    "slug",
];

impl Key {
    /// The key of a name.
    pub fn of(name: &str) -> Key {
        let name = folded(name);
        let is = |names: &[&str]| names.contains(&name.as_str());
        match () {
            () if is(DATE) => Key::Date,
            () if is(CREATED) => Key::Created,
            () if is(PUBLISHED) => Key::Published,
            () if is(TITLE) => Key::Title,
            () if is(&["tags", "tag", "filetags"]) => Key::Tags,
            () => Key::Other,
        }
    }
}

/// Whether a name is one that apps write, whatever else stands beside it.
pub fn is_apps(name: &str) -> bool {
    Key::of(name) != Key::Other || OTHERS.contains(&folded(name).as_str())
}

/// The words of a name in lower case: `pubDate`, `pub-date` and `Pub Date` are one.
fn folded(name: &str) -> String {
    let (mut out, mut before) = (String::new(), ' ');
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            out.push(' ');
        }
        before = c;
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_dress() {
        for (key, names) in [
            (Key::Date, &["date", "DATE", "journal-date", "Datum", "дата"][..]),
            (Key::Created, &["created", "createdAt", "creation_date", "Date Created", "created_time"]),
            (Key::Published, &["pubDate", "Publish Date", "publishdate", "date-published"]),
            (Key::Title, &["Title", "titel"]),
            (Key::Tags, &["tags", "FILETAGS"]),
            (Key::Other, &["due", "updated", "birthday", "last edited by", "date modified", "end date", ""]),
        ] {
            names.iter().for_each(|name| assert_eq!(Key::of(name), key, "{name}"));
        }
        assert!(is_apps("completed?") && is_apps("Last modified") && !is_apps("Today I learned"));
    }
}
