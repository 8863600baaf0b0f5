//! A hub of our own on this computer: it speaks the paths of huggingface.co for one model, and fails in the ways asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// How it fails, where it fails at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    #[default]
    None,
    /// Each answer with weights ends after so many bytes, so many times.
    Breaks { after: usize, times: u32 },
    /// The same by a server that knows no parts of files.
    BreaksWithoutParts { after: usize, times: u32 },
    /// A byte of the weights is another.
    OtherBytes,
    /// The weights come with a length that is not the hub's: so many bytes more, or fewer.
    Length(i64),
    /// Without a length: chunks, so many bytes more, or fewer.
    Chunks(i64),
    /// After so many bytes of the weights, nothing comes, and the connection stays.
    Stalls { after: usize, times: u32 },
    /// A part that was not asked for.
    OtherPart,
    /// Every answer to a path that holds this has this status and this X-Error-Code.
    Status(&'static str, u16, &'static str),
    /// The same, so many times.
    Busy(u16, u32),
    /// The list of files does not end.
    LongList,
    /// The list of files is a page to log in.
    Page,
    /// Redirects without end.
    Circle,
    /// Hashes are not told.
    NoHash,
    /// The weights are packed.
    Packed,
}

/// A server for one model, gone with the process.
pub struct Hub {
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    url: String,
    repo: String,
    commit: String,
    files: BTreeMap<String, Vec<u8>>,
    /// Names in the list that there are no files of.
    listed: Vec<String>,
    fault: Fault,
    /// Small files are answered by a relative redirect.
    relative: bool,
    /// Requests as they came, whole.
    log: Vec<String>,
}

/// A commit's name.
pub const COMMIT: &str = "607a30d783dfa663caf39e06633721c8d4cfcd7e";

impl Hub {
    pub fn new(repo: &str, files: BTreeMap<String, Vec<u8>>) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            url: url.clone(),
            repo: repo.into(),
            commit: COMMIT.into(),
            files,
            listed: Vec::new(),
            fault: Fault::None,
            relative: false,
            log: Vec::new(),
        }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        Hub { url, state }
    }

    pub fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    pub fn redirect_small_files(&self) {
        self.state.lock().unwrap().relative = true;
    }

    pub fn list_also(&self, name: &str) {
        self.state.lock().unwrap().listed.push(name.into());
    }

    /// What was asked since the last call, a request each.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

/// SHA-256 of what is large, git's hash of what is small.
pub fn hash(name: &str, bytes: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    if is_large(name) {
        return hex(&Sha256::digest(bytes));
    }
    hex(&Sha1::digest([format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat()))
}

fn is_large(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".bin")
}

/// Answers one request a connection.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut request = read_request(&mut reader)?;
    if request.starts_with("CONNECT ") {
        // A proxy that makes every connection to itself.
        state.lock().unwrap().log.push(request);
        (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
        request = read_request(&mut reader)?;
    }
    let mut parts = request.split(' ');
    let (method, path) = (parts.next()?.to_string(), parts.next()?.to_string());
    let from = request.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let range = name.eq_ignore_ascii_case("range").then_some(value)?;
        range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
    });
    let mut state = state.lock().unwrap();
    state.log.push(request);
    let answer = state.answer(&method, &path, from);
    drop(state);
    let mut out = stream;
    out.write_all(format!("HTTP/1.1 {}\r\nConnection: close\r\n", answer.status).as_bytes()).ok()?;
    for (name, value) in &answer.headers {
        out.write_all(format!("{name}: {value}\r\n").as_bytes()).ok()?;
    }
    out.write_all(b"\r\n").ok()?;
    if method != "HEAD" {
        out.write_all(&answer.body).ok()?;
    }
    out.flush().ok()?;
    if answer.stalls {
        std::thread::sleep(Duration::from_secs(60));
    }
    Some(())
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

#[derive(Default)]
struct Answer {
    status: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    stalls: bool,
}

