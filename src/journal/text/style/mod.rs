//! Changes of style: none unless asked for, each shown as it was and as it became. Also the paragraphs that stand in
//! many entries, found by counting.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;

use crate::base::{Error, Result};
use crate::journal::options::StyleOptions;
use crate::journal::text::scripts::is_unspaced;
use redaction::Redaction;

mod redaction;

/// The changes of style that a person asked for, in the order in which they are made.
#[derive(Debug, Default)]
pub struct Style {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    DropLines(Vec<Regex>),
    DropReferences,
    Unwrap,
    StraightQuotes,
    Redact(Redaction),
    Lowercase,
}

impl Style {
    /// The changes that the options ask for.
    ///
    /// # Errors
    /// A regular expression that is none; a redaction file that cannot be read or understood.
    pub fn new(options: &StyleOptions) -> Result<Style> {
        let mut steps = Vec::new();
        if !options.drop_lines.is_empty() {
            let patterns = options.drop_lines.iter().map(|pattern| line_pattern(pattern));
            steps.push(Step::DropLines(patterns.collect::<Result<_>>()?));
        }
        steps.extend(options.drop_references.then_some(Step::DropReferences));
        steps.extend(options.unwrap.then_some(Step::Unwrap));
        steps.extend(options.straight_quotes.then_some(Step::StraightQuotes));
        if let Some(path) = &options.redact {
            steps.push(Step::Redact(Redaction::read(path)?));
        }
        steps.extend(options.lowercase.then_some(Step::Lowercase));
        Ok(Style { steps })
    }

    /// Changes an entry's text, or its title. Each kind of change that did something is logged once: what it did, the
    /// text before, the text after.
    pub fn apply(&self, text: String, log: &mut dyn FnMut(&'static str, &str, &str)) -> String {
        self.apply_steps(text, |_| true, log)
    }

    /// Changes a tag: names go from it, and it stays as it is otherwise, so that it is still found. Logs as
    /// [`apply`](Self::apply) does.
    pub fn apply_to_tag(&self, tag: String, log: &mut dyn FnMut(&'static str, &str, &str)) -> String {
        self.apply_steps(tag, |step| matches!(step, Step::Redact(_)), log)
    }

    fn apply_steps(
        &self,
        text: String,
        is_asked: impl Fn(&&Step) -> bool,
        log: &mut dyn FnMut(&'static str, &str, &str),
    ) -> String {
        self.steps.iter().filter(is_asked).fold(text, |before, step| {
            let after = step.change(&before);
            if after != before {
                log(step.what(), &before, &after);
            }
            after
        })
    }
}

impl Step {
    fn what(&self) -> &'static str {
        match self {
            Step::DropLines(_) => "lines dropped",
            Step::DropReferences => "reference lists dropped",
            Step::Unwrap => "hard-wrapped lines joined",
            Step::StraightQuotes => "quotation marks straightened",
            Step::Redact(_) => "names redacted",
            Step::Lowercase => "lower-cased",
        }
    }

    fn change(&self, text: &str) -> String {
        match self {
            Step::DropLines(patterns) => without_lines(text, patterns),
            Step::DropReferences => without_references(text).to_string(),
            Step::Unwrap => unwrapped(text),
            Step::StraightQuotes => text.chars().map(straight).collect(),
            Step::Redact(redaction) => redaction.apply(text),
            Step::Lowercase => text.to_lowercase(),
        }
    }
}

fn line_pattern(pattern: &str) -> Result<Regex> {
    let next = "put the expression in single quotes, and a backslash before a ( [ or * meant as itself";
    let refused = |why: &str| Error::usage(format!("--drop-lines '{pattern}': {why}"), next);
    if pattern.is_empty() {
        return Err(refused("an empty expression fits every line"));
    }
    Regex::new(pattern).map_err(|error| {
        // The message draws the expression over several lines; the last says what is wrong with it.
        let message = error.to_string();
        let why = message.lines().last().unwrap_or_default();
        refused(&format!("not a regular expression: {}", why.trim_start_matches("error: ")))
    })
}

fn without_lines(text: &str, patterns: &[Regex]) -> String {
    let dropped = |line: &str| patterns.iter().any(|p| p.is_match(line.trim_end_matches('\n')));
    let mut kept: String = text.split_inclusive('\n').filter(|line| !dropped(line)).collect();
    if kept.ends_with('\n') && !text.ends_with('\n') {
        kept.pop();
    }
    kept
}

/// The marks of English and German quotations. « » and ‹ › stay: in their languages they are the plain ones.
fn straight(mark: char) -> char {
    match mark {
        '‘' | '’' | '‚' | '‛' => '\'',
        '“' | '”' | '„' | '‟' => '"',
        other => other,
    }
}

static REFERENCES: LazyLock<Regex> = LazyLock::new(|| {
    let words = "references|reference list|bibliography|works cited|sources|literature cited|literatur\
                 |literaturverzeichnis|quellen|quellenverzeichnis|bibliographie|références";
    let pattern = format!(r"(?i)^\s*(?:#{{1,6}}\s*)?(?:\*\*|__)?(?:{words})\s*:?(?:\*\*|__)?\s*:?\s*#*\s*$");
    Regex::new(&pattern).expect("the pattern is constant")
});

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"^\s*(?:[-*+•]\s+)?\[\d+\]";
    let surname =
        r"^\s*(?:[-*+•]\s+|\d+[.)]\s+)?\p{Lu}[\p{L}\p{M}'’-]+(?: \p{Lu}[\p{L}\p{M}'’-]+)?, \p{Lu}\.";
    let year = r"[(\[](?:1[4-9]|20)\d\d[a-z]?[)\],;]";
    let address = r"(?i:https?://|\bwww\.|\bdoi:|\b10\.\d{4,9}/)";
    Regex::new(&format!("{number}|{surname}|{year}|{address}")).expect("the pattern is constant")
});

