//! Apple's Journal: `AppleJournalEntries/Entries/*.html`, a file an entry, as the iPhone and the Mac export them.
//!
//! The page header is the day, in the language and order of the device; where it is in a form that is not known, the
//! file's name gives the day. The words are in `.bodyText`. Left out: the app's prompts, and the grid of assets:
//! photos, films and recordings, and what the app knows of people, places, workouts and moods. `index.html` lists the
//! entries and is none.

use jiff::civil::Date;
use scraper::{ElementRef, Html, Selector};

use crate::journal::dates::{self, Reading};
use crate::journal::format::{DateOrder, Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::html::{self, Converted};
use crate::journal::syntax::titles;

/// Apple's Journal.
pub struct AppleJournal;

impl Format for AppleJournal {
    fn name(&self) -> &'static str {
        "Apple Journal"
    }

    fn is(&self, input: &Input) -> bool {
        let holds = |class| input.head().contains(class);
        let entry = holds("pageHeader") && ["bodyText", "assetGrid", "pageContainer"].into_iter().any(holds);
        matches!(input.extension().as_str(), "html" | "htm") && (entry || is_index(input))
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if is_index(input) {
            return Ok(());
        }
        let page = html::parse(&input.text()?)?;
        let header = words(&page, ".pageHeader", sink);
        let day = day(&header, input.day_in_name(), options);
        if day.is_none() && !header.is_empty() {
            sink.trouble(Place::default(), format!("“{header}” is a date in a form that is not known"));
        }
        leave_out_assets(&page, sink);
        sink.left_out("app prompts", select(&page, ".reflectionPrompt").count());
        let (when, text) = (day.map(When::day), body(&page, sink));
        let title = titles::kept(&words(&page, ".title", sink), &text, when);
        sink.entry(Draft { when, title, text, ..Draft::default() });
        Ok(())
    }
}

fn is_index(input: &Input) -> bool {
    input.name() == "index.html" && input.lies_in("AppleJournalEntries")
}

/// The elements that a selector finds, but for those inside one another: their words are read with the outer one's.
fn select<'a>(page: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("a selector");
    let mut outer: Vec<ElementRef> = Vec::new();
    for element in page.select(&selector) {
        // In the order of the document, only the last one can hold this one.
        if outer.last().is_none_or(|last| element.ancestors().all(|above| above.id() != last.id())) {
            outer.push(element);
        }
    }
    outer.into_iter()
}

/// What stands in the elements of a class, as one line.
fn words(page: &Html, selector: &str, sink: &mut dyn Sink) -> String {
    let found: Vec<Converted> =
        select(page, selector).map(|element| html::convert(*element, &is_apps)).collect();
    sink.left_out("photo links", found.iter().map(|part| part.media).sum());
    let words: Vec<&str> = found.iter().flat_map(|part| part.text.split_whitespace()).collect();
    words.join(" ")
}

/// The writer's text. A page without `.bodyText` is taken whole, less what is known to be something else.
fn body(page: &Html, sink: &mut dyn Sink) -> String {
    let mut texts: Vec<String> = select(page, ".bodyText").map(|element| lines(element, sink)).collect();
    if texts.is_empty() {
        let not_text = |element: ElementRef| has_class(element, &["pageHeader", "title"]) || is_apps(element);
        let whole = html::convert(*page.root_element(), &not_text);
        sink.left_out("photo links", whole.media);
        texts.push(whole.text);
    }
    texts.retain(|text| !text.is_empty());
    texts.join("\n\n")
}

/// Each paragraph of the page is a line that was typed, and an empty one a blank line.
fn lines(body: ElementRef, sink: &mut dyn Sink) -> String {
    let mut lines = Vec::new();
    for node in body.children() {
        let Converted { text, media, .. } = html::convert(node, &is_apps);
        sink.left_out("photo links", media);
        let paragraph = ElementRef::wrap(node).is_some_and(|element| element.value().name() == "p");
        if paragraph || !text.trim().is_empty() {
            lines.push(text);
        }
    }
    lines.join("\n").trim().to_string()
}

/// What the app put there.
fn is_apps(element: ElementRef) -> bool {
    has_class(element, &["reflectionPrompt", "assetGrid", "gridItem"])
}

