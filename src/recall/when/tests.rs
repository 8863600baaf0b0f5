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
fn days_months_seasons_and_years_are_understood() {
    hold(&[
        ("What did I read in 1912?", "1912-01-01..1912-12-31", "What did I read?"),
        ("in 2014", "2014-01-01..2014-12-31", ""),
        ("What did I eat in March 2014?", "2014-03-01..2014-03-31", "What did I eat?"),
        ("In March 1912, who came?", "1912-03-01..1912-03-31", "who came?"),
        ("March 3rd, 2014", "2014-03-03", ""),
        ("who called on 3 March 1910", "1910-03-03", "who called"),
        ("the entry of 3rd of March, 1910", "1910-03-03", "the entry"),
        ("the twenty-first of May 1908, please", "1908-05-21", "please"),
        ("Sunday, 3 March 1912", "1912-03-03", ""),
        ("What happened on Sunday the 3rd of March 1912?", "1912-03-03", "What happened?"),
        ("2014-03-03", "2014-03-03", ""),
        ("was it 3.3.1914 or 4/3/14?", "1914-03-03..1914-03-04", "was it or?"),
        ("3/1912", "1912-03-01..1912-03-31", ""),
        ("3/14/12", "1912-03-14", ""),
        ("1912-03 in short", "1912-03-01..1912-03-31", "in short"),
        ("Sept. 1912 walks", "1912-09-01..1912-09-30", "walks"),
        ("walks in Sept 1912", "1912-09-01..1912-09-30", "walks"),
        ("walks in the spring of 1912", "1912-03-01..1912-05-31", "walks"),
        ("spring 1912", "1912-03-01..1912-05-31", ""),
        ("Where was I the summer of '12?", "1912-06-01..1912-08-31", "Where was I?"),
        ("the summer of ’95", "1895-06-01..1895-08-31", ""),
        ("fall 1912", "1912-09-01..1912-11-30", ""),
        ("winter 1912", "1912-01-01..1912-02-29 1912-12-01..1913-02-28", ""),
        ("the winter of 1912-13", "1912-12-01..1913-02-28", ""),
        ("in the 1910s", "1910-01-01..1919-12-31", ""),
        ("the early 1660s", "1660-01-01..1663-12-31", ""),
        ("in the late 1660s", "1667-01-01..1669-12-31", ""),
        ("music in the sixties", "1860-01-01..1869-12-31", "music"),
        ("in the '00s", "1900-01-01..1909-12-31", ""),
        ("money in early 1912", "1912-01-01..1912-04-30", "money"),
        ("mid-March 1912", "1912-03-11..1912-03-20", ""),
        ("at the end of 1912", "1912-09-01..1912-12-31", ""),
        ("late in March 1912", "1912-03-21..1912-03-31", ""),
        ("the year 1066", "1066-01-01..1066-12-31", ""),
        ("Christmas 1910", "1910-12-24..1910-12-26", ""),
        ("Easter 1912", "1912-04-05..1912-04-08", ""),
        ("the 1912 walks", "1912-01-01..1912-12-31", "the walks"),
        ("my 1912's walks", "1912-01-01..1912-12-31", "my walks"),
        ("in 1910 and 1912", "1910-01-01..1910-12-31 1912-01-01..1912-12-31", ""),
        ("2010 or 1912?", "1912-01-01..1912-12-31", "2010 or?"),
        ("in March or April 1912", "1912-03-01..1912-04-30", ""),
        ("in December and January 1912", "1911-12-01..1912-01-31", ""),
        ("Dr March in 1912", "1912-01-01..1912-12-31", "Dr March"),
        ("for Christmas 1912", "1912-12-24..1912-12-26", ""),
        ("In 1910 and in 1912 what hurt?", "1910-01-01..1910-12-31 1912-01-01..1912-12-31", "and what hurt?"),
        ("29 February 1913", "", ""),
        ("What did I do the day after Christmas Day in 1913?", "1913-12-26", "What did I do?"),
        ("on the day before Easter 1912", "1912-04-06", ""),
    ]);
}

