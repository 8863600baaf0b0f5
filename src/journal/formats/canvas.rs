//! Obsidian's canvases: JSON with a node for each card. The cards that the writer typed on are one entry, a paragraph
//! each, from top to bottom; cards that show notes, pages and files are not its words.

use serde_json::{Map, Value};

use crate::journal::dates::file_dates;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::json::{list, parse_error, text};
use crate::journal::syntax::markup::Markup;
use crate::journal::syntax::titles;

/// A canvas of Obsidian's.
pub struct Canvas;

impl Format for Canvas {
    fn name(&self) -> &'static str {
        "Obsidian canvas"
    }

    fn is(&self, input: &Input) -> bool {
        input.extension() == "canvas" && input.head().trim_start().starts_with('{')
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let canvas: Map<String, Value> = serde_json::from_str(&input.text()?).map_err(|e| {
            let (line, problem) = parse_error(&e);
            format!("{problem} on line {line}")
        })?;
        let mut cards: Vec<(i64, i64, &str)> = Vec::new();
        let mut shown = 0;
        for node in list(&canvas, "nodes").iter().filter_map(Value::as_object) {
            let place = |name: &str| node.get(name).and_then(Value::as_f64).unwrap_or(0.0) as i64;
            let written = match text(node, "type") {
                "text" => text(node, "text"),
                "group" => text(node, "label"),
                _ => {
                    shown += 1;
                    continue;
                }
            };
            cards.push((place("y"), place("x"), written.trim()));
        }
        cards.sort_by_key(|(y, x, _)| (*y, *x));
        let labels = list(&canvas, "edges").iter().filter(|edge| edge["label"].is_string()).count();
        for (what, times) in [("embeds", shown), ("labels of lines", labels)] {
            if times > 0 {
                sink.left_out(what, times);
            }
        }
        let written: Vec<&str> =
            cards.iter().map(|(.., card)| *card).filter(|card| !card.is_empty()).collect();
        let written = written.join("\n\n");
        let mut markup = Markup::new(&written);
        if !options.comments {
            markup.comments(sink);
        }
        markup.links(sink);
        let words = markup.finish().text;
        let when = input.day_in_name().map(When::day);
        let in_vault = input.vault().is_some() && !words.trim().is_empty();
        let name = if in_vault { file_dates::without_date(input.stem(), None) } else { "" };
        let title = titles::kept(name, &words, when);
        sink.entry(Draft { when, title, text: words, place: Place::Line(1), ..Draft::default() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{read, texts};

    #[test]
    fn what_was_typed_on_cards_is_one_entry() {
        let canvas = r#"{"nodes":[
            {"id":"b","type":"text","text":"Below, [a link](http://x.y).","x":-40,"y":300.5},
            {"id":"a","type":"text","text":"Above %%hidden%%","x":0,"y":-10},
            {"id":"n","type":"file","file":"note.md","x":0,"y":0},
            {"id":"l","type":"link","url":"http://x.y","x":0,"y":0},
            {"id":"g","type":"group","label":"Garden","x":0,"y":20},
            {"id":"e","type":"text","text":" ","x":0,"y":900}],
            "edges":[{"id":"z","fromNode":"a","toNode":"b","label":"so"}]}"#;
        let found = read("2024-03-05 Plan.canvas", canvas.as_bytes(), &Options::default());
        assert_eq!(texts(&found), ["Above\n\nGarden\n\nBelow, a link."]);
        assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-03-05");
        assert_eq!(found.left_out, [("embeds", 2), ("labels of lines", 1)]);
    }

    #[test]
    fn what_is_no_canvas_is_said() {
        assert!(read("a.canvas", b"{\"nodes\": [", &Options::default()).failed.unwrap().contains("line 1"));
        assert_eq!(texts(&read("a.canvas", b"{}", &Options::default())), [""]);
    }
}
