//! `likeness.html`: the report on a page, beside the run's own `report.html` and like it: one file, without a script or a connection.

use std::path::{Path, PathBuf};

use crate::base::{Result, disk};
use crate::eval::likeness::invention::{Invention, Kind};
use crate::eval::likeness::report::Report;
use crate::eval::likeness::told::part::{Part, Rows, Section};
use crate::eval::likeness::told::told;
use crate::run::report::html;

/// Entries of the model's that the page shows.
const TEXTS: usize = 12;

/// Writes it into a run's folder, beside earlier ones: `likeness.html`, `likeness-2.html`; where the same stands there already, nothing. Says
/// where it is.
///
/// # Errors
/// It cannot be written.
pub fn write(folder: &Path, report: &Report) -> Result<PathBuf> {
    let page = page(report);
    let name = |n: usize| if n == 1 { "likeness.html".into() } else { format!("likeness-{n}.html") };
    let mut paths = (1..).map(|n| folder.join(name(n)));
    let is_ours = |path: &PathBuf| std::fs::read(path).map_or(!path.exists(), |old| old == page.as_bytes());
    let path = paths.find(is_ours).expect("numbers do not end");
    if !path.exists() {
        disk::write_new(&path, page.as_bytes())?;
    }
    Ok(path)
}

/// The report as a page.
fn page(report: &Report) -> String {
    let name = Path::new(&report.run)
        .file_name()
        .map_or_else(|| report.run.clone(), |n| n.to_string_lossy().into_owned());
    let mut body = format!(
        "<h1>Is it me?</h1>\n{}",
        html::paragraph("when", &format!("{}; seed {}", report.model, report.seed))
    );
    for Section { title, parts } in told(report) {
        body += &html::section(title, &parts.iter().map(part).collect::<String>());
    }
    let texts = report.texts.iter().zip(&report.invented.found).take(TEXTS);
    let texts: String = texts.map(|(text, found)| marked(text, found) + "<hr>\n").collect();
    if !texts.is_empty() {
        let legend = html::paragraph("note", "Underlined: what stands in none of your entries.");
        body += &html::section("What it wrote", &(legend + &texts));
    }
    html::page(&format!("{name}: is it me?"), &body)
}

/// A text with what it makes up marked.
fn marked(text: &str, found: &[Invention]) -> String {
    let why = |kind: Kind| match kind {
        Kind::Name => "a name that stands in no entry",
        Kind::Date => "a date that agrees with none in your entries",
        Kind::Number => "a number that stands in no entry",
        Kind::Quotation => "words that stand so in no entry",
    };
    let marks: Vec<_> = found.iter().map(|of| (of.range.clone(), why(of.kind))).collect();
    html::voice_marked(text, &marks)
}

fn part(part: &Part) -> String {
    match part {
        Part::Words(words) => html::paragraph("lead", words),
        Part::List(points) => html::points(points),
        Part::Table(Rows { columns, cells }) => {
            let headings: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            let filled = cells.iter().map(|row| {
                (0..headings.len()).map(|i| row.get(i).cloned().unwrap_or_default()).collect::<Vec<String>>()
            });
            html::table(&headings, &filled.collect::<Vec<_>>())
        }
        Part::Beside(heading, texts) => {
            let one = |(whose, text): &(String, String)| {
                format!("<div>{}{}</div>\n", html::paragraph("when", whose), html::voice(text))
            };
            format!(
                "<h3>{}</h3>\n<div class=\"beside\">{}</div>\n",
                html::escaped(heading),
                texts.iter().map(one).collect::<String>()
            )
        }
    }
}
