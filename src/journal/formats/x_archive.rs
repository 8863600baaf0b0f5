//! X, once Twitter: the archive's `data/tweets.js` with its further parts, the posts in communities, and the long posts
//! of `note-tweet.js`. Each file assigns a JSON array to a name; the name tells what it holds. They are read post by post.
//!
//! Left out: retweets; deleted posts; direct messages, of which half are other people's; links to pictures and films; the
//! link to a quoted post and the names of those replied to, both of which the app writes. Any other `t.co` address stands
//! for one that the writer typed or pasted, and is turned back into it. The archives of 2012 to 2018 are read by their
//! `tweets.csv`, which does not say what such an address stands for: there it stays.

use std::io::BufRead;
use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::{Map, Value};

use crate::journal::format::{Beside, Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::csv::rows;
use crate::journal::syntax::json::{Cutter, Piece, list, text};

/// X, once Twitter.
pub struct XArchive;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Posts,
    LongPosts,
    Deleted,
    Messages,
}

impl Format for XArchive {
    fn name(&self) -> &'static str {
        "X archive"
    }

    fn is(&self, input: &Input) -> bool {
        match input.extension().as_str() {
            "js" => kind(input.head()).is_some(),
            "csv" => {
                let columns = input.head().lines().next().unwrap_or("").replace('"', "");
                columns.starts_with("tweet_id,") && columns.contains(",text,")
            }
            _ => false,
        }
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if input.extension() == "csv" {
            return rows(input, b',', sink, &mut |row, place, sink| {
                post(&row, place, sink);
                Ok(())
            });
        }
        let kind = kind(input.head()).ok_or("not a part of the archive that holds posts")?;
        let mut cutter = Cutter::new(input.utf8()?);
        cutter.skip_past(b'=')?;
        posts(kind, &mut cutter, sink)
    }

    fn passes_over(&self, path: &Path, beside: &mut Beside) -> Option<&'static str> {
        if !matches!(path.file_name()?.to_str()?, "README.txt" | "Your archive.html" | "index.html") {
            return None;
        }
        let posts = ["tweets.js", "tweet.js", "data/tweets.js", "data/tweet.js", "tweets.csv"];
        let mut opened = posts.into_iter().filter_map(|posts| beside.head(&path.with_file_name(posts)));
        opened.any(|posts| self.is(&posts)).then_some("what X adds to an archive")
    }
}

/// What a file of the archive holds; none for those that hold nothing of the writer's.
fn kind(head: &str) -> Option<Kind> {
    let (name, _) = head.trim_start().strip_prefix("window.YTD.")?.split_once(".part")?;
    match name {
        "tweet" | "tweets" | "community_tweet" => Some(Kind::Posts),
        "note_tweet" => Some(Kind::LongPosts),
        "deleted_tweet" | "deleted_tweets" | "deleted_note_tweet" => Some(Kind::Deleted),
        "direct_messages" | "direct_messages_group" | "direct_message" => Some(Kind::Messages),
        _ => None,
    }
}

fn posts<R: BufRead>(kind: Kind, cutter: &mut Cutter<R>, sink: &mut dyn Sink) -> Result<(), String> {
    let mut take = |piece: Piece| {
        let place = Place::Line(piece.line);
        if kind == Kind::Deleted {
            sink.left_out("deleted posts", 1);
            return Ok(());
        }
        let Some(item) = piece.object(sink) else { return Ok(()) };
        let inside = |name: &str| item.get(name).and_then(Value::as_object).unwrap_or(&item);
        match kind {
            Kind::Messages => {
                sink.left_out("direct messages", list(inside("dmConversation"), "messages").len())
            }
            Kind::LongPosts => long_post(inside("noteTweet"), place, sink),
            _ => post(inside("tweet"), place, sink),
        }
        Ok(())
    };
    cutter.documents(&mut |cutter| cutter.array(&mut take))
}

