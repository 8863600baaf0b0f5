//! JSON as it comes: whole, a document a line, in a Markdown code fence, amid prose, with a broken item or a broken end.

use serde_json::{Deserializer, Value};

use crate::dataset::pairs::fields::{
    BEFORE, CONTEXT, INSTRUCTION, KIND, RESPONSE, SYSTEM, THEME, TURNS, folded,
};
use crate::dataset::pairs::gathered::Gathered;
use crate::dataset::pairs::item::walk;
use crate::dataset::pairs::pair::Pair;

/// Adds the pairs of a text, and says what it was taken for; `None` where there is no JSON in it.
pub fn read(text: &str, gathered: &mut Gathered) -> Option<&'static str> {
    if text.trim_start().starts_with(['{', '[']) {
        return Some(section(text, 0, gathered));
    }
    let fenced = fences(text);
    if !fenced.is_empty() {
        for (line, section_text) in fenced {
            section(section_text, line, gathered);
        }
        return Some("JSON in a code fence");
    }
    next_start(text, 0)?;
    scan(text, gathered);
    (!gathered.is_empty()).then_some("JSON amid other text")
}

/// Adds the pairs of a text that begins with JSON, `above` lines below the beginning of its file.
fn section(text: &str, above: usize, gathered: &mut Gathered) -> &'static str {
    if let Ok(value) = serde_json::from_str::<Value>(text.trim()) {
        walk(&value, &Pair::default(), gathered);
        return "JSON";
    }
    if is_by_line(text) {
        by_line(text, above, gathered);
        return "JSONL";
    }
    scan(text, gathered);
    "JSON"
}

/// What stands in code fences and begins with JSON, with the number of lines above it. A fence that is not closed goes on to the end.
/// (No line within a JSON string begins with one: its line breaks are escaped.)
fn fences(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut open, mut at) = (Vec::new(), None, 0);
    let mut take = |from: (usize, usize), to: usize| {
        let inside = &text[from.1..to];
        if inside.trim_start().starts_with(['{', '[']) {
            found.push((from.0, inside));
        }
    };
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start().starts_with("```") {
            match open.take() {
                Some(from) => take(from, at),
                None => open = Some((number + 1, at + line.len())),
            }
        }
        at += line.len();
    }
    if let Some(from) = open {
        take(from, text.len());
    }
    found
}

/// Whether most lines are objects by themselves.
fn is_by_line(text: &str) -> bool {
    let (mut begun, mut whole, mut other) = (0, 0, 0);
    for line in text.lines().map(str::trim).filter(|line| !is_mark(line)) {
        let bare = line.strip_suffix(',').unwrap_or(line);
        begun += usize::from(bare.starts_with('{'));
        let closed =
            bare.starts_with('{') && bare.ends_with('}') || bare.starts_with('[') && bare.ends_with(']');
        *(if closed { &mut whole } else { &mut other }) += 1;
    }
    begun > 1 && whole > other
}

/// A line that says nothing by itself: what opens, closes or divides a list.
fn is_mark(line: &str) -> bool {
    matches!(line, "" | "[" | "]" | "," | "];")
}

fn by_line(text: &str, above: usize, gathered: &mut Gathered) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let last = lines.iter().rposition(|line| !is_mark(line));
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| !is_mark(line)) {
        gathered.on_line(above + i + 1);
        match serde_json::from_str::<Value>(line.strip_suffix(',').unwrap_or(line)) {
            Ok(value) => walk(&value, &Pair::default(), gathered),
            Err(e) if e.is_eof() && Some(i) == last => gathered.problem(BREAKS_OFF),
            Err(_) if !line.starts_with(['{', '[']) => {
                gathered.problem("this line is no JSON object: delete it, or put it in one");
            }
            Err(e) => gathered.problem(format!("broken JSON: {}", reason(&e))),
        }
    }
}

const BREAKS_OFF: &str =
    "it breaks off in the middle: what stands whole before it was kept; have the rest made again";

/// The parser's reason, without its line, which is not the file's.
fn reason(e: &serde_json::Error) -> String {
    let said = e.to_string();
    let reason = said.split(" at line ").next().unwrap_or_default();
    format!("{reason} (column {}); a quotation mark within a text needs a backslash before it", e.column())
}

