//! Logseq's outline: items, each with its lines and its properties.

use crate::journal::formats::Sink;
use crate::journal::formats::markup::fence;

/// The properties that Logseq writes for itself.
const HIDDEN: [&str; 34] = [
    "background-color",
    "background_color",
    "heading",
    "collapsed",
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
    "filters",
    "icon",
    "public",
    "exclude-from-graph-view",
    "macro",
    "filetags",
    "template-including-parent",
    "todo",
    "doing",
    "now",
    "later",
    "done",
    "file",
    "file-path",
    "custom-id",
    "id",
];

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

    /// Leaves out the properties that `which` names.
    pub fn leave(&mut self, what: &'static str, which: &dyn Fn(&str) -> bool, sink: &mut dyn Sink) {
        let mut code = false;
        self.lines.retain(|line| {
            code ^= fence(line).1 >= 3;
            let leave = !code && property(line).is_some_and(|(key, _)| which(&key));
            if leave {
                sink.changed(what, line, "");
            }
            !leave
        });
    }

    /// Leaves out what is the app's.
    pub fn clean(&mut self, sink: &mut dyn Sink) {
        self.drawer(":LOGBOOK:", ":END:", "time logs", sink);
        self.drawer(":PROPERTIES:", ":END:", "block ids", sink);
        self.drawer("#+BEGIN_QUERY", "#+END_QUERY", "queries", sink);
        self.leave("block ids", &|key| matches!(key, "id" | "custom-id"), sink);
        self.leave(
            "app properties",
            &|key| HIDDEN.contains(&key) || key.starts_with("logseq.") || key.starts_with("card-"),
            sink,
        );
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

/// `key:: value`.
fn property(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.trim().split_once("::")?;
    let word = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let is_key = !key.is_empty() && key.chars().all(word) && (value.is_empty() || value.starts_with(' '));
    is_key.then(|| (key.to_lowercase(), value.trim()))
}
