use std::io::Write;

use super::*;

fn changed(options: &StyleOptions, text: &str) -> (String, Vec<&'static str>) {
    let mut kinds = Vec::new();
    let style = Style::new(options).expect("options that can be");
    let after = style.apply(text.to_string(), &mut |what, before, after| {
        assert_ne!(before, after);
        kinds.push(what);
    });
    (after, kinds)
}

fn redacted(names: impl AsRef<[u8]>, text: &str) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(names.as_ref()).unwrap();
    let options = StyleOptions { redact: Some(file.path().to_path_buf()), ..StyleOptions::default() };
    changed(&options, text).0
}

fn refusal(names: impl AsRef<[u8]>) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(names.as_ref()).unwrap();
    let redact = Some(file.path().to_path_buf());
    Style::new(&StyleOptions { redact, ..StyleOptions::default() }).unwrap_err().to_string()
}

#[test]
fn nothing_changes_unasked() {
    let text = "“Quiet”, said ANNA.\n\n\nReferences\n[1] Nobody\n";
    assert_eq!(changed(&StyleOptions::default(), text), (text.to_string(), vec![]));
}

#[test]
fn changes_are_made_in_order_and_logged_once() {
    let options = StyleOptions {
        drop_lines: vec!["^Weather:".to_string(), r"^\d+ steps$".to_string()],
        straight_quotes: true,
        lowercase: true,
        unwrap: true,
        ..StyleOptions::default()
    };
    let (text, kinds) = changed(&options, "Weather: grey\n‘No’, SHE said.\n9000 steps");
    assert_eq!(text, "'no', she said.");
    assert_eq!(kinds, ["lines dropped", "quotation marks straightened", "lower-cased"]);
}

#[test]
fn an_expression_that_is_none_is_refused() {
    for (pattern, why) in [("(", "unclosed group"), ("", "fits every line")] {
        let options = StyleOptions { drop_lines: vec![pattern.to_string()], ..StyleOptions::default() };
        let error = Style::new(&options).unwrap_err();
        assert!(matches!(error, Error::Usage { .. }) && error.to_string().contains(why), "{error}");
    }
}

#[test]
fn quotation_marks_of_other_languages_and_primes_stay() {
    assert_eq!("‘a’ ‚b‛ “c” „d‟".chars().map(straight).collect::<String>(), "'a' 'b' \"c\" \"d\"");
    assert_eq!("« e » ‹f› 5′ 6″".chars().map(straight).collect::<String>(), "« e » ‹f› 5′ 6″");
}

#[test]
fn reference_lists_at_the_end_go() {
    for heading in ["References", "## Works Cited", "**Sources:**", "BIBLIOGRAPHIE:", "Literatur"] {
        let list =
            "Müller-Ost, K. Of moss.\n\n- Tarn, P. (2011). Of stone.\n[3] Anon.\nhttps://example.org/a\n";
        let text = format!("A day of reading.\n\n{heading}\n\n{list}");
        assert_eq!(without_references(&text), "A day of reading.", "{heading}");
    }
}

#[test]
fn a_heading_with_anything_else_after_it_stays() {
    for text in [
        "Read.\n\nReferences\n[1] Moss, K.\n\nThen I slept.",
        "Read.\n\nSources\nMy mother, and the old letters.",
        "References\n[1] Moss, K.",
        "Read.\n\nReferences\n",
        "Sources say it rains.\n[1] Moss, K.",
    ] {
        assert_eq!(without_references(text), text);
    }
}

const WRAPPED: &str = "The morning began with rain on the roof and a kettle that would not\n\
                       boil, so I read the old letters until the light came over the well-\n\
                       known hills and the dog asked for her walk.\n";

#[test]
fn hard_wrapped_paragraphs_are_joined() {
    let joined = "The morning began with rain on the roof and a kettle that would not boil, so I read the old letters \
                  until the light came over the well-known hills and the dog asked for her walk.\n";
    assert_eq!(unwrapped(WRAPPED), joined);
    assert_eq!(unwrapped(&format!("# Rain\n{WRAPPED}\nShort.\n")), format!("# Rain\n{joined}\nShort.\n"));
    assert_eq!(unwrapped(&unwrapped(WRAPPED)), joined);
    let odd = "#walk through the town, which took us an hour and a half for\nit. The dog was glad - at -\n";
    assert_eq!(unwrapped(odd), odd.replacen("\n", " ", 1));
    let dash = "The kettle, which I had from my aunt, would not boil again -\nneither would the pan.";
    assert_eq!(unwrapped(dash), dash.replace('\n', " "));
}

