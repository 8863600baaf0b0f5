//! What WhatsApp itself writes into a message: marks for pictures, deleted messages, places, polls and edits.
//!
//! On an iPhone such words follow U+200E, whatever the language. On Android only the words tell.

use std::borrow::Cow;

use super::opening::is_direction_mark;
use super::words::{ATTACHED, CALLS, EDITED, GONE, LIVE_LOCATIONS, OMITTED, POLLS};
use crate::journal::format::Sink;

/// The sign before words of the app.
pub const MARK: char = '\u{200e}';

const PHOTO_LINKS: &str = "photo links";
const DELETED: &str = "deleted messages";
const LOCATIONS: &str = "locations";
const METADATA: &str = "app metadata";

/// The words of a message that a person typed; the app's are counted, and shown where they are not known for certain.
pub fn own_words(message: &str, sink: &mut dyn Sink) -> String {
    let message = &*without_isolates(message, sink);
    let message = without_edit_mark(message, sink);
    if bare(message) == "null" {
        // What Android writes for a picture that could be seen once.
        sink.changed(PHOTO_LINKS, message, "");
        return String::new();
    }
    if POLLS.contains(&bare(message.lines().next().unwrap_or("")).to_lowercase().as_str()) {
        return poll(message, sink);
    }
    let mut kept: Vec<Cow<str>> = Vec::new();
    let mut file = None;
    for (i, line) in message.split('\n').enumerate() {
        if i == 0 {
            file = attached_file(line);
        } else if i == 1 && file.is_some_and(|name| name == bare(line)) {
            // A file sent without a caption has its own name for one.
            continue;
        }
        kept.extend(typed(line, i == 0, sink));
    }
    kept.join("\n").trim_matches('\n').to_string()
}

/// `@Ben`, without the signs that an iPhone puts around the name of somebody spoken to.
fn without_isolates<'a>(message: &'a str, sink: &mut dyn Sink) -> Cow<'a, str> {
    let (open, close) = ("@\u{2068}", '\u{2069}');
    let times = message.split(open).skip(1).filter(|name| name.contains(close)).count();
    if times == 0 {
        return Cow::Borrowed(message);
    }
    sink.left_out(METADATA, times);
    let mut pieces = message.split(open);
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        let (name, rest) = piece.split_once(close).unwrap_or((piece, ""));
        out += if piece.contains(close) { "@" } else { open };
        out += name;
        out += rest;
    }
    Cow::Owned(out)
}

/// `voice call, 2 min`: a call and how long it was.
fn is_call(sentence: &str) -> bool {
    let length = ["voice call, ", "video call, "].iter().find_map(|call| sentence.strip_prefix(call));
    let unit = |word: &str| matches!(word, "sec" | "min" | "hr" | "secs" | "mins" | "hrs");
    length.is_some_and(|length| {
        length.split(' ').all(|word| unit(word) || word.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Whether an iPhone's message opens with words of the app that stand for no picture: a notice in somebody's name.
pub fn is_notice(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    first.starts_with(MARK)
        && notice(first).is_none_or(|what| what == METADATA)
        && !POLLS.contains(&bare(first).to_lowercase().as_str())
}

/// Without direction marks and spaces at either end.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_direction_mark(c))
}

fn without_edit_mark<'a>(message: &'a str, sink: &mut dyn Sink) -> &'a str {
    let Some(at) = message.trim_end().rfind('<').filter(|_| message.trim_end().ends_with('>')) else {
        return message;
    };
    let (before, mark) = message.split_at(at);
    let known = EDITED.contains(&mark.trim_end().to_lowercase().as_str());
    // In any language: on an iPhone the mark stands before it, and a file has a colon before its name.
    let marked =
        before.ends_with(MARK) && !bare(before).is_empty() && !mark.contains(':') && notice(mark).is_none();
    if !known && !marked {
        return message;
    }
    sink.left_out(METADATA, 1);
    before.trim_end_matches([MARK, ' '])
}

/// What a person typed on a line; none where all of it was the app's.
fn typed<'a>(line: &'a str, is_first: bool, sink: &mut dyn Sink) -> Option<Cow<'a, str>> {
    if is_first && let Some(what) = notice(line) {
        sink.left_out(what, 1);
        return None;
    }
    if is_first && line.starts_with(MARK) && !line.contains(" • ") {
        sink.changed(METADATA, line, "");
        return None;
    }
    if !line.contains(MARK) {
        return Some(Cow::Borrowed(line));
    }
    let (mut kept, mut found) = (String::new(), false);
    for (i, piece) in line.split(MARK).enumerate() {
        match notice_after_mark(piece) {
            Some(what) if i > 0 => {
                sink.left_out(what, 1);
                found = true;
            }
            _ => kept = if i > 0 { kept + "\u{200e}" + piece } else { piece.to_string() },
        }
    }
    if !found {
        return Some(Cow::Borrowed(line));
    }
    let words = bare(&kept);
    (!words.is_empty() && !is_file_and_pages(words)).then(|| Cow::Owned(kept.trim_end().to_string()))
}