fn post(post: &Map<String, Value>, place: Place, sink: &mut dyn Sink) {
    let full = Some(text(post, "full_text")).filter(|full| !full.is_empty()).unwrap_or(text(post, "text"));
    let retweet =
        post.get("retweeted_status").is_some_and(Value::is_object) || has_id(post, "retweeted_status_id");
    if full.starts_with("RT @") || retweet {
        sink.left_out("retweets", 1);
        return;
    }
    let none = Map::new();
    let part = |name| post.get(name).and_then(Value::as_object).unwrap_or(&none);
    let (entities, extended) = (part("entities"), part("extended_entities"));
    let media = list(extended, "media").iter().chain(list(entities, "media"));
    let media: Vec<&str> = media.filter_map(|media| media["url"].as_str()).collect();
    let urls = links(list(entities, "urls"), "url", "expanded_url");

    let mut words = unescape(full);
    let pictures = list(extended, "media").len().max(list(entities, "media").len());
    for url in media.into_iter().filter(|url| !url.is_empty()) {
        words = words.replace(url, "");
    }
    sink.left_out("photo links", pictures);
    if names_whom_it_answers(post) {
        words = without_leading_names(words, sink);
    }
    let when = when(text(post, "created_at")).or_else(|| when(text(post, "timestamp")));
    let words = with_addresses(words, &urls, sink);
    sink.entry(Draft { when, text: words, place, ..Draft::default() });
}

fn long_post(note: &Map<String, Value>, place: Place, sink: &mut dyn Sink) {
    let none = Map::new();
    let core = note.get("core").and_then(Value::as_object).unwrap_or(&none);
    let urls = links(list(core, "urls"), "shortUrl", "expandedUrl");
    let words = with_addresses(unescape(text(core, "text")), &urls, sink);
    sink.entry(Draft { when: when(text(note, "createdAt")), text: words, place, ..Draft::default() });
}

/// The short address and the one it stands for.
fn links<'a>(urls: &'a [Value], short: &str, long: &str) -> Vec<(&'a str, &'a str)> {
    let pair = |url: &'a Value| Some((url.get(short)?.as_str()?, url.get(long)?.as_str()?));
    urls.iter().filter_map(pair).filter(|(short, _)| !short.is_empty()).collect()
}

fn names_whom_it_answers(post: &Map<String, Value>) -> bool {
    ["in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_user_id_str", "in_reply_to_user_id"]
        .into_iter()
        .any(|name| has_id(post, name))
}

/// Whether a post names another; a table has an empty field where it names none.
fn has_id(post: &Map<String, Value>, name: &str) -> bool {
    post.get(name).is_some_and(|id| !id.is_null() && id.as_str() != Some(""))
}

/// Without the `@name`s that the app writes at the start of an answer.
fn without_leading_names(words: String, sink: &mut dyn Sink) -> String {
    let (mut rest, mut names) = (words.as_str(), 0);
    while let Some(name) = rest.strip_prefix('@') {
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        let after = &name[end..];
        if end == 0 || !(after.is_empty() || after.starts_with(char::is_whitespace)) {
            break;
        }
        rest = after.trim_start();
        names += 1;
    }
    sink.left_out("names of those replied to", names);
    rest.to_string()
}

/// Short addresses turned back into what was typed; the link to a quoted post, or to the rest of this one, goes.
fn with_addresses(mut words: String, urls: &[(&str, &str)], sink: &mut dyn Sink) -> String {
    for (short, long) in urls {
        match words.trim_end().strip_suffix(short) {
            Some(before) if is_post(long) => {
                words = before.trim_end().to_string();
                sink.left_out("embeds", 1);
            }
            _ => words = words.replace(short, long),
        }
    }
    words.trim_end().to_string()
}

fn is_post(address: &str) -> bool {
    let site = address.trim_start_matches("https://").trim_start_matches("http://");
    let site = site.trim_start_matches("www.").trim_start_matches("mobile.");
    (site.starts_with("twitter.com/") || site.starts_with("x.com/")) && site.contains("/status/")
}

