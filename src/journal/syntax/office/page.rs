//! What the word processors' formats share: paragraphs as they are seen on the page, and the marks of lists.

use crate::journal::format::{MOST_WHOLE, Sink};

/// A space between paragraphs of so many twentieths of a point (a third of a line) is seen as a blank line.
const SEEN: i32 = 80;

/// List items are indented by two spaces a level, up to this level.
const MOST_LEVELS: usize = 8;

/// What divides a paragraph from its neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spacing {
    /// Above, in twentieths of a point.
    pub above: i32,
    /// Below, in twentieths of a point.
    pub below: i32,
    /// No space towards a neighbour of the same style.
    pub contextual: bool,
    /// The style's name in its file.
    pub style: String,
}

/// A paragraph while it is read.
#[derive(Debug, Default)]
pub struct Paragraph {
    /// Its text so far.
    pub text: String,
    /// Its list mark and indent.
    pub mark: String,
    pub spacing: Spacing,
    /// Something in it was left out: with nothing else in it, it is no blank line of the writer's.
    pub robbed: bool,
    /// The paragraphs of all the text boxes and notes in it: they follow it.
    pub boxes: Vec<String>,
}

/// The text of a document: a line for each paragraph, and a blank line where the page shows a space between two or the
/// writer left a paragraph empty.
#[derive(Debug, Default)]
pub struct Page {
    pub text: String,
    /// The last paragraph's spacing, where it holds words.
    last: Option<Spacing>,
    row: Option<Row>,
    /// Rows that are open, tables in tables and in text boxes among them.
    rows: usize,
}

/// A row of a table that has not ended.
#[derive(Debug)]
struct Row {
    /// Where in the text.
    start: usize,
    /// The next paragraph begins a cell, and stands on the line of the cell before.
    begins_cell: bool,
}

impl Page {
    /// Adds a paragraph, and below it what it carries.
    pub fn add(&mut self, paragraph: Paragraph) {
        let nothing_left = paragraph.robbed && paragraph.text.trim().is_empty();
        if !nothing_left || self.row.is_some() {
            self.line(&format!("{}{}", paragraph.mark, paragraph.text), &paragraph.spacing);
        }
        for below in &paragraph.boxes {
            self.line(below, &paragraph.spacing);
        }
    }

    fn line(&mut self, text: &str, spacing: &Spacing) {
        let empty = text.trim().is_empty();
        match &mut self.row {
            Some(row) if row.begins_cell => {
                row.begins_cell = false;
                self.text.pop();
                self.text.push('\t');
            }
            _ if self.last.as_ref().is_some_and(|last| !empty && gap(last, spacing) >= SEEN) => {
                self.text.push('\n')
            }
            _ => {}
        }
        self.text.push_str(text);
        self.text.push('\n');
        let spacing = if self.row.is_some() { Spacing::default() } else { spacing.clone() };
        self.last = (!empty).then_some(spacing);
    }

    /// A row of a table begins; one in another, or not `outside` of all paragraphs, is no line of its own.
    pub fn open_row(&mut self, outside: bool) {
        self.rows += 1;
        if self.rows == 1 && outside {
            self.row = Some(Row { start: self.text.len(), begins_cell: false });
        }
    }

    /// A cell ends.
    pub fn close_cell(&mut self, outside: bool) {
        if let Some(row) = self.row.as_mut().filter(|_| self.rows == 1 && outside) {
            row.begins_cell = self.text.len() > row.start;
        }
    }

    /// A row ends: its empty last cells are no text.
    pub fn close_row(&mut self, outside: bool) {
        self.rows = self.rows.saturating_sub(1);
        let Some(row) = self.row.take_if(|_| self.rows == 0 && outside) else { return };
        let end = self.text[row.start..].trim_end_matches(['\n', '\t']).len();
        if self.text.len() > row.start {
            self.text.truncate(row.start + end);
            self.text.push('\n');
        }
    }
}

/// Refuses a text that cannot be held in memory, by its length in bytes.
pub fn check_length(written: usize) -> Result<(), String> {
    let fits = written as u64 <= MOST_WHOLE;
    if fits { Ok(()) } else { Err("more than 64 MiB of text: divide it".to_string()) }
}

