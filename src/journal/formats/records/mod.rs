//! Records that no app here is known by: JSON (a list of objects, an object that holds one such list, or one object),
//! JSON a line, and CSV with a header, whatever divides its columns. They are read one at a time, however long the file.
//!
//! Which fields hold the text, the date, the title and the tags is told by their names, or by `--text-field` and
//! `--date-field`. Nothing is changed in them. The other fields are left out, and counted where they hold words.

mod dates;
mod fields;

use serde_json::Value;

use crate::journal::format::{Deaf, Format, Input, MOST_WHOLE, Options, Place, Sink};
use crate::journal::syntax::csv::{Record, Take, rows};
use crate::journal::syntax::json::{self, Cutter};
use fields::Fields;

/// Records of no app in particular.
pub struct Records;

impl Format for Records {
    fn name(&self) -> &'static str {
        "JSON or CSV records"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head().trim_start_matches('\u{feff}').trim_start();
        match input.extension().as_str() {
            // What Apple's Journal keeps beside its photos is nobody's text.
            "json" => head.starts_with(['{', '[']) && !input.lies_in("AppleJournalEntries"),
            "jsonl" | "ndjson" => head.starts_with('{'),
            "csv" | "tsv" => true,
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut fields = Fields::new(options);
        let shape = shape(input, &fields)?;
        let mut evidence = dates::Evidence::default();
        // An error only ends this first look: the reading below meets it again and reports it.
        let _ =
            each(input, &shape, &mut Deaf, &mut |record, _, _| match evidence.weigh(fields.date(&record)) {
                true => Ok(()),
                false => Err(String::new()),
            });
        fields.settle(&evidence, sink);
        let result = each(input, &shape, sink, &mut |record, place, sink| {
            fields.take(&record, place, sink);
            Ok(())
        });
        fields.finish(sink).and(result)
    }
}

/// How a file holds its records.
enum Shape {
    /// One JSON object a line.
    Lines,
    /// A JSON list.
    List,
    /// The list of that name in a JSON object.
    Member(String),
    /// The file is one record.
    Single(Record),
    /// CSV, divided by this byte.
    Table(u8),
}

fn shape(input: &Input, fields: &Fields) -> Result<Shape, String> {
    let head = input.head().trim_start_matches('\u{feff}').trim_start();
    match input.extension().as_str() {
        "csv" | "tsv" => Ok(Shape::Table(divider(head))),
        "jsonl" | "ndjson" => Ok(Shape::Lines),
        _ if head.starts_with('[') => Ok(Shape::List),
        _ if is_lines(head) => Ok(Shape::Lines),
        _ => object(input, fields),
    }
}

/// Whether the first line is a whole object and another follows.
fn is_lines(head: &str) -> bool {
    let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
    rest.trim_start().starts_with('{') && serde_json::from_str::<Record>(first).is_ok()
}

/// Whether a JSON object is a record or holds a list of them.
fn object(input: &Input, fields: &Fields) -> Result<Shape, String> {
    let (mut single, mut lists, mut held) = (Record::new(), Vec::new(), 0);
    let mut cutter = Cutter::new(input.utf8()?);
    cutter.members(&mut |cutter, name| {
        let mut keep = |json: Option<Vec<u8>>| {
            let json = json.filter(|json| held + json.len() <= MOST_WHOLE as usize);
            let json = json.ok_or("longer than 64 MiB, and no list of entries: divide it")?;
            held += json.len();
            serde_json::from_slice::<Value>(&json)
                .map_err(|e| format!("broken JSON in the field `{name}`: {e}"))
        };
        if cutter.peek()? != Some(b'[') {
            single.insert(name.clone(), keep(cutter.value()?.json)?);
            return Ok(());
        }
        let (mut objects, mut others) = (false, Vec::new());
        cutter.array(&mut |piece| {
            objects |= piece.json.as_ref().is_none_or(|json| json.starts_with(b"{"));
            if !objects {
                others.push(keep(piece.json)?);
            }
            Ok(())
        })?;
        if objects {
            lists.push(name);
        } else {
            single.insert(name, Value::Array(others));
        }
        Ok(())
    })?;
    match lists.len() {
        0 => Ok(Shape::Single(single)),
        _ if fields.has_text(&single) => Ok(Shape::Single(single)),
        1 => Ok(Shape::Member(lists.remove(0))),
        _ => Err(format!(
            "holds several lists (`{}`): save the one that holds your entries as a file of its own",
            lists.join("`, `")
        )),
    }
}

/// The sign that divides the first line most often, outside quotation marks.
fn divider(head: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in head.bytes().take_while(|byte| *byte != b'\n') {
        quoted ^= byte == b'"';
        if let Some(count) = counts.iter_mut().find(|(sign, _)| *sign == byte && !quoted) {
            count.1 += 1;
        }
    }
    // The first of equals: a header of one column is divided by nothing.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(sign, _)| sign)
}

/// Hands over every record of a file, in its order.
fn each(input: &Input, shape: &Shape, sink: &mut dyn Sink, take: Take) -> Result<(), String> {
    if let Shape::Table(divider) = shape {
        return rows(input, *divider, sink, take);
    }
    let mut cutter = Cutter::new(input.utf8()?);
    let mut read = |piece: json::Piece, sink: &mut dyn Sink| {
        let place = Place::Line(piece.line);
        piece.object(sink).map_or(Ok(()), |record| take(record, place, sink))
    };
    match shape {
        Shape::List => cutter.array(&mut |piece| read(piece, sink)),
        Shape::Member(list) => cutter.members(&mut |cutter, name| match name == *list {
            true => cutter.array(&mut |piece| read(piece, sink)),
            false => cutter.value().map(drop),
        }),
        Shape::Lines => {
            while let Some(piece) = cutter.line()? {
                read(piece, sink)?;
            }
            Ok(())
        }
        Shape::Single(record) => take(record.clone(), Place::Line(1), sink),
        Shape::Table(_) => unreachable!("rows are read above"),
    }
}

#[cfg(test)]
mod tests;