/// What a line is that the app wrote, whole.
fn notice(line: &str) -> Option<&'static str> {
    let text = bare(line);
    let lower = text.to_lowercase();
    let sentence = lower.trim_end_matches('.');
    if OMITTED.contains(&sentence) || is_attachment_in_brackets(text) || attached_file(line).is_some() {
        return Some(PHOTO_LINKS);
    }
    if GONE.contains(&sentence) || sentence.starts_with("this message was deleted by admin") {
        return Some(DELETED);
    }
    let map = ["https://maps.google.com/?q=", "https://foursquare.com/v/"].iter().any(|map| {
        text.split_once(": ").is_some_and(|(_, link)| link.starts_with(map) && !link.contains(' '))
    });
    if LIVE_LOCATIONS.contains(&sentence) || map {
        return Some(LOCATIONS);
    }
    (CALLS.contains(&sentence) || is_call(sentence)).then_some(METADATA)
}

/// The same for a piece that follows the mark, which may be a picture's in a language not listed: `<bijlage: 1.jpg>`.
fn notice_after_mark(piece: &str) -> Option<&'static str> {
    let ending = bare(piece);
    notice(piece).or_else(|| EDITED.contains(&ending.to_lowercase().as_str()).then_some(METADATA))
}

/// `<attached: 00000012-PHOTO-2024-01-05-09-30-15.jpg>`.
fn is_attachment_in_brackets(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inner.and_then(|inner| inner.split_once(": ")).is_some_and(|(word, file)| {
        let numbered = file.bytes().take_while(u8::is_ascii_digit).count() >= 8;
        word.chars().all(|c| c.is_alphabetic() || c == ' ') && numbered && has_extension(file)
    })
}

/// The name of the file in `IMG-20240105-WA0001.jpg (file attached)`.
fn attached_file(line: &str) -> Option<&str> {
    let text = bare(line);
    let (name, words) = text.split_at(text.rfind(" (").filter(|_| text.ends_with(')'))?);
    let from_the_app = line.starts_with(MARK)
        || is_app_file(name)
        || ATTACHED.contains(&bare(words).to_lowercase().as_str());
    (from_the_app && has_extension(name)).then_some(name)
}

/// `IMG-20240105-WA0001.jpg`.
fn is_app_file(name: &str) -> bool {
    let mut parts = name.split('-');
    let letters =
        parts.next().is_some_and(|part| part.len() == 3 && part.bytes().all(|b| b.is_ascii_uppercase()));
    let day = parts.next().is_some_and(|part| part.len() == 8 && part.bytes().all(|b| b.is_ascii_digit()));
    letters && day && parts.next().is_some_and(|part| part.starts_with("WA"))
}

fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=5).contains(&extension.len())
            && extension.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// `Report.pdf • 12 pages`.
fn is_file_and_pages(words: &str) -> bool {
    words.split_once('•').is_some_and(|(name, pages)| {
        has_extension(bare(name))
            && (bare(pages).is_empty() || bare(pages).starts_with(|c: char| c.is_numeric()))
    })
}

/// The question and the answers to choose from, as they were typed: the words `POLL:` and `OPTION:` and the votes are not.
fn poll(message: &str, sink: &mut dyn Sink) -> String {
    let mut kept = Vec::new();
    for line in message.lines().skip(1) {
        kept.push(poll_option(line).unwrap_or_else(|| bare(line)));
    }
    sink.left_out(METADATA, 1);
    kept.join("\n")
}

/// The answer in `OPTION: Tea (2 votes)`.
fn poll_option(line: &str) -> Option<&str> {
    let (label, answer) = bare(line).split_once(": ")?;
    let is_label = label.chars().all(|c| c.is_alphabetic() && !c.is_lowercase());
    let (answer, votes) = answer.rsplit_once(" (").filter(|_| is_label && answer.ends_with(')'))?;
    bare(votes).starts_with(|c: char| c.is_numeric()).then_some(answer)
}
