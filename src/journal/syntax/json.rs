//! JSON of any length, cut into pieces: the elements of an array or the lines of a file, one at a time.
//!
//! The cutter finds where a value ends and no more; `serde_json` reads the value. So one bad entry spoils no other, and
//! never is more than one held in memory.

use std::io::BufRead;

use serde_json::{Map, Value};

use crate::journal::format::{MOST_WHOLE, Place, Sink};

/// A value cut out of the text.
pub struct Piece {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its JSON; none where it is longer than [`MOST_WHOLE`].
    pub json: Option<Vec<u8>>,
}

impl Piece {
    /// Its fields. What is no object, is broken or too long is lost.
    pub fn object(self, sink: &mut dyn Sink) -> Option<Map<String, Value>> {
        let problem = match self.json.as_deref().map(serde_json::from_slice) {
            Some(Ok(Value::Object(fields))) => return Some(fields),
            Some(Ok(_)) => "not an entry: no JSON object".to_string(),
            Some(Err(e)) => {
                let (line, problem) = parse_error(&e);
                sink.lost(Place::Line(self.line + line.saturating_sub(1)), "", problem);
                return None;
            }
            None => "longer than 64 MiB".to_string(),
        };
        sink.lost(Place::Line(self.line), "", problem);
        None
    }
}

/// The whole of a JSON text.
///
/// # Errors
/// What is wrong, and on which line, as a phrase.
pub fn whole<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|e| {
        let (line, problem) = parse_error(&e);
        format!("{problem} on line {line}")
    })
}

/// The line of an error, from 1, and the error without it.
pub fn parse_error(e: &serde_json::Error) -> (usize, String) {
    let message = e.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    (e.line(), format!("broken JSON: {}", &message[..end]))
}

/// The text of a field that holds text.
pub fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or("")
}

/// The elements of a field that holds a list.
pub fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    fields.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A place in JSON that is being cut.
pub struct Cutter<R> {
    reader: R,
    line: usize,
}

impl<R: BufRead> Cutter<R> {
    pub fn new(reader: R) -> Self {
        Cutter { reader, line: 1 }
    }

