mod elsewhere;
mod english;

use std::ops::RangeInclusive;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;

/// A Tuesday, a little behind the diary's last day.
const TODAY: Date = date(1914, 12, 1);
const DIARY: Range<Date> = date(1903, 1, 3)..date(1914, 11, 20);

fn asked(question: &str) -> When {
    when(question, TODAY, DIARY)
}

/// As counted by hand.
const QUESTIONS_WITH_TIME: usize = 13;

/// Days as `1912-03-01..1912-05-31 1913-01-01`, at most three ranges, then how many more.
fn shown(days: &[RangeInclusive<Date>]) -> String {
    let one = |days: &RangeInclusive<Date>| {
        if days.start() == days.end() {
            days.start().to_string()
        } else {
            format!("{}..{}", days.start(), days.end())
        }
    };
    let mut shown: Vec<String> = days.iter().take(3).map(one).collect();
    if let Some(more) = days.len().checked_sub(3).filter(|more| *more > 0) {
        shown.push(format!("+{more}"));
    }
    shown.join(" ")
}

fn hold(table: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (question, days, rest) in table {
        let found = asked(question);
        if (shown(&found.days).as_str(), found.rest.as_str()) != (*days, *rest) {
            wrong.push(format!("{question}\n  {} | {}\n  {:?}", shown(&found.days), found.rest, found.said));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_only_looks_like_time_is_none() {
    let questions = [
        "May I ask what I said of love?",
        "Did we march to the sea?",
        "Did I march 20 miles?",
        "When did a spring break in the bed?",
        "Did I drink from the spring?",
        "in the spring of my life",
        "my second tooth",
        "the second entry about eggs",
        "who came second",
        "in 1,234 words",
        "the story in 1500 words",
        "What did I write in 2000 words?",
        "I paid £1912 for it",
        "room 1912",
        "1912% more",
        "Who is May?",
        "What did April say to June?",
        "Did I meet May's mother at May's house?",
        "when I was 20",
        "when was I most anxious?",
        "the last time I saw her",
        "the last day of the holiday",
        "my last year at school",
        "the last week of the war",
        "Did prices fall?",
        "an august person",
        "What did Sunday mean to me?",
        "a Christmas tree",
        "3 may 4 might",
        "between me and Dave",
        "before Christmas",
        "in my twenties",
        "the day before the wedding",
        "the day after",
        "for April",
        "what I bought for Sunday",
        "the weekend",
        "9999 stars",
        "mon mari",
        "",
        "?!",
        "1.2.3.4.5",
        "sat with Jan",
        "two days before the wedding",
        "the night before the battle",
        "a week after that",
        "the eve of battle",
        "my first week at school",
        "the last Sunday of the holidays",
        "around the house",
        "the week of the flood",
        "a fortnight later",
        "the second day in bed",
    ];
    for question in questions {
        let found = asked(question);
        assert_eq!((found.said, found.days), (None, Vec::new()), "{question}");
        assert_eq!(found.rest, question.trim());
    }
}

#[test]
fn how_it_was_understood_is_said() {
    for (question, said) in [
        ("in the spring of 1912", "spring 1912 (1 Mar – 31 May 1912)"),
        ("on this day in 1912", "this day of every year, 1912 (1 Dec 1912)"),
        ("on Sundays in March 1912", "Sundays, March 1912"),
        ("yesterday", "yesterday (counted from the diary’s last day, 20 Nov 1914: 19 Nov 1914)"),
        ("since 1910", "since 1910 (1 Jan 1910 – 20 Nov 1914)"),
        ("in late March", "every late March"),
        ("winter 1912-13", "winter 1912–13 (1 Dec 1912 – 28 Feb 1913)"),
        ("29 February 1913", "29 February 1913"),
        ("the week before Christmas 1913", "the week before Christmas Day 1913 (18 Dec – 24 Dec 1913)"),
        ("two days after Easter 1914", "2 days after Easter Sunday 1914 (14 Apr 1914)"),
        ("this month last year", "this month last year (1 Dec – 31 Dec 1913)"),
        ("the week of 3 March 1912", "the week of 3 March 1912 (26 Feb – 3 Mar 1912)"),
        ("the last Sunday in May 1912", "the last Sunday of May 1912 (26 May 1912)"),
    ] {
        assert_eq!(asked(question).said.as_deref(), Some(said));
    }
}

#[test]
fn the_days_of_a_question_hold_the_entries_that_answer_it() {
    let questions = include_str!("../../../tests/recall/questions.json");
    let questions: Vec<serde_json::Value> = serde_json::from_str(questions).unwrap();
    let mut understood = 0;
    for one in &questions {
        let diary = match one["diary"].as_str().unwrap() {
            "pepys" => date(1660, 1, 11)..date(1669, 6, 10),
            _ => date(1903, 1, 3)..date(1917, 10, 21),
        };
        let question = one["question"].as_str().unwrap();
        let found = when(question, date(2026, 12, 1), diary);
        if found.said.is_none() {
            continue;
        }
        understood += 1;
        for entry in one["entries"].as_array().unwrap() {
            let day: Date = entry.as_str().unwrap().parse().unwrap();
            assert!(found.days.iter().any(|days| days.contains(&day)), "{question}: {day}, {:?}", found.said);
        }
    }
    assert_eq!((questions.len(), understood), (60, QUESTIONS_WITH_TIME));
}

#[test]
fn a_long_question_is_read_in_its_time() {
    let found = asked(&"in March 1912 ä ".repeat(1_000_000));
    assert_eq!(shown(&found.days), "1912-03-01..1912-03-31");
}

fn any_date() -> impl Strategy<Value = Date> {
    let usual = (1600i16..2100, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| date(y, m, d));
    prop_oneof![usual, Just(Date::MIN), Just(Date::MAX)]
}

proptest! {
    #[test]
    fn any_text_gives_ordered_days_apart_and_no_panic(
        words in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(vec![
                    "in", "the", "last", "this", "two", "years", "ago", "since", "before", "after", "until", "between", "and", "from", "to",
                    "March", "May", "spring", "winter", "1912", "0000", "9999", "'12", "12", "31", "31st", "of", "early", "end of", "1910s",
                    "2014-03-03", "–", "-", "/", ".", ",", "on", "Sundays", "Sunday", "on this day", "today", "Christmas", "Easter", "week",
                    "999", "month", "past", "every", "im", "vor", "zwei", "Jahren", "heute", "l'", "été", "dernier", "hace", "año", "il y a",
                    "before last", "this time", "weekend", "the week before", "days after", "the night before", "around", "first week of", "this month", "fortnight", "1912/13", "New Year", "summers", "or", "for", "the day after", "du", "au", "deux", "dernières", "the year", "a", "year", "ß", "日", "e\u{301}", "\u{a0}",
                ]).prop_map(str::to_owned),
                "\\PC{0,6}",
            ],
            0..14,
        ),
        space in proptest::bool::ANY,
        today in any_date(),
        first in any_date(),
        last in any_date(),
    ) {
        let question = words.join(if space { " " } else { "" });
        let found = when(&question, today, first..last);
        for days in &found.days {
            prop_assert!(days.start() <= days.end());
        }
        for pair in found.days.windows(2) {
            prop_assert!(pair[0].end().tomorrow().unwrap() < *pair[1].start());
        }
        prop_assert!(found.said.is_some() || found.days.is_empty());
        prop_assert!(found.rest.len() <= question.len());
    }
}
