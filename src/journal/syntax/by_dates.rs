//! Texts that their date lines divide into entries, and what is doubtful about such dates.

use crate::journal::dates::entries::{self, Context, Doubts};
use crate::journal::dates::times;
use crate::journal::format::{Draft, Input, Options, Place, Sink, When};

/// Hands over a text that was written by hand, or a document's, divided by its date lines; what stands before the first
/// is of the day in the file's name or path. `first_line` is the file's line that the text begins on.
pub fn split_by_dates(text: &str, first_line: usize, input: &Input, options: &Options, sink: &mut dyn Sink) {
    // What Windows' Notepad stamps the time under, each time it opens the file.
    let log = text.strip_prefix(".LOG\n");
    if log.is_some() {
        sink.left_out("editor marks", 1);
    }
    let first_line = first_line + usize::from(log.is_some());
    split_in(context(input, options), log.unwrap_or(text), first_line, &[], sink);
}

/// The same, by what is known; `links` as in [`entries::split`].
pub fn split_in(context: Context, text: &str, first_line: usize, links: &[usize], sink: &mut dyn Sink) {
    let pieces = entries::split(text, context, links);
    let line = |line: usize| Place::Line(first_line - 1 + line);
    for piece in pieces.pieces {
        let text = &text[piece.range];
        // A day that says no time may have several.
        let parts = match piece.when {
            Some(When { time: None, .. }) => times::divide(text),
            _ => vec![(0..text.len(), 0, None)],
        };
        for (range, below, time) in parts {
            let when = piece.when.map(|when| When { time: time.or(when.time), ..when });
            let text = text[range].trim_matches('\n').to_string();
            sink.entry(Draft { when, text, place: line(piece.line + below), ..Draft::default() });
        }
    }
    for _ in 0..pieces.empty {
        sink.entry(Draft { place: line(1), ..Draft::default() });
    }
    report(pieces.doubts, first_line, sink);
}

/// What a file's path and the person tell of its dates.
pub fn context(input: &Input, options: &Options) -> Context {
    Context {
        named: input.day_in_name().or_else(|| input.day_in_path()),
        year: input.year_in_path(),
        order: options.date_order,
    }
}

/// Reports what a division left doubtful, in a text that begins on the file's line `first_line`.
pub fn report(doubts: Doubts, first_line: usize, sink: &mut dyn Sink) {
    report_at(doubts, &|line| Place::Line(first_line - 1 + line), sink);
}

/// The same, where the text's lines stand at other places.
pub fn report_at(doubts: Doubts, place: &dyn Fn(usize) -> Place, sink: &mut dyn Sink) {
    let Doubts { left, guessed, without_year, below } = doubts;
    if left > 0 {
        sink.date_left(left);
    }
    if let Some(line) = guessed {
        report_guess(place(line), sink);
    }
    let mut trouble = |line: Option<usize>, problem: &str, advice: &str| {
        if let Some(line) = line {
            sink.trouble(place(line), format!("{problem}: {advice}"));
        }
    };
    let advice = "put the file into a folder named by its year, or write `# 2014` above them";
    trouble(without_year, "dates without a year", advice);
    let advice = "if they stand above, take away the last one, which has no words yet";
    trouble(below, "dates are taken to stand below their texts", advice);
}

/// Reports that dates were read day first, and nothing told.
pub fn report_guess(place: Place, sink: &mut dyn Sink) {
    let problem = "dates like 03/04/2020 are taken day first: --date-order mdy reads them the other way";
    sink.trouble(place, problem.to_string());
}
