//! What takes the drafts: damage is repaired, what was not asked for goes, the rest is stored.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::sealed;
use super::secrets::Guard;
use super::select::Select;
use crate::base::units::{shown, thousands};
use crate::base::{Error, Result};
use crate::journal::corpus::Corpus;
use crate::journal::corpus::dedup::Finder;
use crate::journal::corpus::report::{Report, Skipped, Trouble};
use crate::journal::entry::{Draft, Place};
use crate::journal::format::Sink;
use crate::journal::options::{DateOrder, Options};
use crate::journal::source::input::Input;
use crate::journal::source::spool;
use crate::journal::syntax::markers;
use crate::journal::text::repair::{Repaired, repair};
use crate::journal::text::style::Style;
use crate::journal::watch::{Change, Observer};

/// At most so many troubles of one file are named; the rest are counted.
const MOST_TROUBLES: usize = 20;

/// At most so many lost entries of one file are named; the rest are counted together.
const MOST_LOST: usize = 1000;

/// Of a title a report shows so many characters.
const LONGEST_TITLE: usize = 60;

/// Takes the drafts of one file after another.
pub struct Collector<'a> {
    pub options: Rc<Options>,
    pub corpus: Corpus,
    pub finder: Finder,
    select: &'a Select,
    style: Style,
    guard: Guard,
    observer: &'a mut dyn Observer,
    /// Whether changes are shown: otherwise they are only counted.
    shown: bool,
    /// The first error of the disk; nothing is stored after it.
    failed: Option<std::io::Error>,
    troubles_of_file: usize,
    lost_of_file: usize,
    /// What was left out of this file without being shown.
    counted: BTreeMap<&'static str, usize>,
    /// Folders with a file whose name was read day first for want of anything that tells.
    guessed: HashSet<PathBuf>,
}

