//! The words that tell people from places.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// Sets of words in lower case.
#[derive(Debug)]
pub struct Lists {
    /// Given names.
    pub given: HashSet<String>,
    /// What stands before a name and is no part of it.
    pub titles: HashSet<String>,
    /// What is never part of a name, though it may begin with a capital.
    pub never: HashSet<String>,
    /// What ends the name of a place or an institution.
    pub places: HashSet<String>,
    /// What stands before places.
    pub before_place: HashSet<String>,
    /// What stands before people.
    pub before_person: HashSet<String>,
    /// What stands after people.
    pub after_person: HashSet<String>,
    /// What stands in small letters within a surname.
    pub particles: HashSet<String>,
}

/// The file: lines of words.
#[derive(Deserialize)]
struct File {
    given: Vec<String>,
    titles: Vec<String>,
    never: Vec<String>,
    places: Vec<String>,
    before_place: Vec<String>,
    before_person: Vec<String>,
    after_person: Vec<String>,
    particles: Vec<String>,
}

/// The lists of `lists.json`.
pub static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let file: File =
        serde_json::from_str(include_str!("lists.json")).expect("the file is part of the program");
    let set =
        |lines: Vec<String>| lines.iter().flat_map(|line| line.split(' ')).map(str::to_string).collect();
    Lists {
        given: set(file.given),
        titles: set(file.titles),
        never: set(file.never),
        places: set(file.places),
        before_place: set(file.before_place),
        before_person: set(file.before_person),
        after_person: set(file.after_person),
        particles: set(file.particles),
    }
});
