//! What a person asked for when journals are read.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The order of day, month and year in dates like `03/04/05`, where the text leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

impl FromStr for DateOrder {
    type Err = ();

    fn from_str(name: &str) -> Result<DateOrder, ()> {
        match name {
            "dmy" => Ok(DateOrder::Dmy),
            "mdy" => Ok(DateOrder::Mdy),
            "ymd" => Ok(DateOrder::Ymd),
            _ => Err(()),
        }
    }
}

/// What is taken from journals, and how it is read. The default takes everything and changes no style.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The names and addresses that are the writer's own in chats and mail.
    pub me: Vec<String>,
    /// Files and folders that are the writer's whole, though their lines look like a chat's.
    pub mine: Vec<PathBuf>,
    /// For dates that the text leaves open.
    pub date_order: Option<DateOrder>,
    /// Obsidian's `%%comments%%` stay.
    pub comments: bool,
    /// The field of JSON, JSONL and CSV that holds the text.
    pub text_field: Option<String>,
    /// The field that holds the date.
    pub date_field: Option<String>,
    /// Files to take, as `*.md` or `notes/**`, or with `!` to leave out; the last that fits decides.
    pub globs: Vec<String>,
    /// Entries of this day and later.
    pub since: Option<Date>,
    /// Entries of this day and earlier.
    pub until: Option<Date>,
    /// Entries with one of these tags; all where there are none.
    pub tags: Vec<String>,
    /// No entries with one of these tags.
    pub exclude_tags: Vec<String>,
    /// `PATH=key:value`: what is below PATH has this label.
    pub labels: Vec<String>,
    /// An entry that stands twice stays twice.
    pub keep_duplicates: bool,
    /// What is changed in style.
    pub style: StyleOptions,
    /// What becomes of what should not be learned.
    pub secrets: SecretOptions,
}

/// How secrets are found, and what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretOptions {
    /// What becomes of them.
    pub what: Secrets,
    /// A file of a person's own patterns.
    pub patterns: Option<PathBuf>,
}

/// What becomes of passwords, numbers and addresses that a model should not learn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secrets {
    /// They are counted, and stay.
    #[default]
    Keep,
    /// Placeholders stand for them, the same for the same.
    Replace,
    /// The lines that they stand in go.
    Drop,
    /// What a file says of each: `diarist corpus --review` writes it.
    Reviewed(PathBuf),
}

impl Secrets {
    /// As it is typed.
    pub fn parse(typed: &str) -> Secrets {
        match typed {
            "keep" => Secrets::Keep,
            "replace" => Secrets::Replace,
            "drop" => Secrets::Drop,
            file => Secrets::Reviewed(file.into()),
        }
    }
}

/// Changes of style; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StyleOptions {
    /// Typographic quotation marks and apostrophes become straight ones.
    pub straight_quotes: bool,
    /// A list of references at an entry's end goes.
    pub drop_references: bool,
    /// Capitals become small.
    pub lowercase: bool,
    /// Hard-wrapped lines are joined to paragraphs.
    pub unwrap: bool,
    /// A file of names and words that placeholders replace.
    pub redact: Option<PathBuf>,
    /// Lines that match one of these regular expressions go.
    pub drop_lines: Vec<String>,
    /// Paragraphs that stand in hundreds of entries go.
    pub drop_boilerplate: bool,
}

impl Options {
    /// Whether a name or an address is the writer's own: letters in any case, spaces at the ends no matter.
    pub fn is_me(&self, name: &str) -> bool {
        let folded = name.trim().to_lowercase();
        self.me.iter().any(|me| me.trim().to_lowercase() == folded)
    }
}
