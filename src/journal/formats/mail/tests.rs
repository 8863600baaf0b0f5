use super::*;
use crate::journal::formats::of;
use crate::journal::testing::{Collected, read, read_with, texts};
use proptest::prelude::*;

fn ann() -> Options {
    Options { me: vec!["ann@example.org".into()], ..Options::default() }
}

fn mail(headers: &str, body: &str) -> Collected {
    let text = format!("From: Ann Example <ann@example.org>\n{headers}\n\n{body}");
    read("a.eml", text.as_bytes(), &ann())
}

fn text(headers: &str, body: &str) -> String {
    let found = mail(headers, body);
    assert!(found.troubles.is_empty() && found.failed.is_none(), "{found:?}");
    texts(&found).join("|")
}

fn format_of(path: &str, text: &str) -> &'static str {
    of(&Input::from_bytes(path, text.as_bytes().to_vec())).map_or("none", |format| format.name())
}

#[test]
fn mail_is_told_by_its_headers() {
    let one = "Received: by x\nFrom: a@b.c\nDate: Fri, 5 Jan 2024 09:30:15 +0100\n\nhi\n";
    assert_eq!(format_of("Maildir/cur/1700.M1.host:2,S", one), "mail");
    assert_eq!(format_of("mh/12", one), "mail");
    assert_eq!(format_of("Mail/Sent", &format!("From - Fri Jan 05 09:30:15 2024\n{one}")), "mail");
    assert_eq!(format_of("letter.txt", one), "mail");
    let typed = "From: Mum\nDate: 5 May 2020\nSubject: tea\n\nDear you";
    assert_eq!(format_of("letter.txt", typed), "plain text");
    assert_eq!(format_of("letter", "From: me\nTo: you\n\nDear you"), "plain text");
    assert_eq!(format_of("letter", "From Fri Jan 5 09:30:15 2024 on\nI was well.\n"), "plain text");
}

#[test]
fn an_mbox_is_divided_where_headers_follow() {
    let from = "From ann@example.org Fri Jan  5 09:30:15 2024\n";
    let head = "From: ann@example.org\nDate: Fri, 5 Jan 2024 09:30:15 -0330\n\n";
    let all = format!(
        "{from}{head}one\n\n{from}not a header\n>From here\n>>From there\n\n{from}{head}two\r\n>x\n>From q\n"
    );
    let found = read("Sent.mbox", all.as_bytes(), &ann());
    let texts: Vec<&str> = found.entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, [format!("one\n\n{from}not a header\nFrom here"), "two".into()]);
    assert_eq!(found.entries[1].place, Place::Line(12));
    assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-01-05T09:30:15-03:30");
}

#[test]
fn who_is_me() {
    for me in ["ANN@example.org", "ann example", "Ann Example <ann@example.org>"] {
        let options = Options { me: vec![me.into()], ..Options::default() };
        assert_eq!(
            read("a.eml", b"From: \"Ann Example\" <ann@example.org>\n\nhi", &options).entries.len(),
            1
        );
    }
    let found = read("a.eml", b"From: \"Ann Example\" <ann@example.org>\n\nhi", &Options::default());
    assert_eq!(
        (found.strangers, found.left_out),
        (vec!["ann@example.org".into()], vec![("other people's messages", 1)])
    );
    assert_eq!(read("a.eml", b"To: x@y.z\n\nhi", &ann()).lost.len(), 1);
    assert_eq!(read("a.eml", b"", &ann()).lost.len(), 1);
}

