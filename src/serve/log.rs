//! The log that a person may ask for: a line of JSON about each request, with what was said. Without it nothing is written anywhere.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::{Value, json};

use crate::base::{Error, Result, disk};
use crate::serve::asked::common::Asked;
use crate::serve::http::refused::Refused;
use crate::serve::job::{Prompt, Role};

/// HTTP has no number for a client that went away; this one is widely used.
const WENT: u16 = 499;

/// The way to the log.
#[derive(Debug, Clone)]
pub struct Log {
    lines: Sender<String>,
    failed: Arc<AtomicBool>,
}

impl Log {
    /// Opens the file, or makes it with mode 0600. The thread ends when the last [`Log`] of it and the last [`Record`] are gone.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<(Log, JoinHandle<()>)> {
        let file = disk::append(path).map_err(Error::typed("write", path))?;
        #[cfg(unix)]
        {
            let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            // One that was there may be open to others. What is no file (/dev/stderr, a pipe) keeps its mode.
            if file.metadata().is_ok_and(|about| about.is_file()) {
                file.set_permissions(only_mine).map_err(Error::typed("write", path))?;
            }
        }
        let (lines, written) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let log = Log { lines, failed: Arc::clone(&failed) };
        Ok((log, std::thread::spawn(move || write(file, &written, &failed))))
    }

    /// Whether a line could not be written.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

fn write(mut file: File, lines: &Receiver<String>, failed: &AtomicBool) {
    for line in lines {
        // A full disk is not the asker's fault: `/health` says it, and the next line is tried again.
        failed.store(file.write_all(line.as_bytes()).is_err(), Ordering::Relaxed);
    }
}

/// What is noted of one request; written when it is dropped, and so also where the client has gone.
#[derive(Debug, Default)]
pub struct Record {
    log: Option<Log>,
    began: Option<Instant>,
    path: &'static str,
    /// HTTP's number of the answer.
    status: Option<u16>,
    model: Option<String>,
    prompt: Value,
    texts: Vec<String>,
    /// Of the person's entries what was found, or stood before the question.
    entries: Vec<Value>,
    tokens: [usize; 2],
}

impl Record {
    /// Of a request for this path; of nothing, without a log.
    pub fn new(log: Option<&Log>, path: &'static str) -> Record {
        Record {
            log: log.cloned(),
            began: Some(Instant::now()),
            path,
            status: None,
            model: None,
            prompt: Value::Null,
            texts: Vec::new(),
            entries: Vec::new(),
            tokens: [0; 2],
        }
    }

    /// What is asked.
    pub fn asks(&mut self, model: Option<&str>, prompt: impl FnOnce() -> Value) {
        if self.log.is_some() {
            self.model = model.map(String::from);
            self.prompt = prompt();
        }
    }

    /// Which texts are asked for.
    pub fn wishes(&mut self, asked: &Asked) {
        self.asks(Some(&asked.model), || match &asked.writes[..] {
            [one] => prompt(&one.prompt),
            several => several.iter().map(|write| prompt(&write.prompt)).collect(),
        });
    }

    /// What was answered, as far as it came.
    pub fn texts(&mut self, texts: Vec<String>, prompt_tokens: usize, completion_tokens: usize) {
        if self.log.is_some() {
            self.texts = texts;
            self.tokens = [prompt_tokens, completion_tokens];
        }
    }

    /// Which entries were answered with, or were given to the model: names and texts.
    pub fn found<'a>(&mut self, entries: impl Iterator<Item = (&'a str, &'a str)>) {
        if self.log.is_some() {
            self.entries.extend(entries.map(|(name, text)| json!({ "name": name, "text": text })));
        }
    }

    /// It was answered.
    pub fn done(&mut self) {
        self.status = Some(200);
    }

    /// It was not.
    pub fn refused(&mut self, refused: &Refused) {
        self.status = Some(refused.status.as_u16());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(log) = &self.log else { return };
        let line = json!({
            "time": jiff::Timestamp::now().to_string(),
            "path": self.path,
            "status": self.status.unwrap_or(WENT),
            "seconds": self.began.map(|began| began.elapsed().as_secs_f64()),
            "model": self.model,
            "prompt_tokens": self.tokens[0],
            "completion_tokens": self.tokens[1],
            "prompt": self.prompt,
            "texts": self.texts,
            "entries": self.entries,
        });
        // The thread that writes ends only after the last of these is gone.
        let _ = log.lines.send(format!("{line}\n"));
    }
}

fn prompt(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text { heading, text } => json!(format!("{heading}{text}")),
        Prompt::Ids(ids) => json!(ids),
        Prompt::Messages(messages) => messages
            .iter()
            .map(|message| {
                let role = match message.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                };
                json!({ "role": role, "content": message.content })
            })
            .collect(),
    }
}
