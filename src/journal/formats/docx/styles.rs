//! What a Word document says about its paragraphs: the space around them, from `styles.xml`, and the marks of its lists,
//! from `numbering.xml`.

use std::collections::HashMap;

use crate::journal::syntax::office::page::{Spacing, counted, mark};
use crate::journal::syntax::office::xml::{Element, Node, Xml};

/// What a paragraph or a style says about itself; what it leaves open, another style tells.
#[derive(Debug, Clone, Default)]
pub struct Look {
    pub above: Option<i32>,
    pub below: Option<i32>,
    pub contextual: Option<bool>,
    /// Its list; 0 is none.
    pub list: Option<u32>,
    pub level: Option<usize>,
    /// The style it is based on.
    pub style: Option<String>,
}

/// The space that Word gives a paragraph whose space is "automatic".
const AUTOMATIC: i32 = 280;

impl Look {
    /// Takes in one of the properties of a paragraph.
    pub fn property(&mut self, element: &Element) {
        match element.name {
            "w:pStyle" | "w:basedOn" => self.style = element.get("val"),
            "w:contextualSpacing" => self.contextual = Some(element.is_on()),
            "w:numId" => self.list = element.number("val"),
            "w:ilvl" => self.level = element.number("val"),
            "w:spacing" => {
                let space = |name, automatic| match element.get(automatic).as_deref() {
                    Some("1" | "true" | "on") => Some(AUTOMATIC),
                    _ => element.number(name),
                };
                self.above = space("before", "beforeAutospacing").or(self.above);
                self.below = space("after", "afterAutospacing").or(self.below);
            }
            _ => {}
        }
    }

    fn or(self, below: &Look) -> Look {
        Look {
            above: self.above.or(below.above),
            below: self.below.or(below.below),
            contextual: self.contextual.or(below.contextual),
            list: self.list.or(below.list),
            level: self.level.or(below.level),
            style: below.style.clone(),
        }
    }
}

/// The styles of paragraphs.
#[derive(Debug, Default)]
pub struct Styles {
    looks: HashMap<String, Look>,
    /// The style of paragraphs that name none.
    usual: Option<String>,
    defaults: Look,
}

/// Styles based on one another are followed so far: no app lets a person go further, and a circle ends.
const MOST_STYLES: usize = 16;

impl Styles {
    /// Reads `styles.xml`; what is damaged in it only costs blank lines.
    pub fn read(mut xml: Xml) -> Styles {
        let mut styles = Styles::default();
        let (mut id, mut look) = (None, Look::default());
        while let Ok(Some(node)) = xml.next() {
            match node {
                Node::Open(element) => match element.name {
                    "w:style" if element.get("type").as_deref().unwrap_or("paragraph") == "paragraph" => {
                        (id, look) = (element.get("styleId"), Look::default());
                        if matches!(element.get("default").as_deref(), Some("1" | "true" | "on")) {
                            styles.usual = id.clone();
                        }
                    }
                    "w:style" => (id, look) = (None, Look::default()),
                    _ => look.property(&element),
                },
                Node::Close("w:pPrDefault") => styles.defaults = std::mem::take(&mut look),
                Node::Close("w:style") => {
                    if let Some(id) = id.take() {
                        styles.looks.insert(id, std::mem::take(&mut look));
                    }
                }
                _ => {}
            }
        }
        styles
    }

    /// A paragraph's look with all that its styles say.
    pub fn whole(&self, look: Look) -> Look {
        let named = look.style.clone().or_else(|| self.usual.clone());
        let mut whole = Look { style: named.clone(), ..look };
        for _ in 0..MOST_STYLES {
            let Some(below) = whole.style.as_ref().and_then(|style| self.looks.get(style)) else { break };
            whole = whole.or(below);
        }
        whole = whole.or(&self.defaults);
        Look { style: named, ..whole }
    }
}

impl From<&Look> for Spacing {
    fn from(look: &Look) -> Spacing {
        Spacing {
            above: look.above.unwrap_or(0),
            below: look.below.unwrap_or(0),
            contextual: look.contextual.unwrap_or(false),
            style: look.style.clone().unwrap_or_default(),
        }
    }
}

