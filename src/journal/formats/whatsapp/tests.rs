use super::*;
use crate::journal::formats::of;
use crate::journal::testing::{Collected, read, read_with, texts};
use proptest::prelude::*;

fn ann() -> Options {
    Options { me: vec!["ann example".into()], ..Options::default() }
}

fn chat(text: &str) -> Collected {
    read("_chat.txt", text.as_bytes(), &ann())
}

fn format_of(name: &str, text: &str) -> &'static str {
    of(&Input::from_bytes(name, text.as_bytes().to_vec())).map_or("none", |format| format.name())
}

#[test]
fn a_diary_is_no_chat() {
    let diary = "5/1/2024, 9:30 - Mum: she said I should rest\nSo I did.\n\n6/1/2024, 10:00 - Went out\n\n\
                 7/1/2024, 9:00 - Mum: again\n8/1/2024, 9:00 - alone\n";
    assert_eq!(format_of("diary.txt", diary), "plain text");
    assert_eq!(
        format_of("my whatsapp thoughts.txt", "2024-03-05: I left.\n2024-03-06: Quiet.\n"),
        "plain text"
    );
    let talk = "5/1/2024, 9:30 - Ann: a\n5/1/2024, 9:31 - Ben: b\n".repeat(2);
    assert_eq!(format_of("saved.txt", &talk), "WhatsApp");
    assert_eq!(format_of("_chat.txt", "[05/01/2024, 09:30:15] Ann: a\n"), "WhatsApp");
    assert_eq!(format_of("WhatsApp-Chat mit Ben.txt", "05.01.24, 09:30 - Ann: a\n"), "WhatsApp");
    assert_eq!(format_of("WhatsApp and me.txt", "Why I left it.\n"), "plain text");
    for name in ["family.md", "family.log", "family", "chat.text"] {
        assert_eq!(format_of(name, &talk), "WhatsApp", "{name}");
    }
    assert_eq!(format_of("WhatsApp and me.txt", "Why\n2024-01-05 09:30 Mum: I left it.\n"), "plain text");
}

#[test]
fn chats_of_all_countries_are_chats() {
    for stamp in [
        "[1/5/24, 9:30:15 PM]",
        "[1/5/24, 9:30:15\u{202f}PM]",
        "[5/1/2024, 9:30:15 pm]",
        "[5/01/24, 9:30:15 PM]",
        "[05/01/24 09:30:15]",
        "[05/01/2024 09:30:15]",
        "[05-01-2024 09:30:15]",
        "[2024-01-05 09:30:15]",
        "[2024/01/05 9:30:15]",
        "[2024/1/5 下午9:30:15]",
        "[2024. 1. 5. 오후 9:30:15]",
        "[2024. 01. 05. 9:30:15]",
        "2024-01-05 09:30 -",
        "09:30, 05/01/2024 -",
    ] {
        let talk = format!("{stamp} Ann Example: a\n{stamp} Ben: b\n");
        for (name, text) in [("_chat.txt", &talk), ("_chat 2.txt", &talk), ("ben.txt", &talk.repeat(2))] {
            assert_eq!(format_of(name, text), "WhatsApp", "{stamp}");
        }
        let found = chat(&talk);
        assert_eq!((texts(&found), &found.strangers[..]), (vec!["a"], &["Ben".to_string()][..]), "{stamp}");
    }
}

#[test]
fn a_jrnl_with_colons_is_no_chat() {
    let entries =
        "[2024-01-05 09:30:15 AM] Work: long.\nSo tired.\n\n[2024-01-05 09:30:15 PM] Home: late.\n\n";
    assert_eq!(format_of("journal.txt", &entries.repeat(3)), "jrnl");
}

#[test]
fn a_chat_that_is_not_understood_is_refused() {
    let text = "5 jan. 2024 9:30 > Codes are end-to-end: yes\n5 jan. 2024 9:31 > Ann Example: a\n";
    for name in ["WhatsApp Chat with Ben.txt", "ben.txt"] {
        let found = read(name, text.as_bytes(), &ann());
        assert!(found.failed.unwrap().contains("“5 jan. 2024 9:30 > Codes are end-to-end: yes”"));
        assert!(found.entries.is_empty());
    }
    let without_year = "21:30, 14 Mar - Ann Example: a\n21:31, 15 Mar - Ben: b\n";
    for name in ["WhatsApp Chat.txt", "ben.txt", "ben.md"] {
        let found = read(name, without_year.as_bytes(), &ann());
        assert!(found.failed.unwrap().contains("not known here") && found.entries.is_empty(), "{name}");
    }
}