#[test]
fn parts_and_encodings() {
    assert_eq!(
        text(
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
            "caf=E9 =\nopen"
        ),
        "café open"
    );
    assert_eq!(
        text("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "4pi6"),
        "☺"
    );
    let flowed = "Content-Type: text/plain; format=flowed";
    assert_eq!(text(flowed, "a long \nline\n From here\n\n> q \n> r\n-- \nAnn"), "a long line\nFrom here");
    assert_eq!(
        text("Content-Type: text/plain; format=flowed; delsp=yes", "a long \nline  \nx"),
        "a longline x"
    );
    let html = "Content-Type: text/html; charset=utf-8";
    assert_eq!(
        text(
            html,
            "<p>One<br>two</p><div class=gmail_quote><div class=gmail_attr>On x, Ben wrote:</div><blockquote>q</blockquote><p>three</p><blockquote>r</blockquote></div>"
        ),
        "One\ntwo\n\nthree"
    );
    assert_eq!(
        text(
            html,
            "Yes<div class='gmail_quote'><div class='gmail_attr'>---------- Forwarded message ---------<br>From: Ben</div>q</div>"
        ),
        "Yes"
    );
    assert_eq!(
        text(
            html,
            "Yes<br>On 5 Jan 2024 at 09:30, Ben &lt;b@c.d&gt; wrote:<blockquote>q</blockquote>No<img src=x>"
        ),
        "Yes\n\nNo"
    );
    assert_eq!(
        text(html, "A poem:<blockquote style='margin:0 0 0 40px;border:none'>the sea</blockquote>"),
        "A poem:\n\nthe sea"
    );
    assert_eq!(text(html, "My poem:<blockquote>the rain</blockquote>"), "My poem:\n\nthe rain");
    let answer = "In-Reply-To: <1@x>\nContent-Type: text/html; charset=utf-8";
    let shown = mail(answer, "Yes<blockquote>q<br>r<blockquote>s</blockquote></blockquote>").changed;
    assert_eq!(shown, [("quoted mail", "Yes\n\n> q\n> r\n> \n> s".to_string(), "Yes".to_string())]);
    assert_eq!(text("X: y", "a [image: sea.jpg] b [cid:1@x]\u{fffc}"), "a  b ");
    assert_eq!(text("X: y", "[a] [cid:x [b"), "[a] [cid:x [b");
}

#[test]
fn the_better_of_two_texts() {
    let both = |plain: &str, html: &str| {
        let kind = "Content-Type: multipart/alternative; boundary=b";
        text(
            kind,
            &format!(
                "--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n"
            ),
        )
    };
    assert_eq!(both("*short*", "<b>short</b>"), "*short*");
    assert_eq!(both("", "<b>only</b>"), "only");
    let broken = "It rained the whole day and we walked along the sea until the evening\ncame at last.";
    assert_eq!(both(broken, "<p>It rained at last.</p>"), "It rained at last.");
}

#[test]
fn what_is_not_read() {
    assert_eq!(mail("Auto-Submitted: auto-replied", "away").left_out, [("automatic mails", 1)]);
    assert_eq!(mail("X-Gmail-Labels: Sent,Trash", "x").left_out, [("deleted mails", 1)]);
    assert_eq!(mail("X-Gmail-Labels: Drafts", "x").entries.len(), 1);
    assert_eq!(mail("X-Mozilla-Status: 0009", "x").left_out, [("deleted mails", 1)]);
    assert_eq!(
        mail("Content-Type: text/calendar; method=REPLY", "BEGIN:VCALENDAR").left_out,
        [("calendar invitations", 1)]
    );
    let sealed = mail(
        "Content-Type: multipart/encrypted; boundary=b",
        "--b\nContent-Type: application/octet-stream\n\nx\n--b--",
    );
    assert!(sealed.lost[0].2.starts_with("encrypted") && sealed.entries.is_empty());
    assert!(mail("", "-----BEGIN PGP MESSAGE-----\nx").lost[0].2.starts_with("encrypted"));
    let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhi\n- - a\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
    assert_eq!(text("X: y", signed), "hi\n- a");
}

#[test]
fn bytes_without_a_label_or_with_a_wrong_one() {
    for (label, body) in [
        ("X: y", &b"Gr\xfc\xdfe aus K\xf6ln"[..]),
        ("Content-Type: text/plain; charset=unknown-8bit", b"Gr\xfc\xdfe aus K\xf6ln"),
        ("Content-Type: text/plain; charset=utf-8", b"Gr\xfc\xdfe aus K\xf6ln"),
        (
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
            b"Gr=FC=DFe aus K=F6ln",
        ),
    ] {
        let head = format!("From: ann@example.org\n{label}\nSubject: ");
        let found = read("a.eml", &[head.as_bytes(), b"Gr\xfc\xdfe roh\n\n", body].concat(), &ann());
        let entry = &found.entries[0];
        assert_eq!((entry.title.as_str(), entry.text.as_str()), ("Grüße roh", "Grüße aus Köln"), "{label}");
    }
}

#[test]
fn dates_of_odd_programs() {
    for (written, when) in [
        ("5 Jan 2024 23:30 EST", "2024-01-05T23:30:00"),
        ("Fri, 5 Jan 2024 23:30:00", "2024-01-05T23:30:00"),
        ("Fri Jan  5 23:30:00 2024", "2024-01-05T23:30:00"),
        ("2024-01-05 23:30:00 +0100", "2024-01-05T23:30:00+01:00"),
        ("Friday, January 5, 2024 11:30 PM", "2024-01-05T23:30:00"),
        ("Fri, 5 Jan 2024 23.30.00 +0100", "2024-01-05T23:30:00+01:00"),
    ] {
        let found = mail(&format!("Date: {written}"), "x");
        assert_eq!(found.entries[0].when.map(|when| when.to_string()).as_deref(), Some(when), "{written}");
        assert!(found.troubles.is_empty(), "{written}");
    }
    let odd = mail("Date: the fifth", "x");
    assert_eq!((odd.entries[0].when, odd.troubles.len()), (None, 1));
    for separator in ["From a@b Fri Jan  5 09:30:15 2024", "From 1@xxx Fri Jan 05 09:30:15 +0000 2024"] {
        let text = format!("{separator}\nFrom: ann@example.org\nDate: odd\n\nx\n");
        let found = read("Sent.mbox", text.as_bytes(), &ann());
        assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-01-05");
    }
}

#[test]
fn subjects_are_titles_unless_answered() {
    let title = |headers: &str| mail(headers, "x").entries[0].title.clone();
    assert_eq!(title("Subject: =?utf-8?q?The_sea_=E2=98=BA?="), "The sea ☺");
    assert_eq!(title("Subject: Re: the sea"), "");
    assert_eq!(title("Subject: AW[2]: the sea"), "");
    assert_eq!(title("Subject: the sea\nIn-Reply-To: <1@x>"), "");
    assert_eq!(title("Subject: Regarding: the sea"), "Regarding: the sea");
}

#[test]
fn apples_envelope() {
    let inner = "From: ann@example.org\n\nhi\n";
    let all = format!("{}      \n{inner}<?xml version=\"1.0\"?><plist/>\n", inner.len());
    assert_eq!(read("1.emlx", all.as_bytes(), &ann()).entries[0].text, "hi");
    for odd in ["99999\nFrom: ann@example.org\n\nhi", "9", "9\n", "\n"] {
        read("1.emlx", odd.as_bytes(), &ann());
    }
}

#[test]
fn deep_nests_are_no_danger() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
    assert!(mail("X: y", &nested).lost[0].2.contains("parts"));
    let found = read("a.eml", format!("From: ann@example.org\n{nested}").as_bytes(), &ann());
    assert!(found.lost[0].2.contains("parts"));
    let found = read(
        "a.eml",
        format!("From: ann@example.org\n{}", "Content-Type: message/rfc822\n\n".repeat(990)).as_bytes(),
        &ann(),
    );
    assert!(found.failed.is_none());
    let quotes = "<blockquote>".repeat(3_000);
    assert_eq!(text("Subject: Re: x\nContent-Type: text/html", &format!("a{quotes}b")), "a");
    assert_eq!(text("Content-Type: text/html", &format!("a{quotes}b")), "a\n\nb");
}

