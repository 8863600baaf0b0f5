//! From files to drafts: each file goes to its format; zips are opened, and zips in zips.

use std::fs::File;
use std::path::Path;

use super::archive::{Archive, MOST_GROWTH, Member};
use super::beside::{self, Beside};
use super::collect::Collector;
use super::decode::Neighbours;
use super::file_dates;
use super::formats::{self, unreadable};
use super::input::{Input, MOST_WHOLE, Vault};
use super::select::Select;
use super::walk::{self, CLOUD, Found, NOT_ASKED_FOR, TEMPLATES, not_the_writers};

/// Zips in zips in zips: Notion nests twice.
const MOST_DEPTH: usize = 4;

/// What a file's zips may unpack to in all, however small they are; and how many times its length, past that.
const MOST_UNPACKED: u64 = 256 << 20;

/// Reads one file.
pub(super) fn file(found: &Found, neighbours: &Neighbours, select: &Select, collector: &mut Collector) {
    let opened = File::open(&found.path).and_then(|file| Input::from_file(&found.path, file, found.vault));
    match opened {
        Ok(input) => {
            let left = MOST_UNPACKED.max(input.len().saturating_mul(MOST_GROWTH));
            let input = collector.in_order(input.beside(neighbours.beside(&found.path)), found.order);
            Reading { select, collector, left }.read(&input, &found.relative, 0);
        }
        Err(e) => collector.lose(&found.path, e.to_string()),
    }
}

/// The reading of one file, and of what lies in it.
struct Reading<'a, 'c> {
    select: &'a Select,
    collector: &'a mut Collector<'c>,
    /// Bytes that zips may still unpack to.
    left: u64,
}

