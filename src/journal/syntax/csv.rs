//! Tables as CSV has them, row by row.

use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::journal::format::{HEAD, Input, MOST_WHOLE, Place, Sink};

/// Fields by name.
pub type Record = Map<String, Value>;
/// What takes a record, with the place it stands at.
pub type Take<'a> = &'a mut dyn FnMut(Record, Place, &mut dyn Sink) -> Result<(), String>;

/// Hands over every row of a table, its fields named by the first.
pub fn rows(input: &Input, divider: u8, sink: &mut dyn Sink, take: Take) -> Result<(), String> {
    let left = Rc::new(Cell::new(MOST_WHOLE));
    let mut reader = input.utf8()?;
    let above = usize::from(names_divider(input.head()).is_some());
    for _ in 0..above {
        reader.skip_until(b'\n').map_err(|e| e.to_string())?;
    }
    let metered = Metered { reader, left: left.clone() };
    let mut table = csv::ReaderBuilder::new()
        .delimiter(divider)
        .quoting(is_quoted(input.head(), divider))
        .flexible(true)
        .from_reader(metered);
    let names: Vec<String> =
        table.headers().map_err(|e| problem(&e))?.iter().map(|name| name.trim().to_string()).collect();
    let mut row = csv::StringRecord::new();
    loop {
        left.set(MOST_WHOLE);
        if !table.read_record(&mut row).map_err(|e| problem(&e))? {
            return Ok(());
        }
        let place = Place::Line(above + row.position().map_or(1, |at| at.line() as usize));
        if row.len() != names.len() {
            let (found, due) = (row.len(), names.len());
            sink.trouble(
                place,
                format!("a row of {found} fields where the header has {due}: are its quotation marks right?"),
            );
        }
        let mut record = Record::new();
        for (i, field) in row.iter().enumerate() {
            let mut name = names.get(i).cloned().unwrap_or_default();
            // A name that stands twice is told by its column: damage makes rows of a hundred thousand nameless fields.
            while record.contains_key(&name) {
                name = format!("{name}_{i}");
            }
            record.insert(name, Value::String(field.to_string()));
        }
        take(record, place, sink)?;
    }
}

/// The divider that a first line `sep=;` names, as spreadsheets read it.
pub fn names_divider(head: &str) -> Option<u8> {
    let line = head.trim_start_matches('\u{feff}').lines().next()?.trim_end_matches(['\r', ' ']);
    match line.trim_matches('"').strip_prefix("sep=")?.as_bytes() {
        [divider] => Some(*divider),
        _ => None,
    }
}

/// Whether the quotation marks at the start of fields are the table's. Tables divided by tabs or strokes seldom quote: where
/// one such field does not close before a divider or the end of a line, the marks are the writer's.
fn is_quoted(head: &str, divider: u8) -> bool {
    if !matches!(divider, b'\t' | b'|') {
        return true;
    }
    let (mut quoted, mut at_start, bytes) = (false, true, head.as_bytes());
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' if quoted && bytes.get(i + 1) == Some(&b'"') => i += 1,
            b'"' if quoted => {
                quoted = false;
                if !bytes.get(i + 1).is_none_or(|byte| *byte == divider || matches!(byte, b'\r' | b'\n')) {
                    return false;
                }
            }
            b'"' if at_start => quoted = true,
            _ => {}
        }
        at_start = !quoted && (bytes[i] == divider || bytes[i] == b'\n');
        i += 1;
    }
    // What is seen of a longer file may end within a field.
    !quoted || head.len() > HEAD / 2
}

fn problem(e: &csv::Error) -> String {
    match e.kind() {
        csv::ErrorKind::Io(e) => e.to_string(),
        _ => format!("broken CSV: {e}"),
    }
}

/// A reader that fails where one row grows too long: an open quotation mark takes in the rest of the file.
struct Metered<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| {
            std::io::Error::other("a row is longer than 64 MiB: a quotation mark may have been left open")
        })?);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_of_the_writer() {
        assert!(is_quoted("a,b\n\"x\" y,z", b','));
        assert!(is_quoted("a\tb\n\"x \"\"y\"\"\nz\"\tc\n", b'\t'));
        for table in ["a\tb\n\"x,\" she said\tc\n", "a\tb\n1\t\"never closed\n2\tc\n"] {
            assert!(!is_quoted(table, b'\t'), "{table}");
        }
        assert_eq!(names_divider("\u{feff}sep=;\r\na;b"), Some(b';'));
        assert_eq!(names_divider("separate,text"), None);
    }
}
