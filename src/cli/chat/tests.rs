//! Whole conversations, without a terminal and without a model.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::chat::input::{Heard, Input};
use crate::cli::chat::lines::Lines;
use crate::cli::chat::page::Page;
use crate::cli::chat::put_before;
use crate::cli::chat::session::Session;
use crate::cli::chat::settings::Settings;
use crate::cli::chat::speaker::{Answer, Manner, Passage, Recalled, Speaker, Wish};
use crate::cli::chat::stop::Stop;
use crate::cli::chat::talk::{Ended, Talk};
use crate::cli::chat::testing::{Fake, Reader};
use crate::sample::Choice;

fn session(manner: Manner) -> Session {
    let settings = Settings { how: Choice::default(), max_tokens: 100, stop: Vec::new() };
    Session::new(manner, vec!["{date}".into()], settings, 1)
}

/// What was answered, what was noted, how it ended.
struct Said {
    answers: String,
    notes: String,
    ended: Ended,
}

fn with(speaker: &mut dyn Speaker, input: &mut dyn Input, is_terminal: bool) -> Said {
    let mut session = session(speaker.manner());
    let (mut answers, mut notes) = (Vec::new(), Vec::new());
    let page = Page::new(&mut answers, &mut notes, is_terminal);
    let stop = Stop::new(false);
    let ended = Talk::new(&mut session, speaker, "m", page, &stop).run(input).unwrap();
    Said { answers: String::from_utf8(answers).unwrap(), notes: String::from_utf8(notes).unwrap(), ended }
}

/// Over a pipe.
fn piped(speaker: &mut dyn Speaker, text: &str) -> Said {
    with(speaker, &mut Lines::piped(text.as_bytes()), false)
}

/// What the model was asked by these lines.
fn asked(manner: Manner, text: &str) -> Vec<String> {
    let mut fake = Fake::new(manner);
    piped(&mut fake, text);
    fake.heard
}

/// A person at a terminal: lines that begin with what they were given, and keys.
struct Typed {
    heard: VecDeque<Heard>,
    given: Vec<String>,
}

impl Typed {
    fn new(heard: impl IntoIterator<Item = Heard>) -> Typed {
        Typed { heard: heard.into_iter().collect(), given: Vec::new() }
    }
}

impl Input for Typed {
    fn edits(&self) -> bool {
        true
    }

    fn takes(&self, line: &str) -> bool {
        line.len() < 100
    }

    fn read(&mut self, initial: &str) -> anyhow::Result<Heard> {
        self.given.push(initial.to_string());
        Ok(self.heard.pop_front().unwrap_or(Heard::End))
    }
}

fn line(text: &str) -> Heard {
    Heard::Line(text.into(), None)
}

#[test]
fn over_a_pipe_each_line_is_answered_and_nothing_else_stands_there() {
    let mut fake = Fake::new(Manner::Pairs);
    let said = piped(&mut fake, "one\n\n/help\ntwo\n");
    assert_eq!(said.answers, " answer \u{1b}[1m1.\n\n answer \u{1b}[1m2.\n");
    assert!(said.notes.contains("/retry") && !said.notes.contains('>'), "{}", said.notes);
    assert_eq!(said.ended, Ended::Well);
    assert_eq!(fake.heard, ["u:one", "u:one|a: answer \u{1b}[1m1.|u:two"]);
}

#[test]
fn on_a_terminal_no_answer_steers_it() {
    let mut fake = Fake::new(Manner::Pairs);
    let said = with(&mut fake, &mut Lines::piped(&b"one\n"[..]), true);
    assert_eq!(said.answers, " answer \\u{1b}[1m1.\n\n");
}

#[test]
fn retry_answers_the_same_with_the_next_seed_and_undo_goes_back() {
    let heard = asked(Manner::Pairs, "one\n/retry\n/retry\ntwo\n");
    assert_eq!(heard[..3], ["u:one", "u:one", "u:one"]);
    assert_eq!(heard[3], "u:one|a: answer \u{1b}[1m3.|u:two");
    let heard = asked(Manner::Pairs, "one\n/retry\n/undo\ntwo\n/undo\nthree\n/undo\n/undo\nfour\n");
    assert_eq!(heard[2], "u:one|a: answer \u{1b}[1m1.|u:two", "the first answer counts again");
    assert_eq!(heard[3], "u:one|a: answer \u{1b}[1m1.|u:three");
    assert_eq!(heard[4], "u:four");
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let mut fake = Fake::new(Manner::Pairs);
    let said = piped(
        &mut fake,
        "/seed 7\none\n/seed\n/seed 7\n/retry\n/seed x\n/seed 18446744073709551615\n/retry\n/retry",
    );
    let answers: Vec<&str> = said.answers.split("\n\n").collect();
    assert_eq!(answers[0].trim(), answers[1].trim());
    assert!(answers[2].contains("18446744073709551615") && answers[3].contains("m0."), "{answers:?}");
    assert!(said.notes.contains("the last answer's seed was 7, the next one's is 8"), "{}", said.notes);
    assert!(said.notes.contains("\"x\" is no seed"), "{}", said.notes);
}

