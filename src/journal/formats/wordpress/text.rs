//! What WordPress keeps in the text of a post: blocks in HTML or, from its older editor, HTML whose line feeds it shows
//! as breaks; and shortcodes in brackets.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::journal::format::Sink;
use crate::journal::syntax::html;

/// A post's or a comment's text; counts what is left out of it.
///
/// # Errors
/// It holds more elements than fit into memory.
pub fn of(content: &str, sink: &mut dyn Sink) -> Result<String, String> {
    let content = without_shortcodes(content, sink);
    let is_blocks = content.contains("<!-- wp:");
    let content = if is_blocks { content } else { html::with_breaks(&content) };
    let wrapped = Cell::new(0);
    let document = html::parse(&content)?;
    let mut converted = html::convert(*document.root_element(), &|element| {
        let leave = element.value().classes().any(|class| class == "wp-block-embed__wrapper");
        wrapped.set(wrapped.get() + usize::from(leave));
        leave
    });
    converted.embeds += wrapped.get();
    converted.count(sink);
    Ok(converted.text)
}

/// A title or a name of a tag, which WordPress keeps as HTML.
pub fn plain(html: &str) -> String {
    html::to_text(html).text
}

/// The text without the shortcodes of WordPress itself and of its most used plugins; those that showed something that
/// is no text are counted and shown. What stands between `[caption]` and `[/caption]` is text. Any other word in brackets is the writer's.
fn without_shortcodes(content: &str, sink: &mut dyn Sink) -> String {
    static SHOWN: LazyLock<Regex> = LazyLock::new(|| {
        let names = "gallery|audio|video|playlist|youtube|vimeo|soundcloud|instagram|tweet|wpvideo|googlemaps|contact-form-7";
        let code = format!(r"\[(?:{names})(?:[\s=][^\]]*)?\]|\[embed(?:\s[^\]]*)?\][^\[\]]*\[/embed\]");
        // One that stands alone goes with its line.
        Regex::new(&format!(r"(?m)^[ \t]*(?:{code})[ \t]*$\n{{0,2}}|{code}")).expect("a sound pattern")
    });
    static MARKS: LazyLock<Regex> = LazyLock::new(|| {
        let around = "caption|wp_caption|code|sourcecode";
        let pattern = format!(r"\[(?:{around})(?:\s[^\]]*)?\]|\[/(?:{around}|audio|video|playlist)\]");
        Regex::new(&pattern).expect("a sound pattern")
    });
    for code in SHOWN.find_iter(content) {
        sink.changed("embeds", code.as_str().trim(), "");
    }
    without_builders(&MARKS.replace_all(&SHOWN.replace_all(content, ""), ""), sink)
}

/// The text without the marks of page builders and of all other plugins: a name in brackets with attributes in quotation
/// marks, or one that is closed, was made by a program.
fn without_builders(content: &str, sink: &mut dyn Sink) -> String {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        let attribute = r#"\s+[A-Za-z_][\w-]*=(?:"[^"\]]*"|'[^'\]]*'|&quot;[^\]]*?&quot;)"#;
        let pattern = format!(r"\[(/?)([a-z][a-z0-9_-]*)((?:{attribute})*)\s*/?\]");
        Regex::new(&pattern).expect("a sound pattern")
    });
    let closed: HashSet<&str> = MARK
        .captures_iter(content)
        .filter(|mark| !mark[1].is_empty())
        .filter_map(|mark| Some(mark.get(2)?.as_str()))
        .collect();
    let mut out = 0;
    let text = MARK.replace_all(content, |mark: &Captures| {
        let is_programs = !mark[3].is_empty() || closed.contains(&mark[2]);
        out += usize::from(is_programs);
        if is_programs { String::new() } else { mark[0].to_string() }
    });
    if out > 0 {
        sink.left_out("shortcodes", out);
    }
    // A mark that stood alone leaves no gap.
    static GAP: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\n[ \t]*\n(?:[ \t]*\n)+").expect("a sound pattern"));
    if out > 0 { GAP.replace_all(&text, "\n\n").into_owned() } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::Collected;

    fn text(content: &str) -> (String, Vec<(&'static str, usize)>) {
        let mut sink = Collected::default();
        (of(content, &mut sink).unwrap(), sink.left_out)
    }

    fn shown(content: &str) -> Vec<(&'static str, String, String)> {
        let mut sink = Collected::default();
        without_shortcodes(content, &mut sink);
        sink.changed
    }

    #[test]
    fn both_editors() {
        assert_eq!(
            text("one\ntwo\n\n<b>three</b>\n<ul>\n\t<li>a</li>\n</ul>\nend").0,
            "one\ntwo\n\nthree\n\n- a\n\nend"
        );
        let blocks = "<!-- wp:paragraph -->\n<p>one\ntwo</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:list -->\n<ul><li>a</li></ul>\n<!-- /wp:list -->";
        assert_eq!(text(blocks).0, "one two\n\n- a");
    }

    #[test]
    fn marks_of_builders() {
        let built = "[vc_row][vc_column width=\"1/1\"]the kettle [sigh] is mine[/vc_column][/vc_row]\n\n[wpforms id=\"7\"]\n\n[1] so [sic]";
        assert_eq!(
            text(built),
            ("the kettle [sigh] is mine\n\n[1] so [sic]".into(), vec![("shortcodes", 5)])
        );
    }

    #[test]
    fn shortcodes() {
        let (seen, left_out) = text(
            "[caption id=\"a\" width=\"3\"]<img src=x> By the sea[/caption]\n\n[gallery ids=\"1,2\"]\n\n[sigh] [embed]http://x.org[/embed]",
        );
        assert_eq!(seen, "By the sea\n\n[sigh]");
        assert_eq!(left_out, [("photo links", 1)]);
        let codes = shown("one [video src=x] two\n\n [gallery] \n\n[sigh]");
        let embed = |code: &str| ("embeds", code.to_string(), String::new());
        assert_eq!(codes, [embed("[video src=x]"), embed("[gallery]")]);
        let figure = "<!-- wp:embed --><figure><div class=\"wp-block-embed__wrapper\">\nhttps://x.org\n</div><figcaption>a song</figcaption></figure><!-- /wp:embed -->";
        assert_eq!(text(figure), ("a song".into(), vec![("embeds", 1)]));
    }
}
