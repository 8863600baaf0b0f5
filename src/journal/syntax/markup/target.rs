//! What stands in and behind brackets: addresses, names, pages and captions.

use std::collections::HashSet;

/// `(address "title")` behind a label: its length, and the address. In a picture the address of a file may hold spaces.
pub fn inline_target(rest: &str, image: bool) -> Option<(usize, &str)> {
    let inner = rest.strip_prefix('(')?;
    let start = inner.len() - inner.trim_start_matches([' ', '\t']).len();
    let (target, after) = target(&inner[start..])?;
    let mut end = start + after;
    let tail = inner[end..].trim_start();
    if !tail.starts_with(')') {
        let quoted =
            title(tail).map(|length| &tail[length..]).map(|rest| rest.trim_start_matches([' ', '\t']));
        let Some(rest) = quoted.filter(|rest| rest.starts_with(')')) else {
            return image.then(|| file_with_spaces(inner)).flatten();
        };
        end = inner.len() - rest.len();
    } else {
        end = inner.len() - inner[end..].trim_start().len();
    }
    (image || inner[start..].starts_with('<') || is_address(target)).then_some((end + 2, target))
}

/// The address at the start of a text, and where it ends: as CommonMark has it, `<in brackets>` or without spaces and
/// with its own brackets in pairs.
fn target(text: &str) -> Option<(&str, usize)> {
    if let Some(inner) = text.strip_prefix('<') {
        let end = inner.find(['<', '>', '\n']).filter(|end| inner[*end..].starts_with('>'))?;
        return Some((&inner[..end], end + 2));
    }
    let (mut depth, mut escaped) = (0, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' if depth == 32 => return None,
            '(' => depth += 1,
            ')' if depth == 0 => return Some((&text[..i], i)),
            ')' => depth -= 1,
            _ if c.is_ascii_whitespace() => return (depth == 0).then_some((&text[..i], i)),
            _ => {}
        }
    }
    (depth == 0).then_some((text, text.len()))
}

/// The length of a link's quoted title.
fn title(text: &str) -> Option<usize> {
    let close = match text.chars().next()? {
        '(' => ')',
        quote @ ('"' | '\'') => quote,
        _ => return None,
    };
    let end = text[1..].find([close, '\n']).filter(|end| text[1 + end..].starts_with(close))?;
    Some(end + 2)
}

fn file_with_spaces(inner: &str) -> Option<(usize, &str)> {
    let end = inner.find([')', '\n', '(']).filter(|end| inner[*end..].starts_with(')'))?;
    has_media_extension(&inner[..end]).then_some((end + 2, &inner[..end]))
}

/// Whether a link's target leads anywhere: "[laughs](quietly)", "[me](he/him)" and "[fat](50%)" are text.
fn is_address(target: &str) -> bool {
    let file = || target.split('.').skip(1).any(|part| part.starts_with(char::is_alphabetic));
    let escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    leads(target)
        || target.is_empty()
        || target.contains(['#', '\\'])
        || target.starts_with(['[', '('])
        || target.ends_with('/')
        || target.split('%').skip(1).any(escape)
        || file()
}

/// Whether a target is an address whatever stands around it.
fn leads(target: &str) -> bool {
    let scheme = target.split_once(':').is_some_and(|(scheme, rest)| {
        let sign = |b: u8| b.is_ascii_alphanumeric() || b"+.-".contains(&b);
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(sign)
            && !rest.is_empty()
    });
    // Joplin's own links begin with ":/".
    let path = ["/", "./", "../", ":/"].iter().any(|start| target.starts_with(start));
    scheme || path || has_media_extension(target)
}