#[test]
fn a_diary_is_one_text_that_grows() {
    let mut fake = Fake::new(Manner::Diary);
    piped(&mut fake, "/voice May 3\n/set max-tokens 1\nI woke  \n, then\n/more\n//x\n");
    assert_eq!(
        fake.heard,
        [
            "s:May 3\n|u:I woke",
            "s:May 3\n|u:I woke|a: answer|u:, then",
            "s:May 3\n|u:I woke|a: answer|u:, then|a: answer",
            "s:May 3\n|u:I woke|a: answer|u:, then|a: answer|a: answer|u:/x",
        ]
    );
}

#[test]
fn an_empty_line_of_one_who_types_lets_a_diary_go_on_and_asks_no_question() {
    let mut typed = Typed::new([line(""), line("a"), line("")]);
    let mut fake = Fake::new(Manner::Diary);
    with(&mut fake, &mut typed, true);
    assert_eq!(fake.heard.len(), 3);
    let mut fake = Fake::new(Manner::Chat);
    with(&mut fake, &mut Typed::new([line(""), line("a"), line(" ")]), true);
    assert_eq!(fake.heard, ["u:a"]);
}

#[test]
fn prompt_and_voice_stand_before_everything_and_can_be_taken_away() {
    let heard = asked(
        Manner::Diary,
        "/voice May 3\n/prompt Dear diary,\na\n/new\n/voice \"\"\nb\n/prompt \"\"\n/new\nc\n",
    );
    assert_eq!(heard, ["s:May 3\n|s:Dear diary,|u:a", "s:Dear diary,|u:b", "u:c"]);
    let mut fake = Fake::new(Manner::Chat);
    let said = piped(&mut fake, "/voice May 3\na\n/prompt be kind\n/retry\n");
    assert_eq!(fake.heard, ["u:a", "s:be kind|u:a"]);
    assert!(said.notes.contains("writes under no headers") && said.notes.contains("/retry answers anew"));
    let mut fake = Fake::new(Manner::Diary);
    let said = piped(&mut fake, "/voice never\n/voice\n/prompt\na");
    assert!(said.notes.contains("no day is called never") && said.notes.contains("there is no voice"));
    assert!(said.notes.contains("{date}") && said.notes.contains("there is no prompt"), "{}", said.notes);
    assert_eq!(fake.heard, ["u:a"]);
}

#[test]
fn a_prompt_can_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("who.txt");
    std::fs::write(&file, "You are kind.\n").unwrap();
    let heard = asked(Manner::Chat, &format!("/prompt {}\na\n", file.display()));
    assert_eq!(heard, ["s:You are kind.\n|u:a"]);
    std::fs::write(&file, vec![b'x'; 2 << 20]).unwrap();
    let mut fake = Fake::new(Manner::Chat);
    let said = piped(&mut fake, &format!("/prompt {}\na\n", file.display()));
    assert!(said.notes.contains("more than 1.0 MiB"), "{}", said.notes);
    assert_eq!(fake.heard, ["u:a"]);
}

#[test]
fn what_was_said_last_is_changed_in_its_place() {
    let mut fake = Fake::new(Manner::Chat);
    let mut typed =
        Typed::new([line("//one"), line("/edit"), line("//uno"), line("/edit"), line("/seed"), line("two")]);
    with(&mut fake, &mut typed, true);
    assert_eq!(typed.given[2], "//one", "it is given back as it was typed");
    assert_eq!(typed.given[4], "//uno");
    assert_eq!(fake.heard[..2], ["u:/one", "u:/uno"]);
    assert_eq!(fake.heard[2], "u:/uno|a: answer \u{1b}[1m2.|u:two", "a command leaves it as it was");
    let heard = asked(Manner::Chat, "one\n/edit uno\n/edit\ntwo\n");
    assert_eq!(heard, ["u:one", "u:uno", "u:uno|a: answer \u{1b}[1m2.|u:two"]);
}

