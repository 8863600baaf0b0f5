//! WordPress's export (WXR): RSS with one `<item>` a post. Posts and pages come in, published, private, planned or
//! drafts, and the writer's own comments; an excerpt stands above its post, unless it is a piece of it. Left out: the bin,
//! attachments, menus and other kinds of item, comments and posts by others, and what WordPress puts in place of
//! shortcodes such as `[gallery]`.
//!
//! Without names given as one's own, a blog with one author is theirs; in one with several all are strangers.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::format::{Deaf, Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::titles;
use crate::journal::syntax::xml::{self, Fault, Lost, Xml};
use text::plain;

/// WordPress.
pub struct WordPress;

impl Format for WordPress {
    fn name(&self) -> &'static str {
        "WordPress"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head();
        matches!(input.extension().as_str(), "xml" | "wxr" | "rss" | "")
            && head.contains("<rss")
            && head.contains("wordpress.org/export/")
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let alone = only_author(input);
        let mut blog = Blog { options, alone, people: BTreeMap::new() };
        xml::records(input, &["item", "wp:author"], sink, &mut |xml, tag, place, sink| {
            if tag.name == "wp:author" {
                blog.meet(xml)?;
            } else {
                blog.hand_over(item(xml)?, place, sink);
            }
            Ok(())
        })
    }
}

/// The author of all posts, where there is one.
fn only_author(input: &Input) -> Option<String> {
    let mut authors = BTreeSet::new();
    // What cannot be read is reported by the reading that follows.
    let _ = xml::records(input, &["item"], &mut Deaf, &mut |xml, _, _, _| {
        let item = item(xml)?;
        if item.fate() == Fate::Read && authors.len() < 2 {
            authors.insert(item.creator);
        }
        Ok(())
    });
    if authors.len() == 1 { authors.pop_first() } else { None }
}

#[derive(Default)]
struct Item {
    title: String,
    creator: String,
    content: String,
    excerpt: String,
    kind: String,
    status: String,
    date: String,
    date_gmt: String,
    tags: Vec<String>,
    comments: Vec<Comment>,
}

#[derive(Default)]
struct Comment {
    author: String,
    email: String,
    user: String,
    date: String,
    date_gmt: String,
    content: String,
    approved: String,
}

fn item(xml: &mut Xml) -> Result<Item, Lost> {
    let mut item = Item::default();
    item.read(xml).map_err(|fault| Lost { fault, title: item.title.clone() })?;
    Ok(item)
}

fn comment(xml: &mut Xml) -> Result<Comment, Fault> {
    let mut comment = Comment::default();
    while let Some(tag) = xml.child()? {
        match tag.name.as_str() {
            "wp:comment_author" => comment.author = xml.text()?,
            "wp:comment_author_email" => comment.email = xml.text()?,
            "wp:comment_user_id" => comment.user = xml.text()?.trim().to_string(),
            "wp:comment_date" => comment.date = xml.text()?,
            "wp:comment_date_gmt" => comment.date_gmt = xml.text()?,
            "wp:comment_content" => comment.content = xml.text()?,
            "wp:comment_approved" => comment.approved = xml.text()?,
            _ => xml.skip()?,
        }
    }
    Ok(comment)
}

/// What becomes of an item.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Read,
    LeftOut(&'static str),
}

