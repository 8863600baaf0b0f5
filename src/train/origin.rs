//! What a run starts from: nothing, a folder, or a model of the hub, which may have to be fetched first.

use std::path::PathBuf;

use crate::base::{Error, Result};
use crate::weights::hub::{Hub, Name};

/// What a run starts from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Random weights.
    Scratch,
    /// A folder.
    Folder(PathBuf),
    /// A model of the hub, and the folder that it has in the cache.
    Cache(Name, PathBuf),
    /// A model of the hub that is not on this computer.
    Hub(Hub, Name),
}

impl Origin {
    /// Reads `--from`, as far as this computer knows what it means: nothing is fetched. Without it, GPT-2 is meant.
    ///
    /// # Errors
    /// A model of the hub, where there is no place for its cache.
    pub fn of(from: Option<&str>, offline: bool) -> Result<Origin> {
        let name = match from {
            Some("scratch") => return Ok(Origin::Scratch),
            Some(text) => match Name::unless_a_path(text) {
                Some(name) => name,
                None => return Ok(Origin::Folder(text.into())),
            },
            None => Name::gpt2(),
        };
        let mut hub = Hub::from_env()?;
        hub.offline |= offline;
        Ok(match hub.local(&name) {
            Some(folder) => Origin::Cache(name, folder),
            None => Origin::Hub(hub, name),
        })
    }
}

/// The error where nobody can be asked whether to fetch a model.
pub fn not_said(hub: &Hub, name: &Name, named: bool, lora: bool) -> Error {
    let (url, short) = (hub.url(name), name.short().map_or_else(|| name.to_string(), str::to_string));
    let problem = if named {
        format!(
            "{name} is not on this computer, and nobody can be asked whether to fetch it: --yes was not given"
        )
    } else {
        let scratch = if lora { "" } else { "--from scratch, " };
        format!("say what to start from: {scratch}--from DIR with GPT-2's folder, or --yes to fetch GPT-2")
    };
    let size = name.about().map_or(String::new(), |size| format!(" ({})", megabytes(size)));
    // An adapter stands beside a model that is there already.
    let scratch = match lora {
        true => "",
        false => {
            "`--from scratch` trains a small model that learns spelling and rhythm. For sense, start from GPT-2: "
        }
    };
    let next = format!(
        "{scratch}`--yes`, or `diarist fetch {short}` before, gets it from {url}{size}, and nothing of yours is sent; or give \
         a folder that has it as `--from DIR`"
    );
    Error::usage(problem, next)
}

/// A size as a hub's page tells it: `548 MB`, `1.5 GB`.
pub fn megabytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        mb if mb < 1000.0 => format!("{mb:.0} MB"),
        mb => format!("{:.1} GB", mb / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_a_folder_and_what_is_not_may_be_a_model() {
        let of = |from: &str| Origin::of(Some(from), false).unwrap();
        assert!(matches!(of("scratch"), Origin::Scratch));
        // Tests run in the package's folder, which has a `src`.
        for folder in ["src", "./gone", "src/gone", "gone", "/gone/too"] {
            assert!(matches!(of(folder), Origin::Folder(path) if path.as_os_str() == folder), "{folder}");
        }
        let named = |from: &str| match of(from) {
            Origin::Cache(name, _) | Origin::Hub(_, name) => name.to_string(),
            other => panic!("{from}: {other:?}"),
        };
        assert_eq!(named("gpt2-xl"), "openai-community/gpt2-xl");
        assert_eq!(named("nobody-at-all/gpt2-poems"), "nobody-at-all/gpt2-poems");
    }

    #[test]
    fn sizes_are_the_hubs() {
        assert_eq!([548_105_171, 6_431_829_964].map(megabytes), ["548 MB", "6.4 GB"]);
    }
}
