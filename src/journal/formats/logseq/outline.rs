//! Logseq's outline: items, each with its lines and its properties.

use crate::journal::format::Sink;
use crate::journal::syntax::markup::fence;

/// The properties that Logseq writes for itself, whatever they hold.
const HIDDEN: [&str; 20] = [
    "background-color",
    "background_color",
    "created-at",
    "updated-at",
    "last-modified-at",
    "created_at",
    "last_modified_at",
    "query-table",
    "query-properties",
    "query-sort-by",
    "query-sort-desc",
    "ls-type",
    "hl-type",
    "hl-page",
    "hl-stamp",
    "hl-color",
    "filetags",
    "card-repeats",
    "card-ease-factor",
    "card-next-schedule",
];

/// Whether a property is Logseq's own. A key that is also a word is, where it holds what Logseq writes: `done::` a time in
/// milliseconds, `public::` yes or no.
fn is_the_apps(key: &str, value: &str) -> bool {
    let number = || !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match key {
        "todo" | "doing" | "now" | "later" | "done" => number() && value.len() == 13,
        "collapsed" | "heading" | "public" | "exclude-from-graph-view" | "template-including-parent" => {
            matches!(value, "true" | "false") || number()
        }
        "file" | "file-path" => value.contains("../assets/") || value.contains("://"),
        "icon" => !value.contains(char::is_alphanumeric),
        "filters" => value.starts_with('{'),
        _ => HIDDEN.contains(&key) || ["logseq.", "card-last-"].iter().any(|start| key.starts_with(start)),
    }
}

/// An item of an outline, or what stands before the first.
#[derive(Debug, Default)]
pub struct Block {
    /// How deep it is nested, from 0.
    pub depth: usize,
    /// Whether it is an item.
    pub bullet: bool,
    /// The line of the text that it begins on, from 1.
    pub line: usize,
    /// Its lines, as they would stand without the outline.
    pub lines: Vec<String>,
}

/// Divides a text into items. In fenced code nothing is an item.
pub fn read(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut indents: Vec<usize> = Vec::new();
    let mut open: Option<(char, usize)> = None;
    for (i, line) in text.split('\n').enumerate() {
        let words = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - words.len();
        let item = words.strip_prefix("- ").or((words == "-").then_some("")).filter(|_| open.is_none());
        match item {
            Some(item) => {
                while indents.last().is_some_and(|last| *last >= indent) {
                    indents.pop();
                }
                blocks.push(Block {
                    depth: indents.len(),
                    bullet: true,
                    line: i + 1,
                    lines: vec![item.to_string()],
                });
                indents.push(indent);
            }
            None => {
                let margin = indents.last().map_or(0, |indent| indent + 2).min(indent);
                if blocks.is_empty() {
                    blocks.push(Block { line: i + 1, ..Block::default() });
                }
                let block = blocks.last_mut().expect("just made");
                block.lines.push(line[margin..].to_string());
            }
        }
        let (sign, length, info) = fence(line);
        open = match open {
            Some((with, least)) if sign == with && length >= least && info.is_empty() => None,
            None if length >= 3 && !(sign == '`' && info.contains('`')) => Some((sign, length)),
            other => other,
        };
    }
    for block in &mut blocks {
        while block.lines.last().is_some_and(|line| line.trim().is_empty()) {
            block.lines.pop();
        }
    }
    blocks
}

impl Block {
    /// Its `key:: value` lines, the keys in lower case.
    pub fn properties(&self) -> impl Iterator<Item = (String, &str)> {
        self.lines.iter().filter_map(|line| property(line))
    }

    /// Whether it holds nothing else.
    pub fn is_all_properties(&self) -> bool {
        let mut lines = self.lines.iter().filter(|line| !line.trim().is_empty()).peekable();
        lines.peek().is_some() && lines.all(|line| property(line).is_some())
    }

    /// Whether it is what was marked in a PDF.
    pub fn is_highlight(&self) -> bool {
        self.properties().any(|(key, value)| key == "ls-type" && value == "annotation")
    }

    /// Leaves out the properties that `which` names.
    pub fn leave(&mut self, what: &'static str, which: &dyn Fn(&str, &str) -> bool, sink: &mut dyn Sink) {
        let mut code = false;
        self.lines.retain(|line| {
            code ^= fence(line).1 >= 3;
            let leave = !code && property(line).is_some_and(|(key, value)| which(&key, value));
            if leave {
                sink.changed(what, line, "");
            }
            !leave
        });
    }

    /// Leaves out what is the app's.
    pub fn clean(&mut self, sink: &mut dyn Sink) {
        self.highlight(sink);
        self.drawer(":LOGBOOK:", ":END:", "time logs", sink);
        self.drawer(":PROPERTIES:", ":END:", "block ids", sink);
        self.drawer("#+BEGIN_QUERY", "#+END_QUERY", "queries", sink);
        self.lines.retain(|line| {
            let leave = is_block_mark(line.trim());
            if leave {
                sink.changed("block marks", line, "");
            }
            !leave
        });
        self.leave("block ids", &|key, _| matches!(key, "id" | "custom-id"), sink);
        self.leave("app properties", &is_the_apps, sink);
        self.lines.retain(|line| {
            let planned =
                line.trim().strip_prefix("SCHEDULED: <").or_else(|| line.trim().strip_prefix("DEADLINE: <"));
            let leave = planned.is_some_and(|rest| rest.ends_with('>'));
            if leave {
                sink.changed("schedules", line, "");
            }
            !leave
        });
    }

    /// What was marked in a PDF is its author's: it stands above the properties.
    fn highlight(&mut self, sink: &mut dyn Sink) {
        if self.is_highlight() {
            let above = self.lines.iter().take_while(|line| property(line).is_none()).count();
            let gone: Vec<String> = self.lines.drain(..above).collect();
            if above > 0 {
                sink.changed("highlights", &gone.join("\n"), "");
            }
        }
    }

    /// Leaves out the lines from `open` to `close`; what is not closed stays.
    fn drawer(&mut self, open: &str, close: &str, what: &'static str, sink: &mut dyn Sink) {
        let is = |line: &String, sign: &str| line.trim().eq_ignore_ascii_case(sign);
        let mut from = 0;
        while let Some(start) = self.lines[from..].iter().position(|line| is(line, open)).map(|at| from + at)
        {
            let Some(length) = self.lines[start..].iter().position(|line| is(line, close)) else { return };
            let gone: Vec<String> = self.lines.drain(start..=start + length).collect();
            sink.changed(what, &gone.join("\n"), "");
            from = start;
        }
    }
}

/// `#+BEGIN_QUOTE` and its end, as Logseq's commands write them around words; those of code stay.
fn is_block_mark(line: &str) -> bool {
    const KINDS: [&str; 10] =
        ["quote", "note", "tip", "important", "caution", "warning", "pinned", "center", "verse", "comment"];
    let kind = ["#+begin_", "#+end_"].iter().find_map(|mark| {
        line.get(..mark.len()).filter(|start| start.eq_ignore_ascii_case(mark)).map(|_| &line[mark.len()..])
    });
    kind.is_some_and(|kind| KINDS.contains(&kind.to_lowercase().as_str()))
}

/// `key:: value`.
fn property(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.trim().split_once("::")?;
    let word = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let is_key = !key.is_empty() && key.chars().all(word) && (value.is_empty() || value.starts_with(' '));
    is_key.then(|| (key.to_lowercase(), value.trim()))
}
