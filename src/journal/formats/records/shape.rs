//! How a file holds its records.

use serde_json::Value;

use super::dates;
use super::fields::Fields;
use super::names::{DATE, TEXT, folded, has_words};
use crate::journal::format::{Input, MOST_WHOLE, Place, Sink};
use crate::journal::syntax::csv::{self, Record, Take, rows};
use crate::journal::syntax::json::{Cutter, Piece};

/// How a file holds its records.
pub enum Shape {
    /// One JSON object a line.
    Lines,
    /// A JSON list, or several.
    List,
    /// The list of that name in a JSON object.
    Member(String),
    /// A JSON object is one record.
    Single,
    /// A JSON object has a day for the name of each member.
    Days,
    /// CSV, divided by this byte.
    Table(u8),
}

/// Records of a list that are asked whether they have a text.
const MOST_ASKED: usize = 100;

/// The shape of a file.
///
/// # Errors
/// None that can be told, or none of records.
pub fn shape(input: &Input, fields: &Fields) -> Result<Shape, String> {
    let head = input.head().trim_start_matches('\u{feff}').trim_start();
    match input.extension().as_str() {
        "csv" | "tsv" | "txt" => table(head),
        "jsonl" | "ndjson" => Ok(Shape::Lines),
        _ if head.starts_with('[') => Ok(Shape::List),
        _ if is_lines(head, fields) => Ok(Shape::Lines),
        _ => object(input, fields),
    }
}

/// Whether the first line is a whole record and another follows.
fn is_lines(head: &str, fields: &Fields) -> bool {
    let (first, rest) = head.split_once('\n').unwrap_or((head, ""));
    rest.trim_start().starts_with('{')
        && serde_json::from_str::<Record>(first).is_ok_and(|record| fields.has_text(&record))
}

/// Whether a text is a table: its first line names a text, a date and nothing longer than a name, and the next lines are
/// divided as it is.
pub fn is_table(head: &str) -> bool {
    let divider = csv::names_divider(head).unwrap_or_else(|| divider(head)) as char;
    let mut lines = head.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("sep="));
    let Some(first) = lines.next() else { return false };
    let names: Vec<&str> = first.split(divider).map(|name| name.trim().trim_matches('"')).collect();
    let is = |known: &[&str]| names.iter().any(|name| known.contains(&folded(name).as_str()));
    names.len() > 1
        && names.iter().all(|name| name.split_whitespace().count() <= 3)
        && is(TEXT)
        && is(DATE)
        && lines.next().is_some_and(|line| line.matches(divider).count() + 1 >= names.len())
}

/// A table, if its first line may be a header.
fn table(head: &str) -> Result<Shape, String> {
    let divider = csv::names_divider(head).unwrap_or_else(|| divider(head));
    let below =
        csv::names_divider(head).map_or(head, |_| head.split_once('\n').map_or("", |(_, below)| below));
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(divider).flexible(true).from_reader(below.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let is_entry = |field: &str| {
        let day = dates::plain_day(&Value::String(field.to_string()));
        let words = field.split_whitespace().count();
        day.is_some() || dates::said(field).is_some() || words > 5 || (header.len() == 1 && words > 2)
    };
    let names_field = header.iter().any(super::names::is_known);
    if header.iter().any(is_entry) && !names_field {
        return Err(
            "its first line is an entry and names no fields: put a line above it that does, as `date,text`"
                .to_string(),
        );
    }
    let rows: Vec<usize> =
        reader.records().map_while(Result::ok).map(|row| row.len()).take(MOST_ASKED).collect();
    let wider = rows.iter().filter(|row| **row > header.len()).count();
    if 2 * wider > rows.len() && rows.len() > 1 {
        return Err(format!(
            "its first line names {} fields and most rows have more: delete the lines above its header",
            header.len()
        ));
    }
    Ok(Shape::Table(divider))
}

/// The sign that divides the first line most often, outside quotation marks.
pub fn divider(head: &str) -> u8 {
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
    let is_day = |name: &String| dates::plain_day(&Value::String(name.clone())).is_some();
    if lists.is_empty() && !single.is_empty() && single.keys().all(is_day) {
        return Ok(Shape::Days);
    }
    if lists.is_empty() || fields.has_own_text(&single) {
        return Ok(Shape::Single);
    }
    let any = lists.iter().any(|(_, texts)| *texts);
    if !any && fields.has_text(&single) {
        return Ok(Shape::Single);
    }
    let mut likely: Vec<String> =
        lists.into_iter().filter(|(_, texts)| *texts || !any).map(|(name, _)| name).collect();
    match likely.len() {
        1 if folded(&likely[0]).starts_with("notification") => {
            Err("an app's own notices, and none of them yours: leave it out with --glob".to_string())
        }
        1 => Ok(Shape::Member(likely.remove(0))),
        _ => Err(format!(
            "holds several lists (`{}`): save the one that holds your entries as a file of its own",
            likely.join("`, `")
        )),
    }
}

/// Hands over every record of a file, in its order.
pub fn each(input: &Input, shape: &Shape, sink: &mut dyn Sink, take: Take) -> Result<(), String> {
    if let Shape::Table(divider) = shape {
        return rows(input, *divider, sink, take);
    }
    let mut cutter = Cutter::new(input.utf8()?);
    let mut read = |piece: Piece, sink: &mut dyn Sink| {
        let place = Place::Line(piece.line);
        record(piece, sink).map_or(Ok(()), |record| take(record, place, sink))
    };
    if matches!(shape, Shape::Lines) {
        while let Some(piece) = cutter.line()? {
            read(piece, sink)?;
        }
        return Ok(());
    }
    cutter.documents(&mut |cutter| match shape {
        Shape::List if cutter.peek()? == Some(b'[') => cutter.array(&mut |piece| read(piece, sink)),
        Shape::Member(list) if cutter.peek()? == Some(b'{') => {
            cutter.members(&mut |cutter, name| match name == *list {
                true => cutter.array(&mut |piece| read(piece, sink)),
                false => cutter.value().map(drop),
            })
        }
        Shape::Days => cutter.members(&mut |cutter, day| {
            let Piece { line, json } = cutter.value()?;
            let json = json.map(|json| of_day(&day, json));
            read(Piece { line, json }, sink)
        }),
        _ => read(cutter.value()?, sink),
    })
}

/// A piece's fields; a text alone is a record of it.
fn record(piece: Piece, sink: &mut dyn Sink) -> Option<Record> {
    if piece.json.as_ref().is_some_and(|json| json.starts_with(b"\""))
        && let Some(Ok(text)) = piece.json.as_deref().map(serde_json::from_slice::<Value>)
        && has_words(&text)
    {
        return Some(Record::from_iter([("text".to_string(), text)]));
    }
    piece.object(sink)
}

/// What a day holds, with the day.
fn of_day(day: &str, json: Vec<u8>) -> Vec<u8> {
    let record = match serde_json::from_slice::<Value>(&json) {
        Ok(Value::Object(mut record)) => {
            record.entry("date").or_insert_with(|| day.into());
            record
        }
        Ok(text @ (Value::String(_) | Value::Array(_))) => {
            Record::from_iter([("date".to_string(), day.into()), ("text".to_string(), text)])
        }
        _ => return json,
    };
    serde_json::to_vec(&record).unwrap_or(json)
}