impl Item {
    fn read(&mut self, xml: &mut Xml) -> Result<(), Fault> {
        while let Some(tag) = xml.child()? {
            match tag.name.as_str() {
                "title" => self.title = xml.text()?,
                "dc:creator" => self.creator = xml.text()?.trim().to_string(),
                "content:encoded" => self.content = xml.html(&tag.name, "item")?,
                "excerpt:encoded" => self.excerpt = xml.text()?,
                "wp:post_type" => self.kind = xml.text()?.trim().to_string(),
                "wp:status" => self.status = xml.text()?.trim().to_string(),
                "wp:post_date" => self.date = xml.text()?,
                "wp:post_date_gmt" => self.date_gmt = xml.text()?,
                "wp:comment" => self.comments.push(comment(xml)?),
                // Older exports name each category twice, once without its nicename.
                "category" if matches!(tag.get("domain"), Some("category" | "post_tag" | "tag")) => {
                    let name = plain(&xml.text()?);
                    let given = tag.get("nicename") != Some("uncategorized") && !name.is_empty();
                    if given && !self.tags.contains(&name) {
                        self.tags.push(name);
                    }
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn fate(&self) -> Fate {
        match (self.kind.as_str(), self.status.as_str()) {
            (_, "trash") => Fate::LeftOut("deleted notes"),
            (_, "auto-draft") => Fate::LeftOut("empty drafts"),
            // Exports older than post types hold posts only.
            ("post" | "page" | "", _) => Fate::Read,
            ("attachment", _) => Fate::LeftOut("photo links"),
            _ => Fate::LeftOut("items that are no posts"),
        }
    }
}

/// A post below its excerpt, which its writer typed for it, or took from it.
fn with_excerpt(excerpt: &str, text: String, sink: &mut dyn Sink) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let excerpt = excerpt.trim();
    let typed = words(excerpt.trim_end_matches(['.', '…', '[', ']', ' ']));
    if typed.is_empty() {
        return text;
    }
    if words(&text).contains(&typed) {
        sink.left_out("excerpts", 1);
        return text;
    }
    format!("{excerpt}\n\n{text}")
}

/// A person who writes in the blog.
struct Person {
    id: String,
    email: String,
    name: String,
}

struct Blog<'a> {
    options: &'a Options,
    /// The login of the blog's only author.
    alone: Option<String>,
    /// By login.
    people: BTreeMap<String, Person>,
}

impl Blog<'_> {
    fn meet(&mut self, xml: &mut Xml) -> Result<(), Fault> {
        let mut person = Person { id: String::new(), email: String::new(), name: String::new() };
        let mut login = String::new();
        while let Some(tag) = xml.child()? {
            match tag.name.as_str() {
                "wp:author_id" => person.id = xml.text()?.trim().to_string(),
                "wp:author_login" => login = xml.text()?.trim().to_string(),
                "wp:author_email" => person.email = xml.text()?,
                "wp:author_display_name" => person.name = xml.text()?.trim().to_string(),
                _ => xml.skip()?,
            }
        }
        self.people.insert(login, person);
        Ok(())
    }

    fn is_me(&self, login: &str) -> bool {
        let named = |name: &str| !name.trim().is_empty() && self.options.is_me(name);
        let person = self.people.get(login);
        self.alone.as_deref() == Some(login)
            || named(login)
            || person.is_some_and(|person| named(&person.email) || named(&person.name))
    }

    fn wrote(&self, comment: &Comment) -> bool {
        let named = |name: &str| !name.trim().is_empty() && self.options.is_me(name);
        let is_user = |login: &String, person: &Person| person.id == comment.user && self.is_me(login);
        let signed_in = !matches!(comment.user.as_str(), "" | "0");
        named(&comment.author)
            || named(&comment.email)
            || (signed_in && self.people.iter().any(|(login, person)| is_user(login, person)))
    }

    fn hand_over(&self, item: Item, place: Place, sink: &mut dyn Sink) {
        match item.fate() {
            Fate::LeftOut(what) => sink.left_out(what, 1),
            Fate::Read if !self.is_me(&item.creator) => {
                let name = self.people.get(&item.creator).map(|person| person.name.as_str());
                sink.stranger(name.filter(|name| !name.is_empty()).unwrap_or(&item.creator));
                sink.left_out("other people's messages", 1);
            }
            Fate::Read if is_default(&item.content) => sink.left_out("an app's own pages", 1),
            Fate::Read => {
                let when = written_at(&item.date, &item.date_gmt);
                match text::of(&item.content, sink) {
                    Ok(text) => {
                        let text = with_excerpt(&plain(&item.excerpt), text, sink);
                        let title = titles::kept(&plain(&item.title), &text, when);
                        let draft = Draft { when, title, text, tags: item.tags, place };
                        notes::hand_over(draft, Day::Own, self.options, sink);
                    }
                    Err(problem) => sink.lost(place, &plain(&item.title), problem),
                }
            }
        }
        for comment in item.comments {
            if matches!(comment.approved.trim(), "spam" | "trash" | "post-trashed") || !self.wrote(&comment) {
                sink.left_out("other people's messages", 1);
                continue;
            }
            let when = written_at(&comment.date, &comment.date_gmt);
            match text::of(&comment.content, sink) {
                Ok(text) => sink.entry(Draft { when, text, place, ..Draft::default() }),
                Err(problem) => sink.lost(place, "", problem),
            }
        }
    }
}

/// Whether a page is one of the three that WordPress writes into every new blog.
fn is_default(content: &str) -> bool {
    let content = content.get(..content.floor_char_boundary(4000)).unwrap_or(content);
    let words = plain(content);
    let opens = |start: &str| words.trim_start().starts_with(start);
    content.contains("privacy-policy-tutorial")
        || opens("Welcome to WordPress. This is your first post.")
        || opens("This is an example page. It's different from a blog post")
        || opens("This is an example page. It\u{2019}s different from a blog post")
}

/// The local time, and how far from UTC it was, where WordPress says both. A draft has no UTC time (`0000-00-00`).
fn written_at(local: &str, gmt: &str) -> Option<When> {
    let local: When = local.parse().ok()?;
    let Ok(gmt) = gmt.parse::<When>() else { return Some(local) };
    let (Some(time), Some(gmt_time)) = (local.time, gmt.time) else { return Some(local) };
    let ahead = gmt.day.to_datetime(gmt_time).duration_until(local.day.to_datetime(time)).as_secs();
    let is_zone = ahead % (15 * 60) == 0 && ahead.abs() <= 15 * 60 * 60;
    let seconds = i32::try_from(ahead).ok().filter(|_| is_zone);
    Some(When { offset: seconds.and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok()), ..local })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read, read_with};

    const HEAD: &str = "<rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel><wp:author><wp:author_id>1</wp:author_id>\
        <wp:author_login>ada</wp:author_login><wp:author_display_name>Ada L</wp:author_display_name></wp:author>";

    fn post(author: &str, more: &str) -> String {
        format!(
            "<item><dc:creator>{author}</dc:creator><content:encoded>rain</content:encoded>\
             <wp:post_type>post</wp:post_type><wp:status>publish</wp:status>{more}</item>"
        )
    }

    fn blog(items: &[String], me: &[&str]) -> Collected {
        let me = me.iter().map(|name| name.to_string()).collect();
        let xml = format!("{HEAD}{}</channel></rss>", items.concat());
        read("blog.xml", xml.as_bytes(), &Options { me, ..Options::default() })
    }

    #[test]
    fn whose_posts_they_are() {
        let (ada, bob) = (post("ada", ""), post("bob", ""));
        assert_eq!(blog(&[ada.clone(), ada.clone()], &[]).entries.len(), 2);
        let both = blog(&[ada.clone(), bob.clone()], &[]);
        assert_eq!((both.entries.len(), both.strangers), (0, vec!["Ada L".to_string(), "bob".to_string()]));
        let hers = blog(&[ada, bob], &["ada l"]);
        assert_eq!((hers.entries.len(), hers.strangers), (1, vec!["bob".to_string()]));
    }

    #[test]
    fn own_comments_are_own_words() {
        let comment = |user: u8| {
            format!(
                "<wp:comment><wp:comment_user_id>{user}</wp:comment_user_id>\
                 <wp:comment_content>by {user}</wp:comment_content></wp:comment>"
            )
        };
        let read = blog(&[post("ada", &(comment(0) + &comment(1)))], &[]);
        assert_eq!(read.entries[1].text, "by 1");
        assert_eq!(read.left_out, [("other people's messages", 1)]);
    }

    #[test]
    fn zones() {
        let shown = |local, gmt| written_at(local, gmt).map(|when| when.to_string()).unwrap_or_default();
        assert_eq!(shown("2020-05-05 00:30:00", "2020-05-04 19:00:00"), "2020-05-05T00:30:00+05:30");
        assert_eq!(shown("2020-05-05 00:30:00", "0000-00-00 00:00:00"), "2020-05-05T00:30:00");
        assert_eq!(shown("2020-05-05 00:30:00", "2011-05-04 19:00:01"), "2020-05-05T00:30:00");
        assert_eq!(shown("0000-00-00 00:00:00", ""), "");
    }

    proptest::proptest! {
        #[test]
        fn damage_is_no_danger(at: proptest::sample::Index, byte: u8) {
            let mut bytes = format!("{HEAD}{}</channel></rss>", post("ada", "")).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            read_with(&WordPress, &Input::from_bytes("a.xml", bytes), &Options::default());
        }
    }
}
