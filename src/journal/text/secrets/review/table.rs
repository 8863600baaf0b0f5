//! A review as a file: tab-separated columns under comments.

use csv::{QuoteStyle, ReaderBuilder, StringRecord, WriterBuilder};

use crate::journal::text::secrets::action::Action;
use crate::journal::text::secrets::found::one_line;
use crate::journal::text::secrets::kind::Kind;
use crate::journal::text::secrets::review::row::Row;

/// What stands above the columns.
const ABOUT: &str = "\
# What diarist found in your journals that a language model should perhaps not learn.
# THIS FILE SHOWS IT IN THE CLEAR. Keep it private, and delete it when training is done.
#
# The first column says what is done with it, wherever it stands in the journals; edit it:
#   keep      it stays, and the model may learn it
#   replace   what the column “replacement” says stands in its stead; write there whatever you like
#   drop      the whole line goes in which it stands: in most journals, the paragraph
#
# What can hardly be anything else is replaced; what may be something else, and people's names, are kept until you say otherwise.
# Lines that you take out are treated so too. The other columns are for you; leave “what it is” as it stands.
# In a spreadsheet, open the file with tabs between columns and all columns as text, and save it so: numbers must keep their zeros.
";

/// The names of the columns.
const COLUMNS: [&str; 6] = ["action", "kind", "what it is", "times", "replacement", "example"];

/// The file of these rows.
pub fn write<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut writer =
        WriterBuilder::new().delimiter(b'\t').quote_style(QuoteStyle::Necessary).from_writer(Vec::new());
    let mut line = |cells: [&str; 6]| writer.write_record(cells.map(one_line));
    let written = line(COLUMNS).and_then(|()| {
        rows.into_iter().try_for_each(|row| {
            let (action, kind, times) = (row.action.name(), row.kind.name(), row.times.to_string());
            line([action, kind, &row.what, &times, &row.replacement, &row.example])
        })
    });
    written.expect("memory takes what is written to it");
    let bytes = writer.into_inner().expect("memory takes what is written to it");
    ABOUT.to_string() + &String::from_utf8(bytes).expect("only text was written")
}

/// The rows of a file, each with its line.
///
/// # Errors
/// A line that cannot be understood, and what to do about it.
pub fn read(text: &str) -> Result<Vec<(u64, Row)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader =
        ReaderBuilder::new().delimiter(b'\t').has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!("it is no table: {error}"))?;
        let at = line_of(text, &record);
        let first = record.get(0).unwrap_or_default().trim();
        let is_empty = record.iter().all(|cell| cell.trim().is_empty());
        if is_empty || first.starts_with('#') || first.eq_ignore_ascii_case(COLUMNS[0]) {
            continue;
        }
        rows.push((at, row(&record).map_err(|problem| format!("line {at}: {problem}"))?));
    }
    Ok(rows)
}

/// The line on which a record begins, from 1. Empty lines, which csv passes over, stand before it in csv's count.
fn line_of(text: &str, record: &StringRecord) -> u64 {
    let byte = record.position().map_or(0, csv::Position::byte) as usize;
    let before = text.get(..byte).unwrap_or(text);
    let blank =
        text[before.len()..].chars().take_while(|c| matches!(c, '\n' | '\r')).filter(|c| *c == '\n').count();
    (before.matches('\n').count() + blank + 1) as u64
}

/// Whether a secret stands in its example, with no zero that it has lost.
fn stands(example: &str, what: &str) -> bool {
    let number = what.starts_with(|c: char| c.is_ascii_digit());
    example.match_indices(what).any(|(at, _)| !(number && example[..at].ends_with('0')))
}

fn row(record: &StringRecord) -> Result<Row, String> {
    let cell = |i: usize| record.get(i).unwrap_or_default().trim();
    if record.len() < 3 {
        let count = record.len();
        return Err(format!(
            "it has {count} of the columns {}: put tabs between them, or save the file as tab-separated text",
            COLUMNS.join(", ")
        ));
    }
    if record.iter().any(|cell| cell.contains('\n')) {
        return Err(
            "a quotation mark opens a column and nothing closes it on the line: take it out, or double it"
                .into(),
        );
    }
    let action: Action =
        cell(0).parse().map_err(|problem| format!("the action {problem}: write one of these"))?;
    let kind: Kind =
        cell(1).parse().map_err(|problem| format!("the kind {problem}: put back what stood there"))?;
    let (what, example) = (one_line(cell(2)), one_line(cell(5)));
    if what.is_empty() {
        return Err(
            "the column “what it is” is empty: put back what stood there, or take out the line".into()
        );
    }
    if !example.is_empty() && !stands(&example, &what) {
        return Err("the column “what it is” is not what stands in the example, as if a spreadsheet had changed it: put back what \
                    stood there, or open the file with all columns as text"
            .into());
    }
    Ok(Row {
        action,
        kind,
        what,
        times: cell(3).parse().unwrap_or(0),
        replacement: cell(4).to_string(),
        example,
    })
}
