//! Quotations that nobody wrote: what stands in quotation marks in an answer and in none of its sources.

use std::ops::Range;

use crate::eval::likeness::words::words;

/// A quotation of fewer words may be a word that is talked about.
const LEAST: usize = 3;

/// The stretches in quotation marks, without the marks, that do not stand in a row in any source: of three words or more, and of fewer
/// between double marks where one is a name (it has a capital) or a number, which a reader takes for a fact. Case, the form of
/// apostrophes, white space and marks do not count. Where a quotation leaves something out (`…`, `...`, `[…]`), each part has to stand in
/// one source.
pub fn unsupported(text: &str, sources: &[&str]) -> Vec<Range<usize>> {
    let sources: Vec<Vec<String>> = sources.iter().map(|source| keys(source)).collect();
    let stands = |part: &[String]| {
        part.is_empty() || sources.iter().any(|source| source.windows(part.len()).any(|row| row == part))
    };
    let is_invented = |quotation: &Quotation| {
        let quoted = &text[quotation.range.clone()];
        let parts: Vec<Vec<String>> = parts(quoted).map(keys).collect();
        if parts.iter().map(Vec::len).sum::<usize>() >= LEAST {
            return !parts.iter().all(|part| stands(part));
        }
        let is_named = quotation.is_sure && words(quoted).any(|word| is_fact(word.text));
        is_named && !parts.iter().all(|part| is_named_in(&sources, part))
    };
    quotations(text).into_iter().filter(is_invented).map(|quotation| quotation.range).collect()
}

/// Whether a few words stand in a row in any source, there perhaps as whose something is: `the Duke's`.
fn is_named_in(sources: &[Vec<String>], part: &[String]) -> bool {
    let own = |word: &String| word.strip_suffix("'s").unwrap_or(word).to_string();
    let part: Vec<String> = part.iter().map(own).collect();
    let is_there = |row: &[String]| row.iter().zip(&part).all(|(word, asked)| own(word) == *asked);
    part.is_empty() || sources.iter().any(|source| source.windows(part.len()).any(is_there))
}

/// Whether a word is a name or a number.
fn is_fact(word: &str) -> bool {
    word.starts_with(char::is_uppercase) || word.contains(char::is_numeric)
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
fn quotations(text: &str) -> Vec<Quotation> {
    let mut found = Vec::new();
    let mut start = 0;
    for paragraph in text.split_inclusive("\n\n") {
        of_paragraph(paragraph, start, &mut found);
        start += paragraph.len();
    }
    for Quotation { range, .. } in &mut found {
        let quoted = &text[range.clone()];
        let start = range.start + quoted.len() - quoted.trim_start().len();
        *range = start..start + quoted.trim().len();
    }
    found
}

/// What stands in quotation marks.
struct Quotation {
    /// Its bytes, without the marks.
    range: Range<usize>,
    /// The marks are nothing else: no apostrophes, no inches.
    is_sure: bool,
}

/// An opening mark that was met.
struct Open {
    /// The byte after it.
    start: usize,
    closes: &'static [char],
    /// It may be an apostrophe, or a mark that stands alone.
    unsure: bool,
}

fn of_paragraph(text: &str, offset: usize, found: &mut Vec<Quotation>) {
    let mut open: Option<Open> = None;
    // What goes before, and the last of that that is no space.
    let (mut before, mut last) = (' ', ' ');
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |(_, c)| *c);
        let here = at + c.len_utf8();
        let closed = open.as_ref().filter(|open| {
            open.closes.contains(&c) && !(is_single(c) && (after.is_alphanumeric() || before.is_whitespace()))
        });
        if let Some((start, is_sure)) = closed.map(|open| (open.start, !open.unsure)) {
            found.push(Quotation { range: offset + start..offset + at, is_sure });
            open = None;
        } else if open.as_ref().is_none_or(|open| open.unsure && !is_single(c))
            && let Some(closes) = closing(c, before, after)
        {
            open = Some(Open { start: here, closes, unsure: is_single(c) || c == '‘' || c == '‚' });
        } else if open.is_none() && is_apart(c, before, after) && !last.is_numeric() {
            // Only if another follows: `5 "` is a length.
            open = Some(Open { start: here, closes: &['"', '”'], unsure: true });
        }
        before = c;
        last = if c.is_whitespace() { last } else { c };
    }
    if let Some(open) = open.filter(|open| !open.unsure) {
        let range = offset + open.start..offset + text.trim_end().len().max(open.start);
        found.push(Quotation { range, is_sure: true });
    }
}

/// A straight mark with spaces about it: `wrote " I was never afraid "`.
fn is_apart(c: char, before: char, after: char) -> bool {
    c == '"' && before.is_whitespace() && after.is_whitespace()
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
    fn spaces_within_the_marks_hide_nothing() {
        let of = |text| invented(text, &[SOURCE]);
        assert_eq!(of("He wrote \" I was never afraid \" once"), ["I was never afraid"]);
        assert_eq!(
            of("He wrote \"I was never afraid \" and \" nor was she\"."),
            ["I was never afraid", "nor was she"]
        );
        assert_eq!(of("He wrote \" and so to bed \" and went; \" I did not \""), ["I did not"]);
        for text in
            ["A pipe of 5 \" and a stick of 6 \" or more of it.", "A mark \" alone, and nobody knows why."]
        {
            assert_eq!(of(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn of_one_word_or_two_a_name_or_a_number_is_marked() {
        let of = |text| invented(text, &[SOURCE]);
        assert_eq!(
            of("He met “Deb Willet” and \"Mercer\" in “1666” and was “quite afraid” of 'Hew'."),
            ["Deb Willet", "Mercer", "1666"]
        );
        assert_eq!(
            of("“Betimes”, “the Duke”, “my Office”"),
            Vec::<&str>::new(),
            "what a source has is there"
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
