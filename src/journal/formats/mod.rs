//! The kinds of file a journal may be kept in, one file or folder a format.
//!
//! A format says whether a file is one of its own, by its name and its first 64 KiB (of JSON the last 64 KiB too), and
//! hands over what the writer wrote, entry by entry. What belongs to the app and not to the writer stays behind, and is
//! counted.

pub mod apple_journal;
pub mod canvas;
pub mod chats;
pub mod dayone;
pub mod dayone_classic;
pub mod dayone_text;
pub mod diaro;
pub mod docx;
pub mod enex;
pub mod entries_jsonl;
pub mod epub;
pub mod google_photos;
pub mod html_file;
pub mod joplin;
pub mod journey;
pub mod jrnl;
pub mod keep;
pub mod livejournal;
pub mod logseq;
pub mod mail;
pub mod markdown;
pub mod marked;
pub mod mini_diary;
pub mod momento;
pub mod notion;
pub mod obsidian;
pub mod odt;
pub mod own;
pub mod records;
pub mod rednotebook;
pub mod rtf;
pub mod simplenote;
pub mod sites;
pub mod standard_notes;
pub mod text;
pub mod tiddlywiki;
pub mod whatsapp;
pub mod wordpress;
pub mod words_750;
pub mod x_archive;

use std::path::Path;

use super::format::{Beside, DayNames, Format, Input, Settings, Vault};

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
    &chats::Chats,
    // JSON.
    &dayone::DayOne,
    &jrnl::Jrnl,
    &journey::Journey,
    &mini_diary::MiniDiary,
    &keep::Keep,
    &google_photos::GooglePhotos,
    &standard_notes::StandardNotes,
    &simplenote::Simplenote,
    &tiddlywiki::TiddlyWiki,
    &canvas::Canvas,
    &x_archive::XArchive,
    &entries_jsonl::EntriesJsonl,
    // HTML.
    &apple_journal::AppleJournal,
    &joplin::Joplin,
    &notion::Notion,
    &html_file::HtmlFile,
    // Mail.
    &mail::Mail,
    // Text of an app's own, and of other trainers.
    &marked::Marked,
    &dayone_text::DayOneText,
    &words_750::Words750,
    &momento::Momento,
    &rednotebook::RedNotebook,
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

/// The line on which a chat was pasted into what is read as a person's own text; none where none was.
pub fn pasted_chat(format: &dyn Format, input: &Input) -> Option<usize> {
    let typed: [&dyn Format; 3] = [&text::Text, &markdown::Markdown, &obsidian::Obsidian];
    let is_typed = typed.iter().any(|typed| typed.name() == format.name());
    is_typed.then(|| whatsapp::pasted(input))?
}

/// The kinds of folder that apps keep journals in. A folder may be two apps': it is the first one's that is named here.
pub fn vaults() -> impl Iterator<Item = &'static Vault> {
    FORMATS.iter().rev().filter_map(|format| format.vault()).chain(&sites::VAULTS)
}

/// What an app's settings in its folder say of the names of days.
pub fn day_names(vault: &Vault, open: &mut Settings) -> Vec<DayNames> {
    let app = FORMATS.iter().find(|format| format.vault() == Some(vault));
    app.map(|format| format.day_names(open)).unwrap_or_default()
}

/// Why a file is passed over for what lies beside it, as the first format says that knows; none where it is not.
pub fn passed_over(path: &Path, beside: &mut Beside) -> Option<&'static str> {
    let by_formats = FORMATS.iter().rev().find_map(|format| format.passes_over(path, beside));
    by_formats.or_else(|| own::passed_over(path, beside))
}