#[test]
fn what_may_be_a_chat_is_refused_and_says_the_ways_out() {
    let text = "5/1/2024, 9:30 - Mum: slept badly\n6/1/2024, 9:30 - Mum: slept well\n";
    let found = read("my log.txt", text.as_bytes(), &ann());
    let failed = found.failed.unwrap();
    assert!(
        failed.contains("of Mum: ")
            && failed.contains("--me NAME")
            && failed.ends_with("--mine 'my log.txt'"),
        "{failed}"
    );
    assert!(found.entries.is_empty() && found.strangers.is_empty());
    let me = Options { me: vec!["Mum".into()], ..Options::default() };
    assert_eq!(texts(&read("my log.txt", text.as_bytes(), &me)), ["slept badly", "slept well"]);
    let mine = Input::from_bytes("my log.txt", text.as_bytes().to_vec()).all_mine(true);
    assert_eq!(of(&mine).unwrap().name(), "plain text");
}

#[test]
fn a_chat_of_any_name_is_nobodys_without_me() {
    let talk = "[2024-03-05 10:00] Ben: a\n[2024-03-05 10:01] Me: b\n> a quotation\nc\n[2024-03-05 10:02] Ben: d\n[2024-03-05 10:03] Me: e\n";
    let found = read("chat.md", talk.as_bytes(), &ann());
    assert_eq!((found.entries.len(), found.strangers.len()), (0, 4));
    assert!(found.troubles[0].1.contains("--mine chat.md"), "{:?}", found.troubles);
    let me = Options { me: vec!["me".into()], ..Options::default() };
    let found = read("chat.md", talk.as_bytes(), &me);
    assert_eq!((texts(&found), found.troubles.len()), (vec!["b\nc\ne"], 0));
}

#[test]
fn a_message_of_an_unknown_date_is_in_nobodys() {
    let found =
        chat("05.01.24, 09:30 - Ann Example: a\n21:30, 14 Mar - Ben: b\n05.01.24, 09:31 - Ann Example: c\n");
    assert_eq!((texts(&found), found.troubles.len()), (vec!["a\nc"], 1));
}

#[test]
fn without_a_name_all_is_others() {
    let found = read(
        "_chat.txt",
        b"[05.01.24, 09:30:15] Ann: a\n[05.01.24, 09:30:16] ~\xe2\x80\xafBen: b\n",
        &Options::default(),
    );
    assert_eq!(found.strangers, ["Ann", "Ben"]);
    assert_eq!(found.left_out, [("other people's messages", 1); 2]);
    assert!(found.entries.is_empty() && found.failed.is_none());
}

#[test]
fn names_and_their_colons() {
    let text = "05.01.24, 09:30 - Ann Example: see: this\n05.01.24, 09:31 - Ann changed the subject to “Trip: sea”\n\
                05.01.24, 09:32 - \u{202a}+44 7700 900123\u{202c}: hi\n05.01.24, 09:33 - Ann Example:\n\
                05.01.24, 09:34 - Ann Example: \u{2068}x\n";
    let found = chat(text);
    assert_eq!(texts(&found), ["see: this\n\u{2068}x"]);
    assert_eq!(found.strangers, ["+44 7700 900123"]);
    let me = Options { me: vec!["Work: Ann".into()], ..Options::default() };
    let found = read("_chat.txt", b"05.01.24, 09:30 - Work: Ann: hello\n", &me);
    assert_eq!(texts(&found), ["hello"]);
}

