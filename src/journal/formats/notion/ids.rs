//! The ids that Notion gives pages, in their names.

/// Whether a name ends in a page's id: ` 0123456789abcdef0123456789abcdef`, in an index perhaps with `_all` behind it.
pub fn has_id(stem: &str) -> bool {
    let stem = stem.strip_suffix("_all").unwrap_or(stem);
    let id = stem.rsplit_once(' ').map_or(stem, |(_, id)| id);
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether an address is that of a page or a database of the same export.
pub fn is_page(address: &str) -> bool {
    let file = address.split(['#', '?']).next().unwrap_or("").rsplit('/').next().unwrap_or("");
    let stem = file.rsplit_once('.').filter(|(_, kind)| matches!(*kind, "md" | "html" | "csv"));
    stem.is_some_and(|(stem, _)| has_id(&stem.replace("%20", " ")))
}
