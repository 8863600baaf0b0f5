//! Records that no app here is known by: JSON (a list of objects, an object that holds one such list, or one object),
//! JSON a line, and CSV with a header, whatever divides its columns. They are read one at a time, however long the file.
//!
//! Which fields hold the text, the date, the title and the tags is told by their names, or by `--text-field` and
//! `--date-field`. Where several people speak, only the writer's are taken. Nothing is changed in them, but for HTML that an app wrote. The other fields are left out, and counted where they hold words.

mod chat;
mod dates;
mod fields;
mod names;

use serde_json::Value;

use crate::journal::format::{Deaf, Format, Input, MOST_WHOLE, Options, Place, Sink};
use crate::journal::syntax::csv::{self, Record, Take, rows};
use crate::journal::syntax::json::{self, Cutter};
use chat::Speakers;
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
        let (mut evidence, mut speakers) = (dates::Evidence::default(), Speakers::default());
        let mut open = (true, true);
        // An error only ends this first look: the reading below meets it again and reports it.
        let _ = each(input, &shape, &mut Deaf, &mut |record, _, _| {
            open.0 = open.0 && evidence.weigh(fields.date(&record).as_deref());
            open.1 = open.1 && speakers.meet(&record);
            if open.0 || open.1 { Ok(()) } else { Err(String::new()) }
        });
        fields.settle(&evidence, &speakers, sink);
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
    /// JSON objects one after the other, each over several lines or with commas between.
    Objects,
    /// The file is one record.
    Single(Record),
    /// CSV, divided by this byte.
    Table(u8),
}

fn shape(input: &Input, fields: &Fields) -> Result<Shape, String> {
    let head = input.head().trim_start_matches('\u{feff}').trim_start();
    match input.extension().as_str() {
        "csv" | "tsv" => Ok(Shape::Table(csv::told(head).unwrap_or_else(|| divider(head)))),
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

/// Whether a JSON object is a record or holds a list of them. A list whose records have a text outweighs what an app says
/// of the whole (`description`), but not a text.
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
        let (mut objects, mut texts, mut others) = (0, false, Vec::new());
        cutter.array(&mut |piece| {
            let is_object = piece.json.as_ref().is_none_or(|json| json.starts_with(b"{"));
            objects += usize::from(is_object);
            if objects == 0 {
                others.push(keep(piece.json)?);
            } else if let Some(json) = piece.json.filter(|_| !texts && objects < MOST_ASKED) {
                texts = serde_json::from_slice(&json).is_ok_and(|record| fields.has_text(&record));
            }
            Ok(())
        })?;
        if objects > 0 {
            lists.push((name, texts));
        } else {
            single.insert(name, Value::Array(others));
        }
        Ok(())
    })?;
    let any = lists.iter().any(|(_, texts)| *texts);
    if lists.is_empty() || fields.has_own_text(&single) || (!any && fields.has_text(&single)) {
        let is_all = cutter.another(b'{') == Ok(false);
        return Ok(if is_all { Shape::Single(single) } else { Shape::Objects });
    }
    let mut likely: Vec<String> =
        lists.into_iter().filter(|(_, texts)| *texts || !any).map(|(name, _)| name).collect();
    match likely.len() {
        1 => Ok(Shape::Member(likely.remove(0))),
        _ => Err(format!(
            "holds several lists (`{}`): save the one that holds your entries as a file of its own",
            likely.join("`, `")
        )),
    }
}

/// Records of a list that are asked whether they have a text.
const MOST_ASKED: usize = 100;

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
        Shape::List => loop {
            cutter.array(&mut |piece| read(piece, sink))?;
            if !cutter.another(b'[')? {
                return Ok(());
            }
        },
        Shape::Member(list) => loop {
            cutter.members(&mut |cutter, name| match name == *list {
                true => cutter.array(&mut |piece| read(piece, sink)),
                false => cutter.value().map(drop),
            })?;
            if !cutter.another(b'{')? {
                return Ok(());
            }
        },
        Shape::Objects => loop {
            read(cutter.value()?, sink)?;
            if !cutter.another(b'{')? {
                return Ok(());
            }
        },
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
