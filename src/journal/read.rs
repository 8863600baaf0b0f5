//! From files to drafts: each file goes to its format; zips are opened, and zips in zips.

use std::fs::File;
use std::path::Path;

use super::archive::{Archive, Member};
use super::beside::{self, Beside};
use super::collect::Collector;
use super::formats::{self, unreadable};
use super::input::{Input, Vault};
use super::select::Select;
use super::walk::{self, Found, NOT_ASKED_FOR, TEMPLATES, not_the_writers};

/// Zips in zips in zips: Notion nests twice.
const MOST_DEPTH: usize = 4;

/// Reads one file.
pub(super) fn file(found: &Found, select: &Select, collector: &mut Collector) {
    let opened = File::open(&found.path).and_then(|file| Input::from_file(&found.path, file, found.vault));
    match opened {
        Ok(input) => read(&input, &found.relative, select, collector, 0),
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
    let templates = templates_of(&vaults, &mut archive);
    for member in &members {
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
        if templates.iter().any(|template| lies_at(&member.name, template)) {
            collector.skip(&path, TEMPLATES);
            continue;
        }
        let is_asked_for = |file: &Path| select.takes_file(&relative.join(file));
        if let Some(reason) = passed_over(&member.name, &members, &mut archive, &is_asked_for) {
            collector.skip(&path, reason);
            continue;
        }
        match archive.input(member.index, path, vault) {
            Ok(inner) => read(&inner, &relative.join(&member.name), select, collector, depth + 1),
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

/// What the vaults in a zip have as templates.
fn templates_of(vaults: &[(String, Vault)], archive: &mut Archive) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, _) in vaults.iter().filter(|(_, vault)| *vault == Vault::Obsidian) {
        let named = walk::templates(&mut |file| archive.read(&format!("{folder}{file}")).ok().flatten());
        found.extend(named.into_iter().map(|path| format!("{folder}{path}")));
    }
    found
}

/// Whether a member is the one of that path, or lies below it.
fn lies_at(name: &str, path: &str) -> bool {
    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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

/// Why a member is passed over because of what lies beside it.
fn passed_over(
    name: &str,
    members: &[Member],
    archive: &mut Archive,
    is_asked_for: &dyn Fn(&Path) -> bool,
) -> Option<&'static str> {
    let folder = &name[..name.rfind('/').map_or(0, |at| at + 1)];
    let files = |extension: &str| {
        let first = members.partition_point(|member| member.name.as_str() < folder);
        let inside = members[first..].iter().take_while(|member| member.name.starts_with(folder));
        let fits = |name: &str| {
            !name[folder.len()..].contains('/') && name.rsplit_once('.').is_some_and(|(_, e)| e == extension)
        };
        inside.filter(|member| fits(&member.name)).map(|member| member.name.clone().into()).collect()
    };
    let mut open = |path: &Path| {
        let name = path.to_str()?.replace('\\', "/");
        let at = members.binary_search_by(|member| member.name.as_str().cmp(&name)).ok()?;
        archive.input(members[at].index, path.to_path_buf(), Vault::None).ok()
    };
    beside::reason(Path::new(name), &mut Beside { files: &files, is_asked_for, open: &mut open })
}
