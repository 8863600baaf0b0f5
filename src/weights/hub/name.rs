//! What a model is called on the hub: OWNER/NAME, and the short names of the five that people mean by GPT-2.

use std::fmt;
use std::path::Path;

use crate::base::{Error, Result};

/// The models that have a name of their own, the account that they lie in today, and the size of their weights in MB. They
/// had no account once, and a cache filled in those days still says so.
const KNOWN: [(&str, &str, u64); 5] = [
    ("gpt2", "openai-community", 548),
    ("gpt2-medium", "openai-community", 1_520),
    ("gpt2-large", "openai-community", 3_247),
    ("gpt2-xl", "openai-community", 6_432),
    ("distilgpt2", "distilbert", 353),
];

/// A model on the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    owner: String,
    name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl Name {
    /// The GPT-2 that a person starts from who asks for no other: 124 million parameters.
    pub fn gpt2() -> Name {
        Name { owner: KNOWN[0].1.into(), name: KNOWN[0].0.into() }
    }

    /// The names that need no account before them.
    pub fn known() -> [&'static str; 5] {
        KNOWN.map(|(name, ..)| name)
    }

    /// Reads `gpt2`, or `OWNER/NAME`.
    ///
    /// # Errors
    /// Anything else; the hub's own rules decide what a name may hold.
    pub fn parse(text: &str) -> Result<Name> {
        if let Some((name, owner, _)) = KNOWN.iter().find(|(name, ..)| *name == text) {
            return Ok(Name { owner: (*owner).into(), name: (*name).into() });
        }
        match text.split_once('/') {
            Some((owner, name)) if is_plain(owner) && is_plain(name) && !name.ends_with(".git") => {
                Ok(Name { owner: owner.into(), name: name.into() })
            }
            _ => Err(Error::usage(
                format!("{text:?} is no name of a model on the hub"),
                format!(
                    "give one of {}, or OWNER/NAME as huggingface.co writes it",
                    Self::known().join(", ")
                ),
            )),
        }
    }

    /// What a person meant who wrote this where a folder may stand, too: a model on the hub, unless there is such a folder,
    /// or one that the path begins with.
    pub fn unless_a_path(text: &str) -> Option<Name> {
        let first = text.split('/').next().unwrap_or_default();
        let is_path =
            Path::new(text).symlink_metadata().is_ok() || text.contains('/') && Path::new(first).exists();
        if is_path { None } else { Name::parse(text).ok() }
    }

    /// The short name of one of the five.
    pub fn short(&self) -> Option<&'static str> {
        self.entry().map(|(name, ..)| *name)
    }

    /// About how much there is to get, in bytes, where that is known before the hub is asked.
    pub fn about(&self) -> Option<u64> {
        self.entry().map(|(.., megabytes)| megabytes * 1_000_000)
    }

    fn entry(&self) -> Option<&'static (&'static str, &'static str, u64)> {
        KNOWN.iter().find(|(name, owner, _)| *name == self.name && *owner == self.owner)
    }

    /// The names of its folder in a cache: where it goes, and where one filled years ago has it.
    pub(super) fn folders(&self) -> Vec<String> {
        let now = format!("models--{}--{}", self.owner, self.name);
        let once = self.short().map(|name| format!("models--{name}"));
        [Some(now), once].into_iter().flatten().collect()
    }
}

/// A half of a name, by the hub's rules: letters, digits, `-`, `_` and `.`, 96 at most, no `--` (which stands for the slash
/// in a cache) and no `..`, no `-` or `.` at either end.
fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ends = |c: char| c == '-' || c == '.';
    (1..=96).contains(&part.len())
        && part.chars().all(plain)
        && !part.starts_with(ends)
        && !part.ends_with(ends)
        && !part.contains("--")
        && !part.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_the_hubs_rules() {
        let of = |text: &str| Name::parse(text).map(|name| name.to_string());
        for (typed, whole) in [
            ("gpt2", "openai-community/gpt2"),
            ("openai-community/gpt2-xl", "openai-community/gpt2-xl"),
            ("distilgpt2", "distilbert/distilgpt2"),
            ("a.b_c/D-1", "a.b_c/D-1"),
        ] {
            assert_eq!(of(typed).unwrap(), whole);
        }
        let long = format!("a/{}", "x".repeat(97));
        for bad in [
            "",
            "gpt3",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "../b",
            "a/..",
            "./b",
            "a/.b",
            "-a/b",
            "a--b/c",
            "a/b--c",
            "a/b.git",
            "a/b c",
            "a\\b/c",
            "a/b\n",
            "ä/b",
            "a/b?x",
            "a/b%2e",
            &long,
            "C:/b",
            "https://huggingface.co/a",
        ] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn old_caches_are_looked_into_too() {
        let of = |text: &str| Name::parse(text).unwrap().folders();
        assert_eq!(of("gpt2"), ["models--openai-community--gpt2", "models--gpt2"]);
        assert_eq!(of("openai-community/gpt2"), of("gpt2"));
        assert_eq!(of("distilgpt2"), ["models--distilbert--distilgpt2", "models--distilgpt2"]);
        assert_eq!(of("someone/gpt2"), ["models--someone--gpt2"]);
    }

    #[test]
    fn a_folder_that_is_there_is_no_name() {
        // Tests run in the package's folder, which has a `src`, with `weights` in it.
        assert_eq!(Name::unless_a_path("src/weights"), None);
        assert_eq!(Name::unless_a_path("src/wieghts"), None, "a slip in a path asks nobody for a download");
        assert_eq!(Name::unless_a_path("nowhere"), None);
        assert_eq!(Name::unless_a_path("gpt2"), Some(Name::gpt2()));
        assert_eq!(Name::unless_a_path("nobody-here/gpt2").unwrap().to_string(), "nobody-here/gpt2");
    }
}
