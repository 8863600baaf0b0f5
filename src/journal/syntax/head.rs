//! What a file of text knows of its entries: its front matter, the day of its name and folders, and its name.

use jiff::civil::Date;

use super::front_matter::FrontMatter;
use super::titles;
use crate::journal::dates::file_dates;
use crate::journal::format::{DateOrder, Draft, Input, Options, When};

/// Adds to a file's entries what the file knows: its moment and its title to the first, its tags to all.
pub struct Head<'a> {
    when: Option<When>,
    named: Option<Date>,
    /// The title that its app shows where the front matter has none.
    name: &'a str,
    front: FrontMatter,
    first: bool,
}

impl<'a> Head<'a> {
    pub fn new(input: &Input, front: FrontMatter, name: &'a str, options: &Options) -> Head<'a> {
        let when = when(input, &front, options);
        Head { when, named: input.day_in_name(), name, front, first: true }
    }

    /// Lines before the text.
    pub fn lines(&self) -> usize {
        self.front.lines
    }

    /// What it makes of an entry.
    pub fn on(&mut self, mut draft: Draft) -> Draft {
        if self.first {
            let same = |when: &When| {
                Some(when.day) == self.named || self.when.is_some_and(|own| own.day == when.day)
            };
            // The time of a head within the day is nearer than the file's.
            if draft.when.as_ref().is_none_or(|when| same(when) && when.time.is_none()) {
                draft.when = self.when.or(draft.when);
            }
            draft.title = titles::kept(&self.front.title, &draft.text, draft.when);
            // The name of a note that holds nothing is not the writer's word for it.
            if self.front.title.is_empty() && !draft.text.trim().is_empty() {
                draft.title = titles::kept(self.name, &draft.text, draft.when);
            }
        }
        draft.tags.clone_from(&self.front.tags);
        self.first = false;
        draft
    }

    /// A title without text is still words: the entry of a file that had none.
    pub fn alone(&mut self) -> Option<Draft> {
        if !self.first || self.front.title.is_empty() {
            return None;
        }
        self.name = "";
        Some(self.on(Draft::default()))
    }
}

/// The moment of what stands before the first date in a file: the front matter's, the day of its path, the day that its
/// title is, and the moment it was made at.
fn when(input: &Input, front: &FrontMatter, options: &Options) -> Option<When> {
    let titled = || Some(titles::day(&front.title)?.day(options.date_order == Some(DateOrder::Mdy)));
    let day = input.day_in_name().or_else(|| input.day_in_path()).or_else(titled);
    let day = day.map(When::day);
    let created = front.created.filter(|made| day.is_none_or(|day| day.day == made.day));
    front.date.or(created).or(day)
}

/// What a file's name says beside its day.
pub fn name_without_day(input: &Input) -> &str {
    match input.day_in_path() {
        Some(day) => file_dates::behind_day(input.stem(), day),
        None => file_dates::without_date(input.stem(), file_dates::year_above(input.path())),
    }
}
