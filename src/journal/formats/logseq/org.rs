//! The outline of a graph that is kept in Org: stars make an item, drawers hold its properties. It becomes the same blocks
//! as a graph in Markdown has, so that one thing is read in one way.

use super::outline::Block;
use crate::journal::format::Sink;

/// Divides a text into items. In a block of code or of an example nothing is an item.
pub fn read(text: &str, sink: &mut dyn Sink) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut code, mut drawer) = (false, false);
    for (number, line) in (1..).zip(text.split('\n')) {
        let trimmed = line.trim();
        let opens =
            |sign: &str| trimmed.get(..sign.len()).is_some_and(|start| start.eq_ignore_ascii_case(sign));
        if code || opens("#+BEGIN_SRC") || opens("#+BEGIN_EXAMPLE") {
            code = !(opens("#+END_SRC") || opens("#+END_EXAMPLE"));
            last(&mut blocks, number).lines.push(line.to_string());
            continue;
        }
        if let Some((depth, words)) = heading(line) {
            drawer = false;
            let lines = vec![links(words)];
            blocks.push(Block { depth, bullet: true, line: number, lines });
        } else if trimmed.eq_ignore_ascii_case(":PROPERTIES:") && has_end(text, number) {
            drawer = true;
        } else if drawer && trimmed.eq_ignore_ascii_case(":END:") {
            drawer = false;
        } else if let Some((key, value)) = property(trimmed).filter(|_| drawer) {
            last(&mut blocks, number).lines.push(format!("{key}:: {value}"));
        } else if let Some((key, value)) = keyword(trimmed) {
            match key.to_lowercase().as_str() {
                "title" => last(&mut blocks, number).lines.push(format!("title:: {value}")),
                "tags" | "filetags" => {
                    let tags = value.trim_matches(':').replace(':', ",");
                    last(&mut blocks, number).lines.push(format!("tags:: {tags}"));
                }
                _ => sink.changed("app properties", line, ""),
            }
        } else {
            last(&mut blocks, number).lines.push(links(line.trim_start_matches([' ', '\t'])));
        }
    }
    for block in &mut blocks {
        while block.lines.last().is_some_and(|line| line.trim().is_empty()) {
            block.lines.pop();
        }
    }
    blocks
}

/// The block that a line belongs to; what stands above the first item is one.
fn last(blocks: &mut Vec<Block>, number: usize) -> &mut Block {
    if blocks.is_empty() {
        blocks.push(Block { line: number, ..Block::default() });
    }
    blocks.last_mut().expect("just made")
}

/// How deep `** words` lies, and its words.
fn heading(line: &str) -> Option<(usize, &str)> {
    let words = line.trim_start_matches('*');
    let stars = line.len() - words.len();
    let words = words.strip_prefix(' ').or(words.is_empty().then_some(""))?;
    (stars > 0).then(|| (stars - 1, words))
}

/// Whether the drawer that opens on a line is closed before the next item.
fn has_end(text: &str, number: usize) -> bool {
    let below = text.split('\n').skip(number).take_while(|line| heading(line).is_none());
    below.into_iter().any(|line| line.trim().eq_ignore_ascii_case(":END:"))
}

/// `:key: value`.
fn property(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
    is_key.then(|| (key, value.trim()))
}

/// `#+KEY: value`, which says something of the file.
fn keyword(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix("#+")?.split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_key.then(|| (key, value.trim()))
}

/// Org's links as Markdown has them: `[[target][label]]` is `[label](target)`, and a picture `![](target)`.
fn links(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("[[") {
        let (before, link) = rest.split_at(at);
        out += before;
        let Some((inner, behind)) = link[2..].split_once("]]") else {
            rest = link;
            break;
        };
        match inner.split_once("][") {
            Some((target, label)) => out += &format!("[{label}]({})", target.replace(' ', "%20")),
            None if is_picture(inner) => out += &format!("![]({})", inner.replace(' ', "%20")),
            None => out += &format!("[[{inner}]]"),
        }
        rest = behind;
    }
    out + rest
}

fn is_picture(target: &str) -> bool {
    let ending = target.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_lowercase());
    matches!(ending.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp" | "heic" | "svg" | "bmp" | "tiff")
}
