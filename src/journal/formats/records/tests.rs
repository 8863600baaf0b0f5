use super::*;
use crate::journal::format::{MOST_WHOLE, Place};
use crate::journal::testing::{Collected, read_with, texts};
use proptest::prelude::*;

fn with(path: &str, bytes: &str, options: &Options) -> Collected {
    read_with(&Records, &Input::from_bytes(path, bytes.into()), options)
}

#[test]
fn json_in_all_its_shapes() {
    for (path, json) in [
        ("a.json", r#"[{"text": "one"}, {"text": "two"}]"#),
        (
            "a.json",
            r#"{"version": 1, "by": {"text": "app"}, "rows": [{"text": "one"}, {"text": "two"}], "n": [1]}"#,
        ),
        ("a.json", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n"),
        ("a.jsonl", "{\"text\": \"one\"}\n\n{\"text\": \"two\"}"),
    ] {
        let found = with(path, json, &Options::default());
        assert_eq!((texts(&found), &found.failed), (vec!["one", "two"], &None), "{json}");
    }
    let found =
        with("a.json", r#"{"text": "one", "photos": [{"id": 1}], "tags": ["rain"]}"#, &Options::default());
    assert_eq!((texts(&found), &found.entries[0].tags[..]), (vec!["one"], &["rain".to_string()][..]));
    let found = with("a.json", r#"{"a": [{"text": "one"}], "b": [{"text": "two"}]}"#, &Options::default());
    assert!(found.failed.unwrap().contains("`a`, `b`"));
}

#[test]
fn a_list_of_texts_outweighs_what_is_said_of_it() {
    for (json, expected) in [
        (r#"{"description": "Of the weir", "items": [{"content_text": "one"}]}"#, vec!["one"]),
        (r#"{"notes": null, "comment": "", "rows": [{"text": "one"}]}"#, vec!["one"]),
        (r#"{"people": [{"name": "Ada"}], "rows": [{"text": "one"}]}"#, vec!["one"]),
        (r#"{"text": "mine", "comments": [{"text": "hers"}]}"#, vec!["mine"]),
        (r#"{"description": "mine", "photos": [{"id": 1}]}"#, vec!["mine"]),
    ] {
        let found = with("a.json", json, &Options::default());
        assert_eq!((texts(&found), &found.failed), (expected, &None), "{json}");
    }
}

#[test]
fn of_a_chat_only_the_writers_messages_are_taken() {
    let me = Options { me: vec!["Ann Example".into()], ..Options::default() };
    for (path, chat) in [
        (
            "a.json",
            r#"{"name": "Ben", "messages": [{"from": "Ben", "text": "hers"}, {"from": "Ann Example", "text": ["mi", {"type": "bold", "text": "ne"}]}]}"#,
        ),
        (
            "a.json",
            r#"{"participants": [{"name": "Ben"}], "messages": [{"sender_name": "Ben", "content": "hers"}, {"sender_name": "Ann Example", "content": "mine"}]}"#,
        ),
        (
            "a.json",
            r#"[{"author": {"id": "1", "name": "ben"}, "content": "hers"}, {"author": {"id": "2", "name": "ann", "nickname": "Ann Example"}, "content": "mine"}]"#,
        ),
        (
            "a.json",
            r#"[{"user": "U1", "text": "hers"}, {"user": "U2", "text": "mine", "user_profile": {"real_name": "Ann Example"}}]"#,
        ),
        (
            "a.csv",
            "FROM,TO,DATE,SUBJECT,CONTENT\nBen,Ann Example,2024-03-05,x,hers\nAnn Example,Ben,2024-03-05,x,mine\n",
        ),
        (
            "a.csv",
            "Message Date,Type,Sender Name,Text\n2024-03-05,Incoming,Ben,hers\n2024-03-05,Outgoing,,mine\n",
        ),
        ("a.csv", "Date,Name,Phone,Message\n2024-03-05,Ben,+44,hers\n2024-03-05,Ann Example,,mine\n"),
        ("a.csv", "AuthorID,Author,Date,Content\n1,Ben,2024-03-05,hers\n2,Ann Example,2024-03-05,mine\n"),
    ] {
        let found = with(path, chat, &Options::default());
        assert_eq!((found.entries.len(), found.strangers.len(), &found.failed), (0, 2, &None), "{chat}");
        let found = with(path, chat, &me);
        assert_eq!((texts(&found), found.strangers.len()), (vec!["mine"], 1), "{chat}");
    }
    let books = "Title,Author,Notes\nFog,A. B.,one\nRain,C. D.,two\n";
    assert_eq!(texts(&with("a.csv", books, &Options::default())), ["one", "two"]);
    let alone = r#"[{"author": "Ann", "text": "one"}, {"author": "Ann", "text": "two"}]"#;
    assert_eq!(texts(&with("a.json", alone, &Options::default())), ["one", "two"]);
}

#[test]
fn a_daylio_export() {
    let table = "full_date,date,weekday,time,mood,activities,note_title,note\n2024-01-06,January 6,Saturday,9:30 PM,good,\"tea | a walk\",Fog,\"All day, and\nall night\"\n2024-01-07,January 7,Sunday,21:30,meh,,Only a title,\n";
    let found = with("daylio.csv", table, &Options::default());
    let first = &found.entries[0];
    assert_eq!(
        (first.when.unwrap().to_string().as_str(), first.title.as_str()),
        ("2024-01-06T21:30:00", "Fog")
    );
    assert_eq!(
        (first.text.as_str(), first.tags.join("|").as_str()),
        ("All day, and\nall night", "tea|a walk")
    );
    assert_eq!(found.entries[1].title, "Only a title");
    let old = "year,date,weekday,time,mood,activities,note\n2017,January 7,Saturday,9:30 PM,meh,tea,Snow\n";
    assert_eq!(
        with("daylio.csv", old, &Options::default()).entries[0].when.unwrap().to_string(),
        "2017-01-07T21:30:00"
    );
}

#[test]
fn a_text_without_a_day_may_hold_days() {
    let json = r#"{"text": "5 May 2020\nRain.\n\n6 May 2020\nSun."}"#;
    let found = with("a.json", json, &Options::default());
    assert_eq!(texts(&found), ["Rain.", "Sun."]);
}

#[test]
fn which_way_a_message_went_tells_whose_it_is() {
    for (path, chat) in [
        (
            "a.csv",
            "Date,Type,Number,Name,Message\n2024-03-05,received,+44,Ben,his\n2024-03-05,sent,+44,Ben,mine\n",
        ),
        (
            "a.csv",
            "Created,Number,Sender Name,Text,Folder\n2024-03-05,+44,Ben,his,INBOX\n2024-03-05,+44,,mine,SENT\n",
        ),
        (
            "a.json",
            r#"{"ben": [{"From": "ben", "Content": "his", "IsSender": false}, {"From": "ann", "Content": "mine", "IsSender": true}]}"#,
        ),
        (
            "a.json",
            r#"[{"address": "+44", "type": "1", "body": "his"}, {"address": "+44", "type": "2", "body": "mine"}]"#,
        ),
    ] {
        assert_eq!(with(path, chat, &Options::default()).strangers.len(), 2, "{chat}");
        let me = Options { me: vec!["anybody".into()], ..Options::default() };
        let found = with(path, chat, &me);
        assert_eq!((texts(&found), found.strangers.len()), (vec!["mine"], 1), "{chat}");
    }
    // A mail box says INBOX of all that it holds.
    let mails = "FROM,TO,DATE,SUBJECT,CONTENT,FOLDER\nBen,Ann,2024-03-05,,his,INBOX\nAnn,Ben,2024-03-05,,mine,INBOX\n";
    assert_eq!(with("a.csv", mails, &Options::default()).strangers, ["Ben", "Ann"]);
    let me = Options { me: vec!["ann".into()], ..Options::default() };
    assert_eq!(texts(&with("a.csv", mails, &me)), ["mine"]);
    let praise = "First Name,Last Name,Text\nBen,Sample,his\n";
    assert_eq!(with("a.csv", praise, &Options::default()).strangers, ["Ben Sample"]);
    let moods = "Date,Type,Name,Note\n2024-03-05,work,Monday,one\n2024-03-06,home,Tuesday,two\n";
    assert_eq!(texts(&with("a.csv", moods, &Options::default())), ["one", "two"]);
    for (path, own) in [
        ("a.csv", "date,from,to,notes\n2024-03-05,Leeds,York,one\n2024-03-06,York,Leeds,two\n"),
        ("a.csv", "Date,Folder,Text\n2024-03-05,Inbox,one\n2024-03-06,Diary,two\n"),
        ("a.csv", "Date,Type,Text\n2024-03-05,sent,one\n2024-03-06,walk,two\n"),
    ] {
        assert_eq!(texts(&with(path, own, &Options::default())), ["one", "two"], "{own}");
    }
    for others in [
        r#"{"participants": [{"name": "Ben"}], "messages": [{"sender_name": "Ben", "content": "his"}]}"#,
        r#"[{"title": "A", "user": {"login": "ben"}, "body": "his"}, {"title": "B", "user": {"login": "ann"}, "body": "mine"}]"#,
        r#"[{"key": {"fromMe": false}, "name": "Ben", "text": "his"}, {"key": {"fromMe": true}, "text": "mine"}]"#,
    ] {
        assert_eq!(with("a.json", others, &Options::default()).entries.len(), 0, "{others}");
    }
    let mine = Input::from_bytes("a.csv", mails.into()).all_mine(true);
    assert_eq!(texts(&read_with(&Records, &mine, &Options::default())), ["his", "mine"]);
}

#[test]
fn talks_with_a_program_are_nobodys_diary() {
    let talk =
        r#"{"messages": [{"role": "user", "content": "mine"}, {"role": "assistant", "content": "its"}]}"#;
    let found = with("a.json", talk, &Options::default());
    assert_eq!((found.entries.len(), found.strangers.len()), (0, 2));
    let failed = with("a.jsonl", talk, &Options::default()).failed.unwrap();
    assert!(failed.contains("`messages`") && !failed.contains("--text-field"), "{failed}");
    for talk in [
        r#"{"mapping": {}, "create_time": 1}"#,
        r#"[{"id": 1, "conversations": [{"from": "gpt", "value": "its"}]}]"#,
    ] {
        let failed = with("a.json", talk, &Options::default()).failed.unwrap();
        assert!(!failed.contains("--text-field"), "{failed}");
    }
    let pairs = r#"{"prompt": "", "completion": " Rain."}"#;
    let failed = with("a.jsonl", pairs, &Options::default()).failed.unwrap();
    assert!(failed.contains("--text-field completion"), "{failed}");
}

#[test]
fn what_stands_behind_a_document_is_read_too() {
    for json in [
        "{\n\"text\": \"one\"\n}\n{\n\"text\": \"two\"\n}\n",
        "{\"text\": \"one\"},\n{\"text\": \"two\"},\n",
        "[{\"text\": \"one\"}]\n[{\"text\": \"two\"}]",
        "{\"entries\": [{\"text\": \"one\"}]}\n{\"entries\": [{\"text\": \"two\"}]}",
        "[\"one two three\", \"two\"]",
        "{\"2024-01-05\": \"one\", \"2024-01-06\": {\"text\": \"two\"}}",
    ] {
        let found = with("a.json", json, &Options::default());
        assert_eq!(found.failed, None, "{json}");
        assert_eq!(found.entries.len() + found.lost.len(), 2, "{json}");
        assert!(texts(&found)[0].starts_with("one"), "{json}");
    }
    let found = with("a.json", "[{\"text\": \"one\"}] and more", &Options::default());
    assert!(found.failed.unwrap().contains("behind"));
}

#[test]
fn texts_that_lie_deeper_are_told_by_a_path_that_works() {
    let posts =
        r#"[{"ts": 1704447000, "data": [{"post": "mine, and long"}, {"x": 1}], "title": "Ann wrote."}]"#;
    let failed = with("a.json", posts, &Options::default()).failed.unwrap();
    assert!(failed.ends_with("--text-field data.post"), "{failed}");
    let asked = Options { text_field: Some("data.post".into()), ..Options::default() };
    assert_eq!(texts(&with("a.json", posts, &asked)), ["mine, and long"]);
    let books = r#"{"books": [{"description": "All", "days": [{"date": "2024-01-05", "text": "one two"}]}]}"#;
    let failed = with("a.json", books, &Options::default()).failed.unwrap();
    assert!(failed.contains("`days`: save that list"), "{failed}");
}

#[test]
fn dates_by_what_a_field_holds() {
    let day = |found: &Collected| found.entries[0].when.map(|when| when.to_string()).unwrap_or_default();
    for (path, records, expected) in [
        ("a.csv", "Written,Words,Text\n2024-03-05 21:30,4,rain\n2024-03-06,5,fog\n", "2024-03-05T21:30:00"),
        (
            "a.csv",
            "Datum;Uhrzeit;Eintrag\n05.03.2024;21:30;Regen\n13.03.2024;8:00;Wind\n",
            "2024-03-05T21:30:00",
        ),
        ("a.jsonl", r#"{"text": "rain", "meta": {"date": "2024-03-05"}}"#, "2024-03-05"),
        ("a.csv", "sep=;\nDate;Text\n2024-03-05;rain\n", "2024-03-05"),
    ] {
        let found = with(path, records, &Options::default());
        assert_eq!((day(&found).as_str(), found.troubles.len()), (expected, 0), "{records}");
    }
    let told = |records: &str| with("a.csv", records, &Options::default()).troubles[0].1.clone();
    assert!(told("Mark,Text\nx1,rain\n").contains("--date-field"));
    assert!(told("Text\nrain\nfog and sun\n").contains("no date"));
    assert!(told("date,text\n731325600,rain\n").contains("2001"));
}

#[test]
fn what_was_saved_or_taken_is_no_entry() {
    let found = with(
        "a.csv",
        "Title,Note,URL\nWeir Cafe,,https://x.example\nMill,we met there,u\n",
        &Options::default(),
    );
    assert_eq!((texts(&found), found.left_out[0]), (vec!["we met there"], ("titles without a text", 1)));
    let photo = |said: &str| {
        format!(
            r#"{{"title": "IMG_1.jpg", "description": "{said}", "creationTime": {{"timestamp": "1709632800"}}, "photoTakenTime": {{"timestamp": "1709546400"}}}}"#
        )
    };
    assert_eq!(with("IMG_1.jpg.json", &photo(""), &Options::default()).entries.len(), 0);
    let found = with("IMG_1.jpg.json", &photo("The weir"), &Options::default());
    assert_eq!((found.entries[0].title.as_str(), found.entries[0].text.as_str()), ("", "The weir"));
    assert!(found.entries[0].when.unwrap().to_string().starts_with("2024-03-04"));
}

#[test]
fn a_table_in_a_text_file_is_a_table() {
    let is = |text: &str| Records.is(&Input::from_bytes("a.txt", text.into()));
    assert!(is("Date,Mood,Text\n2024-03-05,good,\"one, two\"\n"));
    assert!(
        !is("Date, text and a lot of other words\n1, 2\n")
            && !is("Text\nDate\n")
            && !is("Rain, fog\nSun, wind\n")
    );
}

#[test]
fn tables_without_a_header_are_refused() {
    for table in [
        "2024-01-05,It rained.\n2024-01-06,Sun.\n",
        "\"It rained today.\"\n\"Sun.\"\n",
        "Notes:\nsome words\n\na,b\n1,2\n3,4\n",
    ] {
        let found = with("a.csv", table, &Options::default());
        assert_eq!((found.entries.len(), found.failed.is_some()), (0, true), "{table}");
    }
    let table = "date\ttext\n2024-01-05\t\"Rain,\" she said.\n2024-01-06\t\"Sun\n2024-01-07\tfog\n";
    assert_eq!(texts(&with("a.tsv", table, &Options::default())), ["\"Rain,\" she said.", "\"Sun", "fog"]);
}

#[test]
fn marks_of_editors_are_no_words() {
    for records in [
        r#"[{"text": "<p>Rain &amp; fog.</p><p>Sun.<br></p>"}, {"text": "<p>x</p>"}]"#,
        r#"[{"html": "Rain &amp; fog.<p>Sun.</p>"}]"#,
        r#"[{"content": {"ops": [{"insert": "Rain & fog.\n\nSun.\n"}]}}]"#,
        r#"[{"body": "{\"blocks\":[{\"text\":\"Rain & fog.\"},{\"text\":\"Sun.\"}]}"}]"#,
    ] {
        let found = with("a.json", records, &Options::default());
        assert_eq!(texts(&found)[0].trim(), "Rain & fog.\n\nSun.", "{records}");
    }
    let typed = r#"[{"text": "<p>this</p> is how"}, {"text": "one writes <p>"}]"#;
    assert_eq!(texts(&with("a.json", typed, &Options::default()))[0], "<p>this</p> is how");
}

#[test]
fn fields_that_do_not_fit_are_named() {
    let found = with("a.json", r#"[{"stamp": 5, "words": "rain"}]"#, &Options::default());
    let failed = found.failed.unwrap();
    assert!(failed.contains("`stamp`, `words`") && failed.contains("--text-field"), "{failed}");
    let asked =
        Options { text_field: Some("words".into()), date_field: Some("in.day".into()), ..Options::default() };
    let found = with("a.json", r#"[{"words": "rain", "in": {"day": "2024-01-05"}}, {"words": ""}]"#, &asked);
    assert_eq!((texts(&found), &found.failed), (vec!["rain", ""], &None));
    assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-01-05");
    let found = with("a.csv", "date,text\n2024-01-05,rain\n", &asked);
    assert!(found.failed.unwrap().contains("no field `words`"));
}

#[test]
fn records_without_a_text_are_told() {
    let json = r#"[{"thoughts": "before the first"}, {"date": "5 May 2014", "title": "A title"},
{"text": "read", "photos": [{"caption": "a long walk"}]},
{"date": "6 May 2014", "thoughts": "nobody reads this"},
{"text": {"steps": [{"insert": "nor these"}]}}, {"date": "7 May 2014", "thoughts": null}]"#;
    let found = with("a.json", json, &Options::default());
    assert_eq!((texts(&found), &found.failed), (vec!["read"], &None));
    assert_eq!(found.left_out, [("other fields", 1), ("records without a text", 5)]);
    let told: Vec<_> = found.lost.iter().map(|(place, _, problem)| (*place, problem.as_str())).collect();
    let missing = |fields| format!("no text was found in its fields {fields}");
    let problems = ["`thoughts`", "`date`, `title`", "`date`, `thoughts`", "`text`"].map(missing);
    let lines = [1, 1, 3, 4].map(Place::Line);
    assert_eq!(told, lines.into_iter().zip(problems.iter().map(String::as_str)).collect::<Vec<_>>());
}

#[test]
fn damage_spoils_no_more_than_its_own() {
    let found =
        with("a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"tw\n{\"text\": \"three\"}\n", &Options::default());
    assert_eq!((texts(&found), found.lost[0].0), (vec!["one", "three"], Place::Line(2)));
    let found = with("a.json", "[{\"text\": \"one\"},\n{\"text\": ]", &Options::default());
    assert_eq!(texts(&found), ["one"]);
    assert!(found.failed.unwrap().contains("line 2"));
    let deep =
        format!("[{{\"text\": \"one\"}}, {{\"a\": {}", "[".repeat(300_000) + &"]".repeat(300_000) + "}]");
    let found = with("a.json", &deep, &Options::default());
    assert_eq!((texts(&found).len(), found.lost.len(), found.failed), (1, 1, None));
}

#[test]
fn tables_whatever_divides_them() {
    for (path, table) in [
        ("a.csv", "Date,Time,Text\n2024-01-05,09:30,\"one, \"\"two\"\"\nthree\"\n"),
        ("a.csv", "Date;Time;Text\n2024-01-05;09:30;\"one, \"\"two\"\"\nthree\"\n"),
        ("a.tsv", "Date\tTime\tText\n2024-01-05\t09:30\t\"one, \"\"two\"\"\nthree\"\n"),
    ] {
        let found = with(path, table, &Options::default());
        assert_eq!(texts(&found), ["one, \"two\"\nthree"], "{table}");
        assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-01-05T09:30:00");
        assert_eq!(found.entries[0].place, Place::Line(2));
    }
    assert_eq!(shape::divider("text\nrain"), b',');
    let found = with("a.csv", "text,date\nrain,2024-01-05,wind\nsun\n", &Options::default());
    assert_eq!((texts(&found), found.troubles.len()), (vec!["rain", "sun"], 2));
}

#[test]
fn an_open_quotation_mark_takes_in_no_more_than_it_may() {
    let mut table = "text\nrain\n\"".to_string();
    table.push_str(&"x".repeat(MOST_WHOLE as usize + 100_000));
    let found = with("a.csv", &table, &Options::default());
    assert_eq!(texts(&found), ["rain"]);
    assert!(found.failed.unwrap().contains("quotation mark"));
}

#[test]
fn what_is_claimed() {
    let is = |path: &str, head: &str| Records.is(&Input::from_bytes(path, head.into()));
    assert!(is("a.json", " [") && is("a.ndjson", "{") && is("a.csv", "a,b"));
    assert!(
        !is("a.json", "5")
            && !is("a.txt", "[{}]")
            && !is("a.txt", "a,b")
            && !is("AppleJournalEntries/Resources/a.json", "{}")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_survived(text in "[\\[\\]{}\":,a-c0-9\\\\ \n;]{0,120}", bytes in any::<Vec<u8>>()) {
        for path in ["a.json", "a.jsonl", "a.csv", "a.tsv"] {
            with(path, &text, &Options::default());
            let input = Input::from_bytes(path, bytes.clone());
            read_with(&Records, &input, &Options::default());
        }
    }
}

#[test]
fn what_follows_the_first_value_is_read_or_told() {
    let (one, two) = ("{\n\"text\": \"one\"}", "{\"text\": \"two\"}");
    for json in [
        format!("{one}\n{two}"),
        format!("{one},\n{two},"),
        format!("[{one}]\n[{two}]"),
        format!("[{one}],[{two}]"),
        format!("{{\"rows\": [{one}]}}\n{{\"rows\": [{two}]}}"),
    ] {
        let found = with("a.json", &json, &Options::default());
        assert_eq!((texts(&found), &found.failed), (vec!["one", "two"], &None), "{json}");
    }
    for json in [format!("{one} and more"), format!("[{one}]\nand more")] {
        let found = with("a.json", &json, &Options::default());
        assert_eq!(texts(&found), ["one"], "{json}");
        assert!(found.failed.unwrap().contains("behind the end of its JSON"), "{json}");
    }
}

#[test]
fn html_of_an_app_is_undone() {
    let of = |json: &str| with("a.json", json, &Options::default()).entries.remove(0).text;
    assert_eq!(
        of(r#"{"html": "<p>It <b>rained</b> &amp; rained.</p><p>Then not.</p>"}"#),
        "It rained & rained.\n\nThen not."
    );
    for typed in ["<sigh> it rained", "<p>half", "a <b>b</b> &amp; c"] {
        assert_eq!(of(&serde_json::json!({"text": typed}).to_string()), typed);
    }
    let daylio =
        "full_date,mood,activities,note\n2024-01-05,good,,\"Snow<b>ed</b>.<br><br>Then &amp; now.\"\n";
    assert_eq!(texts(&with("a.csv", daylio, &Options::default())), ["Snowed.\n\nThen & now."]);
}

#[test]
fn tables_of_many_programs() {
    let of = |path: &str, table: &str| {
        let found = with(path, table, &Options::default());
        assert_eq!(found.failed, None, "{table}");
        found
            .entries
            .iter()
            .map(|e| format!("{}|{}|{}", e.when.unwrap(), e.title, e.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("a.csv", "sep=;\nDatum;Uhrzeit;Text\n13.03.2024;21:30;Regen.\n"),
        ["2024-03-13T21:30:00||Regen."]
    );
    assert_eq!(of("a.csv", "Fecha,Texto\n13/03/2024,Lluvia.\n"), ["2024-03-13||Lluvia."]);
    assert_eq!(of("a.csv", "Date,Titre,Texte\n13/03/2024,Gare,Pluie.\n"), ["2024-03-13|Gare|Pluie."]);
    assert_eq!(of("a.csv", "Written,Words,Text\n2024-03-13 21:30,1,Rain.\n"), ["2024-03-13T21:30:00||Rain."]);
    let tabs = "date\ttext\n2024-03-13\t\"Rain,\" she said.\n2024-03-14\t\"Not closed\n2024-03-15\tSun.\n";
    assert_eq!(
        of("a.tsv", tabs),
        ["2024-03-13||\"Rain,\" she said.", "2024-03-14||\"Not closed", "2024-03-15||Sun."]
    );
}

/// A name is no longer looked for among as many others as there are fields.
#[test]
fn a_row_of_nameless_fields_is_read() {
    let table = format!("text,,\nrain,{}\n", ",".repeat(100_000));
    assert_eq!(texts(&with("a.csv", &table, &Options::default())), ["rain"]);
}
