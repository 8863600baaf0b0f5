//! Text tables: columns as wide as their widest cell, two spaces apart.

use std::fmt;

/// A column's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a header. Displays as lines without a newline at the end, and without spaces at the lines' ends.
#[derive(Debug, Clone)]
pub struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these columns.
    pub fn new(columns: &[(&str, Align)]) -> Table {
        let header = columns.iter().map(|(name, _)| name.to_string()).collect();
        Table { align: columns.iter().map(|(_, align)| *align).collect(), rows: vec![header] }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.cells(cells);
    }

    /// Adds a row of as many cells as there are.
    pub fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        let row: Vec<String> = cells.into_iter().collect();
        assert!(row.len() <= self.align.len(), "{} cells in {} columns", row.len(), self.align.len());
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.align.len()).map(width).collect();
        for (n, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).zip(&self.align).map(|((cell, &width), align)| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            let newline = if n > 0 { "\n" } else { "" };
            write!(f, "{newline}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_where_their_words_do() {
        let mut table = Table::new(&[("kernel", Align::Left), ("bytes", Align::Right), ("at", Align::Left)]);
        table.row(["matmul".into(), "7".into(), "h.0 → here".into()]);
        table.row(["µ".into(), "1234567".into()]);
        assert_eq!(
            table.to_string(),
            "kernel    bytes  at\n\
             matmul        7  h.0 → here\n\
             µ       1234567"
        );
    }
}