    /// The next byte that is no white space, not read yet.
    pub fn peek(&mut self) -> Result<Option<u8>, String> {
        while let Some(byte) = self.byte()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.bump(byte);
        }
        Ok(None)
    }

    /// Reads the documents of a text, one behind the other: whoever joins files, or prints their parts, has several.
    ///
    /// # Errors
    /// What `read` says; something stands behind a document that is none.
    pub fn documents(&mut self, read: &mut dyn FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            read(self)?;
            while self.peek()? == Some(b',') {
                self.bump(b',');
            }
            match self.peek()? {
                // JavaScript ends with a sign of its own.
                None | Some(b';') => return Ok(()),
                Some(b'{' | b'[') => {}
                Some(_) => {
                    return Err(format!(
                        "something stands behind the end of its JSON, on line {}, and is not read",
                        self.line
                    ));
                }
            }
        }
    }

    /// Goes past the next byte of this value.
    pub fn skip_past(&mut self, last: u8) -> Result<(), String> {
        while let Some(byte) = self.byte()? {
            self.bump(byte);
            if byte == last {
                return Ok(());
            }
        }
        Err(format!("ends on line {} before its first entry", self.line))
    }

    fn byte(&mut self) -> Result<Option<u8>, String> {
        Ok(self.reader.fill_buf().map_err(|e| e.to_string())?.first().copied())
    }

    fn bump(&mut self, byte: u8) {
        self.line += usize::from(byte == b'\n');
        self.reader.consume(1);
    }

    /// Hands over the elements of the array that begins here.
    pub fn array(&mut self, take: &mut dyn FnMut(Piece) -> Result<(), String>) -> Result<(), String> {
        self.each(b'[', b']', &mut |cutter| take(cutter.value()?))
    }

    /// Hands over the name of each member of the object that begins here; what is called must read the value.
    pub fn members(
        &mut self,
        take: &mut dyn FnMut(&mut Self, String) -> Result<(), String>,
    ) -> Result<(), String> {
        self.each(b'{', b'}', &mut |cutter| {
            let Piece { line, json } = cutter.value()?;
            let name = json.and_then(|json| serde_json::from_slice(&json).ok());
            match (name, cutter.peek()?) {
                (Some(name), Some(b':')) => {
                    cutter.bump(b':');
                    take(cutter, name)
                }
                _ => Err(format!("broken JSON on line {line}: a field has no name")),
            }
        })
    }

    fn each(
        &mut self,
        open: u8,
        close: u8,
        take: &mut dyn FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        if self.peek()? != Some(open) {
            return Err(format!(
                "broken JSON on line {}: no `{}` where it should be",
                self.line, open as char
            ));
        }
        self.bump(open);
        loop {
            if self.peek()? == Some(close) {
                self.bump(close);
                return Ok(());
            }
            take(self)?;
            match self.peek()? {
                Some(b',') => self.bump(b','),
                Some(byte) if byte == close => {}
                Some(_) => return Err(format!("broken JSON on line {}: a comma is missing", self.line)),
                None => return Err(format!("breaks off on line {}", self.line)),
            }
        }
    }

    /// Cuts out the value that begins here.
    pub fn value(&mut self) -> Result<Piece, String> {
        let first = self.peek()?.ok_or_else(|| format!("breaks off on line {}", self.line))?;
        let line = self.line;
        let (mut end, mut json, mut over) = (End::new(first), Vec::new(), false);
        loop {
            let buffer = self.reader.fill_buf().map_err(|e| e.to_string())?;
            if buffer.is_empty() && !end.may_stop() {
                return Err(format!("breaks off in the middle of what begins on line {line}"));
            }
            let (length, ended) = end.find(buffer);
            over |= json.len() + length > MOST_WHOLE as usize;
            if over {
                json = Vec::new();
            } else {
                json.extend_from_slice(&buffer[..length]);
            }
            self.line += buffer[..length].iter().filter(|byte| **byte == b'\n').count();
            let at_end = buffer.is_empty();
            self.reader.consume(length);
            if ended || at_end {
                // A stray `,` or `]` is a value without a byte; reading on from it would never end.
                let nothing = json.is_empty() && !over;
                let stray = || format!("broken JSON on line {line}: a value is missing");
                return if nothing {
                    Err(stray())
                } else {
                    Ok(Piece { line, json: (!over).then_some(json) })
                };
            }
        }
    }

    /// Cuts out the next line that is not blank.
    pub fn line(&mut self) -> Result<Option<Piece>, String> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let (line, mut json, mut over) = (self.line, Vec::new(), false);
        loop {
            let buffer = self.reader.fill_buf().map_err(|e| e.to_string())?;
            let feed = buffer.iter().position(|byte| *byte == b'\n');
            let length = feed.map_or(buffer.len(), |at| at + 1);
            over |= json.len() + length > MOST_WHOLE as usize;
            if over {
                json = Vec::new();
            } else {
                json.extend_from_slice(&buffer[..feed.unwrap_or(length)]);
            }
            self.reader.consume(length);
            if feed.is_some() || length == 0 {
                self.line += usize::from(feed.is_some());
                return Ok(Some(Piece { line, json: (!over).then_some(json) }));
            }
        }
    }
}

/// Where a value ends.
struct End {
    /// It is a number or a word, and ends before what cannot be a part of it.
    bare: bool,
    depth: usize,
    quotes: Quotes,
}

/// Whether a place in JSON is in a string.
#[derive(Debug, Default)]
pub struct Quotes {
    /// It is.
    pub open: bool,
    escaped: bool,
}

impl Quotes {
    /// Goes past a byte; whether it is a part of a string, the closing quotation mark too.
    pub fn take(&mut self, byte: u8) -> bool {
        let was = self.open;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if was => self.escaped = true,
            b'"' => self.open = !was,
            _ => {}
        }
        was
    }
}

