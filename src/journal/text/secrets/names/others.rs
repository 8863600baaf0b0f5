//! Other full names, to hold one against.

use std::collections::BTreeSet;

use crate::base::rng::Rng;
use crate::journal::text::secrets::names::lists::LISTS;

/// Given names, and surnames, that are joined: enough for any number that is asked for, and few enough to join all of.
const PARTS: usize = 128;

/// `n` full names other than `name`, none of which is one of `names`: given names and surnames of those, each with another's, so that
/// what is new is only that the two stand together. Where they are too few, given names of the program's list stand before their
/// surnames. The same seed gives the same; fewer where even so there are no more.
pub fn other_names(name: &str, names: &[String], n: usize, seed: u64) -> Vec<String> {
    let mut rng = Rng::new(seed, "secrets.names");
    let known: BTreeSet<String> =
        names.iter().map(String::as_str).chain([name]).map(str::to_lowercase).collect();
    let (given, surnames): (BTreeSet<&str>, BTreeSet<&str>) =
        names.iter().map(String::as_str).chain([name]).filter_map(|name| name.split_once(' ')).unzip();
    let listed: BTreeSet<String> = LISTS.given.iter().map(|word| capitalised(word)).collect();
    let listed: BTreeSet<&str> =
        listed.iter().map(String::as_str).filter(|word| !given.contains(word)).collect();
    let mut out: Vec<String> = Vec::new();
    for given in [given, listed] {
        let [given, surnames] = [given, surnames.clone()].map(|parts| some(parts, &mut rng));
        let mut joined: Vec<String> = given
            .iter()
            .flat_map(|given| surnames.iter().map(move |surname| format!("{given} {surname}")))
            .filter(|joined| !known.contains(&joined.to_lowercase()))
            .collect();
        rng.shuffle(&mut joined);
        out.extend(joined.into_iter().take(n - out.len()));
    }
    out
}

/// [`PARTS`] of some, or all.
fn some<'a>(parts: BTreeSet<&'a str>, rng: &mut Rng) -> Vec<&'a str> {
    let mut parts: Vec<&str> = parts.into_iter().collect();
    rng.shuffle(&mut parts);
    parts.truncate(PARTS);
    parts
}

fn capitalised(word: &str) -> String {
    word.split('-').map(first_capital).collect::<Vec<_>>().join("-")
}

fn first_capital(part: &str) -> String {
    let mut chars = part.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| (*name).to_string()).collect()
    }

    #[test]
    fn another_name_is_made_of_the_diarys_own() {
        let known = names(&["Anna Berger", "Ben Arkwright", "Paul van Dyk"]);
        let mut others = other_names("Ben Arkwright", &known, 6, 1);
        others.sort();
        let all =
            ["Anna Arkwright", "Anna van Dyk", "Ben Berger", "Ben van Dyk", "Paul Arkwright", "Paul Berger"];
        assert_eq!(others, all);
        assert_eq!(
            other_names("Ben Arkwright", &known, 3, 1).len(),
            3,
            "and no more of them than are asked for"
        );
    }

    #[test]
    fn where_they_are_too_few_listed_names_stand_before_their_surnames() {
        let others = other_names("Ben Arkwright", &names(&["Anna Berger"]), 127, 1);
        assert_eq!(others.len(), 127);
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), 127);
        assert!(others[..2].iter().all(|name| ["Anna Arkwright", "Ben Berger"].contains(&&name[..])));
        assert!(others.iter().all(|name| name.ends_with(" Arkwright") || name.ends_with(" Berger")));
        assert!(others.iter().all(|name| name.starts_with(char::is_uppercase)));
        assert!(
            !others.contains(&"Anna Berger".to_string()) && !others.contains(&"Ben Arkwright".to_string())
        );
        assert_eq!(others, other_names("Ben Arkwright", &names(&["Anna Berger"]), 127, 1));
        assert_ne!(others, other_names("Ben Arkwright", &names(&["Anna Berger"]), 127, 2));
        assert_eq!(other_names("Ben Arkwright", &[], 127, 1).len(), 127, "one surname is enough");
    }
}
