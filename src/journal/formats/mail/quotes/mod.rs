//! What of a mail's text its writer wrote: not the lines quoted from another mail, nor the line that says who wrote them,
//! nor a mail below that was answered or passed on, nor the signature.

use super::words::{
    DAYS, DEVICES, DIVIDERS, OPENERS, OTHERS, PASSED_ON, SENDERS, SENT_FROM, SENT_FROM_BEHIND, VERBS,
};
use crate::journal::format::Sink;

/// The parts of a text, as they were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Own,
    Quoted,
    Signature,
}

/// The writer's words of a mail's text, its lines ending in LF, those that quote beginning with `>`. A mail that
/// `answers` none may quote what the writer knows by heart.
pub fn own_words(text: &str, answers: bool, sink: &mut dyn Sink) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut parts: Vec<Part> =
        lines.iter().map(|line| if is_quoted(line) { Part::Quoted } else { Part::Own }).collect();
    mark_what_is_below(&lines, &mut parts, answers);
    mark_attributions(&lines, &mut parts, answers);
    let without_quotes = kept(&lines, &parts, |part| part != Part::Quoted);
    if parts.contains(&Part::Quoted) {
        sink.changed("quoted mail", text, &without_quotes);
    }
    mark_signatures(&lines, &mut parts);
    if !parts.contains(&Part::Signature) {
        return without_quotes;
    }
    let own = kept(&lines, &parts, |part| part == Part::Own);
    sink.changed("signatures", &without_quotes, &own);
    own
}

/// The lines of the parts wanted; where lines between them go, one blank line stays.
fn kept(lines: &[&str], parts: &[Part], wanted: impl Fn(Part) -> bool) -> String {
    let (mut out, mut gap) = (String::new(), false);
    for (line, part) in lines.iter().zip(parts) {
        if !wanted(*part) {
            gap = true;
            continue;
        }
        if gap && line.trim().is_empty() {
            continue;
        }
        if gap && !out.is_empty() {
            out.truncate(out.trim_end().len());
            out.push_str("\n\n");
        }
        gap = false;
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// Faces that begin like a quotation.
const FACES: [&str; 8] = [">:(", ">:)", ">:[", ">:-", ">:/", ">:D", ">_<", ">.<"];

fn is_quoted(line: &str) -> bool {
    line.starts_with('>') && !FACES.iter().any(|face| line.starts_with(face))
}

/// Marks everything from the first mail on that hangs below without `>`. Where that mail has `>` all the same, what is
/// between its lines answers them.
fn mark_what_is_below(lines: &[&str], parts: &mut [Part], answers: bool) {
    let mut start = 0;
    while let Some(opens) =
        (start..lines.len()).find(|i| parts[*i] == Part::Own && opens_a_mail(&lines[*i..], answers))
    {
        let above = (start..opens).rev().find(|i| !lines[*i].trim().is_empty());
        let from = above.filter(|i| leads_to_headers(lines[*i].trim(), opens - i > 1)).unwrap_or(opens);
        start = below_headers(lines, opens, answers);
        if parts.get(start) != Some(&Part::Quoted) {
            return parts[from..].fill(Part::Quoted);
        }
        parts[from..start].fill(Part::Quoted);
    }
}

/// Whether a line belongs to the headers below it: the rule that Outlook draws, words between dashes, or a few words and a
/// colon that stand `apart`.
fn leads_to_headers(line: &str, apart: bool) -> bool {
    let rule = line.len() >= 10 && line.bytes().all(|b| b == b'_' || b == b'-');
    let dashed = line.starts_with("--") && line.ends_with("--");
    let few = line.split_whitespace().count() <= 5 && line.ends_with([':', '：']);
    rule || dashed || (apart && few && !is_the_writers(line))
}

/// The first line of the text of a mail that opens on line `opens`, with a divider, headers or both.
fn below_headers(lines: &[&str], opens: usize, answers: bool) -> usize {
    let is_blank = |line: &&&str| line.trim().is_empty();
    let mut at = opens + usize::from(!is_header_block(&lines[opens..], answers));
    at += lines[at..].iter().take_while(is_blank).count();
    if lines.get(at).is_some_and(|line| !is_quoted(line) && header_name(line).is_some()) {
        at += lines[at..].iter().take_while(|line| !is_blank(line) && !is_quoted(line)).count();
    }
    at + lines[at..].iter().take_while(is_blank).count()
}

fn opens_a_mail(lines: &[&str], answers: bool) -> bool {
    let line = lines[0].trim();
    let lower = line.trim_matches(['-', '_', ' ', ':']).to_lowercase();
    let dashed = line.starts_with("--") && line.ends_with("--");
    let divider =
        DIVIDERS.iter().any(|words| lower == *words || (lower.starts_with(words) && words.ends_with(" by")));
    (dashed && divider)
        || PASSED_ON.contains(&line.to_lowercase().as_str())
        || is_header_block(lines, answers)
}

/// Three lines or more of the form `label: value`, one of them with an address and one with a day and an hour, in any
/// order and any language; or with the labels of a language that is known, in a mail that answers one or where an address
/// stands: journeys have a From, a To and a Date, too.
fn is_header_block(lines: &[&str], answers: bool) -> bool {
    let Some(first) = header_name(lines[0]) else { return false };
    // Long lists of addresses go on over lines without a name.
    let block = || lines.iter().take_while(|line| !line.trim().is_empty() && !is_quoted(line)).take(12);
    let values = || block().filter(|line| header_name(line).is_some());
    let address = values().any(|line| has_address(line));
    if address && values().count() > 2 && values().any(|line| has_day_and_hour(line)) {
        return true;
    }
    let count = |names: &[&str]| {
        block()
            .skip(1)
            .filter_map(|line| header_name(line))
            .filter(|name| names.contains(&name.as_str()))
            .count()
    };
    SENDERS.contains(&first.as_str()) && count(DAYS) > 0 && count(OTHERS) > 0 && (answers || address)
}

/// `ben@example.org`
fn has_address(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "<>\"'()[],;:".contains(c)).any(|word| {
        word.split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.trim_end_matches('.').contains('.'))
    })
}

