use super::*;
use crate::journal::testing::{Collected, read as read_as, texts, zipped};
use proptest::prelude::*;

const HEAD: &str = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
    xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\" \
    xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>";

fn read(body: &str, beside: &[(&str, &str)]) -> Collected {
    let document = format!("{HEAD}{body}</w:body></w:document>");
    let parts = [&[("word/document.xml", document.as_str())], beside].concat();
    read_as("diary.docx", &zipped(&parts), &Options::default())
}

fn text(body: &str) -> String {
    let collected = read(body, &[]);
    assert_eq!(collected.failed, None);
    texts(&collected).join("|")
}

#[test]
fn fields_and_signs() {
    let field = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let instruction = |text: &str| format!("<w:r><w:instrText>{text}</w:instrText></w:r>");
    let run = |text: &str| format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>");
    let (begin, separate, end) = (field("begin"), field("separate"), field("end"));
    let link = format!(
        "<w:p>{}{begin}{}{separate}{}{end}{}</w:p>",
        run("see "),
        instruction("HYPERLINK x"),
        run("here"),
        run("!")
    );
    assert_eq!(text(&link), "see here!");
    let contents = format!(
        "<w:p>{begin}{}{separate}{}</w:p><w:p>{}{end}</w:p><w:p>{}</w:p>",
        instruction(" TOC \\o "),
        run("3 May 2020"),
        run("4 May 2020"),
        run("x")
    );
    assert_eq!(text(&contents), "x");
    // An instruction that never ends swallows its own paragraph and no other.
    assert_eq!(text(&format!("<w:p>{begin}{}</w:p><w:p>{}</w:p>", run("lost"), run("kept"))), "kept");
    let sign = "<w:p><w:r><w:sym w:font=\"Wingdings\" w:char=\"F04A\"/><w:t>a</w:t><w:noBreakHyphen/><w:softHyphen/><w:t>b</w:t><w:br/><w:tab/><w:t>c</w:t></w:r></w:p>";
    assert_eq!(text(sign), "☺a\u{2011}b\n\tc");
}

#[test]
fn the_document_may_lie_elsewhere_and_in_another_namespace() {
    let relations = "<Relationships><Relationship Type=\"http://x/officeDocument\" Target=\"/word/document2.xml\"/></Relationships>";
    let document = "<d:document xmlns:d='http://purl.oclc.org/ooxml/wordprocessingml/main'><d:p><d:r><d:t>words</d:t></d:r></d:p></d:document>";
    let zip = zipped(&[("_rels/.rels", relations), ("word/document2.xml", document)]);
    for name in ["a.docx", "a.docm", "a.doc"] {
        assert_eq!(read_as(name, &zip, &Options::default()).entries[0].text, "words");
    }
}

#[test]
fn damage_costs_no_words_before_it() {
    let zip = zipped(&[(
        "word/document.xml",
        &format!("{HEAD}<w:p><w:r><w:t>kept</w:t></w:r></w:p><w:p><w:r><w:t>too</w:x>"),
    )]);
    let cut = read_as("diary.docx", &zip, &Options::default());
    assert_eq!(cut.entries[0].text, "kept\ntoo");
    assert!(cut.failed.unwrap().contains("damaged"));
    let note = format!(
        "{}<w:footnote w:id='1'><w:p><w:r><w:t>low",
        HEAD.replace("document", "footnotes").replace("<w:body>", "")
    );
    let words = "<w:p><w:r><w:t>words</w:t><w:footnoteReference w:id='1'/></w:r></w:p>";
    let beside = read(words, &[("word/footnotes.xml", &note)]);
    assert_eq!(beside.entries[0].text, "words\nlow");
    assert!(beside.failed.is_some());
    let last = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>carried</w:t></w:r></w:p>";
    assert_eq!(text(last), "carried");
    let nothing = read_as("diary.docx", &zipped(&[("a", "b")]), &Options::default());
    assert!(nothing.failed.unwrap().contains("word/document.xml"));
    let deep = text(&format!("{}<w:r><w:t>x</w:t></w:r>{}", "<w:p>".repeat(9_000), "</w:p>".repeat(9_000)));
    assert_eq!(deep.trim(), "x");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(parts in prop::collection::vec(prop::sample::select(vec![
        "<w:p>", "</w:p>", "<w:tr>", "</w:tr>", "<w:tc>", "</w:tc>", "<w:r>", "</w:r>", "<w:t>words</w:t>", "<w:fldChar w:fldCharType='end'/>", "<w:pPr>",
        "</w:pPr>", "<w:numPr><w:numId w:val='1'/><w:ilvl w:val='99'/></w:numPr>", "<mc:Fallback>", "</mc:Fallback>", "<w:del>", "</w:del>", "&#x1;", "&who;", "<", "<w:sym w:char='zz'/>",
    ]), 0..50), bytes: Vec<u8>) {
        read(&parts.concat(), &[("word/styles.xml", "<w:style"), ("word/numbering.xml", "")]);
        read_as("diary.docx", &[b"PK\x03\x04", &bytes[..]].concat(), &Options::default());
    }
}
