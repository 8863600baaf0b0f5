//! CommonMark's escapes and HTML's entities, undone.

use std::collections::HashMap;

use super::code;
use crate::journal::format::Sink;

/// Undoes CommonMark's escapes: `\.` and `&eacute;`, but not in code. Only for text that an app has escaped.
pub fn unescape(text: &str, sink: &mut dyn Sink) -> String {
    let (_, closed) = code::find(text);
    let mut out = String::with_capacity(text.len());
    let mut names: HashMap<&str, Option<String>> = HashMap::new();
    let (mut undone, mut from) = (0, 0);
    for range in closed.into_iter().chain(std::iter::once(text.len()..text.len())) {
        let mut rest = &text[from..range.start];
        while let Some(at) = rest.find(['\\', '&']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
            let (length, plain) = match escaped.filter(char::is_ascii_punctuation) {
                Some(c) => (2, Some(c.to_string())),
                None => {
                    let name = entity_name(rest);
                    let plain =
                        name.and_then(|name| names.entry(name).or_insert_with(|| entity(name)).clone());
                    (name.map_or(1, str::len), plain)
                }
            };
            undone += usize::from(plain.is_some());
            out.push_str(plain.as_deref().unwrap_or(&rest[..length]));
            rest = &rest[length..];
        }
        out.push_str(rest);
        out.push_str(&text[range.clone()]);
        from = range.end;
    }
    if undone > 0 {
        // Each is counted; the text is shown once.
        sink.changed("escape marks", text, &out);
        sink.left_out("escape marks", undone - 1);
    }
    out
}

/// `&name;` or `&#39;` at the start of a text.
fn entity_name(text: &str) -> Option<&str> {
    let end = text.char_indices().skip(1).take(33).find(|(_, c)| !c.is_ascii_alphanumeric() && *c != '#')?;
    (text.starts_with('&') && end.1 == ';' && end.0 > 1).then(|| &text[..=end.0])
}

/// The characters that an entity stands for, as browsers read it: two at most, where it is one.
fn entity(name: &str) -> Option<String> {
    let read: String = scraper::Html::parse_fragment(name).root_element().text().collect();
    (read != name && (1..=2).contains(&read.chars().count())).then_some(read)
}
