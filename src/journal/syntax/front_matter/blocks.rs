//! Where a file's front matter ends, and its keys: YAML between rules, TOML between `+++`, JSON in an object, the head of
//! an Org file, and the bare lines that MultiMarkdown and Pelican have.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;

use super::keys::{self, Key};

/// Front matter longer than this is text between two rules.
pub const MOST_LINES: usize = 100;

/// A block that opens a file.
pub struct Block {
    /// Where the text begins, in bytes.
    pub end: usize,
    /// Each key with what stands under it.
    pub keys: Vec<(String, Vec<String>)>,
}

/// Finds the block that a text opens with. Anything that is none is the writer's text, and stays.
pub fn find(text: &str) -> Option<Block> {
    let first = text.lines().next()?.trim_end();
    match first {
        "---" => yaml(text, 0),
        "+++" => toml(text),
        "" => {
            let above = text.len() - text.trim_start_matches(['\n', ' ', '\t']).len();
            let found = yaml(text, above).filter(Block::is_apps);
            found.or_else(|| org(text))
        }
        _ if first.starts_with('{') => json(text),
        _ => org(text).or_else(|| bare(text)),
    }
}

impl Block {
    /// Whether a key stands in it that apps write.
    fn is_apps(&self) -> bool {
        self.keys.iter().any(|(name, _)| keys::is_apps(name))
    }

    fn has(&self, wanted: &[Key]) -> bool {
        self.keys.iter().any(|(name, values)| wanted.contains(&Key::of(name)) && !values.is_empty())
    }
}

/// `---` on the first line, `---` or `...` within 100 lines, and between them at least one `key:` and nothing but keys,
/// list items, indented lines, comments and blank lines. A key of several words, as people make them, wants one beside it
/// that only apps write.
fn yaml(text: &str, above: usize) -> Option<Block> {
    let mut lines = text[above..].split_inclusive('\n');
    let start = above + lines.next().filter(|line| line.trim_end() == "---")?.len();
    let (mut end, mut pairs) = (start, Vec::<(&str, &str)>::new());
    for line in lines.take(MOST_LINES) {
        let block = &text[start..end];
        end += line.len();
        let line = line.trim_end();
        if line == "---" || line == "..." {
            let values = Values { block, keys: &pairs };
            let told = pairs.iter().all(|(key, _)| is_word(key));
            let block = Block { end, keys: values.all() };
            return (!pairs.is_empty() && (told || block.is_apps())).then_some(block);
        }
        if let Some(pair) = key_and_value(line) {
            pairs.push(pair);
            continue;
        }
        let below_a_key = line.starts_with([' ', '\t']) || line == "-" || line.starts_with("- ");
        if !(line.is_empty() || line.starts_with('#') || (!pairs.is_empty() && below_a_key)) {
            return None;
        }
    }
    None
}

/// `key: value`, the key without its quotation marks.
fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line
        .split_once(": ")
        .or_else(|| line.split_once(":\t"))
        .or_else(|| Some((line.strip_suffix(':')?, "")))?;
    let quoted = ['"', '\''].iter().find_map(|mark| key.strip_prefix(*mark)?.strip_suffix(*mark));
    let is_key = !key.is_empty()
        && key.len() <= 40
        && !key.starts_with(['-', '#', ' ', '\t', '[', '{', '>', '|', '*']);
    (is_key && !key.contains(':')).then_some((quoted.unwrap_or(key), value.trim()))
}

/// Whether a key is a name. A day is none: what stands behind it was written on it.
fn is_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// The keys of a block, and the block itself for those values that take YAML to read.
struct Values<'a> {
    block: &'a str,
    keys: &'a [(&'a str, &'a str)],
}

impl Values<'_> {
    fn all(&self) -> Vec<(String, Vec<String>)> {
        let yaml = self.yaml();
        let value = |(key, value): &(&str, &str)| (key.to_string(), values(key, value, yaml.as_ref()));
        self.keys.iter().map(value).collect()
    }

    fn yaml(&self) -> Option<Yaml<'_>> {
        // The parser and what it builds recurse: nesting is kept to what a hundred lines may need.
        let nests = |line: &str| {
            line.chars().take_while(|c| "-?: \t".contains(*c)).filter(|c| "-?:".contains(*c)).count()
        };
        let flat =
            self.block.lines().all(|line| nests(line) < 8) && self.block.matches(['[', '{']).count() < 200;
        flat.then(|| Yaml::load_from_str(self.block).ok()?.into_iter().next()).flatten()
    }
}

/// What stands under a key: as it is typed where it is plain and on its line; else as YAML has it; where that is odd,
/// without the signs that YAML has.
fn values(key: &str, value: &str, yaml: Option<&Yaml>) -> Vec<String> {
    if !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '[', '{', '&', '*', '!', '#']) {
        return vec![value.split(" #").next().unwrap_or(value).trim().to_string()];
    }
    let mut out = Vec::new();
    match yaml.and_then(|yaml| yaml.as_mapping_get(key)) {
        Some(found) => gather(found, &mut out),
        None => out.push(value.trim_matches(['"', '\'', '[', ']']).to_string()),
    }
    out.retain(|value| !value.trim().is_empty());
    out
}