fn has_day_and_hour(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 5 && has_hour(text)
}

/// `9:30`, `9.30`, `9h30`
fn has_hour(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| {
        four[0].is_ascii_digit()
            && matches!(four[1], b':' | b'.' | b'h')
            && four[2..].iter().all(u8::is_ascii_digit)
    })
}

fn header_name(line: &str) -> Option<String> {
    let (name, value) = line.split_once([':', '：'])?;
    let name = name.trim().trim_matches('*').trim().to_lowercase();
    let is_label =
        (1..=20).contains(&name.chars().count()) && !name.starts_with("http") && !name.contains('@');
    (!value.trim().is_empty() && is_label && !name.contains(|c: char| c.is_ascii_digit())).then_some(name)
}

/// An attribution is wrapped over this many lines at most.
const MOST_LINES: usize = 4;

/// Marks the lines above quotations that say whose they are; where nothing is quoted below a line that names a day, an
/// hour and a writer, all that follows is the other mail.
fn mark_attributions(lines: &[&str], parts: &mut [Part], answers: bool) {
    for i in 0..lines.len() {
        let own = parts[i] == Part::Own && !lines[i].trim().is_empty();
        if !own || !ends_as_attribution(lines[i]) {
            continue;
        }
        let below = (i + 1..lines.len()).find(|j| !lines[*j].trim().is_empty());
        let quotes = below.is_some_and(|j| parts[j] == Part::Quoted);
        let Some(first) = attribution_start(lines, parts, i, quotes) else { continue };
        if !answers && !has_address(&lines[first..=i].join(" ")) {
            continue;
        }
        match below {
            Some(_) if !quotes => return parts[first..].fill(Part::Quoted),
            _ => parts[first..=i].fill(Part::Quoted),
        }
    }
}

/// The first line of the attribution that ends on line `last`.
fn attribution_start(lines: &[&str], parts: &[Part], last: usize, quotes: bool) -> Option<usize> {
    let mut found = None;
    for first in (last.saturating_sub(MOST_LINES - 1)..=last).rev() {
        if parts[first] != Part::Own || lines[first].trim().is_empty() {
            break;
        }
        let whole = lines[first..=last].join(" ");
        let fits = if quotes { is_attribution(&whole) } else { is_full_attribution(&whole) };
        // A line more only where the words before it lacked their beginning.
        if fits && opens_an_attribution(lines[first]) {
            return Some(first);
        }
        if fits && (first == last || is_strong(&whole)) {
            found.get_or_insert(first);
        }
    }
    found.filter(|first| quotes || is_strong(&lines[*first..=last].join(" ")))
}

/// A colon, whatever sign of direction follows it; or Zoho's dashes.
fn ends_as_attribution(line: &str) -> bool {
    let line = line.trim().trim_end_matches(|c: char| ('\u{200e}'..='\u{202e}').contains(&c));
    line.ends_with([':', '：']) || (line.starts_with("---") && line.ends_with("---") && is_strong(line))
}

/// An address, a day and an hour above what is quoted: a program's, whatever its words.
fn is_strong(text: &str) -> bool {
    text.len() <= 400
        && has_address(text)
        && has_day_and_hour(text)
        && (names_an_address(text) || !is_the_writers(text))
}

fn verb_in(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words =
        lower.split(|c: char| c.is_whitespace() || c == ':' || c == ',').filter(|word| !word.is_empty());
    words.any(|word| VERBS.contains(&word))
        || ["写道", "寫道", "のメール"].iter().any(|verb| lower.contains(verb))
}