/// The name in `[name]: address "title"`, and whether it is an address for certain. A footnote is text, and so is what
/// is no address.
pub fn definition(line: &str) -> Option<(&str, bool)> {
    let inner = line
        .trim_start_matches(' ')
        .strip_prefix('[')
        .filter(|_| line.len() - line.trim_start().len() < 4)?;
    let end = inner.find(['[', ']'])?;
    let rest = inner[end..].strip_prefix("]:")?.trim();
    let (target, after) = target(rest)?;
    let tail = rest[after..].trim();
    let whole = tail.is_empty() || title(tail) == Some(tail.len());
    let may_lead = target.contains("/") || target.starts_with('#');
    let is_one = whole && (leads(target) || may_lead) && !inner.starts_with('^') && end > 0;
    is_one.then_some((&inner[..end], leads(target)))
}

/// The names in `[label][name]` and `[name][]`, as names are compared.
pub fn references(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    for (at, _) in text.match_indices('[') {
        let inner = &text[at + 1..];
        let Some(end) = inner.find(['[', ']']).filter(|end| inner[*end..].starts_with(']')) else { continue };
        if text[..at].ends_with(']') || inner[end + 1..].starts_with("[]") {
            names.extend(folded(&inner[..end]));
        }
    }
    names
}

/// A reference's name as names are compared; none where it is too long to be one.
pub fn folded(name: &str) -> Option<String> {
    let short = name.len() < 1000;
    short
        .then(|| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
        .filter(|name| !name.is_empty())
}

/// The length of `<https://…>`, in which nothing is a mark.
pub fn autolink(text: &str) -> Option<usize> {
    let end = text[1..].find(|c: char| c == '<' || c == '>' || c.is_whitespace())? + 1;
    let scheme = text[1..end].split_once(':')?.0;
    let named = scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    (named && text[end..].starts_with('>')).then_some(end + 1)
}

/// What stands in `[[…]]` at the start of a text.
pub fn wiki(text: &str) -> Option<&str> {
    let inner = &text[2..];
    let end = inner.find(['[', ']', '\n'])?;
    let found = &inner[..end];
    (inner[end..].starts_with("]]") && !found.is_empty() && found.trim() == found).then_some(found)
}

/// A page as Obsidian shows a link to it: `page#head` reads "page > head"; a block's id has no words.
pub fn shown_page(page: &str) -> String {
    let parts = page.split('#').filter(|part| !part.is_empty() && !part.starts_with('^'));
    parts.collect::<Vec<_>>().join(" > ")
}

/// Logseq writes a picture's size behind it: `{:height 300, :width 400}`.
pub fn size_after(rest: &str) -> usize {
    let size = rest
        .strip_prefix("{:")
        .and_then(|inner| inner.find(['}', '\n']).filter(|end| inner[*end..].starts_with('}')));
    size.map_or(0, |end| end + 3)
}

/// The caption that a picture's text is: words that somebody typed, and not the name that an app gave the picture. The
/// same words once more below it make it none.
pub fn caption<'t>(alt: &'t str, target: &str, below: &str) -> &'t str {
    let words = alt.split('|').next().unwrap_or(alt).trim();
    let folded = words.to_lowercase();
    let name = target.rsplit(['/', '\\']).next().unwrap_or(target);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).replace("%20", " ").to_lowercase();
    let by_app =
        ["image", "img", "photo", "picture", "untitled", "alt", "alt text", "screenshot", "attachment"];
    let opens = ["img_", "img-", "dsc", "pxl_", "pasted image", "screenshot ", "screen shot ", "untitled "];
    let next = below.trim_start().split('\n').next().unwrap_or("").trim();
    let none = !words.contains(char::is_alphabetic)
        || has_media_extension(words)
        || folded == stem
        || by_app.contains(&folded.as_str())
        || opens
            .iter()
            .any(|start| folded.strip_prefix(start).is_some_and(|rest| !rest.contains(char::is_alphabetic)))
        || next == words;
    if none { "" } else { words }
}

/// Whether a name is a file's with pictures, sound, film or pages.
fn has_media_extension(name: &str) -> bool {
    const MEDIA: &str = "jpg jpeg png gif webp heic heif svg bmp tif tiff avif mp4 mov m4v webm mkv avi mp3 m4a wav ogg aac flac 3gp pdf";
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_lowercase();
    !extension.is_empty() && MEDIA.split(' ').any(|media| media == extension)
}
