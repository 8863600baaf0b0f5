use super::*;
use crate::journal::testing::Collected;
use proptest::prelude::*;

fn own(text: &str) -> String {
    own_words(text, true, &mut Collected::default())
}

#[test]
fn text_that_is_all_the_writers() {
    for text in [
        "Dear Ben,\n\n-- it rained -- all day.\n\nAnn",
        "She wrote:\n\nCome on 5 May.\n\nSo I went.",
        "From: here to the sea\nis a long way.",
        ">:( no",
        "Sent from my heart",
        "Sent with love to everyone, they miss you so",
        "I posted it.\nSent from Leeds by the mailman, I think.",
        "I am well.\n--\nI mean it.\n\nThe dog is well.",
        "a\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9",
        "On Friday at 9:30 we met:\n\nBen and I.",
        "",
    ] {
        let mut sink = Collected::default();
        assert_eq!(own_words(text, true, &mut sink), text);
        assert!(sink.changed.is_empty(), "{text}");
    }
}

#[test]
fn attributions_go_with_what_they_name() {
    for attribution in [
        "On Mon, 5 Jan 2024 at 09:30, Ben <ben@example.org> wrote:",
        "On Mon, 5 Jan 2024 at 09:30, Ben Example the Second\n<ben@example.org> wrote:",
        "On Mon, 5 Jan 2024 at 09:30, Ben <ben@example.org>\nwrote:",
        "Am 05.01.24 um 09:30 schrieb Ben Example:",
        "Le 5 janv. 2024 à 09:30, Ben <ben@example.org> a écrit :",
        "El vie, 5 ene 2024 a las 9:30, Ben (<ben@example.org>)\nescribió:",
        "Il giorno ven 5 gen 2024 alle ore 09:30 Ben <ben@example.org> ha scritto:",
        "Em sex., 5 de jan. de 2024 às 09:30, Ben <ben@example.org> escreveu:",
        "Op vr 5 jan 2024 om 09:30 schreef Ben <ben@example.org>:",
        "Den fre 5 jan. 2024 kl 09:30 skrev Ben <ben@example.org>:",
        "W dniu 5.01.2024 o 09:30, Ben pisze:",
        "пт, 5 янв. 2024 г. в 09:30, Ben <ben@example.org>:",
        "2024年1月5日(金) 9:30 Ben <ben@example.org>:",
        "V tor., 5. mar. 2024 ob 09:00 je oseba Ben <ben@example.org>\nnapisala:",
        "---- On Tue, 05 Mar 2024 09:00:00 +0100 Ben <ben@example.org> wrote ---",
        "5. März 2024, 09:00 von ben@example.org:",
        "Ben wrote:",
    ] {
        let text = format!("Yes.\n\n{attribution}\n\n> Will you?\n>\n> B\n\nAnd no.");
        assert_eq!(own(&text), "Yes.\n\nAnd no.", "{attribution}");
    }
    assert_eq!(own("Yes.\n\nOn 5 Jan 2024, at 09:30, Ben wrote:\n\nWill you?\nB"), "Yes.");
    assert_eq!(own("On 5 Jan 2024, at 09:30, Ben wrote:\n> a\nFirst.\n\nSecond.\n> b"), "First.\n\nSecond.");
    assert_eq!(own("My list is this:\n> a\nb"), "My list is this:\n\nb");
}

#[test]
fn the_mail_below_goes() {
    for below in [
        "-----Original Message-----\nFrom: Ben\n\nx",
        "-------- Ursprüngliche Nachricht --------\nVon: Ben\nx",
        "---------- Forwarded message ---------\nFrom: Ben\nx",
        "Begin forwarded message:\n\n> x",
        "________________________________\nFrom: Ben <ben@example.org>\nSent: Friday, 5 January 2024 09:30\nTo: Ann\nSubject: x\n\nx",
        "Von: Ben\nGesendet: Freitag, 5. Januar 2024 09:30\nAn: Ann\nBetreff: x\n\nx",
        "*De :* Ben\n*Envoyé :* vendredi 5 janvier 2024 09:30\n*À :* Ann\n*Objet :* x\n\nx",
    ] {
        assert_eq!(own(&format!("Mine.\n\n{below}")), "Mine.", "{below}");
    }
}

#[test]
fn answers_between_the_lines_of_the_mail_below_stay() {
    let head = "----- Original Message -----\nFrom: \"Ben\" <ben@example.org>\nTo: <ann@example.org>,\n <x@y.z>\nSent: Friday\n\n\n";
    let below = "> Will you?\n\nYes.\n\n> Bring bread.\n> B\n\nI will.";
    assert_eq!(own(&format!("{head}{below}")), "Yes.\n\nI will.");
    assert_eq!(own(&format!("Hi Ben,\n\n{head}{below}\n\n{head}Hers.")), "Hi Ben,\n\nYes.\n\nI will.");
    assert_eq!(own(&format!("Mine.\n\n{head}Hers.\n\n> mine before\n\nHers.")), "Mine.");
}

