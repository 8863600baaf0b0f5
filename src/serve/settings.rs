//! What a person decides about the server, and its bounds.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::base::{Error, Result};

/// Tokens of one text at most, where nobody says.
pub const TOKENS: u32 = 32_768;

/// Where the server listens, to whom it answers, and what it keeps.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `localhost` for this computer alone (127.0.0.1 and `[::1]`), or an address or a name of it that others reach.
    pub host: String,
    /// The port; 0 takes one that is free.
    pub port: u16,
    /// What a client must show as `Authorization: Bearer`. Off loopback there must be one.
    pub token: Option<String>,
    /// Other names under which clients reach this server (`host.docker.internal`), beside `host`.
    pub names: Vec<String>,
    /// Web pages of other servers that may ask, as `http://localhost:3000`.
    pub origins: Vec<String>,
    /// Where a line is written about each request, with what was said. Without it nothing is.
    pub log: Option<PathBuf>,
    /// How much, and how long.
    pub limits: Limits,
    /// Set from elsewhere (Ctrl-C) to end the server.
    pub stop: Arc<AtomicBool>,
}

impl Default for Settings {
    /// This computer alone, at a free port.
    fn default() -> Settings {
        Settings {
            host: "localhost".into(),
            port: 0,
            token: None,
            names: Vec::new(),
            origins: Vec::new(),
            log: None,
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }
}

/// The bounds of what one client can take from others.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// Jobs that the worker holds, at work or waiting; more are refused.
    pub jobs: usize,
    /// Tokens of one text, however many are asked for.
    pub tokens: usize,
    /// How long a request's header may take, and how long a connection may idle.
    pub header_time: Duration,
    /// How long a request's body may take.
    pub body_time: Duration,
    /// How long a client may take nothing of an answer that is there.
    pub write_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 10 << 20,
            connections: 256,
            jobs: 64,
            tokens: TOKENS as usize,
            header_time: Duration::from_secs(30),
            body_time: Duration::from_mins(1),
            write_time: Duration::from_mins(2),
        }
    }
}

impl Settings {
    /// Checks what can be checked before anything is opened; `on_loopback` says whether only this computer reaches the server.
    ///
    /// # Errors
    /// No token off loopback; a token that no header can carry; an origin that is none.
    pub fn check(&self, on_loopback: bool) -> Result<()> {
        match &self.token {
            None if !on_loopback => {
                return Err(Error::usage(
                    format!(
                        "{} is reached by other computers, and without a token anybody there could read your models",
                        self.host
                    ),
                    "give --token, or leave out --host to serve this computer alone",
                ));
            }
            Some(token) if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) => {
                return Err(Error::usage(
                    "the token is empty, or has characters that HTTP cannot carry",
                    "use letters, digits and signs of ASCII, without spaces",
                ));
            }
            _ => {}
        }
        match self.origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(()),
            Some(odd) => Err(Error::usage(
                format!("--allow-origin {odd}: not the origin of a page"),
                "give scheme, host and port as the browser sends them, http://localhost:3000 say",
            )),
        }
    }
}

/// Whether this is an origin as browsers send it: a scheme and a host, perhaps a port, and nothing behind.
fn is_origin(origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    !scheme.is_empty()
        && !host.is_empty()
        && origin.bytes().all(|b| b.is_ascii_graphic())
        && !host.contains(['/', '?', '#', '@', '*', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_there_must_be_a_token_that_a_header_can_carry() {
        let mut settings = Settings::default();
        assert!(settings.check(true).is_ok());
        assert!(settings.check(false).unwrap_err().to_string().contains("--token"));
        for (token, good) in [("s3cret-", true), ("", false), ("two words", false), ("über", false)] {
            settings.token = Some(token.into());
            assert_eq!(settings.check(false).is_ok(), good, "{token:?}");
            assert_eq!(settings.check(true).is_ok(), good, "{token:?}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_never_everybody() {
        for good in ["http://localhost:3000", "https://notes.example", "app://obsidian.md", "http://[::1]:80"]
        {
            assert!(is_origin(good), "{good}");
        }
        for bad in
            ["*", "null", "", "localhost:3000", "http://a/", "http://*", "http://a b", "://a", "http://"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
