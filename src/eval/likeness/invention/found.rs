//! Numbers and quotations in a text.

use std::ops::Range;

use crate::eval::likeness::words::{Word, words};

/// The numbers in digits of a text, outside some ranges, and as what they are compared: without the commas of thousands
/// and what letters follow (`1,000th` is 1000), `7.30` and `7:30` as they are.
pub(super) fn numbers(text: &str, outside: &[Range<usize>]) -> Vec<(Range<usize>, String)> {
    let starts = |word: &Word| word.text.starts_with(|c: char| c.is_ascii_digit());
    let found: Vec<Word> = words(text).filter(starts).collect();
    let digits = |word: &Word| word.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.text.len());
    let (mut numbers, mut i) = (Vec::new(), 0);
    while let Some(first) = found.get(i) {
        let mut end = first.at + digits(first);
        while let Some(next) = found.get(i + 1)
            && end == found[i].range().end
            && matches!(&text[end..next.at], "," | "." | ":" | "/")
        {
            end = next.at + digits(next);
            i += 1;
        }
        let range = first.at..end;
        if !outside.iter().any(|other| other.start < range.end && range.start < other.end) {
            numbers.push((range.clone(), text[range].replace(',', "")));
        }
        i += 1;
    }
    numbers
}

/// What stands within quotation marks, without them: a pair does not reach over an empty line, and what is quoted within a
/// quotation belongs to it.
pub(super) fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        match open {
            _ if c == '\n' && after == '\n' => open = None,
            Some((start, close)) if c == close && !(is_single(c) && after.is_alphanumeric()) => {
                found.push(start..i);
                open = None;
            }
            None => open = closing(c, before).map(|close| (i + c.len_utf8(), close)),
            // A straight apostrophe before a word ('tis) looks like an opening mark: a double one after it is surer.
            Some((_, '\'')) if !is_single(c) && c != '‘' => {
                open = closing(c, before).map(|close| (i + c.len_utf8(), close)).or(open);
            }
            Some(_) => {}
        }
        before = c;
    }
    found
}

/// The mark that closes what a mark opens. A straight one after a letter, and a single one there, opens nothing.
fn closing(c: char, before: char) -> Option<char> {
    match c {
        '“' => Some('”'),
        '„' => Some('“'),
        '«' => Some('»'),
        '「' => Some('」'),
        '‘' => Some('’'),
        '"' | '\'' if !before.is_alphanumeric() => Some(c),
        _ => None,
    }
}

fn is_single(c: char) -> bool {
    matches!(c, '\'' | '’')
}
