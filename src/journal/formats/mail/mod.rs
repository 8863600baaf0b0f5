//! Mail: mbox files, and single mails as `.eml`, Apple Mail's `.emlx`, and the files of a Maildir.
//!
//! Only mail that the person sent is theirs. What it quotes, the mails it answers or passes on, signatures, attachments,
//! invitations and automatic answers are left out; of a subject, that of a reply is. Drafts are read.

mod body;
mod charset;
mod message;
mod quotes;
mod words;

use std::io::{BufRead, Read};

use jiff::civil::Date;

use crate::journal::format::{Format, Input, MOST_WHOLE, Options, Place, Sink};
use crate::journal::syntax::lines::next_line;
use crate::journal::syntax::stamps;
use message::Piece;

/// Longer lines are read in pieces.
const PIECE: usize = 1 << 16;

/// Mail.
pub struct Mail;

impl Format for Mail {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn is(&self, input: &Input) -> bool {
        let extension = input.extension();
        if matches!(extension.as_str(), "eml" | "emlx") {
            return true;
        }
        let maildir =
            input.path().parent().is_some_and(|folder| folder.ends_with("cur") || folder.ends_with("new"));
        match extension.as_str() {
            "mbox" | "mbx" | "mbs" => input.is_empty() || is_mbox(input.head()),
            "" => is_mbox(input.head()) || is_mail(input.head()),
            // Mail that somebody saved as text: a letter's own head names no address.
            "txt" | "text" | "mail" => {
                is_mbox(input.head()) || (is_mail(input.head()) && names_address(input.head()))
            }
            _ => maildir && is_mail(input.head()),
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let unwanted = unwanted_folder(input);
        let mut reader = input.reader();
        if is_mbox(input.head()) {
            return each_mail(&mut *reader, &mut |mail| match unwanted {
                Some(what) => sink.left_out(what, 1),
                None => message::read(&mail.as_piece(), options, sink),
            });
        }
        if let Some(what) = unwanted {
            sink.left_out(what, 1);
            return Ok(());
        }
        let mut bytes = Vec::new();
        reader.take(MOST_WHOLE).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        let (bytes, whole) = (without_envelope(&bytes), input.len() <= MOST_WHOLE);
        message::read(&Piece { bytes, whole, place: Place::Line(1), day: None }, options, sink);
        Ok(())
    }
}

/// What a folder's name says of all that is in it.
fn unwanted_folder(input: &Input) -> Option<&'static str> {
    let is_any = |names: &[&str]| {
        names.iter().any(|name| {
            input.stem().eq_ignore_ascii_case(name)
                || input.lies_in(name)
                || input.lies_in(&format!("{name}.mbox"))
        })
    };
    if is_any(&["Junk", ".Junk", "Spam", ".Spam"]) {
        Some("spam")
    } else {
        let flagged = input.name().rsplit_once(":2,").is_some_and(|(_, flags)| flags.contains('T'));
        (flagged || is_any(&["Trash", ".Trash", "Deleted Messages", "Deleted Items"]))
            .then_some("deleted mails")
    }
}

fn is_mbox(head: &str) -> bool {
    let mut lines = head.lines().skip_while(|line| line.is_empty());
    let opens = lines.next().is_some_and(|line| is_separator(line.as_bytes()));
    opens && lines.next().is_some_and(|line| is_header(line.as_bytes()))
}

/// Headers, and among them those that programs write.
fn is_mail(head: &str) -> bool {
    let mut names = Vec::new();
    for line in head.lines().take_while(|line| !line.is_empty()) {
        match line.split_once(':') {
            _ if line.starts_with([' ', '\t']) && !names.is_empty() => {}
            Some((name, _)) if is_header(line.as_bytes()) => names.push(name.to_lowercase()),
            _ => return false,
        }
    }
    let has = |name: &str| names.iter().any(|found| found == name);
    has("from")
        && (has("message-id") || has("mime-version") || has("received") || (has("date") && has("subject")))
}

/// Whether the sender's header has an address.
fn names_address(head: &str) -> bool {
    let mut headers = head.lines().take_while(|line| !line.is_empty());
    headers.any(|line| {
        line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("from:")) && line.contains('@')
    })
}

