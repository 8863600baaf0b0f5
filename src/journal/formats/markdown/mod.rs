//! Markdown as it was typed, and Obsidian's: nothing is unescaped, HTML stays. Front matter is left out, pictures, embeds,
//! the addresses of links and `%%comments%%`. Dates divide a long file into entries.

use std::ops::Range;

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, Through};
use crate::journal::syntax::head::Head;
use crate::journal::syntax::markup::{Cleaned, Markup};
use crate::journal::syntax::{by_dates, exported, front_matter, lists};

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
    if front.clip {
        sink.left_out("web clips", 1);
        return Ok(());
    }
    let written = &text[front.end..];
    if lists::is_markdown_list(written) {
        sink.left_out("lists of files", 1);
        return Ok(());
    }
    let mut markup = Markup::new(written);
    if !options.comments {
        markup.comments(sink);
    }
    markup.in_lines("picture sizes", picture_size, sink);
    more(&mut markup, sink);
    markup.links(sink);
    let cleaned = markup.finish();
    let mut head = Head::new(input, front, name, options);
    let entry = |mut draft: Draft, sink: &mut dyn Sink| {
        if let Place::Line(line) = draft.place {
            draft.place = Place::Line(head.lines() + cleaned.original_line(line.max(1)));
        }
        sink.entry(head.on(draft));
    };
    by_dates::split_in(
        by_dates::context(input, options),
        &cleaned.text,
        1,
        &links(written, &cleaned),
        &mut Through { sink, entry },
    );
    if let Some(draft) = head.alone() {
        sink.entry(Draft { place: Place::Line(head.lines() + 1), ..draft });
    }
    Ok(())
}

/// `<!-- {"width":388} -->`, which Bear puts behind a picture.
fn picture_size(line: &str) -> Option<Range<usize>> {
    let start = line.find("<!-- {\"")?;
    let end = start + line[start..].find("} -->")? + "} -->".len();
    Some(start..end)
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

#[cfg(test)]
mod tests;
