//! Markdown's inline marks, as far as apps write them: what is a link's, a picture's or an app's goes, words stay.
//!
//! A [`Markup`] gathers what is to go from one text and takes it all away at once, so that line numbers are not lost. In
//! code spans and fenced code nothing changes. All of it runs in linear time, whatever the brackets.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::Range;

use crate::journal::format::Sink;

mod code;
mod escapes;
mod target;
mod writer;

pub use code::fence;
pub use escapes::unescape;
use target::{
    autolink, caption, definition, folded, inline_target, references, shown_page, size_after, wiki,
};
pub use writer::Cleaned;
use writer::Writer;

/// A text of which marks are to go.
pub struct Markup<'a> {
    text: &'a str,
    fences: Vec<code::Fence<'a>>,
    /// Code, and what goes as a whole: no marks are looked for in it. In order and apart.
    closed: Vec<Range<usize>>,
    edits: Vec<Edit>,
}

struct Edit {
    range: Range<usize>,
    with: String,
}

/// Brackets in brackets, beyond which the outer ones are text: what is looked at again and again stays short.
const MOST_NESTED: usize = 32;

/// `[` or `![` that may open a link or a picture.
struct Opener {
    at: usize,
    image: bool,
    /// How many edits there were before it.
    edits: usize,
}

impl<'a> Markup<'a> {
    /// Nothing goes yet.
    pub fn new(text: &'a str) -> Markup<'a> {
        let (fences, closed) = code::find(text);
        Markup { text, fences, closed, edits: Vec::new() }
    }

    /// Takes away Obsidian's `%%comments%%`. One over several lines has a line's start before it or a line's end behind
    /// it, one over several paragraphs both: else two signs far apart would take along what stands between them. One that
    /// is not closed stays, as does one that opens behind a digit: "100%%".
    pub fn comments(&mut self, sink: &mut dyn Sink) {
        let text = self.text;
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut open = None;
        for at in self.outside("%%") {
            match open {
                None if text[..at].ends_with(|c: char| c.is_ascii_digit()) => {}
                None => open = Some(at),
                Some(from) if !is_comment(text, from, at) => open = Some(at),
                Some(from) => {
                    open = None;
                    let comment = &text[from..at + 2];
                    // What Meld Encrypt makes of a passage opens with this sign.
                    let what = if comment.starts_with("%%🔐") { "encrypted passages" } else { "comments" };
                    sink.changed(what, comment, "");
                    found.push(from..at + 2);
                }
            }
        }
        self.drop_whole(found);
    }

    /// Takes away fenced blocks whose language is one of these: ```` ```dataview ````.
    pub fn queries(&mut self, languages: &[&str], sink: &mut dyn Sink) {
        let ours = |fence: &&code::Fence| languages.contains(&fence.language);
        let found: Vec<Range<usize>> =
            self.fences.iter().filter(ours).map(|fence| fence.range.clone()).collect();
        for range in &found {
            sink.changed("queries", &self.text[range.clone()], "");
        }
        self.drop_whole(found);
    }

    /// Takes away what `find` points at in a line: a block id at its end, the mark of a callout.
    pub fn in_lines(
        &mut self,
        what: &'static str,
        find: impl Fn(&str) -> Option<Range<usize>>,
        sink: &mut dyn Sink,
    ) {
        let mut found = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            if let Some(part) = find(line.trim_end_matches('\n')) {
                let range = start + part.start..start + part.end;
                if !self.is_closed(&range) {
                    sink.changed(what, line.trim(), &[&line[..part.start], &line[part.end..]].concat());
                    found.push(range);
                }
            }
            start += line.len();
        }
        self.drop_whole(found);
    }

    /// Takes away what stands between two signs in one line, where `pick` names it: `{{query …}}`, `((block))`.
    pub fn between(
        &mut self,
        (open, close): (&str, &str),
        pick: impl Fn(&str) -> Option<&'static str>,
        sink: &mut dyn Sink,
    ) {
        let mut found = Vec::new();
        let all = self.outside(open);
        for (n, &at) in all.iter().enumerate() {
            // `(((a)))` holds `((a))`.
            let sign = open.chars().next().unwrap_or_default();
            let behind = &self.text[at + open.len()..];
            let at = at + behind.len() - behind.trim_start_matches(sign).len();
            let end = all.get(n + 1).map_or(self.text.len(), |next| *next).max(at + open.len());
            let inner = self.text[at + open.len()..end].split('\n').next().unwrap_or("");
            let Some((inner, _)) = inner.split_once(close) else { continue };
            if let Some(what) = pick(inner) {
                let range = at..at + open.len() + inner.len() + close.len();
                sink.changed(what, &self.text[range.clone()], "");
                found.push(range);
            }
        }
        self.drop_whole(found);
    }

