use super::*;
use crate::journal::testing::Collected;

fn read(xml: &str) -> (Vec<String>, Collected) {
    let input = Input::from_bytes("a.xml", xml.as_bytes().to_vec());
    let (mut texts, mut sink) = (Vec::new(), Collected::default());
    let outcome = records(&input, &["e"], &mut sink, &mut |xml, _, _, _| {
        while let Some(tag) = xml.child()? {
            match tag.local() {
                "t" => texts.push(xml.text()?),
                _ => xml.skip()?,
            }
        }
        Ok(())
    });
    sink.failed = outcome.err();
    (texts, sink)
}

#[test]
fn text_and_entities() {
    let (texts, sink) =
        read("<r><e><t>a &amp; &#233;&nbsp;b<![CDATA[ <c> & ]]>d</t><d>x &lt;<f/></d><x:t/></e></r>");
    assert_eq!(texts, ["a & é\u{a0}b <c> & d", ""]);
    assert_eq!((sink.troubles.len(), sink.failed), (0, None));
}

#[test]
fn own_entities_are_not_expanded() {
    let (texts, sink) =
        read("<!DOCTYPE r [<!ENTITY lol \"ha ha\">]><r><e><t>&lol; & &notes; AT&T</t></e></r>");
    assert_eq!(texts, ["&lol; & &notes; AT&T"]);
    assert!(sink.troubles[0].1.contains("&lol;"));
}

#[test]
fn one_bad_record_among_good_ones() {
    let (texts, sink) =
        read("<r><e><t>1</t></e><e><t>2</u></e><e><t>3</t></e><e><t>x</e><e><t>4</t></e></r>");
    assert_eq!(texts, ["1", "3", "4"]);
    assert_eq!(sink.lost.len(), 2);
    let (texts, sink) = read("<r><e><t>1</t></e><e><t>2\n");
    assert_eq!((texts, sink.failed.is_some()), (vec!["1".to_string()], true));
    let deep = format!("<r><e>{}</e><e><t>1</t></e></r>", "<a>".repeat(5_000));
    assert_eq!(read(&deep).0, ["1"]);
}

#[test]
fn a_long_record_is_passed_over_and_skipped_text_is_not_held() {
    let long = "x".repeat(70 << 20);
    let (texts, sink) =
        read(&format!("<r><e><d>{long}</d><t>1</t></e><e><t>{long}</t></e><e><t>2</t></e></r>"));
    assert_eq!(texts, ["1", "2"]);
    assert!(sink.lost[0].2.contains("64 MiB"));
}

#[test]
fn roots() {
    assert_eq!(root("\u{feff}<?xml version=\"1.0\"?>\n<!-- c -->\n<a:b c='d'>"), "a:b");
    assert_eq!(root("words"), "");
}