impl<'a> Collector<'a> {
    pub fn new(
        options: &Options,
        select: &'a Select,
        observer: &'a mut dyn Observer,
    ) -> Result<Collector<'a>> {
        Ok(Collector {
            options: Rc::new(options.clone()),
            corpus: Corpus::default(),
            finder: Finder::default(),
            select,
            style: Style::new(&options.style)?,
            guard: Guard::new(&options.secrets)?,
            shown: observer.wants_changes(),
            observer,
            failed: None,
            troubles_of_file: 0,
            lost_of_file: 0,
            counted: BTreeMap::new(),
            guessed: HashSet::new(),
        })
    }

    /// The corpus and its fingerprints, unless the disk failed.
    pub fn finish(mut self) -> Result<(Corpus, Finder)> {
        self.corpus.style = self.style;
        self.guard.tell(&mut self.corpus.report);
        match self.failed {
            Some(e) => Err(Error::io("keep entries in", spool::folder())(e)),
            None => Ok((self.corpus, self.finder)),
        }
    }

    pub fn progress(&mut self, bytes: u64, of: u64) {
        self.observer.progress("reading", bytes, of);
    }

    fn report(&mut self) -> &mut Report {
        &mut self.corpus.report
    }

    pub fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        let skipped = Skipped::harmless(path, reason);
        self.report().skipped.push(skipped);
    }

    /// Leaves out what may hold words.
    pub fn lose(&mut self, path: &Path, reason: impl Into<String>) {
        let skipped = Skipped::lost(path, reason);
        self.report().skipped.push(skipped);
    }

    /// A file is about to be read.
    pub fn begin(&mut self, input: &Input, format: &'static str) {
        self.corpus.begin_source(input.path(), format);
        self.report().files += 1;
        self.troubles_of_file = 0;
        self.lost_of_file = 0;
    }

    /// A file with the order of its name: as the names beside it tell, or else the person.
    pub fn in_order(&self, input: Input, order: Option<DateOrder>) -> Input {
        input.with_order(order.or(self.options.date_order))
    }

    /// Its name was read day first, and nothing told; said once a folder.
    pub fn guessed_name(&mut self, path: &Path) {
        if self.guessed.insert(path.with_file_name("")) {
            let problem =
                "dates in names are taken day first here: --date-order mdy reads them the other way";
            self.trouble(Place::default(), problem.to_string());
        }
    }

    /// It was read, or not to its end.
    pub fn end(&mut self, read: std::result::Result<(), String>) {
        for (what, times) in std::mem::take(&mut self.counted) {
            self.show(&format!("{what} ({times})"), None, "", "");
        }
        let path = self.corpus.source().to_path_buf();
        if let Some(more @ 1..) = self.lost_of_file.checked_sub(MOST_LOST) {
            self.lose(&path, format!("{} more of its entries are left out", thousands(more as u64)));
        }
        let Err(reason) = read else { return };
        if self.corpus.entries_of_source() == 0 {
            self.report().files -= 1;
            return self.lose(&path, reason);
        }
        self.lose(&path, format!("{reason}; what stands before was read"));
    }

    fn count_repairs(&mut self, repaired: &Repaired, place: Place, before: &str) {
        let kinds = [
            ("mojibake repaired", repaired.mojibake),
            ("apostrophes repaired", repaired.apostrophes),
            ("invisible characters left out", repaired.invisible),
            ("control characters left out", repaired.controls),
        ];
        let changed: Vec<&'static str> =
            kinds.iter().filter(|(_, n)| *n > 0).map(|(what, _)| *what).collect();
        for (what, n) in kinds {
            if n > 0 {
                *self.report().changes.entry(what.into()).or_default() += n;
            }
        }
        if self.shown && !changed.is_empty() {
            self.show(&changed.join(", "), Some(place), before, &repaired.text);
        }
        let lines = repaired.beyond_repair.iter().map(|line| match place {
            Place::Line(first) => Place::Line(first + line),
            number => number,
        });
        let mut last = None;
        for place in lines {
            if last != Some(place) {
                self.trouble(place, "a character that was damaged beyond repair (\u{fffd})".into());
            }
            last = Some(place);
        }
    }

    /// What the style that was asked for makes of a text; its changes are counted.
    fn styled(
        &mut self,
        place: Place,
        apply: impl FnOnce(&Style, &mut dyn FnMut(&'static str, &str, &str)) -> String,
    ) -> String {
        let mut changes = Vec::new();
        let text = apply(&self.style, &mut |what, before, after| {
            changes.push((what, before.to_string(), after.to_string()));
        });
        for (what, before, after) in changes {
            *self.report().changes.entry(what.into()).or_default() += 1;
            if self.shown {
                self.show(what, Some(place), &before, &after);
            }
        }
        text
    }

    /// Counts what should not be learned, and takes it away where that was asked for.
    fn without_secrets(&mut self, draft: &mut Draft) {
        let day = draft.when.map(|when| when.day.to_string());
        let name = day.unwrap_or_else(|| format!("{}{}", shown(self.corpus.source()), draft.place));
        let texts = [self.guard.take_title(&draft.title), self.guard.take(&name, &draft.text)];
        for (which, after) in [Draft::title_mut, Draft::text_mut].into_iter().zip(texts) {
            let Some(after) = after else { continue };
            let before = std::mem::replace(which(draft), after);
            *self.report().changes.entry("secrets".into()).or_default() += 1;
            if self.shown {
                let after = which(draft).clone();
                self.show("secrets", Some(draft.place), &before, &after);
            }
        }
        draft.trim();
    }

    fn count_left_out(&mut self, what: &str, times: usize) {
        *self.report().left_out.entry(what.into()).or_default() += times;
    }

    fn show(&mut self, what: &str, place: Option<Place>, before: &str, after: &str) {
        let source = self.corpus.source();
        self.observer.changed(&Change { source, place, what, before, after });
    }
}

/// Line ends as Unix has them. A file's own are so already; these come from the fields of JSON, CSV and XML.
fn with_line_feeds(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

impl Sink for Collector<'_> {
    fn entry(&mut self, mut draft: Draft) {
        if self.failed.is_some() {
            return;
        }
        if let Some((kept, passages)) = sealed::passages(&draft.text) {
            passages.iter().for_each(|passage| self.changed("encrypted passages", passage, ""));
            let problem =
                "an encrypted passage was left out: decrypt it in a copy of the file, and give that";
            self.trouble(draft.place, problem.to_string());
            draft.text = kept;
        }
        for which in [Draft::title_mut, Draft::text_mut] {
            let before = with_line_feeds(std::mem::take(which(&mut draft)));
            let repaired = repair(&before);
            self.count_repairs(&repaired, draft.place, &before);
            let text = repaired.text.into_owned();
            *which(&mut draft) = self.styled(draft.place, |style, log| style.apply(text, log));
        }
        let (bare, marks) = markers::bare(&draft.text);
        if marks > 0 {
            draft.text = bare.to_string();
            self.left_out("marks of another trainer", marks);
        }
        draft.trim();
        if !draft.has_word() {
            self.report().empty_entries += 1;
        } else if let Some(what) = self.select.leaves(&draft) {
            self.left_out(what, 1);
        } else {
            for tag in &mut draft.tags {
                let named = std::mem::take(tag);
                *tag = self.styled(draft.place, |style, log| style.apply_to_tag(named, log));
            }
            self.without_secrets(&mut draft);
            match self.corpus.push(&draft) {
                Ok(whole) => self.finder.add(draft.when.map(|when| when.day), &whole),
                Err(e) => self.failed = Some(e),
            }
        }
    }

    fn left_out(&mut self, what: &'static str, times: usize) {
        if times > 0 {
            self.count_left_out(what, times);
            if self.shown {
                *self.counted.entry(what).or_default() += times;
            }
        }
    }

    fn changed(&mut self, what: &'static str, before: &str, after: &str) {
        self.count_left_out(what, 1);
        if self.shown {
            self.show(what, None, before, after);
        }
    }

    fn lost(&mut self, place: Place, title: &str, problem: String) {
        self.lost_of_file += 1;
        if self.lost_of_file > MOST_LOST {
            return;
        }
        let title: String = title.trim().chars().take(LONGEST_TITLE).collect();
        let which = if title.is_empty() { "an entry".to_string() } else { format!("“{title}”") };
        let path = self.corpus.source().to_path_buf();
        let skipped =
            Skipped { place: Some(place), ..Skipped::lost(&path, format!("{which} is left out: {problem}")) };
        self.report().skipped.push(skipped);
    }

    fn trouble(&mut self, place: Place, problem: String) {
        self.troubles_of_file += 1;
        let path = self.corpus.source().to_path_buf();
        if self.troubles_of_file <= MOST_TROUBLES {
            self.report().troubles.push(Trouble { path, place, problem });
        } else {
            self.report().more_troubles += 1;
        }
    }

    fn date_left(&mut self, times: usize) {
        self.report().dates_left_in_text += times;
    }

    fn stranger(&mut self, name: &str) {
        // Names are a report, not a text: no export of a chat has thousands.
        if self.report().strangers.len() < 1000 || self.report().strangers.contains_key(name) {
            *self.report().strangers.entry(name.to_string()).or_default() += 1;
        }
    }
}