    /// Pictures and embeds go, but for captions; of links and `[[wiki links]]` the label stays.
    pub fn links(&mut self, sink: &mut dyn Sink) {
        let defined = self.definitions(sink);
        let (text, bytes) = (self.text, self.text.as_bytes());
        let mut openers: Vec<Opener> = Vec::new();
        // A link holds no links: what opened before the last one is none.
        let mut last_link = 0;
        let (mut i, mut next_closed) = (0, 0);
        while i < bytes.len() {
            while self.closed.get(next_closed).is_some_and(|range| range.end <= i) {
                next_closed += 1;
            }
            if let Some(range) = self.closed.get(next_closed).filter(|range| range.start <= i) {
                i = range.end;
                continue;
            }
            match bytes[i] {
                b'\\' if bytes.get(i + 1).is_some_and(u8::is_ascii_punctuation) => i += 1,
                b'\n' if text[i + 1..].split('\n').next().is_some_and(|line| line.trim().is_empty()) => {
                    openers.clear()
                }
                b'<' => i += autolink(&text[i..]).map_or(0, |length| length - 1),
                b'!' | b'[' if bytes[i..].starts_with(b"![[") || bytes[i..].starts_with(b"[[") => {
                    let mark = usize::from(bytes[i] == b'!');
                    if let Some(inner) = wiki(&text[i + mark..]) {
                        let range = i..i + mark + inner.len() + 4;
                        i = range.end - 1;
                        self.wiki_link(range, inner, mark == 1, sink);
                    } else {
                        openers.push(Opener { at: i, image: mark == 1, edits: self.edits.len() });
                        i += mark;
                    }
                }
                b'!' if bytes.get(i + 1) == Some(&b'[') => {
                    openers.push(Opener { at: i, image: true, edits: self.edits.len() });
                    i += 1;
                }
                b'[' => openers.push(Opener { at: i, image: false, edits: self.edits.len() }),
                b']' => {
                    let opener = openers.pop().filter(|opener| opener.image || opener.at >= last_link);
                    let found = opener.and_then(|o| Some((self.destination(&o, i, &defined)?, o)));
                    if let Some(((end, target), opener)) = found {
                        if !opener.image {
                            last_link = i;
                        }
                        self.link(&opener, i, end, target, sink);
                        i = end - 1;
                    }
                }
                _ => {}
            }
            if openers.len() > MOST_NESTED {
                openers.remove(0);
            }
            i += 1;
        }
    }

    /// What the `]` at `close` ends, if it is a link or a picture: where that ends, and its target.
    fn destination(
        &self,
        opener: &Opener,
        close: usize,
        defined: &HashSet<String>,
    ) -> Option<(usize, &'a str)> {
        let rest = &self.text[close + 1..];
        if let Some((length, target)) = inline_target(rest, opener.image) {
            return Some((close + 1 + length, target));
        }
        if defined.is_empty() {
            return None;
        }
        let label = &self.text[opener.at + 1 + usize::from(opener.image)..close];
        let named = rest.strip_prefix('[').and_then(|name| Some(&name[..name.find(['[', ']', '\n'])?]));
        match named.filter(|name| rest[1 + name.len()..].starts_with(']')) {
            Some("") => defined.contains(&folded(label)?).then_some((close + 3, "")),
            Some(name) => defined.contains(&folded(name)?).then_some((close + 3 + name.len(), "")),
            None => defined.contains(&folded(label)?).then_some((close + 1, "")),
        }
    }

    fn link(&mut self, opener: &Opener, close: usize, end: usize, target: &str, sink: &mut dyn Sink) {
        let whole = &self.text[opener.at..end];
        if !opener.image {
            sink.changed("link addresses", whole, &self.text[opener.at + 1..close]);
            self.edits.push(Edit { range: opener.at..opener.at + 1, with: String::new() });
            self.edits.push(Edit { range: close..end, with: String::new() });
            return;
        }
        let end = end + size_after(&self.text[end..]);
        let caption = caption(&self.text[opener.at + 2..close], target, &self.text[end..]);
        sink.changed("photo links", &self.text[opener.at..end], caption);
        self.edits.truncate(opener.edits);
        self.edits.push(Edit { range: opener.at..end, with: caption.to_string() });
    }

