//! Rich Text's paragraphs, and the rows of its tables.

use crate::journal::syntax::office::page::{LeftOut, Page, Paragraph, Spacing, mark};

/// What has been read of the text.
pub struct Body {
    pub page: Page,
    pub left_out: LeftOut,
    /// The paragraph, and above it those of boxes and notes that interrupt it.
    paragraphs: Vec<Paragraph>,
    /// The cells of a row that has not ended.
    cells: Vec<Paragraph>,
}

impl Body {
    pub fn new() -> Body {
        let paragraphs = vec![Paragraph::default()];
        Body { page: Page::default(), left_out: LeftOut::default(), paragraphs, cells: Vec::new() }
    }

    /// The paragraph that is being read.
    pub fn paragraph(&mut self) -> &mut Paragraph {
        self.paragraphs.last_mut().expect("the first paragraph never closes")
    }

    /// The space around it.
    pub fn spacing(&mut self) -> &mut Spacing {
        &mut self.paragraph().spacing
    }

    /// Counts what stood in it and is left out.
    pub fn leave(&mut self, what: &'static str) {
        self.left_out.one(what);
        self.paragraph().robbed = true;
    }

    /// A text box or a note begins.
    pub fn open_box(&mut self) {
        self.paragraphs.push(Paragraph::default());
    }

    /// It ends; what follows `\par` in it is no paragraph.
    pub fn close_box(&mut self, level: usize) {
        if self.paragraphs.len() > 1 {
            if !self.paragraph().text.is_empty() {
                self.end_paragraph(level);
            }
            self.paragraphs.pop();
        }
    }

    /// `\par`: in a cell, paragraphs are lines.
    pub fn new_paragraph(&mut self, level: usize, in_table: bool) {
        if in_table && self.paragraphs.len() == 1 {
            self.paragraph().text.push('\n');
        } else {
            self.end_paragraph(level);
        }
    }

    /// The paragraph goes to the page, or to the one that its box interrupts; what follows is set as it was.
    fn end_paragraph(&mut self, level: usize) {
        let next = Paragraph { spacing: self.spacing().clone(), ..Paragraph::default() };
        let mut done = std::mem::replace(self.paragraph(), next);
        done.mark = mark(&done.mark, level);
        if self.paragraphs.len() > 1 {
            // A note begins with a space behind its number.
            self.paragraphs[0].boxes.push(done.mark + done.text.trim_start_matches(' '));
            return;
        }
        self.put_row();
        self.page.add(done);
    }

    /// `\cell`.
    pub fn end_cell(&mut self, level: usize) {
        if self.paragraphs.len() > 1 {
            return self.end_paragraph(level);
        }
        let mut cell = std::mem::take(self.paragraph());
        cell.mark = mark(&cell.mark, level);
        cell.spacing = Spacing::default();
        self.cells.push(cell);
    }

    /// `\row`.
    pub fn end_row(&mut self, level: usize) {
        if self.paragraphs.len() == 1 {
            if !self.paragraph().text.is_empty() {
                self.end_cell(level);
            }
            self.put_row();
        }
    }

    fn put_row(&mut self) {
        if self.cells.is_empty() {
            return;
        }
        self.page.open_row(true);
        for cell in std::mem::take(&mut self.cells) {
            self.page.add(cell);
            self.page.close_cell(true);
        }
        self.page.close_row(true);
    }

    /// The end of the file: what a file that breaks off leaves open comes in too.
    pub fn end(&mut self, level: usize) {
        while self.paragraphs.len() > 1 {
            self.close_box(level);
        }
        self.end_paragraph(level);
    }
}
