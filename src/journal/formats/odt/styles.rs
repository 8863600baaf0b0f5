//! What an OpenDocument text says about its paragraphs and lists: the space around them, and their marks.

use std::collections::HashMap;

use crate::journal::syntax::office::page::{Spacing, counted, mark};
use crate::journal::syntax::office::xml::Element;

/// The styles of paragraphs and lists, taken in as they are read.
#[derive(Debug, Default)]
pub struct Styles {
    paragraphs: HashMap<String, Look>,
    lists: HashMap<String, Vec<Level>>,
    /// The paragraph style and the list style that are open.
    paragraph: Option<String>,
    list: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Look {
    above: Option<i32>,
    below: Option<i32>,
    contextual: Option<bool>,
    parent: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    number: usize,
    bullet: bool,
    format: String,
    before: String,
    after: String,
    start: u32,
    /// How many levels' numbers it shows.
    shown: usize,
}

/// Styles based on one another are followed so far; a circle ends.
const MOST_STYLES: usize = 16;

/// The name that a style cannot have, for what holds where no style says anything.
const DEFAULT: &str = "";

impl Styles {
    /// Takes in an element of a style's definition.
    pub fn open(&mut self, element: &Element) {
        match element.name {
            "style:style" | "style:default-style" => self.open_paragraph_style(element),
            "style:paragraph-properties" | "style:properties" => self.spaces(element),
            "text:list-style" | "text:outline-style" => {
                let name = element.get("name").unwrap_or_default();
                self.lists.insert(name.clone(), Vec::new());
                self.list = Some(name);
            }
            "text:list-level-style-bullet" | "text:list-level-style-image" => self.level(element, true),
            "text:list-level-style-number" => self.level(element, false),
            _ => {}
        }
    }

    fn open_paragraph_style(&mut self, element: &Element) {
        self.paragraph = None;
        if element.get("family").as_deref() != Some("paragraph") {
            return;
        }
        let name = match element.name {
            "style:default-style" => DEFAULT.to_string(),
            _ => element.get("name").unwrap_or_default(),
        };
        let look = Look { parent: element.get("parent-style-name"), ..Look::default() };
        self.paragraphs.insert(name.clone(), look);
        self.paragraph = Some(name);
    }

    fn spaces(&mut self, element: &Element) {
        let Some(look) = self.paragraph.as_ref().and_then(|name| self.paragraphs.get_mut(name)) else {
            return;
        };
        let space =
            |name| element.get(name).or_else(|| element.get("margin")).and_then(|length| twentieths(&length));
        look.above = space("margin-top").or(look.above);
        look.below = space("margin-bottom").or(look.below);
        look.contextual = element.get("contextual-spacing").map(|value| value == "true").or(look.contextual);
    }

    fn level(&mut self, element: &Element, bullet: bool) {
        let Some(levels) = self.list.as_ref().and_then(|name| self.lists.get_mut(name)) else { return };
        levels.push(Level {
            number: element.number("level").unwrap_or(1),
            bullet,
            format: element.get("num-format").unwrap_or_default(),
            before: element.get("num-prefix").unwrap_or_default(),
            after: element.get("num-suffix").unwrap_or_default(),
            start: element.number("start-value").unwrap_or(1),
            shown: element.number("display-levels").unwrap_or(1),
        });
    }

    /// The space around paragraphs of a style.
    pub fn spacing(&self, style: &str) -> Spacing {
        let (mut above, mut below, mut contextual) = (None, None, None);
        let mut name = Some(style);
        for look in (0..MOST_STYLES).map_while(|_| {
            let look = self.paragraphs.get(name?)?;
            name = look.parent.as_deref();
            Some(look)
        }) {
            above = above.or(look.above);
            below = below.or(look.below);
            contextual = contextual.or(look.contextual);
        }
        let default = self.paragraphs.get(DEFAULT).cloned().unwrap_or_default();
        Spacing {
            above: above.or(default.above).unwrap_or(0),
            below: below.or(default.below).unwrap_or(0),
            contextual: contextual.or(default.contextual).unwrap_or(false),
            style: self.family(style).to_string(),
        }
    }

    /// The style that a person chose: LibreOffice makes one of its own (`P1`) for each paragraph set by hand.
    fn family<'a>(&'a self, style: &'a str) -> &'a str {
        let automatic =
            style.strip_prefix('P').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let parent = self.paragraphs.get(style).and_then(|look| look.parent.as_deref());
        if automatic { parent.unwrap_or(style) } else { style }
    }

    /// Where a list of that style begins to count, at a level from 1.
    pub fn start(&self, list: &str, level: usize) -> u32 {
        self.level_of(list, level).map_or(1, |level| level.start)
    }

    /// The mark of an item, its numbers from the outermost level on.
    pub fn mark(&self, list: &str, numbers: &[u32]) -> String {
        let at = numbers.len();
        let indent = at.saturating_sub(1);
        let Some(level) = self.level_of(list, at).filter(|level| !level.bullet) else {
            return mark("-", indent);
        };
        if level.format.is_empty() {
            return String::new();
        }
        let first = at.saturating_sub(level.shown.clamp(1, at.max(1)));
        let shown: Vec<String> = (first..at).map(|i| self.number(list, i + 1, numbers[i])).collect();
        mark(&format!("{}{}{}", level.before, shown.join("."), level.after), indent)
    }

    fn number(&self, list: &str, level: usize, number: u32) -> String {
        let format = self.level_of(list, level).map_or("1", |level| level.format.as_str());
        let (letters, roman) = (format.eq_ignore_ascii_case("a"), format.eq_ignore_ascii_case("i"));
        counted(number, letters, roman, matches!(format, "A" | "I"))
    }

    fn level_of(&self, list: &str, level: usize) -> Option<&Level> {
        self.lists.get(list)?.iter().find(|known| known.number == level)
    }
}

/// A length in twentieths of a point: `0.247cm`, `7pt`.
fn twentieths(length: &str) -> Option<i32> {
    let length = length.trim();
    let unit = length.find(|c: char| c.is_ascii_alphabetic())?;
    let points = match &length[unit..] {
        "cm" => 28.35,
        "mm" => 2.835,
        "in" | "inch" => 72.0,
        "pt" => 1.0,
        "pc" => 12.0,
        "px" => 0.75,
        _ => return None,
    };
    Some((length[..unit].parse::<f64>().ok()? * points * 20.0) as i32)
}
