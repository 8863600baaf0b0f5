//! TiddlyWiki: a wiki that is one HTML file, its notes (tiddlers) in a script or in hidden elements, or those notes as JSON.
//! Times are numbers in UTC: `20240105093000000`. Wikitext stays as it was typed.
//!
//! Left out: the app's own tiddlers, whose names begin with `$:/`, and pictures and other files kept as tiddlers.

use scraper::{ElementRef, Html};
use serde_json::{Map, Value};

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink};
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::json::{self, text};
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::titles;

/// TiddlyWiki.
pub struct TiddlyWiki;

impl Format for TiddlyWiki {
    fn name(&self) -> &'static str {
        "TiddlyWiki"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head();
        match input.extension().as_str() {
            "html" | "htm" => head.contains("\"tiddlywiki-version\""),
            "json" => {
                head.trim_start().starts_with('[') && head.contains("\"title\"") && made_in_digits(head)
            }
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let file = input.text()?;
        let tiddlers = match input.extension().as_str() {
            "json" => json::whole(&file)?,
            _ => of_page(&Html::parse_document(&file))?,
        };
        let mut own = 0;
        for (number, tiddler) in (1..).zip(&tiddlers) {
            let kind = text(tiddler, "type");
            let typed = kind.is_empty() || kind.starts_with("text/");
            if text(tiddler, "title").starts_with("$:/") || !typed || tiddler.contains_key("plugin-type") {
                own += 1;
                continue;
            }
            let made = [text(tiddler, "created"), text(tiddler, "modified")];
            let when = made.iter().find_map(|made| moment(made, options)).map(|(when, _)| when);
            let draft = Draft {
                when,
                title: titles::kept(text(tiddler, "title"), text(tiddler, "text"), when),
                text: text(tiddler, "text").to_string(),
                tags: tags(text(tiddler, "tags")),
                place: Place::Number(number),
            };
            notes::hand_over(draft, Day::Made, options, sink);
        }
        if own > 0 {
            sink.left_out("an app's own pages", own);
        }
        Ok(())
    }
}

/// Whether a file's first `created` is seventeen digits.
fn made_in_digits(head: &str) -> bool {
    let value = head.split_once("\"created\"").and_then(|(_, rest)| rest.split('"').nth(1));
    value.is_some_and(|value| value.len() == 17 && value.bytes().all(|b| b.is_ascii_digit()))
}

/// The tiddlers of a whole wiki.
fn of_page(page: &Html) -> Result<Vec<Map<String, Value>>, String> {
    let mut tiddlers = Vec::new();
    for element in page.root_element().descendent_elements() {
        let is_store = |name: &str| element.value().attr("class") == Some(name);
        if element.value().name() == "script" && is_store("tiddlywiki-tiddler-store") {
            tiddlers.extend(json::whole::<Vec<Map<String, Value>>>(&element.text().collect::<String>())?);
        } else if element.value().attr("id") == Some("storeArea") {
            tiddlers.extend(
                element.child_elements().filter(|tiddler| tiddler.attr("title").is_some()).map(of_element),
            );
        } else if element.value().attr("id") == Some("encryptedStoreArea") && element.text().next().is_some()
        {
            return Err("encrypted: take its password away in TiddlyWiki and save it".to_string());
        }
    }
    Ok(tiddlers)
}

fn of_element(tiddler: ElementRef) -> Map<String, Value> {
    let fields = tiddler.value().attrs().map(|(name, value)| (name.to_string(), Value::from(value)));
    let text = tiddler.text().collect::<String>();
    fields.chain([("text".to_string(), Value::from(text.trim_matches('\n')))]).collect()
}

/// `Journal [[two words]]`
fn tags(typed: &str) -> Vec<String> {
    let (mut tags, mut rest) = (Vec::new(), typed.trim());
    while !rest.is_empty() {
        let (tag, behind) = match rest.strip_prefix("[[").and_then(|rest| rest.split_once("]]")) {
            Some(found) => found,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        tags.push(tag.to_string());
        rest = behind.trim_start();
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::read;

    #[test]
    fn tiddlers_of_every_kind_of_file() {
        let note = r#"{"created":"20240105093000000","title":"5th January 2024","text":"Rain.","tags":"Journal [[two words]]"}"#;
        let own =
            r#"{"title":"$:/SiteTitle","text":"Mine"},{"title":"x.png","type":"image/png","text":"AAAA"}"#;
        let head = "<!doctype html><meta name=\"tiddlywiki-version\" content=\"5\"><title>Mine</title>";
        let new = format!(
            "{head}<script class=\"tiddlywiki-tiddler-store\" type=\"application/json\">[{note},{own}]</script>"
        );
        let old = format!(
            "{head}<div id=\"storeArea\"><div created=\"20240105093000000\" title=\"5th January 2024\" tags=\"Journal \
             [[two words]]\"><pre>Rain.</pre></div><div title=\"$:/core\"><pre>x</pre></div></div>"
        );
        for (name, file) in [("a.html", new), ("a.html", old), ("a.json", format!("[{note},{own}]"))] {
            let found = read(name, file.as_bytes(), &Options::default());
            let draft = &found.entries[0];
            assert_eq!(
                (found.entries.len(), draft.title.as_str(), draft.text.as_str()),
                (1, "", "Rain."),
                "{name}"
            );
            assert_eq!(draft.when.unwrap().to_string(), "2024-01-05T09:30:00+00:00");
            assert_eq!(draft.tags, ["Journal", "two words"]);
        }
    }
}
