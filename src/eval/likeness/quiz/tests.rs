use serde_json::Value;

use super::*;

fn quiz(n: usize) -> Quiz {
    let question = |i| Question {
        opening: format!("Opening {i}"),
        prompt: format!("{i} July 1915\nOpening {i}"),
        diary: format!("Own {i}"),
        model: format!("Made {i}"),
        date: (i % 2 == 0).then(|| format!("{i} July 1915")),
    };
    let questions = (0..n).map(question).collect();
    Quiz { title: "Barbellion".into(), run: "run-7".into(), made: "1 December 2026".into(), questions }
}

/// What stands between two parts of a page, the first such.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    page.split_once(before).unwrap().1.split_once(after).unwrap().0
}

fn data(page: &str) -> Value {
    serde_json::from_str(between(page, "<script type=\"application/json\" id=\"data\">", "</script>"))
        .unwrap()
}

/// Whether each question's diary stands on the right, as the script reads it.
fn rights(page: &str) -> Vec<bool> {
    let questions = data(page)["questions"].as_array().unwrap().clone();
    questions.iter().map(|q| q["mark"].as_u64().unwrap().count_ones() % 2 == 1).collect()
}

#[test]
fn nothing_in_a_passage_breaks_out_of_the_page() {
    let evil = "</script><script>alert(1)</script><!--<script> \"'`&amp; {{script}} {{style-hash}} ]]> \u{2028}\u{2029} \0 \u{1b}[31m \
                \u{202e}gnp.exe\u{202c} \u{2066}x\u{2069} \u{200f} \\u003c \r\nnew\rline 日記 \u{1f600}";
    let mut quiz = quiz(2);
    quiz.questions[0].opening = evil.into();
    quiz.questions[0].prompt = evil.into();
    quiz.questions[0].diary = evil.into();
    quiz.questions[1].model = evil.into();
    quiz.questions[1].date = Some(evil.into());
    quiz.title = evil.into();
    quiz.run = evil.into();
    quiz.made = evil.into();
    let page = page(&quiz, 1);
    let plain = super::page(&self::quiz(2), 1);
    // As many tags as without it, and nothing of what it says stands as it is.
    for tag in ["<script", "</script", "<!--", "<style", "</style", "<p", "<meta"] {
        assert_eq!(page.matches(tag).count(), plain.matches(tag).count(), "{tag}");
    }
    assert!(!page.contains("alert(1)<") && !page.contains("<script>alert"));
    let json = between(&page, "id=\"data\">", "</script>");
    let plain_enough = |c: char| !matches!(c, '<' | '>' | '&' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200f}');
    assert!(json.chars().all(|c| plain_enough(c) && !c.is_control()));
    assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "no zero byte anywhere");
    // And it comes out as it went in, but for what no page may hold.
    let said = evil.replace(['\0', '\u{1b}'], "\u{fffd}").replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(data(&page)["questions"][0]["opening"], said);
    assert_eq!(data(&page)["title"], said);
    assert_eq!(between(&page, "sha256-", "'"), between(&plain, "sha256-", "'"));
    if let Ok(path) = std::env::var("QUIZ_EVIL") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn the_policy_knows_the_parts_by_their_hashes_and_nothing_else_runs() {
    let page = page(&quiz(3), 5);
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    let style = between(&page, "<style>", "</style>");
    let script = between(&page, "<script>", "</script>");
    assert_eq!(between(policy, "style-src '", "'"), source_hash(style));
    assert_eq!(between(policy, "script-src '", "'"), source_hash(script));
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*'));
    for forbidden in [
        "http:",
        "https:",
        "//cdn",
        " onclick",
        " onload",
        " style=",
        "eval(",
        "innerHTML",
        "@import",
        "url(",
        "fetch(",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(!page.contains("{{"), "every place is filled");
    // The parser ends lines as \n before it hashes: a \r in a part would change its hash.
    assert!(!PAGE.contains('\r') && !STYLE.contains('\r') && !SCRIPT.contains('\r'));
}

#[test]
fn hashes_are_those_of_the_standard() {
    // FIPS 180-2, "abc", in base64; RFC 4648, section 10.
    assert_eq!(source_hash("abc"), "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    let said = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    for (n, said) in said.iter().enumerate() {
        assert_eq!(base64(&b"foobar"[..n]), *said);
    }
}

#[test]
fn the_same_seed_gives_the_same_page() {
    assert_eq!(page(&quiz(9), 4), page(&quiz(9), 4));
    let differ = (0..10).filter(|seed| rights(&page(&quiz(9), *seed)) != rights(&page(&quiz(9), 4))).count();
    assert!(differ >= 8, "{differ}");
}

#[test]
fn sides_are_balanced_and_the_marks_tell_them() {
    for (n, seed) in [(0, 1), (1, 1), (1, 2), (2, 1), (7, 3), (20, 9), (101, 8)] {
        let page = page(&quiz(n), seed);
        let rights = rights(&page);
        let right = rights.iter().filter(|right| **right).count();
        assert!(right.abs_diff(n - right) <= 1, "{right} of {n}");
        for (i, right) in rights.iter().enumerate() {
            let question = &data(&page)["questions"][i];
            let (own, made) = if *right { ("two", "one") } else { ("one", "two") };
            assert_eq!(
                (&question[own], &question[made]),
                (&format!("Own {i}").into(), &format!("Made {i}").into())
            );
        }
    }
    // The odd one is on either side now and then, and no place in the order has a side of its own.
    let first: usize = (0..200).filter(|seed| rights(&page(&quiz(3), *seed))[0]).count();
    assert!((70..130).contains(&first), "{first}");
    let odd: usize = (0..200).filter(|seed| rights(&page(&quiz(1), *seed))[0]).count();
    assert!((70..130).contains(&odd), "{odd}");
}

#[test]
fn the_source_does_not_call_a_passage_the_diarys() {
    let page = page(&quiz(12), 3);
    let json = between(&page, "id=\"data\">", "</script>").to_lowercase();
    for word in ["diary", "model", "left", "right", "answer", "true", "false"] {
        assert!(!json.contains(word), "{word}");
    }
    // No passage stands anywhere but there, and the marks are no two numbers for two sides.
    assert_eq!(page.matches("Own 3").count(), 1);
    assert!(!page.split_once("id=\"data\">").unwrap().0.contains("Own "));
    let marks: std::collections::BTreeSet<u64> =
        data(&page)["questions"].as_array().unwrap().iter().map(|q| q["mark"].as_u64().unwrap()).collect();
    assert_eq!(marks.len(), 12);
}

#[test]
fn white_space_at_the_ends_does_not_tell() {
    let mut quiz = quiz(1);
    quiz.questions[0].diary = "\n Own words. \n\n".into();
    let page = page(&quiz, 1);
    let question = &data(&page)["questions"][0];
    // What stands before the first word is the preferences', and is not shown: `check_quiz.py` looks.
    assert!(question["one"] == "\n Own words." || question["two"] == "\n Own words.");
}

#[test]
fn the_mark_that_a_passage_goes_on_is_shown_and_is_no_part_of_it() {
    let page = page(&quiz(3), 1);
    assert!(!between(&page, "id=\"data\">", "</script>").contains('…'));
    assert!(between(&page, "<style>", "</style>").contains(".cut::after"));
    let question = &data(&page)["questions"][2];
    assert_eq!(question["prompt"], "2 July 1915\nOpening 2");
}

#[test]
fn what_is_filled_in_is_not_looked_at_again() {
    assert_eq!(filled("{{a}} {{b}} {{c}} {{", &[("a", "{{b}}"), ("b", "x")]), "{{b}} x {{c}} {{");
}

/// Writes a page for `check_quiz.py`, where it is asked for.
#[test]
fn a_page_of_real_pairs_is_made() {
    let entries = crate::eval::likeness::testing::barbellion();
    let long =
        |text: &&String| text.split_whitespace().count() > 120 && text.split_whitespace().count() < 400;
    let own: Vec<&String> = entries.iter().filter(long).collect();
    let cut = |text: &str, from: usize, n: usize| -> String {
        text.split(' ').skip(from).take(n).collect::<Vec<_>>().join(" ")
    };
    let questions: Vec<Question> = own
        .windows(2)
        .take(12)
        .enumerate()
        .map(|(i, pair)| Question {
            opening: cut(pair[0], 0, 30),
            prompt: format!("{} July 1915\n{}", i + 1, cut(pair[0], 0, 30)),
            diary: format!(" {}", cut(pair[0], 30, 90)),
            model: format!("\n{}", cut(pair[1], 40, 85 + i)),
            date: Some(format!("{} July 1915", i + 1)),
        })
        .collect();
    let n = questions.len();
    let title = "Barbellion, The Journal of a Disappointed Man".into();
    let page =
        page(&Quiz { title, run: "barbellion-124m".into(), made: "1 December 2026".into(), questions }, 7);
    assert_eq!(rights(&page).len(), n);
    assert_eq!(data(&super::page(&self::quiz(0), 7))["questions"], Value::Array(Vec::new()));
    if let Ok(path) = std::env::var("QUIZ_PAGE") {
        std::fs::write(path, page).unwrap();
    }
}