#[test]
fn a_change_that_is_given_up_changes_nothing() {
    for gives_up in [Heard::Interrupted { empty: false }, Heard::TooLong(9), line(" ")] {
        for manner in [Manner::Chat, Manner::Diary] {
            let mut fake = Fake::new(manner);
            let heard = match &gives_up {
                Heard::Line(text, _) => line(text),
                Heard::TooLong(n) => Heard::TooLong(*n),
                _ => Heard::Interrupted { empty: false },
            };
            with(&mut fake, &mut Typed::new([line("one"), line("/edit"), heard, line("two")]), true);
            assert_eq!(fake.heard.len(), 2, "{:?}", fake.heard);
            assert!(fake.heard[1].starts_with("u:one|a:"), "{:?}", fake.heard);
        }
    }
}

#[test]
fn what_the_editor_cannot_hold_is_not_given_to_it() {
    let mut typed = Typed::new([line(&"long ".repeat(50)), line("/edit"), line("two")]);
    let mut fake = Fake::new(Manner::Chat);
    let said = with(&mut fake, &mut typed, true);
    assert_eq!(typed.given[2], "");
    assert!(said.notes.contains("too long to be changed here: /edit TEXT"), "{}", said.notes);
    assert!(fake.heard[1].ends_with("|u:two"), "nothing is changed: {:?}", fake.heard);
}

#[test]
fn ctrl_c_twice_on_an_empty_line_leaves_and_is_explained_once() {
    let empty = || Heard::Interrupted { empty: true };
    let full = || Heard::Interrupted { empty: false };
    let mut typed = Typed::new([empty(), full(), empty(), line("a"), empty(), empty(), line("never")]);
    let mut fake = Fake::new(Manner::Chat);
    let said = with(&mut fake, &mut typed, true);
    assert_eq!(fake.heard, ["u:a"]);
    assert_eq!(said.notes.matches("Ctrl-C again leaves").count(), 1);
    assert_eq!(said.ended, Ended::Well);
}

#[test]
fn quit_is_the_end() {
    assert_eq!(asked(Manner::Chat, "a\n/quit\nb\n"), ["u:a"]);
}

#[test]
fn sources_are_told_and_quoted_as_they_stand() {
    let mut fake = Fake::new(Manner::Chat);
    let passage = |name: &str, text: &str| Passage {
        name: name.into(),
        date: Some("1919-05-03".into()),
        text: text.into(),
    };
    fake.recalled.passages = vec![passage("a.md", "I said “no”.\nTwice."), passage("b.md", "unused")];
    let said = piped(&mut fake, "/sources\none\n/sources\n");
    assert!(said.notes.contains("nothing was answered yet"), "{}", said.notes);
    assert!(said.notes.contains("stands on: 1919-05-03, a.md; /sources"), "{}", said.notes);
    assert!(said.notes.contains("1919-05-03, a.md\n> I said “no”.\n> Twice.\n"), "{}", said.notes);
    assert!(!said.notes.contains("unused"), "{}", said.notes);
    let said = piped(&mut Fake::new(Manner::Chat), "one\n/sources\n");
    assert!(said.notes.contains("none of your entries"), "{}", said.notes);
}

#[test]
fn a_diary_goes_on_past_its_context_and_it_is_said_once() {
    // The first run of the README: tokens are bytes, and of 64 half are the text's.
    let mut reader = Reader::new(Some("{date}\\n"), 64);
    let long = "In the morning it rained, and I stayed within doors. ".repeat(4);
    let said = piped(
        &mut reader,
        &format!("/set max-tokens 300\nI woke\n/more\n/more\n/voice 2014-05-05\n{long}\n/more\n/more\n"),
    );
    assert_eq!((said.ended, reader.read.len()), (Ended::Well, 6), "{}", said.notes);
    assert!(!said.notes.contains("error"), "{}", said.notes);
    assert_eq!(said.notes.matches("the beginning of the text is no longer seen").count(), 1);
    assert_eq!(reader.read[0], "I woke");
    assert!(reader.read.iter().all(|text| text.len() <= 32), "{:?}", reader.read);
    assert!("and it rained".contains(reader.read[1].split_whitespace().next().unwrap()), "{:?}", reader.read);
    assert_eq!(reader.read[3], "2014-05-05\nstayed within doors.");
    assert!(reader.read[5].starts_with("2014-05-05\n"), "{:?}", reader.read);
}

