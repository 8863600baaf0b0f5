//! A review, written, edited and applied.

use super::*;
use crate::journal::text::secrets::Scanner;

const TEXT: &str = "Wifi password: hunter2\n\nMail anna@example.com or ANNA@example.com.\nWith Anna Berger.\n\nPaid DE89 3704 0044 \
                    0532 0130 00 today.";

fn review() -> (Review, Vec<Found>) {
    let found = Scanner::new(None).unwrap().scan(TEXT);
    let mut review = Review::new();
    review.add_names(&[("Anna Berger".to_string(), 7)]);
    review.add("2020-05-05", TEXT, &found);
    (review, found)
}

#[test]
fn a_review_says_what_was_found_and_is_read_again() {
    let (review, found) = review();
    let file = review.write();
    for line in [
        "replace\tpassword\thunter2\t1\t[password 1]\t2020-05-05: Wifi password: hunter2",
        "replace\te-mail address\tanna@example.com\t2\t[email 1]\t2020-05-05: Mail anna@example.com or ANNA@example.com.",
        "keep\tfull name\tAnna Berger\t7\t[name 1]\t2020-05-05: With Anna Berger.",
    ] {
        assert!(file.lines().any(|written| written == line), "{line}\n{file}");
    }
    let again = Review::read(&file).unwrap();
    assert_eq!(again.write(), file);
    assert!(found.iter().all(|f| again.action(f) == Action::Replace));
}

#[test]
fn each_action_does_what_the_header_says() {
    let (review, found) = review();
    let file = review
        .write()
        .replace("keep\tfull", "replace\tfull")
        .replace("[name 1]", "A.")
        .replace("replace\tpassword", "drop\tpassword");
    let edited = Review::read(&file).unwrap();
    let after = edited.apply(TEXT, &found, &mut Placeholders::new()).unwrap();
    assert_eq!(after, "Mail [email 1] or [email 1].\nWith A..\n\nPaid [account 1] today.");
    let kept = Review::read(&file.replace("replace\t", "keep\t").replace("drop\t", "keep\t")).unwrap();
    assert_eq!(kept.apply(TEXT, &found, &mut Placeholders::new()).unwrap(), TEXT);
    assert_eq!(
        edited.apply(
            "pw: hunter2",
            &Scanner::new(None).unwrap().scan("pw: hunter2"),
            &mut Placeholders::new()
        ),
        None
    );
}

#[test]
fn a_secret_that_came_later_gets_a_number_of_its_own() {
    let edited = Review::read(&review().0.write()).unwrap();
    let text = "bob@example.com and anna@example.com";
    let found = Scanner::new(None).unwrap().scan(text);
    let after = edited.apply(text, &found, &mut Placeholders::new()).unwrap();
    assert_eq!(after, "[email 2] and [email 1]");
}

#[test]
fn an_editor_and_a_spreadsheet_change_nothing() {
    let file = review().0.write();
    let rows = Review::read(&file).unwrap().rows;
    let crlf = format!("\u{feff}{}", file.replace('\n', "\r\n"));
    assert_eq!(Review::read(&crlf).unwrap().rows, rows);
    let quote = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut quoted = String::new();
    for line in file.lines() {
        quoted += &line.split('\t').map(quote).collect::<Vec<_>>().join("\t");
        quoted += "\t\t\n\n";
    }
    assert_eq!(Review::read(&quoted).unwrap().rows, rows);
    assert!(Review::read("").unwrap().is_empty());
}

#[test]
fn secrets_with_marks_and_breaks_survive_the_file() {
    for secret in
        ["\"quoted\" 'x'", "tab\there", "-----BEGIN X-----\nAAA\n-----END X-----", "=1+1", "#hash", "“ü”"]
    {
        let text = format!("before\n{secret} after");
        let found =
            Found { kind: Kind::Key, range: 7..7 + secret.len(), text: secret.to_string(), sure: true };
        let mut review = Review::new();
        review.add("a\tb", &text, std::slice::from_ref(&found));
        let file = review.write().replace("replace\tkey", "drop\tkey");
        assert_eq!(Review::read(&file).unwrap().action(&found), Action::Drop, "{file}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let says = |text: &str, wanted: &[&str]| {
        let problem = Review::read(text).unwrap_err();
        assert!(wanted.iter().all(|part| problem.contains(part)), "{problem}");
    };
    says("# a\n\nkeep\tpassword\tx1\nkep\tpassword\tx2\n", &["line 4", "“kep”", "keep, replace, drop"]);
    says("# a\n\n\nkeep\tpasword\tx1\n", &["line 4", "“pasword”"]);
    says("keep password x1\n", &["line 1", "tab"]);
    says("keep\tphone\t\t1\n", &["line 1", "empty"]);
    says("drop\tphone\t4.9171E+11\t1\t[phone 1]\td: call +49 171 1234567\n", &["line 1", "spreadsheet"]);
    says("keep\tkey\tab12\ndrop\tkey\tab12\n", &["line 2", "line 1"]);
    says("keep\tkey\t\"ab12\nkeep\tkey\tcd\n", &["line 1", "quotation"]);
}

#[test]
fn a_number_that_lost_its_zero_is_refused() {
    let line = "replace\tphone number\t1711234567\t1\t[phone 1]\t2021-03-04: rang 01711234567 again\n";
    assert!(Review::read(line).unwrap_err().contains("spreadsheet"));
    assert!(Review::read(&line.replacen("1711", "01711", 1)).is_ok());
}
