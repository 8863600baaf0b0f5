//! What should not be learned: counted in every entry, and replaced or dropped where that is asked for.

use std::path::Path;

use crate::base::{Error, Result};
use crate::journal::corpus::report::{Report, SecretsOf};
use crate::journal::options::{SecretOptions, Secrets as Asked};
use crate::journal::source::input::Input;
use crate::journal::text::secrets::{Action, Found, Names, Placeholders, Review, Scanner, Summary};

/// Places of each kind that are named.
const PLACES: usize = 3;

/// A name that stands so often is told: of whoever is mentioned in passing, a model learns little.
pub const OFTEN: usize = 5;

/// Finds secrets in entries, and does with them what was asked for.
pub struct Guard {
    scanner: Scanner,
    asked: What,
    placeholders: Placeholders,
    summary: Summary,
    names: Names,
}

enum What {
    All(Action),
    Reviewed(Box<Review>),
}

impl Guard {
    /// As the options have it.
    ///
    /// # Errors
    /// Patterns, or a review, that cannot be read or understood.
    pub fn new(options: &SecretOptions) -> Result<Guard> {
        let asked = match &options.what {
            Asked::Keep => What::All(Action::Keep),
            Asked::Replace => What::All(Action::Replace),
            Asked::Drop => What::All(Action::Drop),
            Asked::Reviewed(path) => {
                let review = Review::read(&listed(path)?);
                let next = "mend that line, or make the file anew with `diarist corpus --review`";
                What::Reviewed(Box::new(review.map_err(|why| Error::file(path, why, next))?))
            }
        };
        let (placeholders, summary, names) = (Placeholders::new(), Summary::new(PLACES), Names::new());
        Ok(Guard { scanner: scanner(options)?, asked, placeholders, summary, names })
    }

    /// Counts the secrets of an entry's text, and gives the text without them, where they are not kept and it has some; `name` is the
    /// entry's.
    pub fn take(&mut self, name: &str, text: &str) -> Option<String> {
        let found = self.scanner.scan(text);
        self.summary.add(name, text, &found);
        self.names.add(text);
        self.without(text, &found)
    }

    /// A title, which is not counted.
    pub fn take_title(&mut self, title: &str) -> Option<String> {
        let found = self.scanner.scan(title);
        self.without(title, &found)
    }

    fn without(&mut self, text: &str, found: &[Found]) -> Option<String> {
        let after = match &self.asked {
            What::All(Action::Keep) => return None,
            What::All(action) => action.apply(text, found, &mut self.placeholders),
            What::Reviewed(review) => review.apply(text, found, &mut self.placeholders),
        };
        Some(after.unwrap_or_default()).filter(|after| after != text)
    }

    /// Whether all stay as they are.
    fn keeps(&self) -> bool {
        matches!(self.asked, What::All(Action::Keep))
    }

    /// Says what was found.
    pub fn tell(&self, report: &mut Report) {
        let of_kind = |(kind, of): (_, &_)| SecretsOf { kind, of: Clone::clone(of) };
        report.secrets_kept = self.keeps();
        report.secrets = self.summary.kinds().map(of_kind).collect();
        report.names = self.names.often(OFTEN).len();
    }
}

/// A file that a person typed or edited.
fn listed(path: &Path) -> Result<String> {
    if !path.exists() {
        let problem = format!("{}: neither keep, replace nor drop, and no file", path.display());
        return Err(Error::usage(
            problem,
            "say one of those, or name the file that `diarist corpus --review` wrote",
        ));
    }
    let bytes = std::fs::read(path).map_err(Error::typed("read", path))?;
    let text = Input::from_bytes(path, bytes).text();
    text.map_err(|problem| Error::file(path, problem, "save it as plain text"))
}

/// The scanner, with a person's own patterns.
///
/// # Errors
/// Patterns that cannot be read or understood.
pub fn scanner(options: &SecretOptions) -> Result<Scanner> {
    let Some(path) = &options.patterns else {
        return Ok(Scanner::new(None).expect("our own patterns are tested"));
    };
    let text = listed(path)?;
    Scanner::new(Some(&text)).map_err(|why| Error::file(path, why, "mend that pattern"))
}