#[test]
fn other_lines_stay_as_they_are() {
    let list = WRAPPED.replacen("The", "- The", 1);
    let fenced = format!("```\n{WRAPPED}\n~~~\n{WRAPPED}```\n");
    let quote: String = WRAPPED.lines().map(|line| format!("> {line}\n")).collect();
    let indented: String = WRAPPED.lines().map(|line| format!("    {line}\n")).collect();
    let hard_breaks = WRAPPED.replace('\n', "  \n");
    let verse = "O rain upon the roof,\nO kettle that is cold,\nthe hills are very far\nand I am very old.\n";
    let ragged =
        "One line of this is quite a lot wider than the other lines are, I think\nand this is\nnot.\n";
    let sentences = "Today I went to the lake with the dog and a long book.\nAfterwards I slept for hours and woke late.\n";
    let long = format!("{} end\nof it.\n", "word ".repeat(30));
    for text in [&list, &fenced, &quote, &indented, &hard_breaks, verse, ragged, sentences, &long] {
        assert_eq!(unwrapped(text), *text);
    }
}

#[test]
fn names_go_as_whole_words_in_any_case() {
    let names = "\u{feff}# friends\nAnn\nAnn Marie\n\nO'Neill = Doctor\nJosé\n";
    let text =
        "Ann’s dog, ANN  MARIE, Annette, O’NEILL and o'neill's; _Ann_ann, Jose\u{301}, josé. Ann\nMarie?";
    let after = "[name 1]’s dog, [name 2], Annette, Doctor and Doctor's; _[name 1]_[name 1], [name 4], [name 4]. [name 2]?";
    assert_eq!(redacted(names, text), after);
}

#[test]
fn names_may_be_of_any_script_and_hold_any_sign() {
    assert_eq!(redacted("田中\nЖеня\nJ. (the tall)\n@a+b", "田中さん, ЖЕНЯ"), "[name 1]さん, [name 2]");
    assert_eq!(
        redacted("J. (the tall)\n@a+b\nZoë_K", "J. (The Tall), @a+b, zoë_k"),
        "[name 1], [name 2], [name 3]"
    );
}

#[test]
fn a_redaction_file_may_be_in_utf16() {
    let names: Vec<u8> = "\u{feff}Zoë\r\nAnn = A\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(redacted(names, "Zoë, Ann"), "[name 1], A");
}

#[test]
fn a_redaction_file_without_sense_is_refused() {
    assert!(refusal("# nobody\n\n").contains("no name"));
    assert!(refusal("Ann\n = X").contains("line 2"));
    assert!(refusal("Ann =").contains("line 1"));
    assert!(refusal("").contains("no name"));
    assert!(refusal(b"Zo\xeb\nJos\xe9\n").contains("UTF-8"));
    let redact = Some("/nowhere/names.txt".into());
    let error = Style::new(&StyleOptions { redact, ..StyleOptions::default() }).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
}

#[test]
fn paragraphs_in_many_entries_go() {
    let mut boilerplate = Boilerplate::default();
    for day in 0..Boilerplate::MOST {
        let rare = if day > 0 { "Rare." } else { "" };
        boilerplate.add(&format!(
            "\nToday I am\ngrateful for:\n\nday {day}\n\n{rare}\n\n Sent from afar \n\nSent from afar"
        ));
    }
    let mut common = boilerplate.common();
    assert!(!common.is_empty());
    assert_eq!(common.without("  Mine.\n\n\nRare.\n"), None);
    let text = "Today I am\ngrateful for:\n\n  moss\n\n\nRare.\n\nSent from afar\n \nSent from afar\n";
    assert_eq!(common.without(text).as_deref(), Some("  moss\n\n\nRare."));
    assert_eq!(common.without("Sent from afar").as_deref(), Some(""));
    let removed = [("Sent from afar".to_string(), 2), ("Today I am\ngrateful for:".to_string(), 1)];
    assert_eq!(common.removed(), removed);
    assert!(Boilerplate::default().common().is_empty());
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_changed(text in "[a-zé_'’ .\\-\n#>`(0-9)]{0,300}|\\PC{0,80}") {
        let options = StyleOptions { unwrap: true, drop_references: true, straight_quotes: true, ..StyleOptions::default() };
        let (after, _) = changed(&options, &text);
        proptest::prop_assert!(after.len() <= text.len());
        let letters = |text: &str| text.split_whitespace().collect::<String>();
        proptest::prop_assert_eq!(letters(&unwrapped(&text)), letters(&text));
        redacted("é\na b\n", &text);
    }
}