/// The text up to a heading after which nothing stands but references; all of it where there is none.
fn without_references(text: &str) -> &str {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (before, after) = (&text[..start], &text[start + line.len()..]);
        if REFERENCES.is_match(line.trim_end()) && !before.trim().is_empty() && only_references(after) {
            return before.trim_end();
        }
        start += line.len();
    }
    text
}

fn only_references(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| REFERENCE.is_match(line))
}

/// The widest line of a hard-wrapped paragraph has so many characters.
const WRAP_WIDTHS: std::ops::RangeInclusive<usize> = 50..=90;
/// The other lines, but the last, fall short of it by at most so many.
const WRAP_BAND: usize = 15;

/// Lines that begin as a list item, a quotation, a table's row, a link's target or a property.
static MARKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\s|[-*+•–]\s|\d{1,3}[.)]\s|[A-Za-z]\)\s|>|\||\[[^\]]*\]:|\S+::)")
        .expect("the pattern is constant")
});

fn unwrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut paragraph: Vec<&str> = Vec::new();
    let mut fence = None;
    for line in text.split_inclusive('\n') {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        let plain = fence.is_none() && mark.is_none() && !line.trim().is_empty() && !is_heading(line);
        if plain {
            paragraph.push(line);
            continue;
        }
        push_paragraph(&mut out, &mut paragraph);
        out.push_str(line);
        if mark.is_some() && (fence.is_none() || fence == mark) {
            fence = if fence.is_none() { mark } else { None };
        }
    }
    push_paragraph(&mut out, &mut paragraph);
    out
}

/// `# Rain`, and not `#rain`, which may begin a sentence.
fn is_heading(line: &str) -> bool {
    line.starts_with('#') && line.trim_start_matches('#').starts_with(' ')
}

fn push_paragraph(out: &mut String, paragraph: &mut Vec<&str>) {
    if !is_wrapped(paragraph) {
        out.extend(paragraph.drain(..));
        return;
    }
    let last = paragraph.len() - 1;
    for (i, line) in paragraph.drain(..).enumerate() {
        if i == last {
            out.push_str(line);
            continue;
        }
        let line = line.trim_end();
        out.push_str(line);
        // A hyphen after a letter stays, since nobody can tell `well-known` from a word that was divided.
        let hyphened =
            line.strip_suffix(['-', '\u{2010}']).is_some_and(|word| word.ends_with(char::is_alphabetic));
        if !hyphened {
            out.push(' ');
        }
    }
}