fn gap(upper: &Spacing, lower: &Spacing) -> i32 {
    let same = upper.style == lower.style;
    let below = if upper.contextual && same { 0 } else { upper.below };
    let above = if lower.contextual && same { 0 } else { lower.above };
    below.max(above)
}

/// A list mark as text: a bullet of whatever shape is `- `, a number stays as it was shown, and so does a box to tick.
pub fn mark(shown: &str, level: usize) -> String {
    let shown = shown.trim();
    if shown.is_empty() {
        return String::new();
    }
    let telling = shown.chars().any(|c| c.is_alphanumeric() || matches!(c, '☐' | '☑' | '☒' | '✓' | '✗'));
    format!("{}{} ", "  ".repeat(level.min(MOST_LEVELS)), if telling { shown } else { "-" })
}

/// The number of a list item in the way of counting that Word's and OpenDocument's formats share.
pub fn counted(number: u32, letters: bool, roman: bool, capital: bool) -> String {
    let small = match number {
        1..=4999 if roman => in_roman(number),
        1..=780 if letters => {
            // After z comes aa, then bb.
            let letter = char::from(b'a' + ((number - 1) % 26) as u8);
            std::iter::repeat_n(letter, 1 + (number as usize - 1) / 26).collect()
        }
        _ => number.to_string(),
    };
    if capital { small.to_uppercase() } else { small }
}

fn in_roman(mut number: u32) -> String {
    const SIGNS: [(u32, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    let mut out = String::new();
    for (value, sign) in SIGNS {
        out.push_str(&sign.repeat((number / value) as usize));
        number %= value;
    }
    out
}

/// What was left out of a document.
#[derive(Debug, Default)]
pub struct LeftOut(std::collections::BTreeMap<&'static str, usize>);

impl LeftOut {
    /// One more.
    pub fn one(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// All that another has.
    pub fn add(&mut self, other: LeftOut) {
        for (what, times) in other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Tells the sink.
    pub fn report(self, sink: &mut dyn Sink) {
        for (what, times) in self.0 {
            sink.left_out(what, times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(paragraphs: &[(&str, i32, i32)]) -> String {
        let mut page = Page::default();
        for (text, above, below) in paragraphs {
            let spacing = Spacing { above: *above, below: *below, ..Spacing::default() };
            page.add(Paragraph { text: text.to_string(), spacing, ..Paragraph::default() });
        }
        page.text
    }

    #[test]
    fn spaces_between_paragraphs_are_seen() {
        assert_eq!(page(&[("a", 0, 160), ("b", 0, 160)]), "a\n\nb\n");
        assert_eq!(page(&[("a", 0, 0), ("b", 0, 0)]), "a\nb\n");
        assert_eq!(page(&[("a", 0, 160), ("", 0, 160), ("b", 240, 0)]), "a\n\nb\n");
        assert_eq!(page(&[("a", 0, 79), ("b", 80, 0)]), "a\n\nb\n");
    }

    #[test]
    fn rows_are_lines() {
        let mut page = Page::default();
        let line = |text: &str| Paragraph { text: text.into(), ..Paragraph::default() };
        for row in [&["Mon", "rain", ""][..], &["", "sun"], &["", ""]] {
            page.open_row(true);
            for cell in row {
                page.add(line(cell));
                page.close_cell(true);
            }
            page.close_row(true);
        }
        page.add(line("after"));
        assert_eq!(page.text, "Mon\train\n\tsun\n\nafter\n");
    }

    #[test]
    fn marks_and_numbers() {
        assert_eq!(mark("\u{2022}\t", 1), "  - ");
        assert_eq!(mark(" 1.\t", 0), "1. ");
        assert_eq!(mark("☐", 0), "☐ ");
        assert_eq!(mark("", 3), "");
        let counts = [(27, true, false), (1994, false, true), (0, false, true), (12, false, false)];
        let shown: Vec<String> = counts.map(|(n, letters, roman)| counted(n, letters, roman, false)).into();
        assert_eq!(shown, ["aa", "mcmxciv", "0", "12"]);
        assert_eq!(counted(3, true, false, true), "C");
    }
}