/// Adds whatever is whole. What fails is entered, if it is a list or wraps one; else it is told, and the reading goes on where the
/// next item seems to begin. (A list is read again for each one around it that fails; the parser refuses more than 128.)
fn scan(text: &str, gathered: &mut Gathered) {
    let (mut at, mut unclosed, mut told) = (0, false, false);
    let mut lines = Lines { text, at: 0, number: 1 };
    let mut items = Items { text, next: Some(0) };
    while let Some(start) = next_start(text, at) {
        let mut stream = Deserializer::from_str(&text[start..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                walk(&value, &Pair::default(), gathered);
                at = start + stream.byte_offset().max(1);
            }
            Some(Err(e)) if holds_list(text, start, &mut items) => {
                unclosed |= e.is_eof();
                at = start + 1;
            }
            Some(Err(e)) => {
                gathered.next_item();
                let line = lines.of(start);
                let next = items.after(start);
                if e.is_eof() && next.is_none() {
                    gathered.problem(format!("on line {line}: {BREAKS_OFF}"));
                } else {
                    let at_fault = line + e.line().saturating_sub(1);
                    gathered.problem(format!("broken JSON on line {at_fault}: {}", reason(&e)));
                }
                told = true;
                at = next.unwrap_or(text.len());
            }
            None => break,
        }
    }
    if unclosed && !told {
        let number = gathered.number();
        gathered.problem_of_all(format!(
            "the list has no end: it may have broken off after item {number}, which was kept"
        ));
    }
}

/// Counts lines on the way.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    number: usize,
}

impl Lines<'_> {
    /// The line that a byte after the last one stands on, from 1.
    fn of(&mut self, at: usize) -> usize {
        self.number += self.text.get(self.at..at).unwrap_or_default().matches('\n').count();
        self.at = self.at.max(at);
        self.number
    }
}

/// Where the next object or list of objects begins: not every bracket in prose does.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let starts = rest.match_indices(['{', '[']).map(|(i, _)| from + i);
    starts.into_iter().find(|&i| {
        let inside = text[i + 1..].trim_start();
        if text[i..].starts_with('{') { inside.starts_with('"') } else { inside.starts_with(['{', '[']) }
    })
}

/// Where the next object begins whose first field is one of a pair or a conversation. Each is looked for once.
struct Items<'t> {
    text: &'t str,
    next: Option<usize>,
}

impl Items<'_> {
    /// The next one after a place; the places come in order.
    fn after(&mut self, at: usize) -> Option<usize> {
        while let Some(next) = self.next.filter(|next| *next <= at) {
            let mut from = next.max(at) + 1;
            self.next = loop {
                let Some(start) = next_start(self.text, from) else { break None };
                if first_field(self.text, start).is_some_and(|(name, _)| is_of_item(name)) {
                    break Some(start);
                }
                from = start + 1;
            };
        }
        self.next
    }
}

/// Whether pairs and conversations have a field of this name.
fn is_of_item(name: &str) -> bool {
    let name = folded(name);
    let known = [&INSTRUCTION[..], &RESPONSE, &CONTEXT, &TURNS, &KIND, &THEME, &SYSTEM, &BEFORE];
    name == "id" || known.iter().any(|names| names.contains(&name.as_str()))
}

/// The first name in the object that begins at a place, and what stands after its colon.
fn first_field(text: &str, start: usize) -> Option<(&str, &str)> {
    let inside = text[start..].strip_prefix('{')?.trim_start().strip_prefix('"')?;
    let (name, rest) = inside.split_once('"')?;
    Some((name, rest.trim_start().strip_prefix(':')?.trim_start()))
}

/// Whether what begins at a place is a list, or an object that wraps one.
fn holds_list(text: &str, start: usize, items: &mut Items) -> bool {
    if text[start..].starts_with('[') {
        return true;
    }
    let Some((name, value)) = first_field(text, start) else { return false };
    if !is_of_item(name) {
        // An item that follows and is not within stands after a comma.
        return items.after(start).is_some_and(|next| text[start..next].trim_end().ends_with(['[', ':']));
    }
    let name = folded(name);
    let list = value.strip_prefix('[').is_some_and(|inside| inside.trim_start().starts_with(['{', '[']));
    list && !TURNS.contains(&name.as_str())
        && !CONTEXT.contains(&name.as_str())
        && !BEFORE.contains(&name.as_str())
}