#[test]
fn spans_are_understood() {
    hold(&[
        ("between 1905 and 1907", "1905-01-01..1907-12-31", ""),
        ("illness between March 1905 and Easter 1907", "1905-03-01..1907-04-01", "illness"),
        ("since 1910", "1910-01-01..1914-11-20", ""),
        ("before 1910", "1903-01-03..1909-12-31", ""),
        ("before March 1910 what hurt?", "1903-01-03..1910-02-28", "what hurt?"),
        ("after 1910", "1911-01-01..1914-11-20", ""),
        ("walks until June 1911", "1903-01-03..1911-06-30", "walks"),
        ("from May to July 1908", "1908-05-01..1908-07-31", ""),
        ("from November to February 1909", "1908-11-01..1909-02-28", ""),
        ("from November 1908 to February", "1908-11-01..1909-02-28", ""),
        ("May–July 1908", "1908-05-01..1908-07-31", ""),
        ("1905–1907", "1905-01-01..1907-12-31", ""),
        ("1905-07", "1905-01-01..1907-12-31", ""),
        ("from 1905 to 1907", "1905-01-01..1907-12-31", ""),
        ("3–7 March 1912", "1912-03-03..1912-03-07", ""),
        ("from the 3rd to the 7th of March 1912", "1912-03-03..1912-03-07", ""),
        ("March 3 to 7", "1903-03-03..1903-03-07 1904-03-03..1904-03-07 1905-03-03..1905-03-07 +9", ""),
        ("from May to July", "1903-05-01..1903-07-31 1904-05-01..1904-07-31 1905-05-01..1905-07-31 +9", ""),
        ("from 1910 on", "1910-01-01..1914-11-20", ""),
        ("letters from 1910", "1910-01-01..1910-12-31", "letters"),
        ("since March", "1914-03-01..1914-11-20", ""),
        ("all since we moved in 1912", "1912-01-01..1914-11-20", "all since we moved"),
        ("since then, in 1912", "1912-01-01..1912-12-31", "since then"),
        ("since 1930", "1930-01-01..1930-12-31", ""),
        ("before 1800", "1799-12-31", ""),
    ]);
}

#[test]
fn what_comes_again_is_understood() {
    hold(&[
        ("rain in March", "1903-03-01..1903-03-31 1904-03-01..1904-03-31 1905-03-01..1905-03-31 +9", "rain"),
        (
            "How do I feel in winter?",
            "1903-01-03..1903-02-28 1903-12-01..1904-02-29 1904-12-01..1905-02-28 +9",
            "How do I feel?",
        ),
        ("in the spring", "1903-03-01..1903-05-31 1904-03-01..1904-05-31 1905-03-01..1905-05-31 +9", ""),
        ("in March and April", "1903-03-01..1903-04-30 1904-03-01..1904-04-30 1905-03-01..1905-04-30 +9", ""),
        (
            "on weekends in March 1912",
            "1912-03-02..1912-03-03 1912-03-09..1912-03-10 1912-03-16..1912-03-17 +2",
            "",
        ),
        (
            "on Mondays and Tuesdays in March 1912",
            "1912-03-04..1912-03-05 1912-03-11..1912-03-12 1912-03-18..1912-03-19 +1",
            "",
        ),
        ("in late summer", "1903-08-01..1903-08-31 1904-08-01..1904-08-31 1905-08-01..1905-08-31 +9", ""),
        (
            "Where was I at Christmas?",
            "1903-12-24..1903-12-26 1904-12-24..1904-12-26 1905-12-24..1905-12-26 +8",
            "Where was I?",
        ),
        ("New Year's Eve", "1903-12-31 1904-12-31 1905-12-31 +8", ""),
        ("on this day", "1903-12-01 1904-12-01 1905-12-01 +8", ""),
        ("What did I do on this day in 1912?", "1912-12-01", "What did I do?"),
        ("this day last year", "1913-12-01", ""),
        ("3 March", "1903-03-03 1904-03-03 1905-03-03 +9", ""),
        ("on Sundays in March 1912", "1912-03-03 1912-03-10 1912-03-17 +2", ""),
        ("on a Sunday", "1903-01-04 1903-01-11 1903-01-18 +617", ""),
        ("every Sunday in 1950", "1950-01-01 1950-01-08 1950-01-15 +50", ""),
        ("at Christmas before 1905", "1903-12-24..1903-12-26 1904-12-24..1904-12-26", ""),
        ("Christmas Eve in the 1910s", "1910-12-24 1911-12-24 1912-12-24 +7", ""),
        ("In March 1912 at Christmas?", "1912-03-01..1912-03-31", ""),
    ]);
}

