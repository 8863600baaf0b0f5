//! What of a mail's text its writer wrote: not the lines quoted from another mail, nor the line that says who wrote them,
//! nor a mail below that was answered or passed on, nor the signature.

use super::words::{DAYS, DEVICES, DIVIDERS, OPENERS, OTHERS, PASSED_ON, SENDERS, SENT_FROM, VERBS};
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
    mark_what_is_below(&lines, &mut parts);
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
fn mark_what_is_below(lines: &[&str], parts: &mut [Part]) {
    let mut start = 0;
    while let Some(opens) =
        (start..lines.len()).find(|i| parts[*i] == Part::Own && opens_a_mail(&lines[*i..]))
    {
        // Outlook draws a line above the headers.
        let rule = |line: &str| line.len() >= 10 && line.bytes().all(|b| b == b'_' || b == b'-');
        let from = if opens > start && rule(lines[opens - 1].trim()) { opens - 1 } else { opens };
        start = below_headers(lines, opens);
        if parts.get(start) != Some(&Part::Quoted) {
            return parts[from..].fill(Part::Quoted);
        }
        parts[from..start].fill(Part::Quoted);
    }
}

/// The first line of the text of a mail that opens on line `opens`, with a divider, headers or both.
fn below_headers(lines: &[&str], opens: usize) -> usize {
    let is_blank = |line: &&&str| line.trim().is_empty();
    let mut at = opens + usize::from(!is_header_block(&lines[opens..]));
    at += lines[at..].iter().take_while(is_blank).count();
    if lines.get(at).is_some_and(|line| !is_quoted(line) && header_name(line).is_some()) {
        at += lines[at..].iter().take_while(|line| !is_blank(line) && !is_quoted(line)).count();
    }
    at + lines[at..].iter().take_while(is_blank).count()
}

fn opens_a_mail(lines: &[&str]) -> bool {
    let line = lines[0].trim();
    let lower = line.trim_matches(['-', '_', ' ', ':']).to_lowercase();
    let dashed = line.starts_with("--") && line.ends_with("--");
    let divider =
        DIVIDERS.iter().any(|words| lower == *words || (lower.starts_with(words) && words.ends_with(" by")));
    (dashed && divider) || PASSED_ON.contains(&line.to_lowercase().as_str()) || is_header_block(lines)
}

/// Three header lines or more, the first the sender's and one the day's.
fn is_header_block(lines: &[&str]) -> bool {
    if header_name(lines[0]).is_none_or(|name| !SENDERS.contains(&name.as_str())) {
        return false;
    }
    let (mut days, mut others) = (0, 0);
    // Long lists of addresses go on over lines without a name.
    for line in lines[1..].iter().take_while(|line| !line.trim().is_empty()).take(12) {
        let Some(name) = header_name(line) else { continue };
        days += usize::from(DAYS.contains(&name.as_str()));
        others += usize::from(OTHERS.contains(&name.as_str()));
    }
    days > 0 && others > 0
}

fn header_name(line: &str) -> Option<String> {
    let (name, value) = line.split_once([':', '：'])?;
    let name = name.trim().trim_matches('*').trim().to_lowercase();
    (!value.trim().is_empty() && name.chars().count() <= 20).then_some(name)
}

/// An attribution is wrapped over this many lines at most.
const MOST_LINES: usize = 4;

/// Marks the lines above quotations that say whose they are; where nothing is quoted below a line that names a day, an
/// hour and a writer, all that follows is the other mail.
fn mark_attributions(lines: &[&str], parts: &mut [Part], answers: bool) {
    for i in 0..lines.len() {
        let own = parts[i] == Part::Own && !lines[i].trim().is_empty();
        if !own || !lines[i].trim_end().ends_with([':', '：']) {
            continue;
        }
        let below = (i + 1..lines.len()).find(|j| !lines[*j].trim().is_empty());
        let quotes = below.is_some_and(|j| parts[j] == Part::Quoted);
        let Some(first) = attribution_start(lines, parts, i, quotes) else { continue };
        if !answers && !names_an_address(&lines[first..=i].join(" ")) {
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
        if fits && first == last {
            found = Some(first);
        }
    }
    found.filter(|_| quotes)
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
    let is_i = |word: &str| word == "I" || ["ich", "je", "ik", "io", "yo", "eu"].contains(&word);
    text.split_whitespace().any(|word| is_i(word) || is_i(&word.to_lowercase()))
}

/// Stands right above a quotation: a verb, and a day or an address, or hardly a word more.
fn is_attribution(text: &str) -> bool {
    let dated = text.contains(|c: char| c.is_ascii_digit() || c == '@');
    let short = text.split_whitespace().count() <= 4 && !is_the_writers(text);
    text.len() <= 400 && ((verb_in(text) && (dated || short)) || names_an_address(text))
}

/// Names a day, and an hour or an address, and has a verb.
fn is_full_attribution(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count() >= 3;
    let hour = text.as_bytes().windows(4).any(|four| {
        four[0].is_ascii_digit()
            && matches!(four[1], b':' | b'.' | b'h')
            && four[2..].iter().all(u8::is_ascii_digit)
    });
    text.len() <= 400 && verb_in(text) && digits && (hour || names_an_address(text))
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
    parts[end..].fill(Part::Signature);
    if let Some(last) = (0..end).rev().find(|i| !lines[*i].trim().is_empty())
        && is_sent_from(lines[last])
    {
        parts[last] = Part::Signature;
    }
}

fn is_sent_from(line: &str) -> bool {
    let lower = line.trim().trim_matches(['*', '_', '-', ' ']).to_lowercase();
    // In Chinese and Japanese no space divides the words.
    let mut words = lower.split(|c: char| !c.is_alphanumeric() || c >= FIRST_EAST_ASIAN);
    lower.chars().count() <= 100
        && SENT_FROM.iter().any(|words| lower.starts_with(words))
        && (words.any(|word| DEVICES.contains(&word)) || lower.contains("web.de"))
}

const FIRST_EAST_ASIAN: char = '\u{2e80}';

#[cfg(test)]
mod tests;