/// The three characters that the archive escapes.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// `Fri Jan 05 09:30:00 +0000 2024`, `2024-01-05 09:30:00 +0000`, or ISO 8601.
fn when(text: &str) -> Option<When> {
    let written = |form| strtime::parse(form, text).and_then(|parsed| parsed.to_timestamp());
    let instant: Option<Timestamp> = written("%a %b %d %H:%M:%S %z %Y")
        .or_else(|_| written("%Y-%m-%d %H:%M:%S %z"))
        .or_else(|_| text.parse())
        .ok();
    instant.map(|instant| When::at(instant, None)).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_with};
    use proptest::prelude::*;

    fn input(bytes: &[u8]) -> Input {
        Input::from_bytes("data/tweets.js", bytes.to_vec())
    }

    fn read(json: &str) -> Collected {
        read_with(
            &XArchive,
            &input(format!("window.YTD.tweets.part0 = {json}").as_bytes()),
            &Options::default(),
        )
    }

    #[test]
    fn only_posts_are_claimed() {
        assert_eq!(kind("window.YTD.tweet.part12 = ["), Some(Kind::Posts));
        for head in ["window.YTD.like.part0 = [", "window.YTD.tweet_headers.part0 = [", "window.x", ""] {
            assert_eq!(kind(head), None);
            assert!(!XArchive.is(&input(head.as_bytes())));
        }
    }

    #[test]
    fn escapes_names_and_addresses() {
        assert_eq!(unescape("&amp;lt; &lt;3 &quot;"), "&lt; <3 &quot;");
        let mut sink = Collected::default();
        let mut names = |text: &str| without_leading_names(text.into(), &mut sink);
        assert_eq!(names("@anna @b_2 thanks @c"), "thanks @c");
        assert_eq!(names("@anna's cat"), "@anna's cat");
        assert_eq!(names("@ home"), "@ home");
        assert_eq!(names("@anna"), "");
        let urls =
            [("https://t.co/a", "https://x.com/i/web/status/1"), ("https://t.co/b", "https://rain.example/")];
        let text = with_addresses("See https://t.co/b https://t.co/a".into(), &urls, &mut sink);
        assert_eq!(text, "See https://rain.example/");
        assert_eq!(
            with_addresses("https://t.co/a first".into(), &urls, &mut sink),
            "https://x.com/i/web/status/1 first"
        );
    }

    #[test]
    fn one_bad_post_spoils_no_other() {
        let found = read(
            "[\n{\"tweet\":{\"full_text\":\"one\"}},\n{\"tweet\":{broken}},\n7,\n{\"full_text\":\"two\",\"entities\":5},\n{\"tw",
        );
        let texts: Vec<&str> = found.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(
            found.lost.iter().map(|(place, ..)| *place).collect::<Vec<_>>(),
            [Place::Line(3), Place::Line(4)]
        );
        assert_eq!(found.failed.unwrap(), "breaks off in the middle of what begins on line 6");
    }

    #[test]
    fn times_are_utc() {
        let shown = |text| when(text).map(|when| when.to_string());
        assert_eq!(shown("Fri Jan 05 09:30:00 +0000 2024").unwrap(), "2024-01-05T09:30:00+00:00");
        assert_eq!(shown("2024-01-05T09:30:00.000Z").unwrap(), "2024-01-05T09:30:00+00:00");
        assert_eq!(shown("2024-01-05 09:30:00 +0000").unwrap(), "2024-01-05T09:30:00+00:00");
        assert_eq!(shown("yesterday"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(json in "[\\[\\]{}\":, a-z0-9\\\\]{0,100}", bytes in any::<Vec<u8>>()) {
            read(&json);
            read_with(&XArchive, &input(&bytes), &Options::default());
        }
    }
}