#[test]
fn what_is_relative_is_counted_from_today() {
    hold(&[
        ("last spring", "1914-03-01..1914-05-31", ""),
        ("What made me glad this summer?", "1914-06-01..1914-08-31", "What made me glad?"),
        ("this autumn", "1914-09-01..1914-11-30", ""),
        ("last year's walks", "1913-01-01..1913-12-31", "walks"),
        ("this year", "1914-01-01..1914-12-31", ""),
        ("the summer before last", "1913-06-01..1913-08-31", ""),
        ("two summers ago", "1913-06-01..1913-08-31", ""),
        ("two years ago this week", "1912-11-24..1912-12-08", ""),
        ("two years ago", "1912-01-01..1912-12-31", ""),
        ("a year ago today", "1913-12-01", ""),
        ("a month ago", "1914-11-01..1914-11-30", ""),
        ("20 days ago", "1914-11-11", ""),
        ("in the last two months", "1914-10-01..1914-12-01", ""),
        ("over the past year", "1913-12-01..1914-12-01", ""),
        ("this time last year", "1913-11-24..1913-12-08", ""),
        ("last March", "1914-03-01..1914-03-31", ""),
        ("last Christmas", "1913-12-24..1913-12-26", ""),
        ("end of last year", "1913-09-01..1913-12-31", ""),
        ("since last spring", "1914-03-01..1914-11-20", ""),
        // Beyond the diary's last day, a Friday: counted from that.
        ("this winter", "1913-12-01..1914-02-28", ""),
        ("last week", "1914-11-09..1914-11-15", ""),
        ("last weekend", "1914-11-14..1914-11-15", ""),
        ("yesterday", "1914-11-19", ""),
        ("today", "1914-11-20", ""),
        ("last Sunday", "1914-11-15", ""),
        ("the day before yesterday", "1914-11-18", ""),
    ]);
}

#[test]
fn what_lies_beside_about_or_in_something_is_understood() {
    hold(&[
        ("What did I do the week before Christmas 1913?", "1913-12-18..1913-12-24", "What did I do?"),
        ("in the week before Christmas 1913", "1913-12-18..1913-12-24", ""),
        ("the week after Christmas 1913", "1913-12-26..1914-01-01", ""),
        (
            "the week before Christmas",
            "1903-12-18..1903-12-24 1904-12-18..1904-12-24 1905-12-18..1905-12-24 +8",
            "",
        ),
        ("the night before Christmas 1913", "1913-12-24", ""),
        ("the night before 3 March 1912", "1912-03-02", ""),
        ("the day before the 3rd of March 1912", "1912-03-02", ""),
        ("the morning after New Year's Eve 1912", "1913-01-01", ""),
        ("two days after Easter 1914", "1914-04-14", ""),
        ("two days before 3 March 1912", "1912-03-01", ""),
        ("twenty-five days after 3 March 1912", "1912-03-28", ""),
        ("two weeks before Easter 1914", "1914-03-26..1914-04-01", ""),
        ("the two weeks before Easter 1914", "1914-03-29..1914-04-11", ""),
        ("a fortnight after 3 March 1912", "1912-03-14..1912-03-20", ""),
        ("a month before 3 March 1912", "1912-01-27..1912-02-10", ""),
        ("the month before 3 March 1912", "1912-02-03..1912-03-02", ""),
        ("three months before March 1912", "1911-12-01..1911-12-31", ""),
        ("the month after March 1912", "1912-04-01..1912-04-30", ""),
        ("two years after 1910", "1912-01-01..1912-12-31", ""),
        ("the year before 1912", "1911-01-01..1911-12-31", ""),
        ("a year before March 1912", "1911-03-01..1911-03-31", ""),
        ("in the days before Christmas 1913", "1913-12-18..1913-12-24", ""),
        ("a few weeks before Easter 1914", "1914-03-01..1914-04-11", "a few"),
        ("in the years before 1905", "1903-01-03..1904-12-31", "in the years"),
        ("the Sunday before Easter 1912", "1912-03-31", ""),
        ("on Sunday after Christmas 1912", "1912-12-29", ""),
        ("the weekend before 3 March 1912", "1912-02-24..1912-02-25", ""),
        ("the summer before 1912", "1911-06-01..1911-08-31", ""),
        ("the Christmas after 1910", "1911-12-24..1911-12-26", ""),
        ("the week before last Christmas", "1913-12-18..1913-12-24", ""),
        ("before last Christmas", "1903-01-03..1913-12-23", ""),
        ("a month before my wedding", "", "a month before my wedding"),
        ("the week of 3 March 1912", "1912-02-26..1912-03-03", ""),
        ("the weekend of 3 March 1912", "1912-03-02..1912-03-03", ""),
        ("around Christmas 1912", "1912-12-17..1913-01-02", ""),
        ("around 3 March 1912", "1912-02-25..1912-03-10", ""),
        ("around March 1912", "1912-03-01..1912-03-31", ""),
        ("the first week of March 1912", "1912-03-01..1912-03-07", ""),
        ("in the last week of February 1912", "1912-02-23..1912-02-29", ""),
        ("the second Sunday in March 1912", "1912-03-10", ""),
        ("the last Sunday of 1912", "1912-12-29", ""),
        ("the last day of last year", "1913-12-31", ""),
        ("the third month of 1912", "1912-03-01..1912-03-31", ""),
        ("Good Friday 1912", "1912-04-05", ""),
        ("on Easter Sunday 1912", "1912-04-07", ""),
        ("Whitsun 1912", "1912-05-26..1912-05-27", ""),
        ("New Year 1912", "1911-12-31..1912-01-01 1912-12-31..1913-01-01", ""),
        ("between Christmas and New Year 1912", "1912-12-24..1913-01-01", ""),
        ("after March 1910 and before June 1911", "1910-04-01..1911-05-31", "and"),
        ("before 1905 or after 1912", "1903-01-03..1904-12-31 1913-01-01..1914-11-20", "or"),
        ("in the summer of 1910 and 1912", "1910-06-01..1910-08-31 1912-06-01..1912-08-31", ""),
        ("the summers of 1910 and 1912", "1910-06-01..1910-08-31 1912-06-01..1912-08-31", ""),
        ("3 March 1911/12", "1912-03-03", ""),
        ("on 3 March 1910/1 what hurt?", "1911-03-03", "what hurt?"),
        ("in 1911/12", "1911-01-01..1912-12-31", ""),
        ("after 3 March", "1914-03-04..1914-11-20", ""),
    ]);
}

