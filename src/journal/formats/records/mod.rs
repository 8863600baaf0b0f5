//! Records that no app here is known by: JSON (a list of objects, an object that holds one such list, or one object),
//! JSON a line, and CSV with a header, whatever divides its columns. They are read one at a time, however long the file.
//!
//! Which fields hold the text, the date, the title and the tags is told by their names, or by `--text-field` and
//! `--date-field`, and of the date by what a field holds. Where several people speak, only the writer's records are taken.
//! Nothing is changed in a text but the marks of an editor that wrote it. The other fields are left out, and counted where
//! they hold words.

mod chat;
mod dates;
mod deeper;
mod fields;
mod look;
mod names;
mod shape;

use crate::base::shell;
use crate::journal::format::{Deaf, Format, Input, Options, Place, Sink};
use chat::Speakers;
use fields::Fields;
use look::Look;
use shape::{each, shape};

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
            "jsonl" | "ndjson" => head.starts_with(['{', '"']),
            "csv" | "tsv" => true,
            "txt" => shape::is_table(head),
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut fields = Fields::new(options);
        let shape = shape(input, &fields)?;
        let mut look = Look::default();
        // An error only ends these first looks: the reading below meets it again and reports it.
        let _ = each(input, &shape, &mut Deaf, &mut |record, _, _| {
            if look.meet(&record, fields.text(&record), fields.date(&record).is_some()) {
                Ok(())
            } else {
                Err(String::new())
            }
        });
        fields.looked(look);
        let (mut evidence, mut speakers) = (dates::Evidence::default(), Speakers::default());
        let mut open = (true, true);
        let _ = each(input, &shape, &mut Deaf, &mut |record, _, _| {
            open.0 = open.0 && evidence.weigh(fields.date(&record).as_deref());
            open.1 = open.1 && speakers.meet(&record);
            if open.0 || open.1 { Ok(()) } else { Err(String::new()) }
        });
        fields.settle(&evidence, &speakers, input.is_all_mine(), sink);
        if fields.are_a_chat() && options.me.is_empty() {
            let path = shell::path(input.path());
            let problem = format!(
                "its records name who wrote them: nothing was taken; if all of it is your own: --mine {path}"
            );
            sink.trouble(Place::Line(1), problem);
        }
        let result = each(input, &shape, sink, &mut |record, place, sink| {
            fields.take(&record, place, sink);
            Ok(())
        });
        fields.finish(sink).and(result)
    }
}

#[cfg(test)]
mod tests;
