use super::*;
use crate::journal::testing::{Collected, read as read_as, texts};
use proptest::prelude::*;

fn read(rtf: &[u8]) -> Collected {
    read_as("diary.rtf", rtf, &Options::default())
}

fn text(body: &str) -> String {
    let collected = read(format!("{{\\rtf1\\ansi\\ansicpg1252 {body}}}").as_bytes());
    assert_eq!(collected.failed, None);
    texts(&collected).join("|")
}

fn left_out(body: &str) -> Vec<(&'static str, usize)> {
    read(format!("{{\\rtf1\\ansi {body}}}").as_bytes()).left_out
}

#[test]
fn no_letter_is_lost() {
    assert_eq!(text("Caf\\u233? closed."), "Café closed.");
    assert_eq!(text("Caf\\'e9 closed."), "Café closed.");
    assert_eq!(text("\\uc0 a\\u8212 b\\uc1\\u8212-c"), "a—bc".replace('b', "b—"));
    assert_eq!(text("\\u-10179?\\u-8704?!"), "😀!");
    assert_eq!(text("\\u128512?!"), "😀!");
    assert_eq!(text("{\\uc2\\u12354\\'82\\'a0}b\\u233?"), "あbé");
    assert_eq!(text("a\\{b\\}\\\\c\\~d\\_e\\-f"), "a{b}\\c\u{a0}d\u{2011}ef");
    assert_eq!(text("\\lquote a\\rquote \\ldblquote b\\rdblquote\\emdash\\endash \\bullet"), "‘a’“b”—–•");
    assert_eq!(text("{\\b bold} {\\i and\\b0  not}"), "bold and not");
    assert_eq!(text("\\u233\\'e9t\\u233 {\\par}x"), "été{\\par}x".replace("{\\par}", "\n"));
}

#[test]
fn code_pages() {
    let fonts = "{\\fonttbl{\\f0\\fnil Times;}{\\f1\\fnil\\fcharset204{\\*\\falt Arial} Arial Cyr;}{\\f2\\fcharset128 MS Mincho;}\
                 {\\f3\\fcharset2 Symbol;}{\\f4\\fcharset2 Wingdings;}{\\f5\\fcharset134 SimSun;}}";
    let shown = |body: &str| text(&format!("{fonts}{body}"));
    assert_eq!(shown("\\f1\\'cf\\'f0\\'e8\\f0\\'e9"), "Приé");
    assert_eq!(shown("\\f2\\'82\\'a0\\'83e\\'95\\'5c\\'95\\\\"), "あテ表表");
    assert_eq!(shown("{\\f3 abG}{\\f4 J\\'e0}"), "αβΓ☺→");
    assert_eq!(shown("\\f3\\u-3999?"), "α");
    assert_eq!(shown("\\f5\\'c4\\'e3\\'ba\\'c3"), "你好");
    let flat = "{\\fonttbl\\f0\\fswiss\\fcharset0 Helvetica;\\f1\\fnil\\fcharset238 Arial CE;}";
    assert_eq!(text(&format!("{flat}\\f1\\'b3\\f0\\'b3")), "ł³");
    let mac = read(b"{\\rtf1\\mac Caf\\'8e}");
    assert_eq!(mac.entries[0].text, "Café");
    let unknown = read(b"{\\rtf1\\ansi\\ansicpg850 Caf\\'82}");
    assert!(unknown.troubles[0].1.contains("850"));
}

#[test]
fn paragraphs_as_they_are_seen() {
    assert_eq!(text("a\\par b\\\nc\\line d\\par\\par e"), "a\nb\nc\nd\n\ne");
    assert_eq!(text("\\pard\\sa200 a\\par b\\par\\pard c\\par d"), "a\n\nb\n\nc\nd");
    assert_eq!(text("{\\pard a\\par}{\\pard b\\par}"), "a\nb");
    assert_eq!(
        text("\\trowd\\pard\\intbl Mon\\cell rain\\par again\\cell\\row\\pard after"),
        "Mon\train\nagain\nafter"
    );
}

