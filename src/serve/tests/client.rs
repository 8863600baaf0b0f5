//! A small HTTP client that shows every byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The error's status, param and code, of an answer that has nothing but `OpenAI`'s error.
    pub fn error(&self) -> (u16, Value, Value) {
        let body = self.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("no error: {body}"));
        assert_eq!(error.keys().collect::<Vec<_>>(), ["message", "type", "param", "code"], "{body}");
        assert!(error["message"].as_str().is_some_and(|m| m.len() > 10), "{body}");
        (self.status, error["param"].clone(), error["code"].clone())
    }

    /// The data of each server-sent event.
    pub fn events(&self) -> Vec<String> {
        let events =
            self.text().strip_suffix("\n\n").unwrap_or_else(|| panic!("cut short: {:?}", self.text()));
        events.split("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_string()).collect()
    }
}

/// Sends bytes as they are.
pub fn raw(at: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(request).unwrap();
    stream
}

/// The bytes of a request; a Host among the headers stands instead of the usual one.
pub fn request(at: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text.extend(["Host: ", &at.to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

/// Asks and waits for the whole answer.
pub fn ask(at: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    whole(raw(at, &request(at, line, headers, body)))
}

pub fn get(at: SocketAddr, path: &str) -> Reply {
    ask(at, &format!("GET {path}"), &[], b"")
}

pub fn post(at: SocketAddr, path: &str, body: &Value) -> Reply {
    ask(at, &format!("POST {path}"), &[], body.to_string().as_bytes())
}

/// Reads an answer to its end.
pub fn whole(stream: TcpStream) -> Reply {
    let mut reader = BufReader::new(stream);
    let (status, headers) = head(&mut reader);
    let mut reply = Reply { status, headers, body: Vec::new() };
    if reply.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = chunk(&mut reader) {
            reply.body.extend(chunk);
        }
    } else {
        reader.read_to_end(&mut reply.body).unwrap();
    }
    reply
}

/// Reads the head of an answer.
pub fn head(reader: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_string()),
        }
    }
    let status = lines.first().expect("an answer")[9..12].parse().unwrap();
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        (name.to_ascii_lowercase(), value.to_string())
    };
    (status, lines[1..].iter().map(header).collect())
}

/// The next chunk of a body; nothing at its end.
pub fn chunk(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut size = String::new();
    reader.read_line(&mut size).unwrap();
    let size =
        usize::from_str_radix(size.trim_end(), 16).expect("the chunk's size: the answer was cut short");
    let mut chunk = vec![0; size + 2];
    reader.read_exact(&mut chunk).unwrap();
    chunk.truncate(size);
    (size > 0).then_some(chunk)
}
