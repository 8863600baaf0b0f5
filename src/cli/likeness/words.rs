//! What was measured, in a terminal.

use crate::cli::table::{Align, Table};
use crate::eval::likeness::report::Report;
use crate::eval::likeness::told::part::{Part, Rows};
use crate::eval::likeness::told::told;

/// The whole report: each section under its heading.
pub fn all(report: &Report) -> String {
    let sections = told(report).into_iter().map(|section| {
        let parts: Vec<String> = section.parts.iter().map(part).collect();
        format!("{}\n{}", section.title, parts.join("\n"))
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

fn part(part: &Part) -> String {
    match part {
        Part::Words(words) => words.clone(),
        Part::List(points) => points.iter().map(|point| format!("- {point}")).collect::<Vec<_>>().join("\n"),
        Part::Table(Rows { columns, cells }) => {
            let align = |numbers: bool| if numbers { Align::Right } else { Align::Left };
            let columns: Vec<(&str, Align)> =
                columns.iter().map(|(name, numbers)| (&name[..], align(*numbers))).collect();
            let mut table = Table::new(&columns);
            cells.iter().for_each(|row| table.cells(row.iter().cloned()));
            table.to_string()
        }
        Part::Beside(heading, texts) => {
            let one =
                |(whose, text): &(String, String)| format!("  [{whose}]\n  {}", text.replace('\n', "\n  "));
            let texts: Vec<String> = texts.iter().map(one).collect();
            format!("{heading}\n{}", texts.join("\n"))
        }
    }
}
