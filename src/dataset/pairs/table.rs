//! Tables: CSV and its kin, the names of their columns in the first row.

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use crate::dataset::pairs::fields::{CONTEXT, INSTRUCTION, Object, RESPONSE, folded};
use crate::dataset::pairs::gathered::Gathered;
use crate::dataset::pairs::item;
use crate::dataset::pairs::pair::Pair;

/// Adds the pairs of a table; false where the text is none: its first line has no names of an instruction and a response.
pub fn read(text: &str, gathered: &mut Gathered) -> bool {
    let above = text.lines().next().is_some_and(|line| line.trim_matches('"').starts_with("sep="));
    let body = if above { text.split_once('\n').map_or("", |(_, body)| body) } else { text };
    let Some((divider, names)) = [b',', b'\t', b';', b'|'].into_iter().find_map(|divider| {
        let mut first = StringRecord::new();
        let read = reader(body, divider).read_record(&mut first);
        let names: Vec<String> = first.iter().map(|name| name.trim().to_string()).collect();
        (read.is_ok() && is_head(&names)).then_some((divider, names))
    }) else {
        return false;
    };
    let mut table = reader(body, divider);
    let mut row = StringRecord::new();
    let mut first = true;
    while table.read_record(&mut row).is_ok_and(|more| more) {
        if std::mem::take(&mut first) || row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let start = row.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(usize::MAX));
        let end = usize::try_from(table.position().byte()).unwrap_or(usize::MAX);
        let raw = body.get(start..end.min(body.len())).unwrap_or_default();
        let line = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        // The position is before the line breaks that a reader skips.
        let skipped = raw.len() - raw.trim_start_matches(['\r', '\n']).len();
        let skipped = raw[..skipped].matches('\n').count();
        gathered.on_line(line + skipped + usize::from(above));
        take(&names, &row, raw, gathered);
    }
    true
}

fn reader(text: &str, divider: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(divider).has_headers(false).flexible(true).from_reader(text.as_bytes())
}

/// Whether a row names an instruction and a response, in two columns.
fn is_head(names: &[String]) -> bool {
    let has = |known: &[&str]| names.iter().any(|name| known.contains(&folded(name).as_str()));
    names.len() > 1 && names.len() < 200 && has(&INSTRUCTION) && has(&RESPONSE)
}

/// Adds the pair of a row.
fn take(names: &[String], row: &StringRecord, raw: &str, gathered: &mut Gathered) {
    if raw.matches('"').count() % 2 == 1 {
        return gathered.problem(
            "a quotation mark opens a field here and nothing closes it: the rest of the table may lie in this row",
        );
    }
    if row.iter().skip(names.len()).any(|cell| !cell.trim().is_empty()) {
        return gathered.problem(format!(
            "a row of {} fields where the first has {}: a text with a divider in it needs quotation marks around it",
            row.len(),
            names.len()
        ));
    }
    let mut object = Object::new();
    for (name, cell) in names.iter().zip(row) {
        // Of two columns of one name the first counts.
        if !object.contains_key(name) {
            object.insert(name.clone(), cell_value(name, cell));
        }
    }
    item::read(&object, &Pair::default(), gathered);
}

/// A cell's value: what an answer rests on may be a list in JSON.
fn cell_value(name: &str, cell: &str) -> Value {
    let listed = cell.trim_start().starts_with('[') && CONTEXT.contains(&folded(name).as_str());
    let list = listed.then(|| serde_json::from_str::<Value>(cell).ok()).flatten();
    list.unwrap_or_else(|| Value::String(cell.to_string()))
}
