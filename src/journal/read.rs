//! From files to drafts: each file goes to its format; zips are opened, and zips in zips.

use std::fs::File;
use std::path::Path;

use super::archive::Archive;
use super::collect::Collector;
use super::file_dates;
use super::formats::{self, unreadable};
use super::input::{Input, Vault};
use super::select::Select;
use super::walk::{Found, NOT_ASKED_FOR, not_the_writers};

/// Zips in zips in zips: Notion nests twice.
const MOST_DEPTH: usize = 4;

/// Reads one file.
pub(super) fn file(found: &Found, select: &Select, collector: &mut Collector) {
    let opened = File::open(&found.path).and_then(|file| Input::from_file(&found.path, file, found.vault));
    match opened {
        Ok(input) => read(&collector.in_order(input, found.order), &found.relative, select, collector, 0),
        Err(e) => collector.lose(&found.path, e.to_string()),
    }
}

fn read(input: &Input, relative: &Path, select: &Select, collector: &mut Collector, depth: usize) {
    let path = input.path();
    if input.is_empty() {
        return collector
            .lose(path, "empty (0 bytes); if it is a cloud placeholder, download the file first");
    }
    if let Some(format) = formats::of(input) {
        if !select.takes_file(relative) {
            return collector.skip(path, NOT_ASKED_FOR);
        }
        collector.begin(input, format.name());
        if input.guesses_day() {
            collector.guessed_name(path);
        }
        let read = format.read(input, &collector.options.clone(), collector);
        return collector.end(read);
    }
    if let Some(reason) = unreadable::reason(input) {
        // Pictures and sounds hold no words that could be lost.
        return if reason.ends_with("no text") {
            collector.skip(path, reason)
        } else {
            collector.lose(path, reason)
        };
    }
    if input.head_bytes().starts_with(b"PK") {
        return archive(input, relative, select, collector, depth);
    }
    collector.skip(path, "of no kind that is known");
}

fn archive(input: &Input, relative: &Path, select: &Select, collector: &mut Collector, depth: usize) {
    if depth == MOST_DEPTH {
        return collector
            .lose(input.path(), "a zip in a zip in a zip in a zip: unpack it, and give the folder");
    }
    let mut archive = match Archive::open(input) {
        Ok(archive) => archive,
        Err(reason) => return collector.lose(input.path(), reason),
    };
    let members = archive.members();
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let vaults = vaults(&names, input.vault());
    let orders = file_dates::orders(&names.iter().map(Path::new).collect::<Vec<_>>());
    for (member, order) in members.iter().zip(orders) {
        let path = input.path().join(&member.name);
        if let Some(reason) = &member.refused {
            collector.lose(&path, reason);
            continue;
        }
        if member.is_folder {
            continue;
        }
        let vault = vault_at(&member.name, &vaults);
        if let Some(reason) = name_left_out(&member.name, vault) {
            collector.skip(&path, reason);
            continue;
        }
        if let Some(reason) = twin(&member.name, &names) {
            collector.skip(&path, reason);
            continue;
        }
        match archive.input(member.index, path, vault) {
            Ok(inner) => read(
                &collector.in_order(inner, order),
                &relative.join(&member.name),
                select,
                collector,
                depth + 1,
            ),
            Err(reason) => collector.lose(&input.path().join(&member.name), reason),
        }
    }
}

/// The vaults in a zip: the folder that each begins at (ending in `/`, or empty), and its app.
fn vaults(names: &[&str], above: Vault) -> Vec<(String, Vault)> {
    let mut found = vec![(String::new(), above)];
    for name in names {
        let marked = [(".obsidian/", Vault::Obsidian), ("logseq/config.edn", Vault::Logseq)];
        for (mark, vault) in marked {
            if let Some(at) = name.find(mark).filter(|at| *at == 0 || name.as_bytes()[at - 1] == b'/') {
                found.push((name[..at].to_string(), vault));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The innermost vault that a member lies in.
fn vault_at(name: &str, vaults: &[(String, Vault)]) -> Vault {
    let holding = vaults.iter().filter(|(folder, _)| name.starts_with(folder.as_str()));
    holding
        .max_by_key(|(folder, vault)| (folder.len(), *vault != Vault::None))
        .map_or(Vault::None, |(_, vault)| *vault)
}

fn name_left_out(name: &str, vault: Vault) -> Option<&'static str> {
    let mut parts = name.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let is_folder = parts.peek().is_some();
        // The vault's own folder is judged from outside it.
        if let Some(reason) = not_the_writers(part, is_folder, vault) {
            return Some(reason);
        }
    }
    None
}

/// Why a member is not read because another one holds the same.
fn twin(name: &str, names: &[&str]) -> Option<&'static str> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let in_keep = folder.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("keep"));
    if in_keep && let Some(stem) = name.strip_suffix(".html") {
        let json = format!("{stem}.json");
        return names
            .binary_search(&json.as_str())
            .is_ok()
            .then_some("the same note is in the .json beside it");
    }
    let exported = |other: &&str| {
        let (beside, file) = other.rsplit_once('/').unwrap_or(("", other));
        beside == folder && file.ends_with(".md")
    };
    (file == "entries.jsonl" && names.iter().any(exported))
        .then_some("its entries are the .md files beside it")
}