/// `Ben <ben@example.org>`: no person writes so.
fn names_an_address(text: &str) -> bool {
    text.contains('@') && text.contains('<')
}

/// Whether a line is one that only a program writes above a quotation.
pub fn is_programs_attribution(line: &str) -> bool {
    line.trim_end().ends_with([':', '：']) && names_an_address(line) && is_full_attribution(line)
}

/// `As I said:` is nobody else's; a small `i` is a word in other languages.
fn is_the_writers(text: &str) -> bool {
    let is_i = |word: &str| word == "I" || ["ich", "je", "ik", "io", "yo", "eu", "me", "mir"].contains(&word);
    text.split_whitespace().any(|word| is_i(word) || is_i(&word.to_lowercase()))
}

/// Stands right above a quotation: a verb, and a day or an address, or hardly a word more.
fn is_attribution(text: &str) -> bool {
    let dated = text.contains(|c: char| c.is_ascii_digit() || c == '@');
    let short = text.split_whitespace().count() <= 4 && !is_the_writers(text);
    text.len() <= 400 && ((verb_in(text) && (dated || short)) || names_an_address(text) || is_strong(text))
}

/// Names a day, and an hour or an address, and has a verb.
fn is_full_attribution(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count() >= 3;
    let by_words = verb_in(text) && digits && (has_hour(text) || names_an_address(text));
    text.len() <= 400 && ((by_words && (names_an_address(text) || !is_the_writers(text))) || is_strong(text))
}

fn opens_an_attribution(line: &str) -> bool {
    let lower = line.trim_start().to_lowercase();
    lower.starts_with(|c: char| c.is_ascii_digit()) || OPENERS.iter().any(|opener| lower.starts_with(opener))
}

/// A signature below `--`, its space lost on the way, is no longer than this and without a gap: people divide letters
/// so too.
const MOST_SIGNATURE_LINES: usize = 4;

/// Marks what stands below `-- `, and the last line where a telephone wrote it, in each stretch of the writer's lines.
fn mark_signatures(lines: &[&str], parts: &mut [Part]) {
    let mut start = 0;
    while start < lines.len() {
        let end = (start..lines.len()).find(|i| parts[*i] != parts[start]).unwrap_or(lines.len());
        if parts[start] == Part::Own {
            mark_signature(&lines[start..end], &mut parts[start..end]);
        }
        start = end;
    }
}

fn mark_signature(lines: &[&str], parts: &mut [Part]) {
    let length = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let ends = |below: &[&str]| {
        below.len() <= MOST_SIGNATURE_LINES && below.iter().all(|line| !line.trim().is_empty())
    };
    let is_divider = |i: &usize| {
        lines[*i] == "-- " || (*i < length && lines[*i].trim_end() == "--" && ends(&lines[*i + 1..length]))
    };
    let end = (0..lines.len()).find(is_divider).unwrap_or(lines.len());
    let end = advertisement(&lines[..end]).unwrap_or(end);
    parts[end..].fill(Part::Signature);
    if let Some(last) = (0..end).rev().find(|i| !lines[*i].trim().is_empty())
        && is_sent_from(lines[last])
    {
        parts[last] = Part::Signature;
    }
}

/// The line on which a program's advertisement begins that ends a text: below a long rule, with an address of the web; or
/// what a scanner for viruses says.
fn advertisement(lines: &[&str]) -> Option<usize> {
    const MOST: usize = 6;
    let first = lines.len().saturating_sub(MOST);
    let is_rule = |line: &str| line.len() >= 40 && line.bytes().all(|b| b == b'_');
    let names_web =
        |below: &[&str]| below.iter().any(|line| line.contains("http://") || line.contains("https://"));
    (first..lines.len()).find(|i| {
        let line = lines[*i].trim();
        (is_rule(line) && names_web(&lines[i + 1..]))
            || line.to_lowercase().starts_with("this email has been checked for viruses")
            || line.to_lowercase().starts_with("diese e-mail wurde von avast")
    })
}

fn is_sent_from(line: &str) -> bool {
    let lower = line.trim().trim_matches(['*', '_', '-', ' ', '.']).to_lowercase();
    if lower.chars().count() > 120 {
        return false;
    }
    if lower.contains("aka.ms/") && lower.contains("outlook") {
        return true;
    }
    // In Chinese and Japanese no space divides the words; in others they are inflected.
    let mut words = lower.split(|c: char| !c.is_alphanumeric() || c >= FIRST_EAST_ASIAN);
    let says = SENT_FROM.iter().any(|words| lower.starts_with(words))
        || SENT_FROM_BEHIND.iter().any(|words| lower.ends_with(words));
    let apple = || ["iphon", "ipad"].iter().any(|device| lower.contains(device));
    says && (apple() || words.any(|word| DEVICES.contains(&word)) || lower.contains("web.de"))
}

const FIRST_EAST_ASIAN: char = '\u{2e80}';

#[cfg(test)]
mod tests;
