use super::*;
use crate::eval::likeness::testing as real;

const DIARY: [&str; 2] = [
    "Went with Mr. Gunning to Exeter House on March 4th, 1661. He said “so God send us all a good end” and paid £1,000.",
    "At 7.30 to Mr. Crew’s; my wife and the old man of the house. Tom came on 5 May.",
];

fn found(text: &str) -> Vec<(Kind, &str)> {
    let known = Known::new(&DIARY);
    let found = inventions(text, &known);
    assert!(found.iter().all(|one| text[one.range.clone()] == one.text));
    found.into_iter().map(|one| (one.kind, &text[one.range])).collect()
}

#[test]
fn what_the_diary_has_is_no_invention() {
    assert_eq!(found("We saw Mr. Gunning’s house, Exeter House and Crew, the Old Man, at 7.30."), []);
    assert_eq!(
        found("On March 4th, on 4 March 1661, in March 1661, on 4.3.1661, 1661-03-04, May 5, paid 1000."),
        []
    );
    assert_eq!(
        found("He said: “God send us all, a good end!” and “so be it”. ‘The old man of the house’"),
        []
    );
    assert_eq!(found(""), []);
}

#[test]
fn what_it_has_not_is_one() {
    assert_eq!(
        found("We met Gunning Crew and Lady Jemima"),
        [(Kind::Name, "Gunning Crew"), (Kind::Name, "Lady Jemima")]
    );
    assert_eq!(
        found(
            "On March 5th, on March 4, 1662, in Sept. 1661 and on 31/12/99 I paid 1,001 or 7.31 for the 2nd."
        ),
        [
            (Kind::Date, "March 5th"),
            (Kind::Date, "March 4, 1662"),
            (Kind::Date, "Sept. 1661"),
            (Kind::Date, "31/12/99"),
            (Kind::Number, "1,001"),
            (Kind::Number, "7.31"),
            (Kind::Number, "2"),
        ]
    );
    assert_eq!(
        found("She said \"God send us a good Christmas\", 'you don't say so', “one two three”."),
        [
            (Kind::Quotation, "God send us a good Christmas"),
            (Kind::Name, "Christmas"),
            (Kind::Quotation, "you don't say so")
        ]
    );
}

#[test]
fn a_run_lies_within_one_entry() {
    let known = Known::new(&["a b a b c", "d e"]);
    for (run, has) in
        [("a b c", true), ("B, A! b", true), ("c d", false), ("b b", false), ("e", true), ("e f", false)]
    {
        assert_eq!(known.has_run(run), has, "{run}");
    }
    assert!(known.has_run("") && Known::new(&[]).has_run(""));
}

#[test]
fn a_diary_invents_nothing_of_its_own() {
    for texts in [real::barbellion(), real::pepys()] {
        let views = real::views(&texts);
        let views = &views[..views.len().min(600)];
        let known = Known::new(views);
        for text in views {
            assert_eq!(inventions(text, &known), [], "{text}");
        }
    }
}

#[test]
fn anything_can_be_read() {
    let known = Known::new(&DIARY);
    for text in
        ["“", "'’“”\"\n\n\"", "12.", "1,", "March", "32 March", "31/31/31", "日本「今日は」5", "\u{301}A.B"]
    {
        let _ = inventions(text, &known);
    }
}
