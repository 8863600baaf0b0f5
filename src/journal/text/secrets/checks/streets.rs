//! Postal addresses.

use super::seen::{Pass, Seen};

/// A street and a house's number: surely one where nothing is counted after it, as in `Hauptstraße 12 Leute`.
pub fn street(seen: &Seen) -> Option<Pass> {
    let ends_in_number = seen.secret().ends_with(|c: char| c.is_ascii_digit());
    let counts =
        |after: &str| after.strip_prefix(' ').is_some_and(|rest| rest.starts_with(char::is_uppercase));
    let is_time = seen.after().starts_with([':', '.', ',']) && {
        seen.after()[1..].starts_with(|c: char| c.is_ascii_digit())
    };
    if is_time {
        return None;
    }
    seen.sure_if(!(ends_in_number && counts(seen.after())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_counts_something_is_no_houses() {
        let sure = |text: &str, end: usize| street(&Seen { text, range: 0..end }).map(|pass| !pass.doubtful);
        assert_eq!(sure("Marktweg 12, Ulm", 11), Some(true));
        assert_eq!(sure("Marktweg 12 Leute", 11), Some(false));
        assert_eq!(sure("Marktweg 12:30", 11), None);
    }
}
