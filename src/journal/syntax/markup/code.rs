//! Where a Markdown text is code: fenced blocks and code spans.

use std::collections::HashMap;
use std::ops::Range;

/// A fenced block.
pub struct Fence<'a> {
    /// From its opening line to its closing one, without the last line feed.
    pub range: Range<usize>,
    /// The first word behind the opening fence.
    pub language: &'a str,
}

/// Fenced blocks, and these and all code spans as ranges in order. A fence that is not closed reaches to the end.
pub fn find(text: &str) -> (Vec<Fence<'_>>, Vec<Range<usize>>) {
    let (mut fences, mut code): (Vec<Fence>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    let mut open: Option<(usize, char, usize, &str)> = None;
    let (mut start, mut paragraph) = (0, 0);
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let (sign, length, info) = fence(line);
        match open {
            Some((from, with, least, language)) if sign == with && length >= least && info.is_empty() => {
                let range = from..start + line.len();
                code.push(range.clone());
                fences.push(Fence { range, language });
                (open, paragraph) = (None, start + raw.len());
            }
            Some(_) => {}
            None if length >= 3 && !(sign == '`' && info.contains('`')) => {
                spans(text, paragraph..start, &mut code);
                open = Some((start, sign, length, info.split_whitespace().next().unwrap_or("")));
            }
            None if line.is_empty() => {
                spans(text, paragraph..start, &mut code);
                paragraph = start + raw.len();
            }
            None => {}
        }
        start += raw.len();
    }
    match open {
        Some((from, _, _, language)) => {
            code.push(from..text.len());
            fences.push(Fence { range: from..text.len(), language });
        }
        None => spans(text, paragraph..text.len(), &mut code),
    }
    (fences, code)
}

/// The fence that a line opens with, in a quotation or a list too: its sign, its length, and what follows it.
pub fn fence(line: &str) -> (char, usize, &str) {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")).unwrap_or(line).trim_start();
    let Some(sign) = item.chars().next().filter(|c| matches!(c, '`' | '~')) else { return (' ', 0, "") };
    let info = item.trim_start_matches(sign);
    (sign, item.len() - info.len(), info.trim())
}

/// The code spans of a paragraph: a run of backticks up to the next of the same length.
fn spans(text: &str, paragraph: Range<usize>, code: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut at = paragraph.start;
    while let Some(found) = text[at..paragraph.end].find('`') {
        let start = at + found;
        let length = text[start..paragraph.end].bytes().take_while(|b| *b == b'`').count();
        runs.entry(length).or_default().push(start);
        at = start + length;
    }
    at = paragraph.start;
    while at < paragraph.end && !runs.is_empty() {
        let Some(found) = text[at..paragraph.end].find(['`', '\\']) else { return };
        at += found;
        if bytes[at] == b'\\' {
            at += 1 + usize::from(bytes.get(at + 1).is_some_and(u8::is_ascii_punctuation));
            continue;
        }
        let length = text[at..paragraph.end].bytes().take_while(|b| *b == b'`').count();
        let same = runs.get(&length).map_or(&[][..], Vec::as_slice);
        let after = same.partition_point(|start| *start < at + length);
        match same.get(after) {
            Some(close) => {
                code.push(at..close + length);
                at = close + length;
            }
            None => at += length,
        }
    }
}
