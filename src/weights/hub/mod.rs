//! Models from the Hugging Face hub, in its cache on this computer: found there, or fetched into it.
//!
//! `client` is the only code of `diarist` that opens a connection to the hub; what calls it is `diarist fetch`, and `diarist train`
//! where a person says yes to its offer. Everything else looks into the cache ([`local`]).

mod address;
mod cache;
mod client;
mod download;
mod files;
mod name;

use std::ffi::OsString;
use std::path::PathBuf;

pub use cache::Cache;
pub use client::{ENDPOINT, Patience};
pub use download::Watcher;
pub use name::Name;

use crate::base::units::{bytes, shown};
use crate::base::{Error, Result, disk};
use client::{Client, Remote};
use download::Download;
use files::Weights;

/// The hub as this computer sees it.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where it is: `https://huggingface.co`, or a mirror.
    pub endpoint: String,
    /// The cache on this computer.
    pub cache: Cache,
    /// No connection is to be opened.
    pub offline: bool,
    /// How long to wait.
    pub patience: Patience,
}

/// The folder of a model in this user's cache, if it is there whole, by `gpt2` or OWNER/NAME. Nothing is asked of anyone.
pub fn local(name: &str) -> Option<PathBuf> {
    Hub::from_env().ok()?.local(&Name::parse(name).ok()?)
}

impl Hub {
    /// As the environment has it: HF_ENDPOINT, HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE), and where the cache is.
    ///
    /// # Errors
    /// There is no place for a cache, or HF_ENDPOINT is no address.
    pub fn from_env() -> Result<Hub> {
        Hub::of(|name| std::env::var_os(name), dirs::home_dir())
    }

