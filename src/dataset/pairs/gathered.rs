//! What is collected while a file is read.

use std::path::Path;

use crate::dataset::pairs::pair::{Pair, Place, Problem};

/// The pairs and problems of one file, and where in it the reading is.
#[derive(Debug)]
pub struct Gathered {
    /// What was read.
    pub pairs: Vec<Pair>,
    /// What was not.
    pub problems: Vec<Problem>,
    place: Place,
    /// The number is that of a line, and stays until the next line is begun.
    by_line: bool,
}

impl Gathered {
    /// Of a file.
    pub fn new(file: &Path) -> Gathered {
        let place = Place { file: file.to_path_buf(), number: 0 };
        Gathered { pairs: Vec::new(), problems: Vec::new(), place, by_line: false }
    }

    /// What is read next stands on a line.
    pub fn on_line(&mut self, line: usize) {
        self.by_line = true;
        self.place.number = line;
    }

    /// The next item of a list begins.
    pub fn next_item(&mut self) {
        if !self.by_line {
            self.place.number += 1;
        }
    }

    /// Where the reading is.
    pub fn number(&self) -> usize {
        self.place.number
    }

    /// Something is wrong here.
    pub fn problem(&mut self, what: impl Into<String>) {
        self.problems.push(Problem { place: self.place.clone(), what: what.into() });
    }

    /// Something is wrong with the file as a whole.
    pub fn problem_of_all(&mut self, what: impl Into<String>) {
        let place = Place { number: 0, ..self.place.clone() };
        self.problems.push(Problem { place, what: what.into() });
    }

    /// A pair was read here.
    pub fn pair(&mut self, pair: Pair) {
        self.pairs.push(Pair { place: self.place.clone(), ..pair });
    }

    /// Whether nothing was found, not even something wrong.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.problems.is_empty()
    }
}