/// One level of a list.
#[derive(Debug, Clone, Default)]
struct Level {
    start: Option<u32>,
    format: String,
    /// `%1.%2`
    text: String,
}

/// Word's lists have nine levels.
const LEVELS: usize = 9;

type Levels = [Level; LEVELS];

/// The lists, and how far each has counted.
#[derive(Debug, Default)]
pub struct Lists {
    kinds: HashMap<u32, Levels>,
    /// The kind of each list, and its levels that begin elsewhere.
    lists: HashMap<u32, (u32, [Option<u32>; LEVELS])>,
    counts: HashMap<u32, [Option<u32>; LEVELS]>,
    /// The lists that have restarted their kind's count once.
    begun: std::collections::HashSet<u32>,
}

impl Lists {
    /// Reads `numbering.xml`; what is damaged in it only costs marks.
    pub fn read(mut xml: Xml) -> Lists {
        let mut lists = Lists::default();
        let (mut kind, mut list, mut level) = (None, None, 0);
        while let Ok(Some(node)) = xml.next() {
            match node {
                Node::Open(element) => match element.name {
                    "w:abstractNum" => kind = element.number("abstractNumId"),
                    "w:num" => list = element.number("numId"),
                    "w:lvl" | "w:lvlOverride" => {
                        level = element.number::<usize>("ilvl").unwrap_or(0).min(LEVELS - 1);
                    }
                    _ => lists.property(&element, kind, list, level),
                },
                Node::Close("w:abstractNum") => kind = None,
                Node::Close("w:num") => list = None,
                _ => {}
            }
        }
        lists
    }

    fn property(&mut self, element: &Element, kind: Option<u32>, list: Option<u32>, level: usize) {
        if let (Some(list), Some(value)) = (list, element.number("val")) {
            let starts = self.lists.entry(list).or_default();
            match element.name {
                "w:abstractNumId" => starts.0 = value,
                "w:startOverride" => starts.1[level] = Some(value),
                _ => {}
            }
        }
        if let Some(kind) = kind {
            let level = &mut self.kinds.entry(kind).or_default()[level];
            match element.name {
                "w:start" => level.start = element.number("val"),
                "w:numFmt" => level.format = element.get("val").unwrap_or_default(),
                "w:lvlText" => level.text = element.get("val").unwrap_or_default(),
                _ => {}
            }
        }
    }

    /// Counts an item and gives its mark.
    pub fn mark(&mut self, look: &Look) -> String {
        let Some(list) = look.list.filter(|list| *list != 0) else { return String::new() };
        let at = look.level.unwrap_or(0).min(LEVELS - 1);
        let Some(&(kind, starts)) = self.lists.get(&list) else { return mark("-", at) };
        let Some(levels) = self.kinds.get(&kind) else { return mark("-", at) };
        let counts = self.counts.entry(kind).or_default();
        if self.begun.insert(list) {
            for (count, start) in counts.iter_mut().zip(starts) {
                *count = if start.is_some() { None } else { *count };
            }
        }
        let start = |level: usize| starts[level].or(levels[level].start).unwrap_or(1);
        counts[at] = Some(counts[at].map_or(start(at), |count| count.saturating_add(1)));
        counts[at + 1..].fill(None);
        let shown = |level: usize| number(counts[level].unwrap_or(start(level)), &levels[level].format);
        match levels[at].format.as_str() {
            "none" => String::new(),
            "bullet" => mark("-", at),
            _ => mark(&fill(&levels[at].text, shown), at),
        }
    }
}

fn number(number: u32, format: &str) -> String {
    let letters = format.ends_with("Letter");
    let roman = format.ends_with("Roman");
    match format {
        "decimalZero" => format!("{number:02}"),
        _ => counted(number, letters, roman, format.starts_with("upper")),
    }
}

/// `%1.%2` with its numbers.
fn fill(text: &str, shown: impl Fn(usize) -> String) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or("").to_string();
    for part in parts {
        match part.chars().next().and_then(|c| c.to_digit(10)).filter(|level| (1..=9).contains(level)) {
            Some(level) => {
                out.push_str(&shown(level as usize - 1));
                out.push_str(&part[1..]);
            }
            None => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    out
}
