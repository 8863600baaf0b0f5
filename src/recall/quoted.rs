//! Quotations that nobody wrote: what stands in quotation marks in an answer and in none of its sources.

use std::ops::Range;

use crate::eval::likeness::words::words;

/// A quotation of fewer words may be a title or a word that is talked about.
const LEAST: usize = 3;

/// The stretches in quotation marks, without the marks, of three words or more that do not stand in a row in any source. Case, the
/// form of apostrophes, white space and marks do not count. Where a quotation leaves something out (`…`, `...`, `[…]`), each part has to
/// stand in one source.
pub fn unsupported(text: &str, sources: &[&str]) -> Vec<Range<usize>> {
    let sources: Vec<Vec<String>> = sources.iter().map(|source| keys(source)).collect();
    let stands = |part: &[String]| {
        part.is_empty() || sources.iter().any(|source| source.windows(part.len()).any(|row| row == part))
    };
    let is_invented = |range: &Range<usize>| {
        let parts: Vec<Vec<String>> = parts(&text[range.clone()]).map(keys).collect();
        parts.iter().map(Vec::len).sum::<usize>() >= LEAST && !parts.iter().all(|part| stands(part))
    };
    quotations(text).into_iter().filter(is_invented).collect()
}

fn keys(text: &str) -> Vec<String> {
    words(text).map(|word| word.key().into_owned()).collect()
}

/// What stands between the marks of an omission.
fn parts(quotation: &str) -> impl Iterator<Item = &str> {
    quotation.split("...").flat_map(|part| part.split('…'))
}

/// What stands in quotation marks of any kind. A pair does not reach over an empty line; a double mark that nothing closes reaches to
/// its paragraph's end, for a text may be cut short. What is quoted within a quotation belongs to it.
fn quotations(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for paragraph in text.split_inclusive("\n\n") {
        of_paragraph(paragraph, start, &mut found);
        start += paragraph.len();
    }
    found
}

/// An opening mark that was met.
struct Open {
    /// The byte after it.
    start: usize,
    closes: &'static [char],
    /// It may be an apostrophe.
    unsure: bool,
}

fn of_paragraph(text: &str, offset: usize, found: &mut Vec<Range<usize>>) {
    let mut open: Option<Open> = None;
    let mut before = ' ';
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        let here = at + c.len_utf8();
        let closed = open.as_ref().filter(|open| {
            open.closes.contains(&c) && !(is_single(c) && (after.is_alphanumeric() || before.is_whitespace()))
        });
        if let Some(open_at) = closed.map(|open| open.start) {
            found.push(offset + open_at..offset + at);
            open = None;
        } else if open.as_ref().is_none_or(|open| open.unsure && !is_single(c))
            && let Some(closes) = closing(c, before, after)
        {
            open = Some(Open { start: here, closes, unsure: is_single(c) || c == '‘' || c == '‚' });
        }
        before = c;
    }
    if let Some(open) = open.filter(|open| !open.unsure) {
        found.push(offset + open.start..offset + text.trim_end().len().max(open.start));
    }
}

/// The marks that close what a mark opens. A straight one opens nothing behind a letter, nor before a space.
fn closing(c: char, before: char, after: char) -> Option<&'static [char]> {
    let opens = !before.is_alphanumeric() && !after.is_whitespace();
    Some(match c {
        '„' => &['“', '”', '"'],
        '“' | '‟' => &['”', '"'],
        '”' if opens => &['”'],
        '«' => &['»'],
        '»' if opens => &['«', '»'],
        '‹' => &['›'],
        '「' => &['」'],
        '『' => &['』'],
        '〝' => &['〞', '〟'],
        '＂' => &['＂'],
        '"' if opens => &['"', '”'],
        '‘' => &['’', '\''],
        '‚' => &['‘', '’'],
        '\'' if opens && after.is_alphanumeric() => &['\'', '’'],
        _ => return None,
    })
}

fn is_single(c: char) -> bool {
    matches!(c, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "Up betimes, and to my office;\nthere I don’t know what to do with the Duke’s letter. And so to bed.";

    fn invented<'a>(text: &'a str, sources: &[&str]) -> Vec<&'a str> {
        unsupported(text, sources).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn what_a_source_has_is_supported_whatever_its_marks() {
        for text in [
            "You wrote “up betimes and to my office there”.",
            "You wrote \"I DON'T know   what to do\" then.",
            "You wrote 'I don't know what to do' then.",
            "„And so to bed“, «and so to bed», “And so … to bed,” ‘the Duke’s letter’, 「and so to bed」",
            "A word like “zymurgy” or “quite nothing” is no quotation.",
            "It's the dogs' bone, 'tis said, and nobody's else.",
        ] {
            assert_eq!(invented(text, &["another", SOURCE]), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn what_no_source_has_is_marked() {
        assert_eq!(invented("You wrote “I was very anxious”, once.", &[SOURCE]), ["I was very anxious"]);
        assert_eq!(invented("\"up betimes and to bed\"", &[SOURCE]), ["up betimes and to bed"]);
        assert_eq!(invented("« jamais de la vie » ‘never in my life’ 'not for me'", &[]).len(), 3);
        assert_eq!(invented("“And so to bed … I never slept again”", &[SOURCE]).len(), 1);
        assert_eq!(invented("“Up betimes, and so to bed”", &["Up betimes", "and so to bed"]).len(), 1);
        assert_eq!(
            invented("'Tis true, \"I never said a word\", he's mad", &[SOURCE]),
            ["I never said a word"]
        );
    }

    #[test]
    fn a_quotation_that_is_cut_short_is_one() {
        assert_eq!(
            invented("You said “I shall never go\n\nHe “and so to bed", &[SOURCE]),
            ["I shall never go"]
        );
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in ["", "“", "”", "\"", "'", "““”", "\"\"\"", "“\n\n”", "«é", "\u{301}“日記の中の”"]
        {
            let ranges = unsupported(text, &[SOURCE]);
            assert!(ranges.iter().all(|range| text.get(range.clone()).is_some()), "{text:?}");
        }
    }
}