    fn wiki_link(&mut self, range: Range<usize>, inner: &str, embed: bool, sink: &mut dyn Sink) {
        let (page, label) = match inner.split_once('|') {
            Some((page, label)) => (page.strip_suffix('\\').unwrap_or(page), Some(label)),
            None => (inner, None),
        };
        let with = if embed {
            caption(label.unwrap_or(""), page, &self.text[range.end..]).to_string()
        } else {
            label.map_or_else(|| shown_page(page), str::to_string)
        };
        sink.changed(if embed { "embeds" } else { "wiki link targets" }, &self.text[range.clone()], &with);
        self.edits.push(Edit { range, with });
    }

    /// Takes away `[name]: address` where it has a line of its own, and gives the names. What may be no address
    /// ("[Mood]: 7/10") stays unless the text refers to it.
    fn definitions(&mut self, sink: &mut dyn Sink) -> HashSet<String> {
        let (mut names, mut found, mut start) = (HashSet::new(), Vec::new(), 0);
        let referred = LazyCell::new(|| references(self.text));
        for line in self.text.split_inclusive('\n') {
            let range = start..start + line.trim_end().len();
            let is_one = |(name, sure): &(&str, bool)| {
                !self.is_closed(&range)
                    && (*sure || folded(name).is_some_and(|name| referred.contains(&name)))
            };
            if let Some((name, _)) = definition(line).filter(is_one) {
                sink.changed("link addresses", line.trim(), "");
                names.extend(folded(name));
                found.push(range);
            }
            start += line.len();
        }
        self.drop_whole(found);
        names
    }

    /// Takes all of it away.
    pub fn finish(mut self) -> Cleaned {
        self.edits.sort_by_key(|edit| edit.range.start);
        let mut out = Writer::default();
        let mut at = 0;
        for Edit { range, with } in &self.edits {
            // What goes as a whole may lie in a picture's words, and the other way round.
            if range.start >= at {
                out.copy(&self.text[at..range.start]);
                let rest = &self.text[range.end..];
                out.replace(
                    &self.text[range.clone()],
                    with,
                    rest.is_empty() || rest.starts_with([' ', '\n']),
                );
                // Nothing stands before it on its line: the space behind it goes too.
                at = range.end + usize::from(out.at_line_start() && rest.starts_with(' '));
            } else if range.end > at {
                out.replace(&self.text[at..range.end], "", false);
                at = range.end;
            }
        }
        out.copy(&self.text[at..]);
        out.end_line();
        out.cleaned
    }

    /// Where a string stands outside of what is closed; no two of them overlap.
    fn outside(&self, wanted: &str) -> Vec<usize> {
        let (mut found, mut from) = (Vec::new(), 0);
        let end = std::iter::once(self.text.len()..self.text.len());
        for range in self.closed.iter().cloned().chain(end) {
            found.extend(self.text[from..range.start].match_indices(wanted).map(|(at, _)| from + at));
            from = range.end;
        }
        found
    }

    fn is_closed(&self, range: &Range<usize>) -> bool {
        let after = self.closed.partition_point(|closed| closed.end <= range.start);
        self.closed.get(after).is_some_and(|closed| closed.start < range.end)
    }

    fn drop_whole(&mut self, ranges: Vec<Range<usize>>) {
        if ranges.is_empty() {
            return;
        }
        self.edits.extend(ranges.iter().map(|range| Edit { range: range.clone(), with: String::new() }));
        self.closed.extend(ranges);
        self.closed.sort_by_key(|range| range.start);
        self.closed.dedup_by(|later, earlier| {
            let joins = later.start <= earlier.end;
            if joins {
                earlier.end = earlier.end.max(later.end);
            }
            joins
        });
    }
}

/// Whether the `%%` at two places enclose a comment.
fn is_comment(text: &str, open: usize, close: usize) -> bool {
    let inner = &text[open..close];
    let (Some(first), Some(last)) = (inner.find('\n'), inner.rfind('\n')) else { return true };
    let whole_lines = inner.get(first + 1..last);
    let over_paragraphs =
        whole_lines.is_some_and(|lines| lines.split('\n').any(|line| line.trim().is_empty()));
    let line = text[..open].rfind('\n').map_or(0, |feed| feed + 1);
    let starts = text[line..open].trim().is_empty();
    let ends = text[close + 2..].split('\n').next().is_none_or(|rest| rest.trim().is_empty());
    if over_paragraphs { starts && ends } else { starts || ends }
}

#[cfg(test)]
mod tests;
