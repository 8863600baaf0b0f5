//! A small server of HTTP on this computer, for tests: it plays a part for each request, in their order, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// What the server does with a request.
pub enum Part {
    /// Answers with a status, headers (each ending in a line break) and a body.
    Says(u16, String, String),
    /// Answers so many bytes, as fast as they are taken.
    Floods(usize),
    /// Closes the connection in the middle of an answer.
    Cuts,
    /// Closes it before there is any.
    Hangs,
    /// Says nothing for so long.
    Waits(Duration),
}

impl Part {
    /// A model's answer.
    pub fn good(text: &str) -> Part {
        Part::finished(text, "stop")
    }

    /// The same, with why it ended.
    pub fn finished(text: &str, reason: &str) -> Part {
        let choice =
            serde_json::json!({"message": {"role": "assistant", "content": text}, "finish_reason": reason});
        Part::Says(200, String::new(), serde_json::json!({ "choices": [choice] }).to_string())
    }

    /// A status with an error in `OpenAI`'s form.
    pub fn error(status: u16, headers: &str, message: &str) -> Part {
        Part::Says(status, headers.into(), serde_json::json!({"error": {"message": message}}).to_string())
    }
}

/// A request, as it came.
#[derive(Debug)]
pub struct Request {
    /// The first line and the headers, in lower case but for the first line.
    pub head: String,
    /// The body.
    pub body: String,
}

/// The server's address, and what it is sent. It ends when its parts are played.
pub fn play(parts: Vec<Part>) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for part in parts {
            let Ok((stream, _)) = listener.accept() else { return };
            let Some(request) = read(&stream) else { return };
            // Nobody may be interested any more.
            let _ = send.send(request);
            let _ = answer(&stream, &part);
        }
    });
    (address, receive)
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: String::from_utf8(body).ok()? })
}

fn answer(mut stream: &TcpStream, part: &Part) -> std::io::Result<()> {
    match part {
        Part::Says(status, headers, body) => {
            write!(
                stream,
                "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Part::Floods(n) => {
            write!(stream, "HTTP/1.1 200 X\r\nconnection: close\r\n\r\n")?;
            let piece = vec![b' '; 65_536];
            (0..n / piece.len()).try_for_each(|_| stream.write_all(&piece))
        }
        Part::Cuts => write!(stream, "HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n{{\"choices\""),
        Part::Hangs => Ok(()),
        Part::Waits(time) => {
            std::thread::sleep(*time);
            Ok(())
        }
    }
}
