//! One mail: whose it is, when it was sent, and what its writer wrote in it.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use mail_parser::{DateTime, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders};

use super::body::{body, without_pgp, without_placeholders};
use super::charset::subject;
use super::quotes;
use crate::journal::format::{Draft, Options, Place, Sink, When};
use crate::journal::syntax::stamps;

/// Mails within mails are kept one in another: more parts than this would be too deep a nest.
const MOST_PARTS: usize = 1000;

/// A mail as it lies in its file.
pub struct Piece<'a> {
    pub bytes: &'a [u8],
    /// False where its end was cut off as too long.
    pub whole: bool,
    pub place: Place,
    /// The day that the line above it in an mbox names.
    pub day: Option<Date>,
}

/// Hands over a mail, if the writer sent it.
pub fn read(piece: &Piece, options: &Options, sink: &mut dyn Sink) {
    let Piece { bytes, place, .. } = *piece;
    let parser = MessageParser::default();
    let Some(head) = parser.parse_headers(bytes).filter(|head| !head.headers().is_empty()) else {
        return sink.lost(place, "", "no mail: it has no headers".to_string());
    };
    let Some(sender) = Sender::of(&head) else {
        return sink.lost(place, "", "a mail without a sender".to_string());
    };
    if !sender.is_me(options) {
        sink.left_out("other people's messages", 1);
        return sink.stranger(sender.shown());
    }
    if let Some(what) = unwanted(&head) {
        return sink.left_out(what, 1);
    }
    if !piece.whole {
        return sink.lost(place, &subject(&head), "a mail longer than 64 MiB".to_string());
    }
    if occurrences(bytes, b"content-type") > MOST_PARTS {
        return sink.lost(place, &subject(&head), format!("a mail of more than {MOST_PARTS} parts"));
    }
    let Some(mail) = parser.parse(bytes) else {
        return sink.lost(place, &subject(&head), "a damaged mail".to_string());
    };
    hand_over(&mail, piece, sink);
}

fn hand_over(mail: &Message, piece: &Piece, sink: &mut dyn Sink) {
    let place = piece.place;
    if mail.parts.iter().any(is_invitation) {
        return sink.left_out("calendar invitations", 1);
    }
    let mut title = subject(mail);
    if mail.parts.iter().any(is_encrypted) {
        return sink.lost(place, &title, ENCRYPTED.to_string());
    }
    let answers = answers(mail, &title);
    let text = match body(mail, answers, sink) {
        Ok(text) => text,
        Err(problem) => return sink.lost(place, &title, problem),
    };
    if text.lines().any(|line| line == "-----BEGIN PGP MESSAGE-----") {
        return sink.lost(place, &title, ENCRYPTED.to_string());
    }
    let text = without_pgp(text, sink);
    let text = without_placeholders(quotes::own_words(&text, answers, sink), sink);
    if !title.is_empty() && answers {
        // Somebody else's words, as a rule.
        sink.left_out("subjects of replies", 1);
        title.clear();
    }
    let when = sent(mail, piece, sink);
    sink.entry(Draft { when, title, text, place, ..Draft::default() });
}

const ENCRYPTED: &str = "encrypted: decrypt it in your mail program and export it again";

/// Whom a mail is from.
struct Sender {
    name: String,
    address: String,
}

impl Sender {
    fn of(mail: &Message) -> Option<Sender> {
        let first = mail.from()?.first()?;
        let part = |part: Option<&str>| part.unwrap_or("").trim().to_string();
        let sender = Sender { name: part(first.name()), address: part(first.address()) };
        (!sender.shown().is_empty()).then_some(sender)
    }

    fn is_me(&self, options: &Options) -> bool {
        [&self.name, &self.address, &format!("{} <{}>", self.name, self.address)]
            .into_iter()
            .any(|own| !own.is_empty() && options.is_me(own))
    }

    fn shown(&self) -> &str {
        if self.address.is_empty() { &self.name } else { &self.address }
    }
}

/// Gmail's labels of deleted mail and of spam, in small letters.
const TRASH: &[&str] = &[
    "trash",
    "bin",
    "papierkorb",
    "corbeille",
    "papelera",
    "cestino",
    "lixeira",
    "lixo",
    "prullenbak",
    "papirkurv",
    "papperskorgen",
    "корзина",
    "kosz",
];