impl End {
    fn new(first: u8) -> End {
        End { bare: !matches!(first, b'{' | b'[' | b'"'), depth: 0, quotes: Quotes::default() }
    }

    /// Whether the text may end here.
    fn may_stop(&self) -> bool {
        self.bare
    }

    /// How many of these bytes belong to the value, and whether it ends with them.
    fn find(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (i, byte) in bytes.iter().enumerate() {
            if self.bare {
                if matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace() {
                    return (i, true);
                }
            } else if self.takes_last(*byte) {
                return (i + 1, true);
            }
        }
        (bytes.len(), false)
    }

    fn takes_last(&mut self, byte: u8) -> bool {
        if self.quotes.take(byte) {
            return !self.quotes.open && self.depth == 0;
        }
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of an array and what went wrong, read through a buffer of `size` bytes.
    fn elements(json: &str, size: usize) -> (Vec<(usize, String)>, Result<(), String>) {
        let mut found = Vec::new();
        let reader = std::io::BufReader::with_capacity(size, json.as_bytes());
        let result = Cutter::new(reader).array(&mut |piece| {
            found.push((piece.line, String::from_utf8(piece.json.unwrap()).unwrap()));
            Ok(())
        });
        (found, result)
    }

    #[test]
    fn an_array_is_cut_whatever_the_buffer() {
        let json = "[ {\"a\": \"]}\\\"\\\\\"},\n\n[1, [2]], 17 ,\"x,y\", null,]";
        for size in 1..40 {
            let (found, result) = elements(json, size);
            assert!(result.is_ok());
            let found: Vec<(usize, &str)> = found.iter().map(|(line, json)| (*line, json.as_str())).collect();
            assert_eq!(
                found,
                [(1, "{\"a\": \"]}\\\"\\\\\"}"), (3, "[1, [2]]"), (3, "17"), (3, "\"x,y\""), (3, "null")]
            );
        }
    }

    #[test]
    fn damage_is_found_where_it_is() {
        for (json, before, problem) in [
            ("", 0, "no `[`"),
            ("{}", 0, "no `[`"),
            ("[1,\n2", 2, "breaks off on line 2"),
            ("[1,\n{\"a\":", 1, "begins on line 2"),
            ("[{} {}]", 1, "comma"),
            ("[1,\n,2]", 1, "value is missing"),
            ("[}", 0, "value is missing"),
        ] {
            let (found, result) = elements(json, 7);
            assert_eq!(found.len(), before, "{json}");
            assert!(result.unwrap_err().contains(problem), "{json}");
        }
    }

    #[test]
    fn documents_behind_one_another() {
        let read = |json: &str| {
            let mut found = 0;
            let mut cutter = Cutter::new(json.as_bytes());
            let result = cutter.documents(&mut |cutter| {
                found += 1;
                cutter.value().map(drop)
            });
            (found, result.err().unwrap_or_default())
        };
        for json in ["{}\n{\n}\n", "{},{},", "[1] [2]", "{}{};"] {
            assert_eq!(read(json), (2, String::new()), "{json}");
        }
        let (found, problem) = read("{}\nand more");
        assert!(found == 1 && problem.contains("line 2"), "{problem}");
    }

    #[test]
    fn members_and_lines() {
        let mut names = Vec::new();
        let json = "{\"a\": 1, \"\\u00e9\" : [ {} ]}".as_bytes();
        let read = Cutter::new(json).members(&mut |cutter, name| {
            names.push(name);
            cutter.value().map(drop)
        });
        assert!(read.is_ok());
        assert_eq!(names, ["a", "é"]);
        assert!(Cutter::new("{a: 1}".as_bytes()).members(&mut |_, _| Ok(())).is_err());

        let mut cutter = Cutter::new("\n{\"a\":\n\n1\n".as_bytes());
        let mut lines = Vec::new();
        while let Some(piece) = cutter.line().unwrap() {
            lines.push(piece.line);
        }
        assert_eq!(lines, [2, 4]);
    }
}
