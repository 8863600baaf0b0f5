//! Markdown as it was typed, and Obsidian's: nothing is unescaped, HTML stays. Front matter is left out, pictures, embeds,
//! the addresses of links and `%%comments%%`. Dates divide a long file into entries.

use jiff::civil::Date;

use crate::journal::dates::entries::Context;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, Through, When};
use crate::journal::syntax::front_matter::{self, FrontMatter};
use crate::journal::syntax::markup::{Cleaned, Markup};
use crate::journal::syntax::{by_dates, exported, lists, titles};

/// Markdown.
pub struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "Markdown"
    }

    fn is(&self, input: &Input) -> bool {
        is_named(input)
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        read_typed(input, options, sink, "", &|_, _| {})
    }
}

/// Whether a file is called Markdown.
pub fn is_named(input: &Input) -> bool {
    matches!(input.extension().as_str(), "md" | "markdown" | "mdown")
}

/// Reads a Markdown file: `name` is the title that its app shows where the front matter has none, `more` takes away what
/// is that app's alone.
pub fn read_typed(
    input: &Input,
    options: &Options,
    sink: &mut dyn Sink,
    name: &str,
    more: &dyn Fn(&mut Markup, &mut dyn Sink),
) -> Result<(), String> {
    let text = input.text()?;
    if exported::is(&text) {
        return exported::read(&text, sink);
    }
    let front = front_matter::take(&text, options, sink);
    let written = &text[front.end..];
    if lists::is_markdown_list(written) {
        sink.left_out("lists of files", 1);
        return Ok(());
    }
    let mut markup = Markup::new(written);
    if !options.comments {
        markup.comments(sink);
    }
    more(&mut markup, sink);
    markup.links(sink);
    let cleaned = markup.finish();
    let mut file = File {
        when: when(input, &front),
        named: input.day_in_name(),
        name,
        front,
        cleaned: &cleaned,
        first: true,
    };
    let known = by_dates::context(input, options);
    let context = Context { named: known.named.or_else(|| day_in_path(input)), ..known };
    by_dates::split_in(
        context,
        &cleaned.text,
        1,
        &links(written, &cleaned),
        &mut Through { sink, entry: |draft, sink: &mut dyn Sink| file.entry(draft, sink) },
    );
    file.title_alone(sink);
    Ok(())
}

/// The lines that open with what stays of a link.
fn links(written: &str, cleaned: &Cleaned) -> Vec<usize> {
    let (mut found, mut typed, mut before) = (Vec::new(), written.split('\n'), 0);
    for (number, line) in (1..).zip(cleaned.text.split('\n')) {
        let original = cleaned.original_line(number);
        let Some(typed) = original.checked_sub(before + 1).and_then(|more| typed.nth(more)) else { continue };
        before = original;
        let opens = |line: &str| line.trim_start().trim_start_matches('!').starts_with('[');
        if opens(typed) && !opens(line) {
            found.push(number);
        }
    }
    found
}

/// The moment of what stands before the first date in a file: the front matter's, the day of its path, and the moment it
/// was made at.
fn when(input: &Input, front: &FrontMatter) -> Option<When> {
    let day = input.day_in_name().or_else(|| day_in_path(input)).map(When::day);
    let created = front.created.filter(|made| day.is_none_or(|day| day.day == made.day));
    front.date.or(created).or(day)
}

/// Adds to a file's entries what the file knows: its moment and its title to the first, its tags to all.
struct File<'a> {
    when: Option<When>,
    named: Option<Date>,
    name: &'a str,
    front: FrontMatter,
    cleaned: &'a Cleaned,
    first: bool,
}

impl File<'_> {
    /// A title without text is still words.
    fn title_alone(&mut self, sink: &mut dyn Sink) {
        if self.first && !self.front.title.is_empty() {
            self.name = "";
            self.entry(Draft { place: Place::Line(0), ..Draft::default() }, sink);
        }
    }

    fn entry(&mut self, mut draft: Draft, sink: &mut dyn Sink) {
        if let Place::Line(line) = draft.place {
            draft.place = Place::Line(self.front.lines + self.cleaned.original_line(line.max(1)));
        }
        if self.first {
            let same = |when: &When| {
                Some(when.day) == self.named || self.when.is_some_and(|own| own.day == when.day)
            };
            if draft.when.as_ref().is_none_or(same) {
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
        sink.entry(draft);
    }
}

/// The day of a file that lies in folders of years and months: `2024/01/05.md`, `2024/01-January/05 Friday.md`,
/// `2024-01/05.md`, and as [`Input::day_in_path`].
pub fn day_in_path(input: &Input) -> Option<Date> {
    input.day_in_path().or_else(|| {
        let mut above = input.path().parent()?.iter().rev().filter_map(|name| name.to_str());
        let (day, folder) = (number(input.stem(), 2)?, above.next()?);
        let (year, month) = match number(folder, 4).zip(folder.get(5..).and_then(|rest| number(rest, 2))) {
            Some(year_and_month) => year_and_month,
            None => (number(above.next()?, 4)?, number(folder, 2)?),
        };
        Date::new(year, month.try_into().ok()?, day.try_into().ok()?)
            .ok()
            .filter(|date| (1800..2200).contains(&date.year()))
    })
}

/// The number that a name opens with, of so many digits (a short one may have one).
fn number(name: &str, digits: usize) -> Option<i16> {
    let found = name.bytes().take_while(u8::is_ascii_digit).count();
    let fits = found == digits || (digits == 2 && found == 1);
    let rest = &name[found..];
    (fits && !rest.starts_with(char::is_alphabetic)).then(|| name[..found].parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