#[test]
fn words_of_the_app_in_a_message() {
    for (message, kept, what) in [
        ("<Media omitted>", "", "photo links"),
        ("\u{200e}afbeelding weggelaten", "", "photo links"),
        ("Sea view \u{200e}image omitted", "Sea view", "photo links"),
        ("Report.pdf • \u{200e}12 pages \u{200e}document omitted", "", "photo links"),
        ("\u{200e}<adjunto: 00000012-PHOTO-2024-01-05-09-30-15.jpg>", "", "photo links"),
        ("\u{200e}IMG-20240105-WA0001.jpg (file attached)\nthe pier", "the pier", "photo links"),
        ("IMG-20240105-WA0001.jpg (csatolt fájl)", "", "photo links"),
        ("notes.txt (file attached)\nnotes.txt", "", "photo links"),
        ("You deleted this message", "", "deleted messages"),
        ("\u{200e}This message was deleted.", "", "deleted messages"),
        ("location: https://maps.google.com/?q=51.5,-0.1", "", "locations"),
        ("\u{200e}Pier Café (1 Sea St): https://foursquare.com/v/4b", "", "locations"),
        ("\u{200e}Live location shared", "", "locations"),
        ("better <This message was edited>", "better", "app metadata"),
        ("besser \u{200e}<Bearbeitet, irgendwie>", "besser", "app metadata"),
        ("\u{200e}Missed voice call", "", "app metadata"),
        ("Voice call, 2 min", "", "app metadata"),
        ("未接语音通话", "", "app metadata"),
        ("<Media tidak disertakan>", "", "photo links"),
        ("x <Сообщение изменено>", "x", "app metadata"),
        ("@\u{2068}Ben Sample\u{2069} look", "@Ben Sample look", "app metadata"),
        (
            "POLL:\nTea or coffee?\nOPTION: Tea (2 votes)\nOPTION: Coffee (0 votes)",
            "Tea or coffee?\nTea\nCoffee",
            "app metadata",
        ),
    ] {
        let found = chat(&format!("[05.01.24, 09:30:15] Ann Example: {message}\n"));
        assert_eq!(texts(&found).join("|"), kept, "{message}");
        assert_eq!(found.left_out, [(what, 1)], "{message}");
    }
    for typed in [
        "the image omitted nothing",
        "<evil laugh>",
        "Voice call, 2 friends",
        "@\u{2068}half",
        "meet at 9 (bring tea)",
        "a <3 b>",
        "see notes.txt (draft)",
    ] {
        let found = chat(&format!("[05.01.24, 09:30:15] Ann Example: {typed}\n"));
        assert_eq!((texts(&found), found.left_out.len()), (vec![typed], 0));
    }
    let unknown = chat("[05.01.24, 09:30:15] Ann Example: \u{200e}Etwas ganz Neues\n");
    assert_eq!(unknown.changed.len() + unknown.left_out.len(), 1);
}

#[test]
fn copied_messages_are_their_speakers() {
    let found = chat(
        "05.01.24, 09:30 - Ann Example: look\n[4/1, 20:00] Ben: I will\n[4/1, 20:01] Ann Example: good\n",
    );
    assert_eq!(texts(&found), ["look\ngood"]);
    assert_eq!(found.strangers, ["Ben"]);
}

#[test]
fn what_is_wrong_is_said() {
    let found = chat("05/01/2024, 09:30 - Ann Example: a\n");
    assert!(found.troubles[0].1.contains("05/01/2024: read day first"), "{:?}", found.troubles);
    let found = chat("5/1/1402, 09:30 - Ann Example: a\n");
    assert_eq!((found.entries[0].when, found.troubles.len()), (None, 1));
    let long = format!("05.01.24, 09:30 - Ann Example: a\n{}", "b".repeat(LONGEST_LINE + 1));
    assert!(chat(&long).failed.unwrap().contains("line 2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let input = Input::from_bytes("_chat.txt", bytes);
        WhatsApp.is(&input);
        read_with(&WhatsApp, &input, &ann());
    }

    #[test]
    fn mutated_chats_do_not_panic(at in 0usize..300, with in "[\\PC\u{200e}\n:\\]<>(]{0,4}", cut in 0usize..9) {
        let mut text: Vec<char> = "[05/01/24, 09:30:15\u{202f}PM] Ann Example: \u{200e}POLL:\nx\nOPTION: a (\u{200e}1)\n\
            \u{200e}[05/01/24, 09:31:15] Ann Example: a.pdf • \u{200e}2 pages \u{200e}<attached: 00000012-a.pdf>\nx <This message was edited>\n\
            ٥/١/٢٠٢٤ - Ben: \"x: y\n".chars().collect();
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, with.chars());
        let input = Input::from_bytes("_chat.txt", text.into_iter().collect::<String>().into_bytes());
        WhatsApp.is(&input);
        read_with(&WhatsApp, &input, &ann());
    }
}
