//! A page of Notion's as HTML: its classes say what is what, in whatever language it was written.

use scraper::{ElementRef, Html, Selector};

use super::ids::is_page;
use super::page::{Dates, Page};
use crate::journal::format::{Options, Place, Sink};
use crate::journal::syntax::front_matter::moment;
use crate::journal::syntax::html;

/// Whether a file opens as such a page.
pub fn is(head: &str) -> bool {
    head.contains("<article id=")
        && (head.contains("class=\"page-title") || head.contains("class=\"page-body"))
}

/// Reads a page; none where it only leads to others.
pub fn read(text: &str, options: &Options, sink: &mut dyn Sink) -> Result<Option<Page>, String> {
    let page = html::parse(text)?;
    let (mut dates, mut tags, mut kept) = (Dates::default(), Vec::new(), Vec::new());
    for row in all(&page, "tr.property-row") {
        let part = |name: &str| {
            let cell = row.child_elements().find(|cell| cell.value().name() == name);
            cell.map(|cell| html::convert(*cell, &|_| false).text.trim().to_string()).unwrap_or_default()
        };
        let (key, value) = (part("th"), part("td"));
        let kind = row.value().classes().find_map(|class| class.strip_prefix("property-row-")).unwrap_or("");
        let date = || moment(value.split(" → ").next().unwrap_or(""), options);
        match kind {
            "text" if !value.is_empty() => {
                kept.push(format!("{key}: {value}"));
                continue;
            }
            "created_time" => dates.0.extend(date().map(|when| ("created".to_string(), when))),
            "date" => dates.0.extend(date().map(|when| (key.to_lowercase(), when))),
            "multi_select" => tags.extend(select(row, "span.selected-value").map(words)),
            _ => {}
        }
        sink.changed("app properties", &format!("{key}: {value}"), "");
    }
    let leads = |element: ElementRef| element.value().attr("href").is_some_and(is_page);
    let is_table = |element: ElementRef| element.value().classes().any(|class| class == "collection-content");
    let Some(body) = all(&page, ".page-body").next() else { return Ok(None) };
    let links = body.descendent_elements().filter(|element| leads(*element) || is_table(*element)).count();
    let of_others = html::convert(*body, &|element| leads(element) || is_table(element)).text;
    if links > 0 && of_others.trim().is_empty() && dates.0.is_empty() && kept.is_empty() {
        return Ok(None);
    }
    let tables = body.descendent_elements().filter(|element| is_table(*element)).count();
    if tables > 0 {
        sink.left_out("database indexes", tables);
    }
    let is_mark = |element: ElementRef| {
        element.value().name() == "nav"
            || (is_icon(element) && element.ancestors().any(|above| above.id() == body.id()))
    };
    let content = html::convert(*body, &|element| is_table(element) || is_mark(element));
    content.count(sink);
    if !kept.is_empty() && !content.text.is_empty() {
        kept.push(String::new());
    }
    kept.extend((!content.text.is_empty()).then_some(content.text));
    let heading = all(&page, ".page-title").next().map(words).unwrap_or_default();
    let place = Box::new(|_| Place::default());
    Ok(Some(Page { heading, dates, tags, text: kept.join("\n"), place }))
}

/// The picture beside a link to a page.
fn is_icon(element: ElementRef) -> bool {
    let is_in_link =
        || element.ancestors().filter_map(ElementRef::wrap).take(4).any(|above| above.value().name() == "a");
    element.value().classes().any(|class| class == "icon") && is_in_link()
}

fn words(element: ElementRef) -> String {
    element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn all<'a>(page: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    select(page.root_element(), selector)
}

fn select<'a>(within: ElementRef<'a>, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("a selector");
    within.select(&selector).collect::<Vec<_>>().into_iter()
}
