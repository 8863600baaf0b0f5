//! The text of a mail's parts: lines that were broken on the way joined, HTML as text, quotations on lines with `>`.

use std::cell::Cell;

use ego_tree::NodeId;
use ego_tree::iter::Edge;
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};
use scraper::{ElementRef, Html, Node};

use super::charset::text_of;
use super::quotes;
use crate::journal::format::Sink;
use crate::journal::syntax::html;

/// HTML longer than this is nothing that a person typed.
const LONGEST_HTML: usize = 8 << 20;

/// The text of a mail, quotations and all. A plain text that was broken into lines of equal length on its way gives way
/// to the HTML beside it, which has the lines as they were written.
/// In a mail that `answers` another, every `blockquote` is that one's.
pub fn body(mail: &Message, answers: bool, sink: &mut dyn Sink) -> Result<String, String> {
    let plain: Vec<&MessagePart> =
        mail.text_bodies().filter(|part| matches!(part.body, PartType::Text(_))).collect();
    let is_blank = plain.iter().all(|part| part.text_contents().unwrap_or("").trim().is_empty());
    let is_broken =
        plain.iter().any(|part| !is_flowed(part) && is_broken(part.text_contents().unwrap_or("")));
    let parts: Vec<&MessagePart> =
        if is_blank || is_broken { mail.html_bodies().collect() } else { mail.text_bodies().collect() };
    let mut text = Vec::new();
    for part in parts {
        match &part.body {
            PartType::Text(_) if is_flowed(part) => {
                let joined = part.content_type().and_then(|kind| kind.attribute("delsp"));
                text.push(unflowed(
                    &lines_of(&text_of(mail, part)),
                    joined.is_some_and(|value| value.eq_ignore_ascii_case("yes")),
                ));
            }
            PartType::Text(_) => text.push(lines_of(&text_of(mail, part))),
            PartType::Html(_) => text.push(html_text(&text_of(mail, part), answers, sink)?),
            _ => {}
        }
    }
    Ok(text.join("\n"))
}

fn lines_of(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_string()
}

fn is_flowed(part: &MessagePart) -> bool {
    let format = part.content_type().and_then(|kind| kind.attribute("format"));
    format.is_some_and(|format| format.eq_ignore_ascii_case("flowed"))
}

/// The longest line that programs leave, and the shortest of these limits.
const WRAPPED_AT: std::ops::RangeInclusive<usize> = 60..=80;

/// Whether a program broke the text: no line is longer than such programs allow, and after a long line the next line's
/// first word would have been too much for it.
fn is_broken(text: &str) -> bool {
    let own: Vec<&str> = text.lines().filter(|line| !line.starts_with('>')).collect();
    let length = |line: &str| line.chars().count();
    let full = |pair: &[&str]| {
        let next = pair[1].split(' ').next().map_or(0, length);
        WRAPPED_AT.contains(&length(pair[0])) && next > 0 && length(pair[0]) + 1 + next > 70
    };
    own.windows(2).any(full) && !own.iter().any(|line| length(line) > *WRAPPED_AT.end() && line.contains(' '))
}

/// Joins the lines that RFC 3676 broke: those ending in a space go on in the next of the same depth.
fn unflowed(text: &str, delete_space: bool) -> String {
    let mut out = String::new();
    let mut open = None;
    for line in text.split('\n') {
        let words = line.trim_start_matches('>');
        let depth = line.len() - words.len();
        let words = words.strip_prefix(' ').unwrap_or(words);
        let is_divider = words == "-- ";
        if open != Some(depth) || is_divider {
            if !out.is_empty() || open.is_some() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            out.push_str(if depth > 0 { " " } else { "" });
        }
        let flows = words.ends_with(' ') && !is_divider;
        out.push_str(if flows && delete_space { &words[..words.len() - 1] } else { words });
        open = Some(if flows { depth } else { usize::MAX });
    }
    out
}

/// Stands in HTML for a quotation that was taken out, its number between two of them.
const QUOTATION: char = '\u{e000}';

