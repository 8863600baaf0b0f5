use super::*;
use crate::journal::testing::Collected;

fn text(html: &str) -> String {
    to_text(html).text
}

#[test]
fn paragraphs_breaks_and_words() {
    for (html, seen) in [
        ("<p>One <b>two</b>\n three.</p><p>Four<br>five</p>", "One two three.\n\nFour\nfive"),
        ("<div>a</div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<div>a<br></div><div>b</div>", "a\nb"),
        ("<p>a</p><p>&nbsp;</p><p>b</p>", "a\n\n\nb"),
        ("<div>a</div><div>&nbsp;<br></div><div>&nbsp; b</div>", "a\n\n\u{a0} b"),
        ("a&nbsp;b &amp; &lt;3 &eacute;", "a\u{a0}b & <3 é"),
        ("<i>in</i>side <a href='x'>label</a>, here", "inside label, here"),
        ("<b>a</b> <i>b</i>\n<u> c</u>", "a b c"),
        ("<title>no</title><style>p{}</style><script>x</script>yes", "yes"),
        ("<h2>Head</h2>text<hr>more", "Head\n\ntext\n\nmore"),
        ("<blockquote><p>said</p></blockquote>me", "said\n\nme"),
        ("He said <q>no</q>.", "He said “no”."),
        ("<br><br>a<br><br><br>b<br>", "a\n\n\nb"),
        ("شكرا &#128512;", "شكرا 😀"),
        ("", ""),
    ] {
        assert_eq!(text(html), seen, "{html}");
    }
}

#[test]
fn lists_and_tasks() {
    for (html, seen) in [
        ("x<ul><li>a</li><li>b<ol start=3><li>c</li></ol></li></ul>y", "x\n\n- a\n- b\n  3. c\n\ny"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<ul><li><div>a</div></li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol><li>a<li value=7>b<li>c</ol>", "1. a\n7. b\n8. c"),
        ("<ul><li></li><li>a</li></ul>", "- a"),
        ("<div><en-todo checked=\"true\"/>milk</div><div><en-todo/>tea</div>", "[x] milk\n[ ] tea"),
        ("<input type=checkbox checked> rest", "[x] rest"),
        (
            "<ul style=\"--en-todo:true;\"><li style=\"--en-checked:false;\"><div>walk</div></li></ul>",
            "- [ ] walk",
        ),
    ] {
        assert_eq!(text(html), seen, "{html}");
    }
}

#[test]
fn tables_and_code() {
    for (html, seen) in [
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        (
            "<table><tr><td><div>a</div></td><td><p>b</p></td></tr><tr><td></td><td>d</td></tr></table>",
            "a b\nd",
        ),
        ("<p>see</p><pre>a\n  b\n\n</pre><p>c</p>", "see\n\na\n  b\n\nc"),
        ("<div style='white-space: pre-wrap'>a\n\n  b</div>c", "a\n\n  b\nc"),
    ] {
        assert_eq!(text(html), seen, "{html}");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let seen = to_text("a<img src=x>b<video><p>no</p></video><iframe src=y>no</iframe>");
    assert_eq!(seen, Converted { text: "ab".into(), media: 2, embeds: 1, ..Converted::default() });
    let seen = to_text("<p hidden>x</p><i style='color:red; DISPLAY : none'>y</i><b hidden></b>z");
    assert_eq!(
        seen,
        Converted { text: "z".into(), hidden: vec!["x".into(), "y".into()], ..Converted::default() }
    );
    let mut sink = Collected::default();
    seen.count(&mut sink);
    assert_eq!(sink.changed[1], ("hidden text", "y".to_string(), String::new()));
    let seen = to_text("<a href='https://a.org/'>a.org</a> <a href=#n>1</a> <a href=http://b.org>here</a>");
    assert_eq!(seen, Converted { text: "a.org 1 here".into(), links: 1, ..Converted::default() });
    assert_eq!(to_text("so<img alt='😀'>!"), Converted { text: "so😀!".into(), ..Converted::default() });
}

#[test]
fn size_and_depth_are_no_danger() {
    for garbage in
        ["<div>", "<b a=1>", "<font size=1><p>", "<table>", "<ul><li>", "</p>", "<a href=x>", "<x/>", "<svg>"]
    {
        let html = garbage.repeat(50_000) + "end";
        let started = std::time::Instant::now();
        to_text(&html);
        assert!(started.elapsed().as_secs() < 20, "{garbage}");
    }
    assert_eq!(text(&("<div>".repeat(200_000) + "end")), "end");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(html in "(<(/?(p|li|ul|td|q|a|pre|br|div|b))( hidden)?/?>|[ a\n&;\u{a0}]|<|>){0,60}") {
        let text = to_text(&html).text;
        proptest::prop_assert!(!text.starts_with('\n') && !text.ends_with('\n'));
    }
}