#[test]
fn lists() {
    let word = "{\\listtext\\pard\\plain\\f3 \\'b7\\tab}\\pard\\ls1\\ilvl0 milk\\par{\\listtext\\pard 2.\\tab}\\ilvl1 eggs\\par";
    assert_eq!(text(word), "- milk\n  2. eggs");
    assert_eq!(
        text(
            "{\\listtext\t\\uc0\\u8226 \t}One\\\n{\\pntext\\f1\\'B7\\tab}{\\*\\pn\\pnlvlblt{\\pntxtb\\'B7}}Two"
        ),
        "- One\n- Two"
    );
}

#[test]
fn what_is_not_the_writers() {
    let head = "{\\stylesheet{\\s0 Normal;}}{\\info{\\title T}{\\author A}}{\\*\\generator G;}{\\colortbl;\\red0;}{\\header Page 1\\par}";
    let body = "{\\pict\\pngblip 89504e47}a{\\v secret}{\\*\\annotation not mine}{\\deleted gone\\par}b{\\*\\unheard of}";
    assert_eq!(text(&format!("{head}{body}")), "ab");
    let counts = [
        ("comments", 1),
        ("deleted revisions", 1),
        ("headers and footers", 1),
        ("hidden text", 1),
        ("photo links", 1),
    ];
    assert_eq!(left_out(&format!("{head}{body}")), counts);
    assert_eq!(
        text("see {\\field{\\*\\fldinst{HYPERLINK \"http://x.example\"}}{\\fldrslt{\\ul here}}}!"),
        "see here!"
    );
    assert_eq!(text("{\\field{\\*\\fldinst SYMBOL 74 \\\\f \"Wingdings\"}{\\fldrslt\\f9}} x"), "☺ x");
    assert_eq!(text("{\\field{\\*\\fldinst TOC \\\\o}{\\fldrslt May 3, 2020\\tab 1\\par}}x"), "x");
    assert_eq!(text("a{\\footnote\\pard\\plain {\\chftn} low \\'e9}b\\par c"), "ab\nlow é\nc");
    assert_eq!(
        text("a{\\shp{\\*\\shpinst{\\sp{\\sn x}{\\sv y}}{\\shptxt boxed\\par}}{\\shprslt{\\*\\do boxed}}}b"),
        "ab\nboxed"
    );
    assert_eq!(text("{\\upr{e}{\\*\\ud{\\u233 e}}}"), "é");
    assert_eq!(text("{{\\NeXTGraphic a b.tiff \\width9 }\\'ac}x"), "x");
    assert_eq!(text("a\\bin5 }}}}}b"), "ab");
}

#[test]
fn many_a_doc_is_rich_text() {
    assert_eq!(read_as("old.doc", b"{\\rtf1 words}", &Options::default()).entries[0].text, "words");
}

#[test]
fn damage_costs_no_words() {
    let cut = read(b"{\\rtf1 one {\\footnote two");
    assert!(cut.failed.unwrap().contains("breaks off"));
    assert_eq!(cut.entries[0].text, "one \ntwo");
    assert_eq!(read(b"{\\rtf1 a}}} b").entries[0].text, "a b");
    let deep = [b"{\\rtf1 ".to_vec(), vec![b'{'; 1 << 21]].concat();
    assert!(read(&deep).failed.unwrap().contains("million"));
    let wide = format!("{{\\rtf1 {}x{}}}", "{".repeat(1_000_000), "}".repeat(1_000_000));
    assert_eq!(read(wide.as_bytes()).entries[0].text, "x");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes: Vec<u8>) {
        read(&[b"{\\rtf1 ", &bytes[..]].concat());
    }

    #[test]
    fn nor_does_broken_rich_text(parts in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "\\", "\\'", "\\u-3", "\\u55357", "\\uc9", "\\bin3", "\\par", "\\cell", "\\row", "\\intbl", "{\\footnote ", "\\shptxt",
        "\\fonttbl", "\\f1", "\\fcharset128", "\\listtext", "\\*", "\\fldinst", "TOC", "\\fldrslt", "\\v", "\\upr", "\\ud", "x", ";", "\n", "\u{e9}",
    ]), 0..60)) {
        read(format!("{{\\rtf1{}", parts.concat()).as_bytes());
    }
}