#[test]
fn what_is_now_is_asked_for_as_it_was() {
    hold(&[
        ("this month last year", "1913-12-01..1913-12-31", ""),
        ("What did I do this week last year?", "1913-12-01..1913-12-07", "What did I do?"),
        ("this day last year", "1913-12-01", ""),
        ("this time last year", "1913-11-24..1913-12-08", ""),
        ("last year at this time", "1913-11-24..1913-12-08", ""),
        ("last year this month", "1913-12-01..1913-12-31", ""),
        ("this month two years ago", "1912-12-01..1912-12-31", ""),
        ("this month in 1910", "1910-12-01..1910-12-31", ""),
        ("this week in 1910", "1910-11-28..1910-12-04", ""),
        ("this day last month", "1914-11-01", ""),
        ("this time in 1910", "1910-11-28..1910-12-04", ""),
        ("fifteen years ago", "1899-01-01..1899-12-31", ""),
        ("twenty-five days ago", "1914-11-06", ""),
        ("a fortnight ago", "1914-11-16..1914-11-22", ""),
        ("half a year ago", "1914-06-01..1914-06-30", ""),
        ("in the last fortnight", "1914-11-17..1914-12-01", ""),
        ("diesen Monat letztes Jahr", "1913-12-01..1913-12-31", ""),
        ("letztes Jahr um diese Zeit", "1913-11-24..1913-12-08", ""),
        ("cette semaine l'année dernière", "1913-12-01..1913-12-07", ""),
        ("este mes del año pasado", "1913-12-01..1913-12-31", ""),
    ]);
    // Where last year is counted from the diary's end, so is what is now.
    let found = when("this month last year", date(2026, 6, 5), DIARY);
    assert_eq!(shown(&found.days), "1913-11-01..1913-11-30");
}

