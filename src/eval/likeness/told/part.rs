//! What a report is told in: sections of parts, which a terminal and a page each show in their own way.

/// A section of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What it says, in order.
    pub parts: Vec<Part>,
}

impl Section {
    /// A section of some parts.
    pub fn new(title: &'static str, parts: impl IntoIterator<Item = Part>) -> Section {
        Section { title, parts: parts.into_iter().filter(|part| !part.is_empty()).collect() }
    }
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A sentence or more.
    Words(String),
    /// Points, each a sentence.
    List(Vec<String>),
    /// Figures.
    Table(Rows),
    /// Texts under one heading, each with whose it is.
    Beside(String, Vec<(String, String)>),
}

/// Rows of figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The columns' names, and whether each holds numbers.
    pub columns: Vec<(String, bool)>,
    /// As many cells a row, or fewer.
    pub cells: Vec<Vec<String>>,
}

impl Rows {
    /// No rows yet, under these columns; a name that begins with `#` is of numbers.
    pub fn new(columns: &[&str]) -> Rows {
        let column = |name: &&str| match name.strip_prefix('#') {
            Some(name) => (name.to_string(), true),
            None => (name.to_string(), false),
        };
        Rows { columns: columns.iter().map(column).collect(), cells: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.cells.push(cells.into());
    }
}

impl Part {
    fn is_empty(&self) -> bool {
        match self {
            Part::Words(words) => words.is_empty(),
            Part::List(points) => points.is_empty(),
            Part::Table(rows) => rows.cells.is_empty(),
            Part::Beside(_, texts) => texts.is_empty(),
        }
    }
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}