#[test]
fn a_mail_too_long_is_told() {
    let from = "From ann@example.org Fri Jan  5 09:30:15 2024\nFrom: ann@example.org\n\n";
    let mut all = from.as_bytes().to_vec();
    all.resize(MOST_WHOLE as usize + 100, b'a');
    all.extend_from_slice(format!("\n\n{from}next\n").as_bytes());
    let found = read("Sent.mbox", &all, &ann());
    assert!(found.lost[0].2.contains("64 MiB"));
    assert_eq!((found.entries.len(), found.entries[0].text.as_str()), (1, "next"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), mbox in any::<bool>()) {
        let mut all = if mbox { b"From a Fri Jan  5 09:30:15 2024\nFrom: ann@example.org\n".to_vec() } else { b"From: ann@example.org\n".to_vec() };
        all.extend(bytes);
        let input = Input::from_bytes("a.eml", all);
        read_with(&Mail, &input, &ann());
    }

    #[test]
    fn mutated_mails_do_not_panic(at in 0usize..500, with in proptest::collection::vec(any::<u8>(), 0..4), cut in 0usize..40) {
        let mut all = b"From: ann@example.org\nDate: Fri, 5 Jan 2024 09:30:15 +0100\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\
            Content-Type: text/html; charset=\"utf-8\"\nContent-Transfer-Encoding: quoted-printable\n\n<p>a<blockquote>x=E2=98=BA</blockquote>\n--b\n\
            Content-Type: message/rfc822\n\nSubject: x\nContent-Type: multipart/digest; boundary=c\n\n--c\n\nFrom: x\n\n--c--\n--b\nContent-Type: text/plain; format=flowed\n\na \n> b\n--b--\n".to_vec();
        let at = at.min(all.len());
        let end = (at + cut).min(all.len());
        all.splice(at..end, with);
        let input = Input::from_bytes("a.eml", all);
        read_with(&Mail, &input, &ann());
    }
}