/// Whether a program broke these lines: each but the last is about as wide as the widest, has no room for the next
/// line's first word, and not every line is a sentence of its own.
fn is_wrapped(lines: &[&str]) -> bool {
    let Some((_, wrapped)) = lines.split_last() else { return false };
    let widths: Vec<usize> = lines.iter().map(|line| line.trim_end().chars().count()).collect();
    let widest = widths.iter().copied().max().unwrap_or(0);
    let full = |i: usize| {
        let word = lines[i + 1].split_whitespace().next().map_or(0, |word| word.chars().count());
        widths[i] + WRAP_BAND >= widest && widths[i] + 1 + word > widest
    };
    WRAP_WIDTHS.contains(&widest)
        && lines.iter().all(|line| is_prose(line))
        && wrapped.iter().all(|line| !breaks_on_purpose(line))
        && (0..wrapped.len()).all(full)
        && wrapped.iter().any(|line| !ends_sentence(line))
}

fn is_prose(line: &str) -> bool {
    !MARKED.is_match(line) && line.contains(char::is_alphanumeric)
}

/// Markdown's hard breaks, and scripts that are written without spaces, where a space would be one too many.
fn breaks_on_purpose(line: &str) -> bool {
    let line = line.trim_end_matches('\n');
    line.ends_with("  ") || line.ends_with('\\') || line.trim_end().ends_with(is_unspaced)
}

fn ends_sentence(line: &str) -> bool {
    let closing = |c: char| matches!(c, '"' | '\'' | '”' | '’' | '“' | '»' | ')' | '*' | '_');
    line.trim_end().trim_end_matches(closing).ends_with(['.', '!', '?', '…', ':', ';'])
}

/// Paragraphs that stand in many entries, found by counting.
#[derive(Debug, Default)]
pub struct Boilerplate {
    entries: HashMap<u64, u32>,
}

impl Boilerplate {
    /// A paragraph in so many entries is boilerplate.
    pub const MOST: u32 = 100;

    /// Counts an entry's paragraphs, each once.
    pub fn add(&mut self, text: &str) {
        let hashes: HashSet<u64> = paragraphs(text).map(|(paragraph, _)| hash(paragraph)).collect();
        for hash in hashes {
            *self.entries.entry(hash).or_default() += 1;
        }
    }

    /// The paragraphs in at least [`Boilerplate::MOST`] of the entries.
    pub fn common(&self) -> Common {
        let common = self.entries.iter().filter(|&(_, &entries)| entries >= Boilerplate::MOST);
        Common { hashes: common.map(|(&hash, _)| hash).collect(), removed: HashMap::new() }
    }
}

/// Paragraphs to be taken out of every entry, and those that were.
#[derive(Debug)]
pub struct Common {
    hashes: HashSet<u64>,
    removed: HashMap<u64, (String, usize)>,
}

impl Common {
    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The text without them, each one removed noted; `None` where nothing goes.
    pub fn without(&mut self, text: &str) -> Option<String> {
        let (mut kept, mut gone) = (String::new(), HashSet::new());
        for (paragraph, gap) in paragraphs(text) {
            let hash = hash(paragraph);
            if !self.hashes.contains(&hash) {
                kept.push_str(paragraph);
                kept.push_str(gap);
            } else if gone.insert(hash) {
                let note = self.removed.entry(hash).or_insert_with(|| (paragraph.trim().to_string(), 0));
                note.1 += 1;
            }
        }
        (!gone.is_empty()).then(|| kept.trim_end().to_string())
    }

    /// The paragraphs that went and from how many entries, most first.
    pub fn removed(self) -> Vec<(String, usize)> {
        let mut removed: Vec<_> = self.removed.into_values().collect();
        removed.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        removed
    }
}

fn hash(paragraph: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    paragraph.trim().hash(&mut hasher);
    hasher.finish()
}

/// The paragraphs, each with the blank lines after it; blank lines before the first are nobody's.
fn paragraphs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let blank = |line: &str| line.trim().is_empty();
    let span = |text: &str, fits: &dyn Fn(&str) -> bool| -> usize {
        text.split_inclusive('\n').take_while(|line| fits(line)).map(str::len).sum()
    };
    let mut rest = &text[span(text, &blank)..];
    std::iter::from_fn(move || {
        let (paragraph, after) = rest.split_at(span(rest, &|line| !blank(line)));
        let (gap, next) = after.split_at(span(after, &blank));
        rest = next;
        (!paragraph.is_empty()).then_some((paragraph, gap))
    })
}

#[cfg(test)]
mod tests;