    fn of(get: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Result<Hub> {
        let text = |name: &str| {
            let value = get(name).map(|value| value.to_string_lossy().trim().to_string());
            value.filter(|value| !value.is_empty())
        };
        let yes = |value: String| ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str());
        let offline = text("HF_HUB_OFFLINE").or_else(|| text("TRANSFORMERS_OFFLINE")).is_some_and(yes);
        let endpoint =
            text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into()).trim_end_matches('/').to_string();
        // Without encryption only where somebody named such a mirror.
        let web = ["https://", "http://"].iter().find_map(|scheme| endpoint.strip_prefix(scheme));
        if web.is_none_or(|host| host.is_empty() || host.contains(['?', '#', '@', ' '])) {
            return Err(Error::setting(
                format!("HF_ENDPOINT is {endpoint:?}, which is no address of a hub"),
                format!("use {ENDPOINT}, or https://… of a mirror"),
            ));
        }
        let cache = Cache::of(get, home.as_deref())?;
        Ok(Hub { endpoint, cache, offline, patience: Patience::default() })
    }

    /// Where a person can look at a model.
    pub fn url(&self, name: &Name) -> String {
        format!("{}/{name}", self.endpoint)
    }

    /// The folder of a model in the cache, if it is there whole.
    pub fn local(&self, name: &Name) -> Option<PathBuf> {
        self.cache.local(name)
    }

    /// The error of a model that is not here where none is to be fetched.
    pub fn not_here(&self, name: &Name) -> Error {
        let cache = shown(self.cache.root());
        if self.offline {
            let problem = format!(
                "{name} is not in the cache ({cache}), and no connection may be opened (--offline, HF_HUB_OFFLINE)"
            );
            return Error::setting(problem, client::ways_on());
        }
        let short = name.short().map_or_else(|| name.to_string(), str::to_string);
        Error::setting(
            format!(
                "{name} is not on this computer: there is no such folder, and it is not in the cache ({cache})"
            ),
            format!("`diarist fetch {short}` gets it; or name a folder"),
        )
    }

    /// Fetches a model into the cache and returns its folder, at once if it is there.
    ///
    /// # Errors
    /// The hub cannot be reached, has no such model, or sends something else than it says; a model of another kind; no room.
    pub fn fetch(&self, name: &Name, watcher: &mut dyn Watcher) -> Result<PathBuf> {
        if let Some(there) = self.local(name) {
            return Ok(there);
        }
        if self.offline {
            return Err(self.not_here(name));
        }
        let client = Client::new(&self.endpoint, self.patience);
        let listing = client.list(name)?;
        let wanted = files::choose(name, &listing.files)?;
        let commit = &listing.commit;
        self.cache.prepare(name, commit)?;
        let download = Download { client: &client, cache: &self.cache, name, commit };
        let snapshot = self.cache.snapshot(name, commit);

        // What is small, the configuration first; then it is known whether to go on, and what there is to get in all.
        for file in &wanted.small {
            self.small(&download, file, watcher)?;
            if *file == "config.json" {
                files::check_architecture(name, &snapshot.join(file))?;
            }
        }
        let large: Vec<String> = match wanted.weights {
            Weights::Single(file) => vec![file.to_string()],
            Weights::Index(index) => {
                self.small(&download, index, watcher)?;
                files::shards(&snapshot.join(index))?.into_iter().collect()
            }
        };
        if let Some(missing) = large.iter().find(|file| !listing.files.contains(file)) {
            return Err(files::refused(name, format!("lacks {missing}, which its index names")));
        }
        let head = |file: &String| client.head(name, commit, file);
        let large: Vec<Remote> = large.iter().map(head).collect::<Result<_>>()?;
        let all = large.iter().fold(0_u64, |sum, remote| sum.saturating_add(remote.size));
        let present = large.iter().map(|remote| download.present(remote)).sum();
        self.check_room(name, all, present, disk::free(self.cache.root()))?;
        let resumed =
            if present > 0 { format!(", of which {} are here", bytes(present)) } else { String::new() };
        watcher.say(&format!("getting {}{resumed}: {}", bytes(all), self.url(name)));
        let mut before = 0;
        for remote in &large {
            download.run(remote, before, all, watcher)?;
            before += remote.size;
        }
        self.cache.set_main(name, commit)?;
        self.local(name)
            .ok_or_else(|| Error::bug(format!("{name} was fetched and is not in {}", snapshot.display())))
    }

    /// Gets a file that is no weights.
    fn small(&self, download: &Download, file: &str, watcher: &mut dyn Watcher) -> Result<()> {
        let remote = download.client.head(download.name, download.commit, file)?;
        if remote.size > files::MOST_JSON {
            let size = bytes(remote.size);
            return Err(files::refused(
                download.name,
                format!("has a {file} of {size}, which is no such file"),
            ));
        }
        download.run(&remote, 0, remote.size, watcher)
    }

    fn check_room(&self, name: &Name, all: u64, present: u64, free: Option<u64>) -> Result<()> {
        // A little more, for what else goes on on this disk.
        let needs = (all - present) + (16 << 20);
        match free {
            Some(free) if free < needs => Err(Error::file(
                self.cache.root(),
                format!("{name} takes {} more here, and this disk has {} free", bytes(needs), bytes(free)),
                format!("free {}, or set HF_HOME to a folder on another disk", bytes(needs - free)),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Hub> {
        let get =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Hub::of(get, Some("/home/a".into()))
    }

    #[test]
    fn the_environment_is_honoured() {
        let hub = of(&[]).unwrap();
        assert!(hub.endpoint == ENDPOINT && !hub.offline);
        for (value, offline) in
            [("1", true), ("TRUE", true), ("Yes", true), ("on", true), ("0", false), ("", false)]
        {
            assert_eq!(of(&[("HF_HUB_OFFLINE", value)]).unwrap().offline, offline, "{value}");
        }
        assert!(of(&[("TRANSFORMERS_OFFLINE", "1")]).unwrap().offline);
        let hub = of(&[("HF_ENDPOINT", " https://mirror.test/hf/ ")]).unwrap();
        assert_eq!(hub.url(&Name::gpt2()), "https://mirror.test/hf/openai-community/gpt2");
        assert_eq!(
            of(&[("HF_ENDPOINT", "http://127.0.0.1:8000")]).unwrap().endpoint,
            "http://127.0.0.1:8000"
        );
        for bad in ["mirror.test", "ftp://mirror.test", "https://", "https://name:secret@mirror.test"] {
            assert!(of(&[("HF_ENDPOINT", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_figures_are_told_where_there_is_no_room() {
        let hub = of(&[]).unwrap();
        let check = |present, free| hub.check_room(&Name::gpt2(), 548 << 20, present, free);
        assert!(check(0, None).is_ok() && check(0, Some(564 << 20)).is_ok());
        let error = check(0, Some(500 << 20)).unwrap_err().to_string();
        assert!(
            error.contains("564.0 MiB") && error.contains("500.0 MiB free") && error.contains("HF_HOME"),
            "{error}"
        );
        assert!(check(100 << 20, Some(500 << 20)).is_ok(), "what an earlier try left needs no room");
    }
}