fn has_class(element: ElementRef, names: &[&str]) -> bool {
    element.value().classes().any(|class| names.contains(&class))
}

fn leave_out_assets(page: &Html, sink: &mut dyn Sink) {
    let is_media = |element: &ElementRef| {
        let media = ["assetType_photo", "assetType_livePhoto", "assetType_video", "assetType_audio"];
        has_class(*element, &media)
    };
    let (media, other): (Vec<_>, Vec<_>) = select(page, ".gridItem").partition(is_media);
    sink.left_out("photo links", media.len());
    sink.left_out("app metadata", other.len());
}

/// The day in a page's header, or else in its name. `05/01/2024` is read as asked for, then as the name has it, then
/// day first.
fn day(header: &str, named: Option<Date>, options: &Options) -> Option<Date> {
    let Some(line) = dates::recognise(header) else { return named };
    match (line.reading, options.date_order) {
        (Reading::Certain(day), _) => Some(day),
        (Reading::DayMonth { day_first, month_first }, Some(DateOrder::Mdy)) => month_first.or(day_first),
        (Reading::DayMonth { day_first, month_first }, Some(_)) => day_first.or(month_first),
        (Reading::DayMonth { day_first, month_first }, None) => {
            let as_named = named.filter(|day| [day_first, month_first].contains(&Some(*day)));
            as_named.or(day_first).or(month_first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_with};
    use jiff::civil::date;
    use proptest::prelude::*;

    fn page(name: &str, html: &str) -> Collected {
        let input = Input::from_bytes(name, html.into());
        read_with(&AppleJournal, &input, &Options::default())
    }

    #[test]
    fn days_in_the_device_s_own_form() {
        let (named, options) = (Some(date(2024, 1, 6)), Options::default());
        for header in [
            "Friday, 5 January 2024",
            "Friday, January 5, 2024",
            "Freitag, 5. Januar 2024",
            "vendredi 5 janvier 2024",
        ] {
            assert_eq!(day(header, named, &options), Some(date(2024, 1, 5)), "{header}");
        }
        assert_eq!(day("2024年1月5日 星期五", named, &options), Some(date(2024, 1, 5)));
        assert_eq!(day("ศุกร์ 5", named, &options), named);
        assert_eq!(day("", None, &options), None);
        assert_eq!(day("05/01/2024", Some(date(2024, 5, 1)), &options), Some(date(2024, 5, 1)));
        assert_eq!(day("05/01/2024", None, &options), Some(date(2024, 1, 5)));
        let american = Options { date_order: Some(DateOrder::Mdy), ..options };
        assert_eq!(day("05/01/2024", None, &american), Some(date(2024, 5, 1)));
        let found = page("entry.html", "<div class=pageHeader>ศุกร์ 5</div><div class=bodyText>a</div>");
        assert_eq!((found.entries[0].when, found.troubles.len()), (None, 1));
    }

    #[test]
    fn a_page_without_a_body_is_taken_whole() {
        let found = page(
            "a.html",
            "<title>x</title><div class=pageHeader>5 May 2024</div><div class=gridItem>Calm</div><p class=p2>One</p><p>Two</p>",
        );
        assert_eq!(found.entries[0].text, "One\n\nTwo");
        assert_eq!(found.entries[0].when, Some(When::day(date(2024, 5, 5))));
    }

    #[test]
    fn what_is_nested_is_read_once() {
        let html = "<div class=pageHeader>5 May 2024</div><div class=bodyText><p>a<div class=bodyText><p>b</div></div>";
        assert_eq!(page("a.html", html).entries[0].text, "a\nb");
    }

    #[test]
    fn other_pages_are_not_claimed() {
        let is = |path: &str, html: &str| AppleJournal.is(&Input::from_bytes(path, html.into()));
        assert!(is("x/AppleJournalEntries/index.html", "") && !is("x/index.html", "<p>a"));
        assert!(!is("a.html", "<div class=bodyText>") && !is("a.txt", "pageHeader bodyText"));
    }

    proptest! {
        #[test]
        fn any_page_is_survived(html in "(<div class=(pageHeader|title|bodyText|gridItem|reflectionPrompt)>|</div>|<p>|</p>|<li>|[a-z <&]){0,40}") {
            page("a.html", &html);
        }
    }
}