/// The scalars of a value, nested lists made flat.
fn gather(yaml: &Yaml, out: &mut Vec<String>) {
    match yaml {
        Yaml::Value(Scalar::String(text)) => out.push(text.trim().to_string()),
        Yaml::Value(Scalar::Integer(number)) => out.push(number.to_string()),
        Yaml::Value(Scalar::FloatingPoint(number)) => out.push(number.to_string()),
        Yaml::Value(Scalar::Boolean(yes)) => out.push(yes.to_string()),
        Yaml::Sequence(items) => items.iter().for_each(|item| gather(item, out)),
        Yaml::Tagged(_, inner) => gather(inner, out),
        _ => {}
    }
}

/// Hugo's and Zola's: `key = value` lines and `[tables]` between two lines of `+++`.
fn toml(text: &str) -> Option<Block> {
    let (mut end, mut keys, mut open) = (text.split_inclusive('\n').next()?.len(), Vec::new(), false);
    for line in text[end..].split_inclusive('\n').take(MOST_LINES) {
        end += line.len();
        let line = line.trim();
        if line == "+++" {
            return (!keys.is_empty()).then_some(Block { end, keys });
        }
        let pair = line.split_once('=').filter(|_| !open);
        if let Some((key, value)) = pair {
            let key = key.trim().trim_matches(['"', '\'']);
            open = value.trim().starts_with('[') && !value.contains(']');
            keys.push((key.to_string(), toml_values(value.trim())));
        } else if open {
            open = !line.contains(']');
            keys.last_mut()?.1.extend(toml_values(line));
        } else if !(line.is_empty() || line.starts_with(['#', '['])) {
            return None;
        }
    }
    None
}

/// The strings of a value in quotes, or the value as it stands.
fn toml_values(value: &str) -> Vec<String> {
    let quote = value.trim_start_matches(['[', ' ']).chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => value.split(quote).skip(1).step_by(2).map(str::to_string).collect(),
        None => value
            .trim_matches(['[', ']', ','])
            .split(" #")
            .take(1)
            .map(|value| value.trim().to_string())
            .filter(|value| !value.is_empty())
            .collect(),
    }
}

/// Hugo's third way: an object, and the text below it.
fn json(text: &str) -> Option<Block> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Map<String, Value>>();
    let object = values.next()?.ok()?;
    let end = values.byte_offset();
    let rest = &text[end..];
    let line_end = rest.find('\n').filter(|at| rest[..*at].trim().is_empty())?;
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let values = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(plain).collect(),
        value => plain(value).into_iter().collect(),
    };
    let keys = object.iter().map(|(key, value)| (key.clone(), values(value))).collect();
    let block = Block { end: end + line_end + 1, keys };
    (block.has(&[Key::Title, Key::Date, Key::Created, Key::Published]) && !rest.trim().is_empty())
        .then_some(block)
}

/// The lines of `#+KEY: value` and the drawer that an Org file opens with.
fn org(text: &str) -> Option<Block> {
    let (mut end, mut keys, mut in_drawer) = (0, Vec::new(), false);
    for line in text.split_inclusive('\n').take(MOST_LINES) {
        let trimmed = line.trim();
        let is_drawer = trimmed.eq_ignore_ascii_case(":properties:");
        let pair = match in_drawer {
            true => trimmed.strip_prefix(':').and_then(|line| line.split_once(": ")),
            false => trimmed.strip_prefix("#+").and_then(|line| line.split_once(':')),
        };
        let pair = pair.filter(|(key, _)| is_word(key) && !key.is_empty());
        match pair {
            Some((key, value)) => {
                let filed = key.eq_ignore_ascii_case("filetags");
                let value = value.trim();
                let several = value.split(':').filter(|tag| filed && !tag.trim().is_empty());
                let mut values: Vec<String> = several.map(|tag| tag.trim().to_string()).collect();
                if !filed && !value.is_empty() {
                    values.push(value.to_string());
                }
                keys.push((key.to_string(), values));
            }
            None if in_drawer => in_drawer = !trimmed.eq_ignore_ascii_case(":end:"),
            None if is_drawer => in_drawer = true,
            None if trimmed.is_empty() || trimmed.starts_with("# -*-") => {}
            None => break,
        }
        end += line.len();
    }
    (!keys.is_empty() && !in_drawer).then_some(Block { end, keys })
}

/// `Title: A walk` and `Date: 2024-01-05` on the first lines, as MultiMarkdown and Pelican have them, up to a blank one.
fn bare(text: &str) -> Option<Block> {
    let (mut end, mut keys) = (0, Vec::new());
    for line in text.split_inclusive('\n').take(MOST_LINES) {
        end += line.len();
        if line.trim().is_empty() {
            let block = Block { end, keys };
            let dated = block.has(&[Key::Date, Key::Created, Key::Published]);
            return (block.has(&[Key::Title]) && dated).then_some(block);
        }
        let (key, value) = key_and_value(line.trim_end()).filter(|(key, _)| is_word(key))?;
        keys.push((key.to_string(), vec![value.to_string()]));
    }
    None
}
