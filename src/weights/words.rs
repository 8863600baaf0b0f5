//! Words of a stranger's file, escaped and short enough to print.

/// A name, in quotation marks.
pub fn quoted(name: &str) -> String {
    short(&format!("{:?}", name.chars().take(120).collect::<String>()))
}

/// The beginning of a text that a file may have made as long as it likes.
pub fn short(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_string(),
    }
}

/// Names in an error: the first few, and how many more.
pub fn listed(names: &[String]) -> String {
    const LISTED: usize = 5;
    let shown = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED { format!("{shown}, … ({} more)", names.len() - LISTED) } else { shown }
}