#[test]
fn what_lies_beside_something_is_understood_in_other_languages() {
    hold(&[
        ("Was war in der Woche vor Weihnachten 1913?", "1913-12-17..1913-12-23", "Was war?"),
        ("zwei Tage vor Ostern 1914", "1914-04-10", ""),
        ("in der Nacht vor Weihnachten 1913", "1913-12-23", ""),
        ("zwei Wochen nach dem 3. März 1912", "1912-03-14..1912-03-20", ""),
        ("das Jahr vor 1912", "1911-01-01..1911-12-31", ""),
        ("am Sonntag vor Ostern 1912", "1912-03-31", ""),
        ("um Weihnachten 1912", "1912-12-17..1913-01-02", ""),
        ("in der ersten Woche im März 1912", "1912-03-01..1912-03-07", ""),
        ("in der Woche vom 3. März 1912", "1912-02-26..1912-03-03", ""),
        ("vor zwei Jahren", "1912-01-01..1912-12-31", ""),
        ("la semaine avant Noël 1913", "1913-12-18..1913-12-24", ""),
        ("deux jours après Pâques 1914", "1914-04-14", ""),
        ("la veille de Noël 1913", "1913-12-24", ""),
        ("le dimanche avant Pâques 1912", "1912-03-31", ""),
        ("la semaine du 3 mars 1912", "1912-02-26..1912-03-03", ""),
        ("un mois avant le 3 mars 1912", "1912-01-27..1912-02-10", ""),
        ("la semana antes de Navidad de 1913", "1913-12-18..1913-12-24", ""),
        ("dos días después de Pascua de 1914", "1914-04-14", ""),
        ("la víspera de Navidad de 1913", "1913-12-24", ""),
        ("la noche antes de Navidad de 1913", "1913-12-24", ""),
        ("un mes antes del 3 de marzo de 1912", "1912-01-27..1912-02-10", ""),
    ]);
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
fn german_french_and_spanish_are_understood() {
    hold(&[
        ("Was habe ich im Jahr 1912 gelesen?", "1912-01-01..1912-12-31", "Was habe ich gelesen?"),
        ("Was war im März 2014?", "2014-03-01..2014-03-31", "Was war?"),
        ("Was war am 3. März 1912?", "1912-03-03", "Was war?"),
        ("letzten Frühling", "1914-03-01..1914-05-31", ""),
        ("letztes Jahr", "1913-01-01..1913-12-31", ""),
        ("vor zwei Jahren", "1912-01-01..1912-12-31", ""),
        ("heute vor einem Jahr", "1913-12-01", ""),
        ("Wer kam vor 1910?", "1903-01-03..1909-12-31", "Wer kam?"),
        ("seit 1910", "1910-01-01..1914-11-20", ""),
        ("zwischen 1905 und 1907", "1905-01-01..1907-12-31", ""),
        ("von Mai bis Juli 1908", "1908-05-01..1908-07-31", ""),
        ("im Sommer '12", "1912-06-01..1912-08-31", ""),
        ("Anfang der 1910er Jahre", "1910-01-01..1913-12-31", ""),
        ("Wo war ich an Weihnachten 1910?", "1910-12-24..1910-12-26", "Wo war ich?"),
        ("an diesem Tag", "1903-12-01 1904-12-01 1905-12-01 +8", ""),
        ("sonntags im März 1912", "1912-03-03 1912-03-10 1912-03-17 +2", ""),
        ("Was wurde hier gebaut?", "", "Was wurde hier gebaut?"),
        ("Qu'est-ce que j'ai lu en 1912 ?", "1912-01-01..1912-12-31", "Qu'est-ce que j'ai lu?"),
        ("l'été dernier", "1914-06-01..1914-08-31", ""),
        ("Où étais-je au printemps 1912 ?", "1912-03-01..1912-05-31", "Où étais-je?"),
        ("le 3 mars 2014", "2014-03-03", ""),
        ("au mois de mars 1912", "1912-03-01..1912-03-31", ""),
        ("il y a deux ans", "1912-01-01..1912-12-31", ""),
        ("l’année dernière", "1913-01-01..1913-12-31", ""),
        ("jusqu'en juin 1911", "1903-01-03..1911-06-30", ""),
        ("entre 1905 et 1907", "1905-01-01..1907-12-31", ""),
        ("de mai à juillet 1908", "1908-05-01..1908-07-31", ""),
        ("à Noël 1910", "1910-12-24..1910-12-26", ""),
        ("les années 1910", "1910-01-01..1919-12-31", ""),
        ("du 3 au 7 mars 1912", "1912-03-03..1912-03-07", ""),
        ("ces deux dernières années", "1912-12-01..1914-12-01", ""),
        ("en los últimos dos meses", "1914-10-01..1914-12-01", ""),
        ("a principios de 1912", "1912-01-01..1912-04-30", ""),
        ("en ce jour", "1903-12-01 1904-12-01 1905-12-01 +8", ""),
        ("am Tag vor Weihnachten 1910", "1910-12-23", ""),
        ("le lendemain de Noël 1910", "1910-12-26", ""),
        ("j'ai été malade", "", "j'ai été malade"),
        ("¿Qué leí en marzo de 2014?", "2014-03-01..2014-03-31", "¿Qué leí?"),
        ("la primavera pasada", "1914-03-01..1914-05-31", ""),
        ("el 3 de marzo de 2014", "2014-03-03", ""),
        ("el año pasado", "1913-01-01..1913-12-31", ""),
        ("hace dos años", "1912-01-01..1912-12-31", ""),
        ("desde mayo de 1914", "1914-05-01..1914-11-20", ""),
        ("entre 1905 y 1907", "1905-01-01..1907-12-31", ""),
        ("un día como hoy", "1903-12-01 1904-12-01 1905-12-01 +8", ""),
        ("los domingos de marzo de 1912", "1912-03-03 1912-03-10 1912-03-17 +2", ""),
        ("en la década de 1910", "1910-01-01..1919-12-31", ""),
        ("en invierno de 1912", "1912-01-01..1912-02-29 1912-12-01..1913-02-28", ""),
    ]);
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