/// The text of HTML, the lines of quotations beginning with `>`.
fn html_text(source: &str, answers: bool, sink: &mut dyn Sink) -> Result<String, String> {
    if source.len() > LONGEST_HTML {
        return Err("a mail of more than 8 MiB of HTML: not read".to_string());
    }
    let mut page = html::parse(&source.replace(QUOTATION, "\u{fffd}"))?;
    let answers = answers || quotes_mail(&page);
    let mut quotations: Vec<String> = take_below(&mut page).into_iter().collect();
    take_quotations(&mut page, answers, &mut quotations);
    let signatures = Cell::new(0);
    let leave = |element: ElementRef| {
        let signature = is_signature(element);
        signatures.set(signatures.get() + usize::from(signature));
        signature || is_attribution(element)
    };
    let converted = html::convert(*page.root_element(), &leave);
    for (what, times) in [("photo links", converted.media), ("signatures", signatures.get())] {
        if times > 0 {
            sink.left_out(what, times);
        }
    }
    let mut pieces = converted.text.split(QUOTATION);
    let mut text = pieces.next().unwrap_or("").to_string();
    while let (Some(number), Some(after)) = (pieces.next(), pieces.next()) {
        let quotation = number.parse().ok().and_then(|number: usize| quotations.get(number));
        let lines: Vec<String> =
            quotation.into_iter().flat_map(|text| text.lines()).map(|line| format!("> {line}")).collect();
        text.push_str(if lines.is_empty() { ">" } else { "" });
        text.push_str(&lines.join("\n"));
        text.push_str(after);
    }
    Ok(text)
}

/// Takes the words of every quotation out of HTML, and leaves its number.
fn take_quotations(html: &mut Html, answers: bool, texts: &mut Vec<String>) {
    let (mut found, mut inside): (Vec<NodeId>, _) = (Vec::new(), None);
    for edge in html.tree.root().traverse() {
        match edge {
            Edge::Open(node) if inside.is_none() && is_quotation(node.value(), answers) => {
                inside = Some(node.id());
                found.push(node.id());
            }
            Edge::Close(node) if inside == Some(node.id()) => inside = None,
            _ => {}
        }
    }
    for id in found {
        let number = texts.len();
        let node = html.tree.get(id).expect("a node of this tree");
        let children: Vec<NodeId> = node.children().map(|child| child.id()).collect();
        texts.push(html::convert(node, &|_| false).text);
        for child in children {
            html.tree.get_mut(child).expect("a node of this tree").detach();
        }
        let place = scraper::node::Text { text: format!("{QUOTATION}{number}{QUOTATION}").into() };
        html.tree.get_mut(id).expect("a node of this tree").append(Node::Text(place));
    }
}

/// Takes out of HTML the mail that stands below the writer's own, where a program marked its beginning, with all that
/// follows it, and leaves the number 0.
fn take_below(html: &mut Html) -> Option<String> {
    let opens = html.tree.root().descendants().find(|node| opens_other_mail(node.value()))?.id();
    let mut at = html.tree.get(opens)?;
    let mut below: Vec<NodeId> = at.children().map(|node| node.id()).collect();
    loop {
        below.extend(at.next_siblings().map(|node| node.id()));
        let Some(parent) = at.parent() else { break };
        at = parent;
    }
    let text = |id: &NodeId| html.tree.get(*id).map(|node| html::convert(node, &|_| false).text);
    let words: Vec<String> = below.iter().filter_map(text).filter(|text| !text.trim().is_empty()).collect();
    for id in below {
        html.tree.get_mut(id).expect("a node of this tree").detach();
    }
    let place = scraper::node::Text { text: format!("{QUOTATION}0{QUOTATION}").into() };
    html.tree.get_mut(opens).expect("a node of this tree").append(Node::Text(place));
    Some(words.join("\n"))
}

/// What programs put around or above the mail that is answered: Outlook in its many forms, GMX and WEB.DE, Hotmail.
fn opens_other_mail(node: &Node) -> bool {
    const IDS: [&str; 5] = [
        "divRplyFwdMsg",
        "appendonsend",
        "mail-editor-reference-message-container",
        "stopSpelling",
        "zmail_extra",
    ];
    let Some(element) = node.as_element() else { return false };
    let style: String =
        element.attr("style").unwrap_or("").split_whitespace().collect::<String>().to_lowercase();
    element.id().is_some_and(|id| IDS.iter().any(|own| id.trim_start_matches("x_") == *own))
        || element.classes().any(|class| class == "zmail_extra")
        || (element.name() == "div" && element.attr("name") == Some("quote"))
        || ["border-top:solid#e1e1e11.0pt", "border-top:solid#b5c4df1.0pt"]
            .iter()
            .any(|rule| style.contains(rule))
}