/// Why a mail is left out by its headers alone.
fn unwanted(head: &Message) -> Option<&'static str> {
    let field =
        |name: &'static str| head.header(name).and_then(HeaderValue::as_text).unwrap_or("").to_lowercase();
    let labels = field("X-Gmail-Labels");
    let has_label =
        |names: &[&str]| labels.split(',').any(|label| names.contains(&label.trim().trim_matches('"')));
    // Mail that Thunderbird has deleted and not yet removed from its file.
    let expunged =
        i64::from_str_radix(field("X-Mozilla-Status").trim(), 16).is_ok_and(|flags| flags & 8 != 0);
    let automatic = !matches!(field("Auto-Submitted").trim(), "" | "no") || !field("X-Autoreply").is_empty();
    if has_label(&["spam"]) {
        Some("spam")
    } else if expunged || has_label(TRASH) {
        Some("deleted mails")
    } else {
        automatic.then_some("automatic mails")
    }
}

/// How often `wanted` stands in `bytes`, in letters of any case.
fn occurrences(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).filter(|window| window.eq_ignore_ascii_case(wanted)).count()
}

fn is_invitation(part: &MessagePart) -> bool {
    part.is_content_type("text", "calendar") && part.content_disposition().is_none_or(|d| !d.is_attachment())
}

fn is_encrypted(part: &MessagePart) -> bool {
    let signed = |part: &MessagePart| {
        part.content_type()
            .and_then(|kind| kind.attribute("smime-type"))
            .is_some_and(|kind| kind.starts_with("signed"))
    };
    part.is_content_type("multipart", "encrypted")
        || ((part.is_content_type("application", "pkcs7-mime")
            || part.is_content_type("application", "x-pkcs7-mime"))
            && !signed(part))
}

/// Of a date that is not understood a message shows so many characters.
const LONGEST_SHOWN: usize = 60;

/// When a mail was sent, as programs of all years wrote it; else the day that its file names.
fn sent(mail: &Message, piece: &Piece, sink: &mut dyn Sink) -> Option<When> {
    let written = mail.header_raw(HeaderName::Date).unwrap_or("").split_whitespace();
    let written = written.collect::<Vec<_>>().join(" ");
    let by_standard = match mail.date() {
        // `23.30.00`
        Some(_) if !written.contains(':') => DateTime::parse_rfc822(&written.replace('.', ":")),
        date => date.cloned(),
    };
    let by_hand = || stamps::read(written.split('(').next()?).map(|stamp| stamp.when(false));
    let found = by_standard.as_ref().and_then(when).or_else(by_hand).or(piece.day.map(When::day));
    if found.is_none() && !written.is_empty() {
        let start: String = written.chars().take(LONGEST_SHOWN).collect();
        sink.trouble(piece.place, format!("“{start}” is a date in a form that is not known"));
    }
    found
}

/// The day and time by the sender's own clock.
fn when(date: &DateTime) -> Option<When> {
    let year = match date.year {
        short @ 0..50 => 2000 + short,
        short @ 50..1000 => 1900 + short % 1900,
        full => full,
    };
    let small = |number: u8| i8::try_from(number).ok();
    let day = Date::new(i16::try_from(year).ok()?, small(date.month)?, small(date.day)?).ok()?;
    let time = Time::new(small(date.hour)?, small(date.minute)?, small(date.second.min(59))?, 0).ok();
    let seconds = (i32::from(date.tz_hour) * 60 + i32::from(date.tz_minute)) * 60;
    let offset = Offset::from_seconds(if date.tz_before_gmt { -seconds } else { seconds }).ok();
    Some(When { day, time, offset: offset.filter(|_| time.is_some()) })
}

/// Whether a mail answers another or passes one on.
fn answers(mail: &Message, subject: &str) -> bool {
    const PREFIXES: [&str; 26] = [
        "re", "aw", "antw", "sv", "vs", "ref", "r", "rif", "res", "odp", "ynt", "fw", "fwd", "wg", "tr", "i",
        "rv", "enc", "doorst", "pd", "vl", "vb", "ilt", "回复", "答复", "转发",
    ];
    let named = |name: &'static str| !matches!(mail.header(name), None | Some(HeaderValue::Empty));
    let prefix = subject.split_once([':', '：']).is_some_and(|(word, _)| {
        let word = word.split('[').next().unwrap_or(word).trim().to_lowercase();
        PREFIXES.contains(&word.as_str())
    });
    prefix || named("In-Reply-To") || named("References")
}
