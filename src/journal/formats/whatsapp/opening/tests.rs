use super::*;

fn shown(line: &str, order: DateOrder) -> String {
    let Some(found) = opening(line) else { return "none".into() };
    let day = found.day.map_or("?".into(), |day| day.date(order).map_or("!".into(), |date| date.to_string()));
    let time = found.time().map_or("?".into(), |time| time.to_string());
    format!("{day} {time} {:?} {}", found.style, found.rest)
}

#[test]
fn dates_of_many_countries() {
    use DateOrder::*;
    for (line, order, expected) in [
        ("[05/01/2024, 09:30:15] Ann: hi", Dmy, "2024-01-05 09:30:15 Brackets Ann: hi"),
        ("\u{200e}[1/5/24, 9:30:15\u{202f}PM] Ann: hi", Mdy, "2024-01-05 21:30:15 Brackets Ann: hi"),
        ("1/5/24, 12:05\u{202f}AM - Ann: hi", Mdy, "2024-01-05 00:05:00 Dash Ann: hi"),
        ("05.01.24, 09:30 - Ann: hi", Dmy, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("2024-01-05, 09:30 - Ann: hi", Ymd, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("24/1/5 下午9:30 - Ann: hi", Ymd, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("2024. 1. 5. 오후 9:30, Ann", Ymd, "none"),
        ("2024. 1. 5. 오후 9:30, Ann : hi", Ymd, "2024-01-05 21:30:00 Comma Ann : hi"),
        ("2024년 1월 5일 오후 9:30, Ann : hi", Ymd, "2024-01-05 21:30:00 Comma Ann : hi"),
        ("2024年1月5日 下午9:30 - Ann: hi", Ymd, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5.01.24 г., 9:30 ч. - Ann: hi", Dmy, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("[5.01.24 г., 9:30:15 ч.] Ann: hi", Dmy, "2024-01-05 09:30:15 Brackets Ann: hi"),
        ("2024-01-05 09 h 30 - Ann: hi", Ymd, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("[2024-01-05 09 h 30 min 15 s] Ann: hi", Ymd, "2024-01-05 09:30:15 Brackets Ann: hi"),
        ("09:30, 05/01/2024 - Ann: hi", Dmy, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("[9:30 PM, 1/5/2024] Ann: hi", Mdy, "2024-01-05 21:30:00 Brackets Ann: hi"),
        ("2024. 1. 5. 오후 9:30 - Ann: hi", Ymd, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5/1/24, 9:30 p. m. - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("05.01.24, 09:30 nachm. - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("[5.1.2024 klo 9.30.15] Ann: hi", Dmy, "2024-01-05 09:30:15 Brackets Ann: hi"),
        ("5/1/2567 09:30 - Ann: hi", Dmy, "2024-01-05 09:30:00 Dash Ann: hi"),
        ("٥\u{200f}/١\u{200f}/٢٠٢٤، ٩:٣٠ م - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5/1/15 09:30:15: Ann: hi", Dmy, "2015-01-05 09:30:15 Colon Ann: hi"),
        ("[5/1, 09:30] Ann: hi", Dmy, "? 09:30:00 Brackets Ann: hi"),
        ("5/1/1402, 9:30 - Ann: hi", Dmy, "! 09:30:00 Dash Ann: hi"),
        ("5/1/24, 9:30 अपराह्न - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5/1/24, பிற்பகல் 9:30 - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("05/01/2024 9:30 da noite - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5. 1. 2024. u 21:30 - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        ("5/1/2567 21:30 น. - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        // A word that nobody here knows: the day is certain, the half of it is not.
        ("5/1/24, 9:30 xyz - Ann: hi", Dmy, "2024-01-05 ? Dash Ann: hi"),
        ("5/1/24, xyz 21:30 - Ann: hi", Dmy, "2024-01-05 21:30:00 Dash Ann: hi"),
        // Months by name have one order.
        ("[14 mars 2024 à 21:30:15] Ann: hi", Ymd, "2024-03-14 21:30:15 Brackets Ann: hi"),
        ("Mar 14, 2024, 9:30 PM - Ann: hi", Ymd, "2024-03-14 21:30:00 Dash Ann: hi"),
        ("14 Mar 2024, 21:30 - Ann: hi", Ymd, "2024-03-14 21:30:00 Dash Ann: hi"),
    ] {
        assert_eq!(shown(line, order), expected, "{line}");
    }
    for line in [
        "",
        "[",
        "5/1/2024",
        "5/1/2024, 9:30",
        "5/1/2024, 9:30 walk to the mill with Ada - Mum: hi",
        "at home 9:30, 5/1/2024 - Mum: hi",
        "5/1/2024, 9:30-10 Mum: hi",
        "[05/01/2024] Ann: hi",
        "5/1, 9:30 - Mum: hi",
        "99999/1/1, 1:00 - a: b",
        "5/1/2024, 25:00 - a: b",
        "5/1/2024, 9:30: Ann",
        "5-1/2024, 9:30 - a: b",
        "5/1/2024 9:30, Mum: hi",
        "9:3005/01/2024 - a: b",
    ] {
        assert_eq!(opening(line), None, "{line}");
    }
}

#[test]
fn what_may_be_a_message_in_another_countrys_writing() {
    for line in ["\u{200e}[5 jan. 24 9:30:15] Ann: hi", "21:30, 14 Mar - Ann: hi", "5. Jan 9.30 > Ann: hi"] {
        assert_eq!(may_open(line), Some("Ann: hi"), "{line}");
    }
    for line in [
        "Ann: hi",
        "2024-01-05 09:30 Why I left it",
        "5 May: left",
        "In 2024 I was 30 - so: hi",
        "2024-03-05: I left",
        "05.03.2024 - Mum: slept",
        "9:30 - Mum: slept",
        "[10:00:00] Mum: slept",
        "9:30-10:15 - a meeting",
    ] {
        assert_eq!(may_open(line), None, "{line}");
    }
}