#[test]
fn a_mail_that_answers_none_quotes_what_it_likes() {
    let own = |text: &str| own_words(text, false, &mut Collected::default());
    for text in [
        "Dear Ann,\n\nOn 12 May 2019 at 9:30 grandmother wrote:\n\nI cannot come.\n\nIt was her last letter.",
        "As I said:\n\nthe rain",
    ] {
        assert_eq!(own(text), text);
    }
    assert_eq!(own("As I said:\n> the rain\nb"), "As I said:\n\nb");
    assert_eq!(own("Yes.\n\nOn 5 Jan 2024, Ben <b@c.d> wrote:\n\nWill you?"), "Yes.");
    assert_eq!(super::own_words("As I said:\n> the rain", true, &mut Collected::default()), "As I said:");
}

#[test]
fn signatures_go() {
    assert_eq!(own("Hi\n\n-- \nAnn\nPoet"), "Hi");
    assert_eq!(own("Hi\n--\nAnn"), "Hi");
    assert_eq!(own("Hi\n\n-- \nAnn\n\n> q\n\nBelow"), "Hi\n\nBelow");
    for line in [
        "Sent from my iPhone",
        "Von meinem iPad gesendet",
        "Envoyé de mon iPhone",
        "Get Outlook for Android",
        "iPhoneから送信",
        "Sent from HEY",
    ] {
        assert_eq!(own(&format!("Hi\n\n{line}")), "Hi");
        assert_eq!(own(&format!("Hi\n\n{line}\n\nOn 5 Jan 2024, at 09:30, Ben wrote:\n\n> q")), "Hi");
    }
}

proptest! {
    #[test]
    fn every_line_that_is_not_quoted_stays(lines in proptest::collection::vec("(> )?[a-z]{0,3}( [a-z]{1,3})?", 0..12)) {
        let expected: Vec<&str> = lines.iter().filter(|line| !line.starts_with('>')).flat_map(|line| line.split_whitespace()).collect();
        let own = own(&lines.join("\n"));
        prop_assert_eq!(own.split_whitespace().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn words_stand_and_nothing_panics(text in "[a-z> :@<0-9\\n-]{0,200}") {
        let own = own(&text);
        prop_assert!(own.split_whitespace().all(|word| text.contains(word)));
    }
}

#[test]
fn blocks_of_headers_in_any_language_and_order() {
    for block in [
        "Feladó: Ben <ben@example.org>\nElküldve: 2024. március 5., kedd 9:00\nCímzett: Ann <ann@example.org>\nTárgy: tea",
        "差出人: Ben <ben@example.org>\n送信日時: 2024年3月5日 9:00\n宛先: Ann\n件名: tea",
        "Gesendet: Dienstag, 05. März 2024 um 09:00 Uhr\nVon: \"Ben\" <ben@example.org>\nAn: ann@example.org\nBetreff: tea",
        "-------- Eredeti üzenet --------\nTárgy: tea\nDátum: 2024. 03. 05. 9:00\nFeladó: ben@example.org",
        "Forwarded to you:\n\nSubject: tea\nDate: Tue, 5 Mar 2024 09:00:00 +0100\nFrom: ben@example.org",
        "Ben <ben@example.org> ezt írta (időpont: 2024. márc. 5., K, 9:00):",
        "05.03.2024, 09:00, \"Ben\" <ben@example.org>:",
    ] {
        assert_eq!(own(&format!("Mine.\n\n{block}\n\nHis words.\nAnd more.")), "Mine.", "{block}");
    }
}

#[test]
fn what_looks_like_headers_and_is_not() {
    for text in [
        "From: Berlin, 9:00\nTo: Hamburg\nDate: 5 March\n\nWe go early.",
        "Tea: two\nBread: 9:30 on 5.3.2024\nMail: to Ben\n\nThat was my list.",
    ] {
        assert_eq!(own_words(text, false, &mut Collected::default()), text);
    }
    for text in [
        "Am Abend des 5.3.2024 um 20:15 Uhr schrieb ich noch Folgendes:\n\nDer Kessel ist kaputt.",
        "As I wrote on 5 March 2024 at 10:30:\n\nthe kettle is broken.",
    ] {
        assert_eq!(own(text), text);
    }
}

#[test]
fn lines_of_programs_at_the_end() {
    for line in [
        "Odesláno z iPhonu",
        "iPhone’umdan gönderildi",
        "나의 iPhone에서 보냄",
        "发自我的 iPhone",
        "Outlook für Android beziehen<https://aka.ms/AAb9ysg>",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        "This email has been checked for viruses by Avast antivirus software.\nwww.avast.com",
        "__________________________________________________\nDo You Yahoo!?\nhttp://mail.yahoo.com",
    ] {
        assert_eq!(own(&format!("Mine.\n\n{line}")), "Mine.", "{line}");
    }
    for line in ["I lost my iPhone", "We sat below the weir, and I read him your mail."] {
        assert_eq!(own(&format!("Mine.\n\n{line}")), format!("Mine.\n\n{line}"));
    }
}
