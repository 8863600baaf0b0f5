//! Tables as CSV has them, row by row.

use std::cell::Cell;
use std::io::{BufRead, Read};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::journal::format::{Input, MOST_WHOLE, Place, Sink};

/// Fields by name.
pub type Record = Map<String, Value>;
/// What takes a record, with the place it stands at.
pub type Take<'a> = &'a mut dyn FnMut(Record, Place, &mut dyn Sink) -> Result<(), String>;

/// The divider that a first line `sep=;` tells, as Excel writes it.
pub fn told(head: &str) -> Option<u8> {
    let line = head.lines().next()?.trim_end().strip_prefix("sep=")?;
    line.bytes().next().filter(|_| line.len() == 1)
}

/// Whether quotation marks around a field are the table's. Tables divided by tabs are often written without: then a mark
/// that opens a field is the writer's, and what closes it is no end of a field.
fn is_quoted(head: &str, divider: u8) -> bool {
    let (bytes, mut at) = (head.as_bytes(), 0);
    let ends = |at: usize| bytes.get(at).is_none_or(|byte| *byte == divider || matches!(byte, b'\n' | b'\r'));
    while at < bytes.len() {
        if bytes[at] == b'"' && (at == 0 || ends(at - 1)) {
            at += 1;
            while at < bytes.len() && (bytes[at] != b'"' || bytes.get(at + 1) == Some(&b'"')) {
                at += if bytes[at] == b'"' { 2 } else { 1 };
            }
            if at < bytes.len() && !ends(at + 1) {
                return false;
            }
        }
        at += 1;
    }
    true
}

/// Hands over every row of a table, its fields named by the first.
pub fn rows(input: &Input, divider: u8, sink: &mut dyn Sink, take: Take) -> Result<(), String> {
    let left = Rc::new(Cell::new(MOST_WHOLE));
    let mut reader = input.utf8()?;
    let above = usize::from(told(input.head()).is_some());
    for _ in 0..above {
        reader.skip_until(b'\n').map_err(|e| e.to_string())?;
    }
    let quoted = divider != b'\t' || is_quoted(input.head(), divider);
    let metered = Metered { reader, left: left.clone() };
    let mut table =
        csv::ReaderBuilder::new().delimiter(divider).quoting(quoted).flexible(true).from_reader(metered);
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
            while record.contains_key(&name) {
                name.push('_');
            }
            record.insert(name, Value::String(field.to_string()));
        }
        take(record, place, sink)?;
    }
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
