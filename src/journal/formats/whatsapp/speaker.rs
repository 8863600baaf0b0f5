//! Who speaks in a message.

use super::notices::MARK;
use super::opening::{Opening, is_direction_mark};
use crate::journal::format::Options;

/// The longest name looked for, in bytes.
const LONGEST_NAME: usize = 200;

/// Who speaks in an opened line, and what; none where the app does.
pub fn speaker<'a>(found: &Opening<'a>, options: &Options) -> Option<(String, &'a str)> {
    let rest = found.rest;
    let ends = |at: usize| rest[at + 1..].is_empty() || rest[at + 1..].starts_with(' ');
    let colons = || rest.match_indices(':').map(|(at, _)| at).take_while(|at| *at <= LONGEST_NAME);
    // The writer's own name may hold a colon.
    let own = colons().find(|at| ends(*at) && options.is_me(&clean_name(&rest[..*at])));
    let at = own.or_else(|| colons().find(|at| ends(*at)))?;
    let name = clean_name(&rest[..at]);
    let of_the_app = (own.is_none() && rest.starts_with(MARK)) || cuts_a_quotation(&name) || name.is_empty();
    (!of_the_app).then(|| (name, rest[at + 1..].strip_prefix(' ').unwrap_or("")))
}

/// A name as a person would type it: without direction marks, and without the `~` before names that are not contacts.
fn clean_name(written: &str) -> String {
    let name: String = written
        .chars()
        .filter(|c| !is_direction_mark(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    name.trim().trim_start_matches('~').trim().to_string()
}

/// `Ann changed the subject to “Summer` is no name, though a colon follows it.
fn cuts_a_quotation(name: &str) -> bool {
    let count = |signs: &[char]| name.chars().filter(|c| signs.contains(c)).count();
    count(&['"', '“', '”', '„']) % 2 == 1 || count(&['«']) != count(&['»'])
}
