//! The text of mails whose bytes are not in the encoding that they are said to be in, or are said to be in none, as was
//! usual before 2000.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, HeaderName, Message, MessagePart, MimeHeaders};

use crate::journal::text::decode;

/// The text of a mail's part.
pub fn text_of<'a>(mail: &'a Message, part: &'a MessagePart) -> Cow<'a, str> {
    let read = part.text_contents().unwrap_or("");
    if !is_damaged(read) || is_labelled(part) {
        return read.into();
    }
    let raw = mail.raw_message().get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let bytes = match part.encoding {
        Encoding::None => Some(Cow::Borrowed(raw)),
        Encoding::QuotedPrintable => quoted_printable_decode(raw).map(Cow::Owned),
        Encoding::Base64 => base64_decode(raw).map(Cow::Owned),
    };
    match bytes.filter(|bytes| std::str::from_utf8(bytes).is_err()) {
        Some(bytes) => decode::text(&bytes, &bytes).into(),
        None => read.into(),
    }
}

/// A mail's subject.
pub fn subject(mail: &Message) -> String {
    let read = mail.subject().unwrap_or("").trim();
    let header = mail.headers().iter().rev().find(|header| header.name == HeaderName::Subject);
    let raw = header.and_then(|at| mail.raw_message().get(at.offset_start as usize..at.offset_end as usize));
    match raw {
        Some(raw) if is_damaged(read) && std::str::from_utf8(raw).is_err() => {
            let text = decode::text(raw, mail.raw_message());
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ => read.to_string(),
    }
}

fn is_damaged(text: &str) -> bool {
    text.contains('\u{fffd}')
}

/// Whether a part names an encoding that is known, and is none of Unicode's.
fn is_labelled(part: &MessagePart) -> bool {
    let charset = part.content_type().and_then(|kind| kind.attribute("charset"));
    charset.is_some_and(|name| {
        !name.to_lowercase().starts_with("utf") && charset_decoder(name.as_bytes()).is_some()
    })
}