impl Reading<'_, '_> {
    fn read(&mut self, input: &Input, relative: &Path, depth: usize) {
        let (path, collector) = (input.path(), &mut *self.collector);
        if input.is_empty() {
            let reason = "empty (0 bytes); if it is a cloud placeholder, download the file first";
            return collector.lose(path, reason);
        }
        if let Some(format) = formats::of(input) {
            if !self.select.takes_file(relative) {
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
            return self.archive(input, relative, depth);
        }
        if is_text(input) {
            let reason =
                "text in a file of no known kind: give it the ending .txt, or leave it out with --glob";
            return collector.lose(path, reason);
        }
        collector.skip(path, "of no kind that is known");
    }

    fn archive(&mut self, input: &Input, relative: &Path, depth: usize) {
        if depth == MOST_DEPTH {
            let reason = "zips in zips, too deep: unpack it, and give the folder";
            return self.collector.lose(input.path(), reason);
        }
        let mut archive = match Archive::open(input) {
            Ok(archive) => archive,
            Err(reason) => return self.collector.lose(input.path(), reason),
        };
        let members = archive.members();
        match archive.namesakes(input) {
            0 => {}
            n => self.collector.lose(
                input.path(),
                format!("{n} of its files have the name of another one there, and were not read: unpack it, and give the folder"),
            ),
        }
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        let vaults = vaults(&names, input.vault());
        let templates = templates_of(&vaults, &mut archive);
        let orders = file_dates::orders(&names.iter().map(Path::new).collect::<Vec<_>>());
        for (member, order) in members.iter().zip(orders) {
            let path = input.path().join(member.name.trim_start_matches('/'));
            if let Some(reason) = &member.refused {
                self.collector.lose(&path, reason);
                continue;
            }
            if member.is_folder {
                continue;
            }
            let vault = vault_at(&member.name, &vaults);
            let is_template = templates.iter().any(|template| lies_at(&member.name, template));
            let is_asked_for = |file: &Path| self.select.takes_file(&relative.join(file));
            let reason = name_left_out(&member.name, vault)
                .or_else(|| is_template.then_some(TEMPLATES))
                .or_else(|| passed_over(&member.name, &members, &mut archive, &is_asked_for));
            match reason {
                Some(CLOUD) => self.collector.lose(&path, CLOUD),
                Some(reason) => self.collector.skip(&path, reason),
                None => match archive.input(member.index, path.clone(), vault, self.left) {
                    Ok(inner) => {
                        self.left = self.left.saturating_sub(inner.len());
                        let inner = self.collector.in_order(inner, order);
                        self.read(&inner, &relative.join(&member.name), depth + 1);
                    }
                    Err(reason) => self.collector.lose(&path, reason),
                },
            }
        }
    }
}

/// Whether a file of no known kind may hold what a person wrote: it is text, and not a program's.
fn is_text(input: &Input) -> bool {
    const PROGRAMS: &[&str] = &[
        "bat",
        "bib",
        "c",
        "cfg",
        "conf",
        "cpp",
        "css",
        "dtd",
        "edn",
        "h",
        "ics",
        "ini",
        "java",
        "js",
        "json",
        "lock",
        "map",
        "mjs",
        "opf",
        "ncx",
        "plist",
        "properties",
        "ps1",
        "py",
        "rels",
        "rs",
        "sh",
        "sql",
        "srt",
        "svg",
        "toml",
        "ts",
        "vcf",
        "xml",
        "xsd",
        "xsl",
        "yaml",
        "yml",
    ];
    let is_odd = |c: char| c == '\u{fffd}' || (c.is_control() && !matches!(c, '\n' | '\t' | '\u{c}'));
    let head = input.head();
    !PROGRAMS.contains(&input.extension().as_str())
        && !head.contains(is_odd)
        && head.contains(char::is_alphabetic)
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
        archive.input(members[at].index, path.to_path_buf(), Vault::None, MOST_WHOLE).ok()
    };
    beside::reason(Path::new(name), &mut Beside { files: &files, is_asked_for, open: &mut open })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::journal::Options;

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Reads a zip that may unpack to `left` bytes: the entries, and what was left out.
    fn read(bytes: Vec<u8>, left: u64) -> (usize, Vec<String>) {
        let (options, mut nobody) = (Options::default(), ());
        let select = Select::new(&options).unwrap();
        let mut collector = Collector::new(&options, &select, &mut nobody).unwrap();
        let input = Input::from_bytes("a.zip", bytes, Vault::None);
        Reading { select: &select, collector: &mut collector, left }.read(&input, Path::new("a.zip"), 0);
        let (corpus, _) = collector.finish().unwrap();
        let skipped = corpus.report.skipped.iter().filter(|skipped| skipped.lost);
        (
            corpus.len(),
            skipped.map(|skipped| format!("{}: {}", skipped.path.display(), skipped.reason)).collect(),
        )
    }

    #[test]
    fn many_small_bombs_are_one() {
        let inner = zip(&[("c.txt", &[b'c'; 500])]);
        let outer = || zip(&[("a.txt", &[b'a'; 500]), ("b.zip", &inner), ("d.txt", &[b'd'; 500])]);
        assert_eq!(read(outer(), 5_000), (3, vec![]));
        let bomb = "a zip bomb: its zip unpacks to far too much";
        assert_eq!(read(outer(), 1_400), (2, vec![format!("a.zip/d.txt: {bomb}")]));
        assert_eq!(read(outer(), 499).0, 0);
    }

    #[test]
    fn namesakes_are_reported() {
        let bytes = zip(&[("a.txt", b"first"), ("b.txt", b"second")]);
        // A writer refuses two of a name: the second is renamed where the names stand.
        let renamed: Vec<u8> = {
            let mut bytes = bytes.clone();
            for at in 0..bytes.len() - 5 {
                if &bytes[at..at + 5] == b"b.txt" {
                    bytes[at] = b'a';
                }
            }
            bytes
        };
        assert_eq!(read(bytes, 1_000), (2, vec![]));
        let (entries, skipped) = read(renamed, 1_000);
        assert_eq!((entries, skipped.len()), (1, 1));
        assert!(skipped[0].starts_with("a.zip: 1 of its files have the name of another"), "{skipped:?}");
    }
}
