//! What a regular expression cannot say: checksums, lengths by country, and whether a number is rather a date.

mod government;
mod iban;
mod mail;
mod money;
mod national;
mod passwords;
mod phones;
pub mod seen;
mod streets;

pub use iban::check_digits as iban_check_digits;
pub use money::luhn_digit;

use seen::{Check, Pass, Seen};

/// The checks, by the names that patterns give them.
const CHECKS: [(&str, Check); 27] = [
    ("", unchecked),
    ("luhn", money::card),
    ("iban", iban::iban),
    ("ssn", government::ssn),
    ("nino", government::nino),
    ("steuer-id", government::steuer_id),
    ("nir", government::nir),
    ("dni", government::dni),
    ("nie", government::nie),
    ("codice-fiscale", national::codice_fiscale),
    ("bsn", national::bsn),
    ("ahv", national::ahv),
    ("svnr", national::svnr),
    ("nif", national::nif),
    ("cpf", national::cpf),
    ("passport", government::passport),
    ("phone", phones::national),
    ("phone-international", phones::international),
    ("phone-nanp", phones::north_american),
    ("phone-pairs", phones::pairs),
    ("email", mail::email),
    ("password", passwords::after_colon),
    ("password-said", passwords::said),
    ("password-strong", passwords::strong),
    ("code", passwords::code),
    ("entropy", passwords::random),
    ("street", streets::street),
];

/// The check of a name.
pub fn named(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name).filter(|name| !name.is_empty())
}

/// What matches is one.
fn unchecked(seen: &Seen) -> Option<Pass> {
    seen.pass()
}