/// `From ann@example.org Fri Jan  5 09:30:15 2024`, in the many ways it is written.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let words = || rest.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let is_year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let is_time = |word: &[u8]| {
        word.len() >= 4 && word.contains(&b':') && word.iter().all(|b| b.is_ascii_digit() || *b == b':')
    };
    rest.len() < 300 && words().count() >= 4 && words().any(is_year) && words().any(is_time)
}

/// `Subject: …`, or a separator that a program has escaped.
fn is_header(line: &[u8]) -> bool {
    let name =
        line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')).count();
    (1..80).contains(&name) && line.get(name) == Some(&b':') || line.starts_with(b">From ")
}

/// One of the mails of an mbox.
struct Cut {
    /// Without its separator; 64 MiB of it at most.
    bytes: Vec<u8>,
    whole: bool,
    /// Where its separator stands.
    line: usize,
    /// The day that its separator names.
    day: Option<Date>,
}

impl Cut {
    fn as_piece(&self) -> Piece<'_> {
        Piece { bytes: &self.bytes, whole: self.whole, place: Place::Line(self.line), day: self.day }
    }
}

/// The day of `From ann@example.org Fri Jan  5 09:30:15 2024`; by what clock it does not say.
fn day_of(separator: &[u8]) -> Option<Date> {
    let separator = String::from_utf8_lossy(separator);
    let words: Vec<&str> =
        separator.split_whitespace().skip(1).filter(|word| !word.starts_with(['+', '-'])).collect();
    (0..words.len())
        .find_map(|from| stamps::read(&words[from..].join(" ")))
        .map(|stamp| stamp.when(false).day)
}

/// Divides an mbox into its mails. A separator counts only with a header below it: people write `From ` too.
fn each_mail(reader: &mut dyn BufRead, each: &mut dyn FnMut(Cut)) -> Result<(), String> {
    let mut mail: Option<Cut> = None;
    let mut separator: Option<Vec<u8>> = None;
    let (mut line, mut number, mut at_start) = (Vec::new(), 0, true);
    let mut above = Vec::new();
    while next_line(reader, PIECE, &mut line).map_err(|e| e.to_string())? {
        number += usize::from(at_start);
        if let Some(held) = separator.take() {
            if is_header(&line) {
                let piece = Cut { bytes: Vec::new(), whole: true, line: number - 1, day: day_of(&held) };
                mail.replace(piece).into_iter().for_each(&mut *each);
            } else {
                add(&mut mail, &held);
            }
        }
        if at_start && is_separator(trimmed(&line)) {
            separator = Some(line.clone());
        } else {
            let escaped = at_start && is_escaped(&line) && !continues_a_quotation(&above);
            add(&mut mail, if escaped { &line[1..] } else { &line });
        }
        at_start = line.ends_with(b"\n");
        std::mem::swap(&mut above, &mut line);
    }
    if let Some(held) = separator {
        add(&mut mail, &held);
    }
    mail.into_iter().for_each(each);
    Ok(())
}

fn add(mail: &mut Option<Cut>, line: &[u8]) {
    let Some(mail) = mail else { return };
    if mail.whole && (mail.bytes.len() + line.len()) as u64 <= MOST_WHOLE {
        mail.bytes.extend_from_slice(line);
    } else {
        mail.whole = false;
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// `>From `, which stands for `From ` at the start of a line.
fn is_escaped(line: &[u8]) -> bool {
    let depth = line.iter().take_while(|b| **b == b'>').count();
    depth > 0 && line[depth..].starts_with(b"From ")
}

/// Below a quoted line or the line that names a quotation's writer, `>From ` is a quotation of "From ".
fn continues_a_quotation(above: &[u8]) -> bool {
    above.starts_with(b">") || trimmed(above).ends_with(b":")
}

/// A mail without what Apple Mail puts around it: its length on the first line, and a list of properties at the end.
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(0);
    let length = std::str::from_utf8(&bytes[..end]).ok().and_then(|first| first.trim().parse::<usize>().ok());
    match length {
        Some(length) => &bytes[end + 1..][..length.min(bytes.len() - end - 1)],
        None => bytes,
    }
}

#[cfg(test)]
mod tests;