#[test]
fn a_voice_stands_as_the_entries_of_the_run_have_it() {
    for (header, text) in [
        ("{date}\\n", "2014-05-05\nRain"),
        ("# {date}\\n\\n", "# 2014-05-05\n\nRain"),
        ("<{date}>", "<2014-05-05>Rain"),
    ] {
        let mut reader = Reader::new(Some(header), 1024);
        piped(
            &mut reader,
            "/voice 2014-05-05\nRain\n/new\n/prompt Dear diary,\nRain\n/prompt \"\"\n/new\n/more\n",
        );
        let heading = text.strip_suffix("Rain").unwrap();
        assert_eq!(reader.read, [text, &format!("{heading}Dear diary, Rain"), heading]);
    }
}

#[test]
fn a_voice_is_for_diaries() {
    let before = |manner, voice| {
        let (fake, mut session) = (Fake::new(manner), session(manner));
        put_before(&mut session, &fake, [Some("be kind"), Some(voice)])
    };
    for manner in [Manner::Pairs, Manner::Chat] {
        let error = before(manner, "May 3").unwrap_err();
        assert!(matches!(error, crate::base::Error::Usage { .. }));
        let told = error.to_string();
        assert!(told.contains("writes under no headers\n  next: leave --voice out; --prompt"), "{told}");
    }
    assert!(before(Manner::Diary, "May 3").is_ok());
    assert!(before(Manner::Diary, "never").unwrap_err().to_string().contains("no day is called never"));
}

#[test]
fn how_a_time_was_understood_is_told() {
    let mut fake = Fake::new(Manner::Chat);
    let when = Some("November 1663 (1 Nov – 30 Nov 1663)".to_string());
    let text = "The periwig.".to_string();
    let passages = vec![Passage { name: "1663-11-09".into(), date: None, text }];
    fake.recalled = Recalled { when, is_of_days_alone: true, passages };
    let said = piped(&mut fake, "what of the periwig in November 1663?\n/sources\n");
    let told = "when     November 1663 (1 Nov – 30 Nov 1663)\n";
    assert!(said.notes.starts_with(told), "above the answer: {}", said.notes);
    assert!(said.notes.contains("no entry of then has your words"), "{}", said.notes);
    assert!(said.notes.contains(&format!("{told}1663-11-09\n> The periwig.")), "{}", said.notes);
    fake.recalled = Recalled { is_of_days_alone: false, ..fake.recalled };
    fake.recalled.passages.clear();
    let said = piped(&mut fake, "and in 1663?\n/sources\n");
    assert!(said.notes.contains(&format!("{told}the last answer stands on none")), "{}", said.notes);
    assert!(!said.notes.contains("your words"), "{}", said.notes);
}

