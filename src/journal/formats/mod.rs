//! The kinds of file a journal may be kept in, one file a format.
//!
//! A format says whether a file is one of its own, by its name and its first 64 KiB (of JSON the last 64 KiB too), and
//! hands over what the writer wrote, entry by entry. What belongs to the app and not to the writer stays behind, and is
//! counted.

pub mod apple_journal;
pub mod dayone;
pub mod dayone_classic;
pub mod dayone_text;
pub mod diaro;
pub mod docx;
mod docx_parts;
mod docx_styles;
pub mod enex;
pub mod entries_jsonl;
pub mod epub;
mod exported;
mod front_matter;
pub mod html_file;
pub mod journey;
pub mod jrnl;
mod json;
pub mod keep;
mod lines;
pub mod livejournal;
pub mod logseq;
pub mod mail;
mod mail_body;
mod mail_charset;
mod mail_message;
mod mail_quotes;
mod mail_words;
pub mod markdown;
mod markup;
pub mod mini_diary;
pub mod notion;
pub mod obsidian;
pub mod odt;
mod odt_styles;
mod office;
mod office_symbols;
mod office_xml;
pub mod records;
pub mod rednotebook;
pub mod rtf;
mod rtf_body;
mod rtf_codes;
mod rtf_tokens;
mod stamps;
pub mod text;
mod titles;
pub mod unreadable;
pub mod whatsapp;
mod whatsapp_notices;
mod whatsapp_opening;
mod whatsapp_orders;
mod whatsapp_words;
pub mod wordpress;
mod wordpress_text;
pub mod x_archive;

use super::entry::{Draft, Place};
use super::input::Input;
use super::options::Options;

// ANCHOR: format
/// A way of keeping a journal.
pub trait Format: Sync {
    /// As reports name it: `Day One`.
    fn name(&self) -> &'static str;

    /// Whether a file is of this format; the first of [`FORMATS`] that says yes reads it.
    fn is(&self, input: &Input) -> bool;

    /// Hands over the entries, in the order of the file.
    ///
    /// # Errors
    /// Why the rest of the file cannot be read, as a phrase; what was handed over before stays.
    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String>;
}
// ANCHOR_END: format

/// What takes the entries.
pub trait Sink {
    /// Takes an entry. (One without a word is counted and left out.)
    fn entry(&mut self, draft: Draft);

    /// Counts what was left out of the text because it is not the writer's, `times` times: "photo links".
    fn left_out(&mut self, what: &'static str, times: usize);

    /// Counts a change to the text itself and shows it: "comments", before and after.
    fn changed(&mut self, what: &'static str, before: &str, after: &str);

    /// Reports what is wrong at one place of the file, where the rest goes on.
    fn trouble(&mut self, place: Place, problem: String);

    /// Counts date lines that start no entry: they stay in the text.
    fn date_left(&mut self, times: usize);

    /// Names somebody who speaks in a chat or sends a mail and was not given as `--me`, with what they wrote left out.
    fn stranger(&mut self, name: &str);
}

/// Every format, the particular before the general.
pub const FORMATS: &[&dyn Format] = &[
    // Containers, told by their first bytes.
    &rtf::Rtf,
    &docx::Docx,
    &odt::Odt,
    &epub::Epub,
    // XML.
    &dayone_classic::DayOneClassic,
    &enex::Enex,
    &wordpress::WordPress,
    &livejournal::LiveJournal,
    &diaro::Diaro,
    // Chats, whose dates stand in brackets as jrnl's do.
    &whatsapp::WhatsApp,
    // JSON.
    &dayone::DayOne,
    &jrnl::Jrnl,
    &journey::Journey,
    &mini_diary::MiniDiary,
    &keep::Keep,
    &x_archive::XArchive,
    &entries_jsonl::EntriesJsonl,
    // HTML.
    &apple_journal::AppleJournal,
    &html_file::HtmlFile,
    // Mail.
    &mail::Mail,
    // Text of an app's own.
    &dayone_text::DayOneText,
    &rednotebook::RedNotebook,
    &notion::Notion,
    &logseq::Logseq,
    &obsidian::Obsidian,
    // What is left.
    &records::Records,
    &markdown::Markdown,
    &text::Text,
];

/// The format of a file; none where it is not one of ours.
pub fn of(input: &Input) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.is(input))
}

/// What the formats' own tests read with.
#[cfg(test)]
pub mod testing {
    use super::*;
    use crate::journal::input::Vault;

    /// All that a reader handed over.
    #[derive(Debug, Default)]
    pub struct Collected {
        /// In the order of the file.
        pub entries: Vec<Draft>,
        /// What, and how many times.
        pub left_out: Vec<(&'static str, usize)>,
        /// What, before and after.
        pub changed: Vec<(&'static str, String, String)>,
        /// Where, and what.
        pub troubles: Vec<(Place, String)>,
        /// Names, as often as they spoke.
        pub strangers: Vec<String>,
        /// Date lines that stay in the text.
        pub dates_left: usize,
        /// Why the file could not be read to its end.
        pub failed: Option<String>,
    }

    impl Sink for Collected {
        fn entry(&mut self, draft: Draft) {
            self.entries.push(draft);
        }
        fn left_out(&mut self, what: &'static str, times: usize) {
            self.left_out.push((what, times));
        }
        fn changed(&mut self, what: &'static str, before: &str, after: &str) {
            self.changed.push((what, before.to_string(), after.to_string()));
        }
        fn trouble(&mut self, place: Place, problem: String) {
            self.troubles.push((place, problem));
        }
        fn date_left(&mut self, times: usize) {
            self.dates_left += times;
        }
        fn stranger(&mut self, name: &str) {
            self.strangers.push(name.to_string());
        }
    }

    /// Reads bytes as a file of that path, in the format that [`of`] gives; panics where none does.
    pub fn read(path: &str, bytes: &[u8], options: &Options) -> Collected {
        read_in(Vault::None, path, bytes, options)
    }

    /// The same, in an app's folder.
    pub fn read_in(vault: Vault, path: &str, bytes: &[u8], options: &Options) -> Collected {
        let input = Input::from_bytes(path, bytes.to_vec(), vault);
        let format = of(&input).unwrap_or_else(|| panic!("{path} is of no format"));
        read_with(format, &input, options)
    }

    /// Reads a file in the format given.
    pub fn read_with(format: &dyn Format, input: &Input, options: &Options) -> Collected {
        let mut collected = Collected::default();
        collected.failed = format.read(input, options, &mut collected).err();
        collected
    }
}
