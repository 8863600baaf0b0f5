use super::*;
use crate::journal::testing::{Collected, read as read_as, texts, zipped};
use proptest::prelude::*;

const HEAD: &str = "<office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
    xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\" \
    xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" office:mimetype=\"application/vnd.oasis.opendocument.text\">";

fn read(body: &str) -> Collected {
    let flat =
        format!("{HEAD}<office:body><office:text>{body}</office:text></office:body></office:document>");
    read_as("diary.fodt", flat.as_bytes(), &Options::default())
}

fn text(body: &str) -> String {
    let collected = read(body);
    assert_eq!(collected.failed, None);
    texts(&collected).join("|")
}

#[test]
fn white_space_runs_together_and_signs_stand_for_it() {
    assert_eq!(
        text(
            "<text:p>\n  one\n  <text:span>two</text:span> <text:s text:c=\"2\"/>three<text:tab/>4\n</text:p>"
        ),
        "one two   three\t4"
    );
    assert_eq!(
        text("<text:p>a<text:line-break/>b &lt;3 &#233;</text:p><text:p/><text:p>c</text:p>"),
        "a\nb <3 é\n\nc"
    );
    assert!(text("<text:p>a<text:s text:c=\"4000000000\"/>b</text:p>").len() < 1000);
}

#[test]
fn rows_notes_and_boxes() {
    let row = "<table:table-row><table:table-cell><text:p>Mon</text:p></table:table-cell><table:table-cell><text:p>rain</text:p></table:table-cell></table:table-row>";
    assert_eq!(text(&format!("<table:table>{row}{row}</table:table>")), "Mon\train\nMon\train");
    let note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>low</text:p></text:note-body></text:note>";
    assert_eq!(text(&format!("<text:p>a{note} b</text:p><text:p>c</text:p>")), "a b\nlow\nc");
    assert_eq!(
        text(
            "<text:p>a<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>"
        ),
        "a\nboxed"
    );
}

#[test]
fn a_locked_document_says_so() {
    let bytes = zipped(&[("META-INF/manifest.xml", "<manifest:encryption-data/>")]);
    assert!(read_as("a.odt", &bytes, &Options::default()).failed.unwrap().contains("password"));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "<text:p>", "</text:p>", "<text:list>", "</text:list>", "<text:list-item>", "</text:list-item>", "<table:table-row>", "</table:table-row>",
        "<table:table-cell>", "</table:table-cell>", "<draw:frame>", "</draw:frame>", "<draw:image/>", "<text:s text:c='-1'/>", "words ", "<office:body>",
        "</office:body>", "<text:tracked-changes>", "<", "&#0;",
    ]), 0..50)) {
        read(&parts.concat());
    }
}
