//! What stands between a page's title and its text: the properties that a database keeps of it.

use super::ids::has_id;
use super::page::Dates;
use crate::journal::format::Options;
use crate::journal::syntax::front_matter::moment;

/// The lines `Key: value` that stand between a page's title and its text.
#[derive(Default)]
pub struct Properties<'a> {
    /// Where the text begins.
    pub end: usize,
    pub tags: Vec<String>,
    pub dates: Dates,
    pub left: Vec<&'a str>,
    /// Among them is one that only the app fills in.
    filled_in: bool,
    pub kept: Vec<&'a str>,
}

impl<'a> Properties<'a> {
    /// A paragraph is properties where it opens with one and a date or tags are among them. A line that is none goes on
    /// with the text above it; below a date or tags, which have one line, it makes all of the paragraph text.
    pub fn read(body: &'a str, options: &Options) -> Properties<'a> {
        let start = body.len() - body.trim_start().len();
        let paragraph = body[start..].split("\n\n").next().unwrap_or("");
        let mut page = Properties { end: start + paragraph.len(), ..Properties::default() };
        let mut in_text = false;
        for line in paragraph.lines() {
            match property(line) {
                Some((key, value)) => in_text = page.take(line, key, value, options),
                None if in_text => page.kept.push(line),
                None => return Properties::default(),
            }
        }
        let told = !page.dates.0.is_empty() || !page.tags.is_empty() || page.filled_in;
        if told { page } else { Properties::default() }
    }

    /// Whether it is kept, as the writer's.
    fn take(&mut self, line: &'a str, key: String, value: &str, options: &Options) -> bool {
        let from = value.split(" → ").next().unwrap_or(value);
        let kept = if let Some(when) = moment(from, options) {
            self.dates.0.push((key, when));
            false
        } else if TAGS.contains(&key.as_str()) {
            self.tags =
                value.split(',').map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty()).collect();
            false
        } else {
            self.filled_in |= FILLED_IN.contains(&key.as_str());
            !is_of_the_app(&key, value)
        };
        if kept {
            self.kept.push(line)
        } else {
            self.left.push(line)
        }
        kept
    }
}

/// The name of a property, in lower case and without the emoji beside it, and its value.
fn property(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(": ").or_else(|| Some((line.trim_end().strip_suffix(':')?, "")))?;
    let name = key.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let marked = key.starts_with(['#', '>', '-', '*', '+', '[', '|', '`']) || key.starts_with("![");
    (!name.is_empty() && !marked && key.chars().count() <= 60).then(|| (name, value.trim()))
}

/// Names of tags, in the languages that Notion speaks.
const TAGS: [&str; 13] = [
    "tags",
    "tag",
    "태그",
    "タグ",
    "标签",
    "標籤",
    "étiquettes",
    "etiquetas",
    "etichette",
    "schlagwörter",
    "labels",
    "теги",
    "taggar",
];

/// What nobody types.
const FILLED_IN: [&str; 19] = [
    "created by",
    "last edited by",
    "last edited",
    "files & media",
    "parent item",
    "sub-item",
    "생성자",
    "최종 편집자",
    "作成者",
    "最終更新者",
    "创建者",
    "erstellt von",
    "zuletzt bearbeitet von",
    "créé par",
    "modifié par",
    "creado por",
    "última edición por",
    "criado por",
    "aangemaakt door",
];

/// `Rain/Untitled.png, Rain/IMG_0001.jpeg`: files that lie with the export.
fn are_files(value: &str) -> bool {
    let is_file = |path: &str| {
        path.contains('/') && path.rsplit_once('.').is_some_and(|(_, kind)| (2..=5).contains(&kind.len()))
    };
    !value.is_empty() && value.split(", ").all(is_file)
}

/// What Notion fills in by itself, or by a choice from a list; more than three words are somebody's own.
fn is_of_the_app(key: &str, value: &str) -> bool {
    const CHOSEN: [&str; 12] = [
        "date", "created", "status", "type", "category", "url", "id", "archived", "author", "person",
        "people", "files",
    ];
    let short = || value.split(',').all(|choice| choice.split_whitespace().count() <= 3);
    FILLED_IN.contains(&key)
        || matches!(value, "Yes" | "No")
        || are_files(value)
        || (CHOSEN.contains(&key) && short())
}

/// A line without the addresses behind the names of other pages: `Garden (https://www.notion.so/…)`.
pub fn without_addresses(line: &str) -> String {
    let leads = |word: &str| {
        let target = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        target.is_some_and(|target| {
            let page = target.strip_suffix(".md").or(target.strip_suffix(".csv"));
            target.starts_with("https://www.notion.so/")
                || page.is_some_and(|page| has_id(&page.replace("%20", " ")))
        })
    };
    let mut out = String::with_capacity(line.len());
    for (i, word) in line.split(' ').enumerate() {
        let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
        match leads(bare) {
            true => out.push_str(comma),
            false => out.extend([if i > 0 { " " } else { "" }, word]),
        }
    }
    out
}