impl Answer {
    fn of(status: &str, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Answer {
        Answer { status: status.into(), headers, body, stalls: false }
    }
}

impl State {
    fn answer(&mut self, method: &str, path: &str, from: Option<usize>) -> Answer {
        let length = |n: usize| ("Content-Length", n.to_string());
        match self.fault {
            Fault::Status(part, status, code) if path.contains(part) => {
                let headers = vec![("X-Error-Code", code.to_string()), length(0)];
                return Answer::of(&format!("{status} No"), headers, Vec::new());
            }
            Fault::Busy(status, times @ 1..) => {
                self.fault = Fault::Busy(status, times - 1);
                return Answer::of(&format!("{status} Busy"), vec![length(0)], Vec::new());
            }
            Fault::Circle => {
                return Answer::of("302 Found", vec![("Location", "/round".into()), length(0)], Vec::new());
            }
            _ => {}
        }
        let listing = format!("/api/models/{}/revision/", self.repo);
        if path.starts_with(&listing) {
            return self.list();
        }
        if let Some(hash_wanted) = path.strip_prefix("/cdn/") {
            let found = self.files.iter().find(|(name, bytes)| hash(name, bytes) == hash_wanted);
            let bytes = found.expect("we said so").1.clone();
            return self.weights(bytes, from);
        }
        let resolve = [format!("/{}/resolve/", self.repo), "/cache/resolve/".to_string()];
        let Some(rest) = resolve.iter().find_map(|prefix| path.strip_prefix(prefix.as_str())) else {
            return Answer::of("404 Not Found", vec![length(0)], Vec::new());
        };
        let (commit, name) = rest.split_once('/').unwrap();
        assert!(commit == "main" || commit == self.commit, "{path}");
        let Some(bytes) = self.files.get(name) else {
            let headers = vec![("X-Error-Code", "EntryNotFound".into()), length(0)];
            return Answer::of("404 Not Found", headers, Vec::new());
        };
        let commit = ("X-Repo-Commit", self.commit.clone());
        if is_large(name) {
            let hash = hash(name, bytes);
            // An absolute address, as the real one's of another host.
            let mut headers = vec![commit, ("Location", format!("{}/cdn/{hash}", self.url)), length(0)];
            if self.fault != Fault::NoHash {
                headers.push(("X-Linked-Etag", format!("\"{hash}\"")));
            }
            headers.push(("X-Linked-Size", bytes.len().to_string()));
            return Answer::of("302 Found", headers, Vec::new());
        }
        if self.relative && !path.starts_with("/cache/") {
            let to = format!("/cache/resolve/{rest}");
            return Answer::of("307 Temporary Redirect", vec![commit, ("Location", to), length(0)], Vec::new());
        }
        let mut headers = vec![commit, length(bytes.len())];
        if self.fault != Fault::NoHash {
            headers.push(("ETag", format!("\"{}\"", hash(name, bytes))));
        }
        let body = if method == "HEAD" { Vec::new() } else { bytes.clone() };
        Answer::of("200 OK", headers, body)
    }

    fn list(&self) -> Answer {
        if self.fault == Fault::Page {
            let page = b"<html>log in first</html>".to_vec();
            return Answer::of("200 OK", vec![("Content-Length", page.len().to_string())], page);
        }
        let names = self.files.keys().chain(&self.listed);
        let siblings: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).collect();
        let list = serde_json::json!({ "id": self.repo, "sha": self.commit, "siblings": siblings });
        let mut body = list.to_string().into_bytes();
        if self.fault == Fault::LongList {
            body.resize(20 << 20, b' ');
        }
        Answer::of("200 OK", vec![("Content-Length", body.len().to_string())], body)
    }

    /// The bytes of a large file, from a place on, with the fault that is asked for.
    fn weights(&mut self, mut bytes: Vec<u8>, from: Option<usize>) -> Answer {
        let all = bytes.len();
        let from = from.filter(|_| !matches!(self.fault, Fault::BreaksWithoutParts { .. }));
        let at = from.unwrap_or(0).min(all);
        if self.fault == Fault::OtherBytes {
            bytes[all / 2] ^= 1;
        }
        bytes.drain(..at);
        let mut headers = Vec::new();
        let shown = if self.fault == Fault::OtherPart { at + 1 } else { at };
        if from.is_some() {
            headers.push(("Content-Range", format!("bytes {shown}-{}/{all}", all - 1)));
        }
        let mut length = Some(bytes.len());
        let mut stalls = false;
        let changed = |bytes: &mut Vec<u8>, by: i64| bytes.resize((bytes.len() as i64 + by) as usize, b'x');
        match self.fault {
            Fault::Breaks { after, times: times @ 1.. } => {
                bytes.truncate(after);
                self.fault = Fault::Breaks { after, times: times - 1 };
            }
            Fault::BreaksWithoutParts { after, times: times @ 1.. } => {
                bytes.truncate(after);
                self.fault = Fault::BreaksWithoutParts { after, times: times - 1 };
            }
            Fault::Stalls { after, times: times @ 1.. } => {
                bytes.truncate(after);
                stalls = true;
                self.fault = Fault::Stalls { after, times: times - 1 };
            }
            Fault::Length(by) => {
                changed(&mut bytes, by);
                length = Some(bytes.len());
            }
            Fault::Chunks(by) => {
                changed(&mut bytes, by);
                length = None;
                let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
                bytes = [bytes.chunks(5000).flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat();
            }
            Fault::Packed => headers.push(("Content-Encoding", "gzip".into())),
            _ => {}
        }
        match length {
            Some(n) => headers.push(("Content-Length", n.to_string())),
            None => headers.push(("Transfer-Encoding", "chunked".into())),
        }
        let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
        Answer { stalls, ..Answer::of(status, headers, bytes) }
    }
}
