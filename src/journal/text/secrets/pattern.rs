//! Patterns as they are written down: the built-in file, and a person's own of the same form.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

use crate::journal::text::secrets::checks;
use crate::journal::text::secrets::kind::Kind;

/// The patterns that are always there.
const BUILT_IN: &str = include_str!("patterns.json");

/// One pattern, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Its name.
    pub id: String,
    /// The stem or name of a [`Kind`].
    kind: String,
    /// Where secrets are written so: `de`, `gb`, `any`.
    pub locale: String,
    /// The regular expression, with `{{list}}` where any word of a list may stand.
    pub regex: String,
    /// Words of which one has to stand before it; `@list` for those of a list.
    #[serde(default)]
    pub context: Vec<String>,
    /// Words of which none may stand before it.
    #[serde(default)]
    pub unless: Vec<String>,
    /// In how many characters before it they are looked for.
    #[serde(default = "nearby")]
    pub within: usize,
    /// The name of a check, or nothing.
    #[serde(default)]
    pub check: String,
    /// Whether what it finds can hardly be anything else.
    pub sure: bool,
    /// Texts in which it has to find something.
    pub example: Texts,
    /// Texts in which it must find nothing.
    pub counterexample: Texts,
}

fn nearby() -> usize {
    40
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Texts {
    /// The texts.
    pub fn all(&self) -> &[String] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Many(texts) => texts,
        }
    }
}

/// A file of patterns, each entry still to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    #[allow(dead_code)]
    about: Value,
    #[serde(default)]
    lists: BTreeMap<String, Vec<String>>,
    patterns: Vec<Value>,
}

impl Pattern {
    /// What it looks for.
    pub fn kind(&self) -> Result<Kind, String> {
        self.kind.parse()
    }

    /// Its regular expression, with the words of its lists in it.
    fn expanded(&self, lists: &BTreeMap<String, Vec<String>>) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = &self.regex[..];
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("`{{` in its regex is not closed by `}}`")?;
            let words = lists.get(name).ok_or_else(|| format!("there is no list “{name}”"))?;
            let mut words: Vec<&String> = words.iter().collect();
            // The longest first, since the first that fits is taken.
            words.sort_by_key(|word| std::cmp::Reverse(word.len()));
            let words: Vec<String> = words.into_iter().map(|word| regex::escape(word)).collect();
            // What cannot fail: a String takes whatever is written to it.
            let _ = write!(out, "{before}(?:{})", words.join("|"));
            rest = after;
        }
        Ok(out + rest)
    }
}

/// The words of `names`, where `@list` stands for those of a list.
fn words_of(names: &[String], lists: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    for name in names {
        match name.strip_prefix('@') {
            Some(list) => {
                words.extend(lists.get(list).ok_or_else(|| format!("there is no list “{list}”"))?.clone());
            }
            None => words.push(name.clone()),
        }
    }
    if words.iter().any(|word| word.trim_matches(['*', ' ']).is_empty()) {
        return Err("one of its words is empty".into());
    }
    Ok(words)
}

/// The built-in patterns, and those of `extra`, which may name their lists; all lists are filled in.
///
/// # Errors
/// What is wrong with `extra`, and with which of its entries.
pub fn read(extra: Option<&str>) -> Result<(Vec<Pattern>, Vec<Pattern>), String> {
    let mut lists = BTreeMap::new();
    let built_in = read_file(BUILT_IN, &mut lists)?;
    let own = extra.map(|text| read_file(text.trim_start_matches('\u{feff}'), &mut lists)).transpose()?;
    Ok((built_in, own.unwrap_or_default()))
}

fn read_file(text: &str, lists: &mut BTreeMap<String, Vec<String>>) -> Result<Vec<Pattern>, String> {
    let file: File =
        serde_json::from_str(text).map_err(|error| format!("it is no file of patterns: {error}"))?;
    lists.extend(file.lists);
    let read = |(i, value): (usize, Value)| {
        let id = value.get("id").and_then(Value::as_str).unwrap_or("without an id").to_string();
        pattern(value, lists).map_err(|problem| format!("pattern {} ({id}): {problem}", i + 1))
    };
    file.patterns.into_iter().enumerate().map(read).collect()
}

fn pattern(value: Value, lists: &BTreeMap<String, Vec<String>>) -> Result<Pattern, String> {
    let mut pattern: Pattern = serde_json::from_value(value).map_err(|error| error.to_string())?;
    pattern.kind()?;
    let is_locale = pattern.locale == "any" || (pattern.locale.len() == 2 && pattern.locale.is_ascii());
    if !is_locale {
        return Err(format!("the locale “{}” is neither `any` nor two letters, as `de`", pattern.locale));
    }
    if checks::named(&pattern.check).is_none() {
        let known: Vec<&str> = checks::names().collect();
        return Err(format!("there is no check “{}”; the checks are {}", pattern.check, known.join(", ")));
    }
    pattern.regex = pattern.expanded(lists)?;
    pattern.context = words_of(&pattern.context, lists)?;
    pattern.unless = words_of(&pattern.unless, lists)?;
    Ok(pattern)
}
