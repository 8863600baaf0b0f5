//! From files to drafts: each file goes to its format; zips are opened, and zips in zips.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use jiff::civil::Date;

use super::collect::Collector;
use super::select::Select;
use super::unreadable::{self, Unreadable};
use super::walk::{self, CLOUD, Found, NOT_ASKED_FOR, TEMPLATES, not_the_writers};
use super::{sealed, structured};
use crate::base::units::thousands;
use crate::journal::dates::{DayNames, file_dates};
use crate::journal::format::{Beside, Place, Sink};
use crate::journal::formats;
use crate::journal::source::archive::{Archive, MOST_GROWTH, Member};
use crate::journal::source::input::{Input, Vault};
use crate::journal::text::decode::Neighbours;

/// Zips in zips in zips: Notion nests twice.
const MOST_DEPTH: usize = 4;

/// What a file's zips may unpack to in all, however small they are; and how many times its length, past that.
const MOST_UNPACKED: u64 = 256 << 20;

/// Reads one file.
pub fn file(found: &Found, neighbours: &Neighbours, select: &Select, collector: &mut Collector) {
    let opened = File::open(&found.path).and_then(|file| Input::from_file(&found.path, file));
    match opened {
        Ok(input) => {
            let left = Rc::new(Cell::new(MOST_UNPACKED.max(input.len().saturating_mul(MOST_GROWTH))));
            let input = input.in_vault(found.vault).of_day(found.day);
            let input = input.all_mine(select.is_mine(&found.path));
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
    left: Rc<Cell<u64>>,
}

impl Reading<'_, '_> {
    fn read(&mut self, input: &Input, relative: &Path, depth: usize) {
        let (path, collector) = (input.path(), &mut *self.collector);
        if input.is_empty() {
            let reason = "empty (0 bytes); if it is a cloud placeholder, download the file first";
            return collector.lose(path, reason);
        }
        if let Some(reason) = sealed::of(input) {
            return collector.lose(path, reason);
        }
        if let Some(reason) = formats::own::of(input) {
            return collector.skip(path, reason);
        }
        if let Some(format) = formats::of(input) {
            if !self.select.takes_file(relative) {
                return collector.skip(path, NOT_ASKED_FOR);
            }
            collector.begin(input, format.name());
            if input.guesses_day() {
                collector.guessed_name(path);
            }
            let options = collector.options.clone();
            if let Some(line) = formats::pasted_chat(format, input) {
                let problem =
                    "messages of a chat stand here as they were pasted: what others wrote is not yours";
                collector.trouble(Place::Line(line), problem.to_string());
            }
            let read = format.read(input, &options, collector);
            return collector.end(read);
        }
        match unreadable::of(input) {
            Some(Unreadable::Wordless(reason)) => return collector.skip(path, reason),
            Some(Unreadable::Lost(reason)) => return collector.lose(path, reason),
            None => {}
        }
        if input.head_bytes().starts_with(b"PK") {
            return self.archive(input, relative, depth);
        }
        if let Some(reason) = structured::of(input) {
            return collector.lose(path, reason);
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
        let mut archive = match Archive::within(input, self.left.clone()) {
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
        let vaults = Vaults::of(&members, input.vault(), &mut archive);
        let orders =
            file_dates::orders(&members.iter().map(|member| Path::new(&member.name)).collect::<Vec<_>>());
        for (n, (member, order)) in members.iter().zip(orders).enumerate() {
            if self.left.get() == 0 {
                let unread = thousands((members.len() - n) as u64);
                let reason =
                    format!("a zip bomb: it unpacks to far too much; {unread} of its files were not read");
                return self.collector.lose(input.path(), reason);
            }
            let path = input.path().join(member.name.trim_start_matches('/'));
            if let Some(reason) = &member.refused {
                self.collector.lose(&path, reason);
                continue;
            }
            if member.is_folder {
                continue;
            }
            let is_asked_for = |file: &Path| self.select.takes_file(&relative.join(file));
            let mut beside = || passed_over(&member.name, &members, &mut archive, &is_asked_for);
            let vault = match vaults.at(&member.name).and_then(|vault| beside().map_or(Ok(vault), Err)) {
                Ok(vault) => vault,
                Err(CLOUD) => {
                    self.collector.lose(&path, CLOUD);
                    continue;
                }
                Err(reason) => {
                    self.collector.skip(&path, reason);
                    continue;
                }
            };
            match archive.input(member.index, path.clone()) {
                Ok(inner) => {
                    let inner = inner.in_vault(vault).of_day(vaults.day(&member.name));
                    let inner = inner.all_mine(self.select.is_mine(&path));
                    let inner = self.collector.in_order(inner, order);
                    self.read(&inner, &relative.join(&member.name), depth + 1);
                }
                Err(reason) => self.collector.lose(&path, reason),
            }
        }
    }
}

/// Whether a file of no known kind may hold what a person wrote: it is text, and not a program's.
fn is_text(input: &Input) -> bool {
    const PROGRAMS: &str = "bat bib c cfg conf cpp css dtd edn h ics ini java js json lock map mjs opf ncx plist \
        properties ps1 py rels rs sh sql srt svg toml ts vcf xml xsd xsl yaml yml";
    let is_odd = |c: char| c == '\u{fffd}' || (c.is_control() && !matches!(c, '\n' | '\t' | '\u{c}'));
    let head = input.head();
    PROGRAMS.split(' ').all(|program| program != input.extension())
        && !head.contains(is_odd)
        && head.contains(char::is_alphabetic)
}

/// The vaults in a zip.
struct Vaults {
    /// The app in whose vault the zip lies.
    above: Option<&'static Vault>,
    /// By the folder that each begins at: ending in `/`, or empty.
    folders: HashMap<String, &'static Vault>,
    /// Files and folders that they have as templates.
    templates: HashSet<String>,
    /// What settings say of the names of days, with the folder of the vault.
    days: Vec<(String, DayNames)>,
}

impl Vaults {
    fn of(members: &[Member], above: Option<&'static Vault>, archive: &mut Archive) -> Vaults {
        let mut vaults =
            Vaults { above, folders: HashMap::new(), templates: HashSet::new(), days: Vec::new() };
        for vault in formats::vaults() {
            for Member { name, .. } in members {
                if let Some(at) =
                    name.find(vault.mark).filter(|at| *at == 0 || name.as_bytes()[at - 1] == b'/')
                {
                    vaults.folders.entry(name[..at].to_string()).or_insert(vault);
                }
            }
        }
        for (folder, vault) in &vaults.folders {
            let mut open = |file: &str| archive.read(&format!("{folder}{file}")).ok().flatten();
            let named = walk::templates(vault, &mut open).into_iter();
            vaults.templates.extend(named.map(|path| format!("{folder}{path}")));
            let names = formats::day_names(vault, &mut open).into_iter();
            vaults.days.extend(names.map(|names| (folder.clone(), names)));
        }
        vaults
    }

    /// The day of a member, as the settings of its vault have it.
    fn day(&self, name: &str) -> Option<Date> {
        let day = |(folder, names): &(String, DayNames)| names.day(Path::new(name.strip_prefix(folder)?));
        self.days.iter().find_map(day)
    }

    /// The vault that a member lies in, or why it is left out. Each part of its path is judged from where it lies: a
    /// whole vault may be kept in a folder that is called as one of its own would be.
    fn at(&self, name: &str) -> Result<Option<&'static Vault>, &'static str> {
        let mut vault = self.folders.get("").copied().or(self.above);
        let mut from = 0;
        while from < name.len() {
            let end = name[from..].find('/').map_or(name.len(), |at| from + at);
            let is_folder = end < name.len();
            if let Some(reason) = not_the_writers(&name[from..end], is_folder, vault) {
                return Err(reason);
            }
            if self.templates.contains(&name[..end]) {
                return Err(TEMPLATES);
            }
            from = end + usize::from(is_folder);
            vault = self.folders.get(&name[..from]).copied().or(vault);
        }
        Ok(vault)
    }
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
    let mut open = |path: &Path, most: u64| {
        let name = path.to_str()?.replace('\\', "/");
        let at = members.binary_search_by(|member| member.name.as_str().cmp(&name)).ok()?;
        Some(Input::from_bytes(path, archive.head(members[at].index, most)?))
    };
    formats::passed_over(Path::new(name), &mut Beside { files: &files, is_asked_for, open: &mut open })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::options::Options;
    use crate::journal::testing::zipped;

    /// Reads a zip that may unpack to `left` bytes: the entries, and what was left out.
    fn read(bytes: Vec<u8>, left: u64) -> (usize, Vec<String>) {
        let (options, mut nobody) = (Options::default(), ());
        let select = Select::new(&options).unwrap();
        let mut collector = Collector::new(&options, &select, &mut nobody).unwrap();
        let input = Input::from_bytes("a.zip", bytes);
        let left = Rc::new(Cell::new(left));
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
        let inner = zipped::<&[u8]>(&[("c.txt", &[b'c'; 500])]);
        let outer =
            || zipped::<&[u8]>(&[("a.txt", &[b'a'; 500]), ("b.zip", &inner), ("d.txt", &[b'd'; 500])]);
        assert_eq!(read(outer(), 5_000), (3, vec![]));
        let bomb = "a zip bomb: its zip unpacks to far too much";
        assert_eq!(read(outer(), 1_400), (2, vec![format!("a.zip/d.txt: {bomb}")]));
        let (entries, lost) = read(outer(), 499);
        assert!(entries == 0 && lost[1].ends_with("2 of its files were not read"), "{lost:?}");
    }

    #[test]
    fn namesakes_are_reported() {
        let bytes = zipped::<&[u8]>(&[("a.txt", b"first"), ("b.txt", b"second")]);
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
