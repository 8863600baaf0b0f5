//! Chats as pages of HTML: Telegram, Discord, Messages, Google Voice, Facebook and Instagram, Pidgin. They are known by the
//! marks of the program that wrote them, or by messages that name two people or more.

use std::collections::HashSet;

use scraper::{ElementRef, Html};

use crate::journal::format::Input;

/// A page that is not read.
pub enum Page {
    /// A chat of that app.
    Chat(&'static str),
    /// Something else, for that reason.
    Other(&'static str),
}

/// Classes that a program gives to its pages of messages and nothing else has, by what they begin with.
const MARKS: [(&str, &str); 6] = [
    ("chat__meta", "a chat exported from Slack"),
    ("chat_page", "a chat exported from Telegram"),
    ("from_name", "a chat exported from Telegram"),
    ("chatlog__message", "a chat exported from Discord"),
    ("chatlog__author", "a chat exported from Discord"),
    ("hchatlog", "messages exported from Google Voice"),
];

/// Whether that app exports its chats as JSON too.
pub fn has_json(app: &str) -> bool {
    ["Telegram", "Discord", "Slack", "Facebook"].iter().any(|name| app.contains(name))
}

pub fn of(document: &Html, input: &Input) -> Option<Page> {
    if input.head().trim_start_matches('\u{feff}').trim_start().starts_with("<!DOCTYPE NETSCAPE-Bookmark") {
        return Some(Page::Other("a browser's bookmarks: the titles of other people's pages"));
    }
    let (mut messages, mut senders) = (0, HashSet::new());
    let (mut posts, mut heads, mut ways) = (0, HashSet::new(), [false; 2]);
    for element in document.root_element().descendent_elements() {
        if element.value().name() == "title" {
            if let Some(page) = by_title(&words(element)) {
                return Some(page);
            }
            continue;
        }
        for class in element.value().classes().map(str::to_lowercase) {
            if let Some((_, app)) = MARKS.iter().find(|(mark, _)| class.starts_with(mark)) {
                return Some(Page::Chat(app));
            }
            match class.as_str() {
                // Facebook's and Instagram's boxes, and what stands at the head of one.
                "_a6-g" => posts += 1,
                "_a6-h" => _ = heads.insert(words(element)),
                "outer-cell" => return Some(Page::Other("Google's own record of what you did there")),
                "received" | "incoming" => ways[0] = true,
                "sent" | "outgoing" => ways[1] = true,
                _ => {}
            }
            messages += usize::from(class == "message" || class.starts_with("message-"));
            if ["sender", "author", "from", "nick", "username"].contains(&class.as_str()) {
                senders.insert(words(element));
            }
        }
    }
    senders.remove("");
    if posts > 0 && (heads.len() > 1 || input.lies_in("inbox") || input.lies_in("messages")) {
        let statuses = heads.iter().all(|head| head.ends_with('.'));
        return Some(if statuses {
            FACEBOOK
        } else {
            Page::Chat("messages exported from Facebook or Instagram")
        });
    }
    if posts > 0 {
        return Some(FACEBOOK);
    }
    let several = messages > 1 && senders.len() > 1;
    let both = messages > 1 && ways == [true, true] && !senders.is_empty();
    (several || both).then_some(Page::Chat("a page of messages"))
}

const FACEBOOK: Page = Page::Other(
    "posts exported from Facebook or Instagram as HTML, each with its day below it: ask there for JSON, \
     and read that with --text-field data.post",
);

fn by_title(title: &str) -> Option<Page> {
    if title.starts_with("Conversation with ") && title.contains(" at ") && title.ends_with(')') {
        return Some(Page::Chat("a chat of Pidgin"));
    }
    (title == "ChatGPT Data Export").then_some(Page::Other("talks with ChatGPT, and its own page for them"))
}

fn words(element: ElementRef) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::journal::format::Options;
    use crate::journal::testing::read;

    #[test]
    fn pages_of_messages_are_refused_by_name() {
        let message = |who: &str| {
            format!("<div class=message><span class=sender>{who}</span> <p>words of {who}</p></div>")
        };
        let meta = |who: &str| {
            format!(
                "<div class='x _a6-g'><h2 class='_a6-h'>{who}</h2><div class='_a6-p'>his</div><div class='_a6-o'>Mar 05, 2024</div></div>"
            )
        };
        for (path, page, says) in [
            (
                "messages.html",
                "<div class='page_body chat_page'><div class=from_name>Ben</div>his</div>".to_string(),
                "Telegram",
            ),
            (
                "a.html",
                "<div class=chatlog__message-group><span class=chatlog__author>Ben</span>his</div>"
                    .to_string(),
                "Discord",
            ),
            (
                "a.html",
                "<div class='hChatLog hfeed'><cite class=sender>Ben</cite><q>his</q></div>".to_string(),
                "Voice",
            ),
            ("a.html", message("Ben") + &message("Ann"), "a page of messages"),
            ("inbox/ben_1/message_1.html", meta("Ben"), "Facebook"),
            ("message_1.html", meta("Ben") + &meta("Ann"), "Facebook"),
            ("your_posts_1.html", meta("Ann updated her status."), "JSON"),
            (
                "a.html",
                "<title>Conversation with ben at Wed 06 Mar 2024 on ann (aim)</title><b>ben:</b> his"
                    .to_string(),
                "Pidgin",
            ),
        ] {
            let found = read(path, page.as_bytes(), &Options::default());
            assert!(found.entries.is_empty(), "{page}");
            assert!(
                found.failed.as_ref().is_some_and(|problem| problem.contains(says)),
                "{:?}: {page}",
                found.failed
            );
        }
    }

    #[test]
    fn pages_of_programs_are_refused() {
        for page in [
            "<!DOCTYPE NETSCAPE-Bookmark-file-1><dl><dt><a href='https://x.example'>His page</a></dl>",
            "<div class='outer-cell mdl-cell'>Searched for <a href='https://x.example'>fog</a></div>",
            "<title>ChatGPT Data Export</title><div id=root></div>",
        ] {
            let found = read("a.html", page.as_bytes(), &Options::default());
            assert_eq!((found.entries.len(), found.failed.is_some()), (0, true), "{page}");
        }
    }

    #[test]
    fn pages_of_ones_own_are_none() {
        for page in [
            "<p class=author>Ann</p><p>Rain.</p>",
            "<div class=message>Rain.</div><div class=message>Sun.</div>",
            "<p>sent and received</p><p class=sent>Rain.</p>",
        ] {
            let found = read("a.html", page.as_bytes(), &Options::default());
            assert_eq!((found.entries.len(), found.failed), (1, None), "{page}");
        }
    }
}