/// Whether a `blockquote` of a page quotes a mail: people quote poems too, in mails that answer none.
fn quotes_mail(page: &Html) -> bool {
    let text = || html::convert(*page.root_element(), &|_| false).text;
    page.tree.values().any(is_by_program) || text().lines().any(quotes::is_programs_attribution)
}

fn is_by_program(node: &Node) -> bool {
    let Some(element) = node.as_element() else { return false };
    let cites = || {
        element.attr("cite").is_some()
            || element.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite"))
            || element.attr("style").unwrap_or("").to_lowercase().contains("border-left")
    };
    element.classes().any(|class| ["gmail_quote", "gmail_attr", "moz-cite-prefix"].contains(&class))
        || (element.name() == "blockquote" && cites())
}

/// A `blockquote`, where they quote mail, unless a program drew it without its bar, to indent what the writer wrote.
fn is_quotation(node: &Node, answers: bool) -> bool {
    let Some(element) = node.as_element() else { return false };
    let has = |name: &str| element.classes().any(|class| class == name);
    let style: String = element.attr("style").unwrap_or("").split_whitespace().collect();
    let indented = style.contains("border:none") && element.attr("type") != Some("cite");
    (element.name() == "blockquote" && answers && !indented)
        || ["yahoo_quoted", "protonmail_quote", "moz-forward-container"].into_iter().any(has)
}

fn is_attribution(element: ElementRef) -> bool {
    let words = || element.text().collect::<String>();
    let passes_on = || words().trim_start().starts_with("-----");
    element.value().classes().any(|class| class == "gmail_attr" || class == "moz-cite-prefix") && !passes_on()
}

fn is_signature(element: ElementRef) -> bool {
    const CLASSES: [&str; 5] = [
        "gmail_signature",
        "gmail_signature_prefix",
        "moz-signature",
        "protonmail_signature_block",
        "tutanota_signature",
    ];
    const IDS: [&str; 4] =
        ["Signature", "AppleMailSignature", "ms-outlook-mobile-signature", "lineBreakAtBeginningOfSignature"];
    let value = element.value();
    value.classes().any(|class| CLASSES.contains(&class)) || value.id().is_some_and(|id| IDS.contains(&id))
}

/// A signed text without its signature, the dashes at the start of lines as they were.
pub fn without_pgp(text: String, sink: &mut dyn Sink) -> String {
    const OPENS: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
    let Some((before, signed)) = text.split_once(OPENS) else { return text };
    let Some((_, signed)) = signed.split_once("\n\n") else { return text };
    let Some((words, rest)) = signed.split_once("-----BEGIN PGP SIGNATURE-----") else { return text };
    let after = rest.split_once("-----END PGP SIGNATURE-----").map_or("", |(_, after)| after);
    let lines: Vec<&str> = words
        .trim_end_matches('\n')
        .split('\n')
        .map(|line| line.strip_prefix("- ").unwrap_or(line))
        .collect();
    sink.left_out("signatures", 1);
    format!("{before}{}{after}", lines.join("\n"))
}

/// Leaves out `[image: photo.jpg]` and `[cid:…]`, which programs put where a picture was.
pub fn without_placeholders(text: String, sink: &mut dyn Sink) -> String {
    let (mut out, mut rest, mut found) = (String::new(), text.as_str(), 0);
    while let Some(at) = rest.find(['[', '\u{fffc}']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let length = placeholder(here);
        found += usize::from(length.is_some());
        // What is none loses nothing but its place in the search.
        let (past, after) = here.split_at(length.unwrap_or(1));
        out.push_str(if length.is_some() { "" } else { past });
        rest = after;
    }
    out.push_str(rest);
    if found > 0 {
        sink.left_out("photo links", found);
    }
    out
}

/// The longest placeholder, in bytes.
const LONGEST_PLACEHOLDER: usize = 500;

/// The length of the placeholder that a text begins with.
fn placeholder(text: &str) -> Option<usize> {
    if text.starts_with('\u{fffc}') {
        return Some('\u{fffc}'.len_utf8());
    }
    let opens = text.starts_with("[image: ") || text.starts_with("[cid:");
    let end = || text.bytes().take(LONGEST_PLACEHOLDER).position(|b| b == b']' || b == b'\n');
    opens.then(end).flatten().filter(|end| text.as_bytes()[*end] == b']').map(|end| end + 1)
}