/// One that answers with this, in which all these are quotations that no source has.
struct Quotes(&'static str, &'static [&'static str]);

impl Speaker for Quotes {
    fn manner(&self) -> Manner {
        Manner::Chat
    }

    fn voices(&self) -> Vec<String> {
        Vec::new()
    }

    fn header(&self, typed: &str) -> crate::base::Result<String> {
        Ok(typed.into())
    }

    fn recall(&mut self, _: &str) -> crate::base::Result<Recalled> {
        Ok(Recalled::default())
    }

    fn say(
        &mut self,
        _: &Wish,
        _: &mut dyn FnMut(&str) -> std::ops::ControlFlow<()>,
    ) -> crate::base::Result<Answer> {
        let place = |quoted: &&str| self.0.find(quoted).map(|at| at..at + quoted.len()).unwrap();
        let unsupported = self.1.iter().map(place).collect();
        let (text, finish) = (self.0.to_string(), crate::serve::job::Finish::Stop);
        Ok(Answer { text, tokens: 1, dropped_turns: 0, finish, passages: vec![], unsupported })
    }
}

#[test]
fn three_quotations_that_no_source_has_are_named_and_the_others_counted() {
    let told = |quotes: &mut Quotes| piped(quotes, "one\n").notes;
    let all = ["a b c", "d e f", "g h i", "j k l", "m n o"];
    let notes = told(&mut Quotes(
        "“a b c” “d e f” “g h i” “j k l” “m n o”",
        &["a b c", "d e f", "g h i", "j k l", "m n o"],
    ));
    assert_eq!(notes.matches("in quotation marks").count(), 3, "{notes}");
    assert!(notes.ends_with("and 2 more of these; /save names them all\n"), "{notes}");
    assert!(all[..3].iter().all(|one| notes.contains(one)) && !notes.contains(all[3]), "{notes}");
    let notes = told(&mut Quotes("“a b c” “d e f” “g h i”", &["a b c", "d e f", "g h i"]));
    assert!(!notes.contains("more of these"), "{notes}");
}

#[test]
fn a_conversation_is_saved_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("talk.md");
    let save = format!("/save {}", file.display());
    let mut typed = Typed::new([line(&save), line("one"), line(&save), line(&save), line(&save)]);
    let said = with(&mut Fake::new(Manner::Chat), &mut typed, true);
    assert!(said.notes.contains("there is nothing to save"), "{}", said.notes);
    assert!(said.notes.contains("1 turn saved") && said.notes.contains("nothing is overwritten"));
    let second = format!("/save {}", dir.path().join("talk-2.md").display());
    assert_eq!(typed.given[4], second, "another name is asked for");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# A conversation with m\n") && text.contains("## You\n\none\n\n## The model"),
        "{text}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let nowhere = format!("a\n/save {}\n", Path::new("/nowhere/at/all.md").display());
    let said = piped(&mut Fake::new(Manner::Chat), &nowhere);
    assert!(said.notes.contains("error: ") && said.notes.contains("/nowhere/at/all.md"), "{}", said.notes);
}

#[test]
fn what_cannot_be_answered_is_told_and_the_talk_goes_on() {
    let mut fake = Fake::new(Manner::Pairs);
    fake.fails = true;
    let said = piped(&mut fake, "one\nfail\ntwo\n");
    assert!(said.notes.contains("error: it does not fit\n  next: say less"), "{}", said.notes);
    assert_eq!(said.ended, Ended::Unanswered);
    assert_eq!(
        fake.heard[2], "u:one|a: answer \u{1b}[1m1.|u:two",
        "a question without answer is no part of it"
    );
}

#[test]
fn a_turn_that_is_too_long_is_not_said() {
    let mut fake = Fake::new(Manner::Pairs);
    let said = piped(&mut fake, &format!("{}\ntwo\n", "x".repeat(10_000_000)));
    assert_eq!(said.notes.lines().count(), 1);
    assert!(said.notes.starts_with("that has 9.5 MiB, and a turn 1.0 MiB at most"), "{}", said.notes);
    assert_eq!((fake.heard.len(), said.ended), (1, Ended::Unanswered));
}

#[test]
fn commands_without_anything_said_say_so() {
    let said = piped(
        &mut Fake::new(Manner::Chat),
        "/retry\n/edit\n/edit x\n/undo\n/save a\n/nope\n/more\n/set heat 1\n/set top-k\n",
    );
    assert_eq!(said.answers, "");
    assert_eq!(said.notes.matches("nothing was said yet").count(), 5, "{}", said.notes);
    for told in
        ["there is no /nope; there are /retry", "no heat to set", "give a value too", "answers questions"]
    {
        assert!(said.notes.contains(told), "{told}: {}", said.notes);
    }
}

/// A reader that takes so many bytes, and what is said behind them.
struct Gone(usize, io::ErrorKind);

impl Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 < bytes.len() {
            return Err(self.1.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_goes_has_seen_enough_and_a_full_disk_is_an_error() {
    for (bytes, kind) in [0, 7, 9, 12].into_iter().flat_map(|n| GONE.map(|kind| (n, kind))) {
        let mut fake = Fake::new(Manner::Chat);
        let mut session = session(Manner::Chat);
        let (mut gone, mut notes, stop) = (Gone(bytes, kind), Vec::new(), Stop::new(false));
        let page = Page::new(&mut gone, &mut notes, false);
        let talk = Talk::new(&mut session, &mut fake, "m", page, &stop);
        let ended = talk.run(&mut Lines::piped(&b"one\ntwo\n"[..]));
        match kind {
            io::ErrorKind::BrokenPipe => assert_eq!(ended.unwrap(), Ended::Well),
            _ => assert!(ended.is_err()),
        }
        assert_eq!((fake.heard.len(), &notes[..]), (1, &b""[..]));
    }
}

/// What is said behind the last byte.
const GONE: [io::ErrorKind; 2] = [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull];
