//! HTTP as the hub speaks it. Beside `eval::pairs::ask`, which sends what a person says to where they say, this is the only file that can open a connection.
//!
//! `GET /api/models/OWNER/NAME/revision/main` lists the files of the newest commit. `HEAD` and `GET` of
//! `/OWNER/NAME/resolve/COMMIT/FILE` are answered by the file, or by a redirect: a relative one (the model was renamed, the
//! file lies in a cache) is followed for the headers; an absolute one leads to where the bytes are, and carries them itself:
//! `X-Repo-Commit`, `X-Linked-Etag` (the SHA-256 of a large file), `X-Linked-Size`. A small file's `ETag` is git's hash of it.
//!
//! No token, no cookie and no name of a user or a computer is sent.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use crate::base::units::duration;
use crate::base::{Error, Result};
use crate::weights::hub::address::{is_absolute, is_loopback, join, range};
use crate::weights::hub::cache::{is_commit, is_hex};
use crate::weights::hub::name::Name;
use crate::weights::words::short;

/// The hub, where nobody names a mirror.
pub const ENDPOINT: &str = "https://huggingface.co";
/// A list of files is shorter, of any model.
const MOST_LIST: u64 = 16 << 20;
/// Redirects that are followed.
const HOPS: usize = 8;
/// How often a question is asked that gets no answer.
const QUESTIONS: u32 = 3;
/// How often a download is gone on with that breaks each time, with nothing gained in between.
pub(super) const TRIES: u32 = 5;
/// Why there is no connection, most often.
const NO_HOST: &str = "the host cannot be found: no network, or a slip in HF_ENDPOINT";

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection, and for the next bytes of an answer.
    pub stall: Duration,
    /// After the first break; twice as long after each one that follows.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { stall: Duration::from_secs(30), pause: Duration::from_secs(1) }
    }
}

/// Why a request came to nothing.
pub(super) enum Failure {
    /// It may work another time: a break, a stall, a server that is busy. Says which, and for how long to wait where it said.
    Broke(String, Option<Duration>),
    /// It will not.
    Final(Error),
}

/// What was asked for, or why it did not come.
pub(super) type Asked<T> = std::result::Result<T, Failure>;

impl Failure {
    fn broke(what: impl Into<String>) -> Failure {
        Failure::Broke(what.into(), None)
    }
}

/// The commit that `main` is, and the files in it.
pub(super) struct Listing {
    pub commit: String,
    pub files: Vec<String>,
}

/// What a file has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub file: String,
    /// 64 hex digits: SHA-256. 40: git's hash of a blob.
    pub hash: String,
    pub size: u64,
}

/// A connection to a hub, made when it is first needed.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    patience: Patience,
}

impl Client {
    /// A client of the hub at `endpoint`; proxies are the environment's.
    pub fn new(endpoint: &str, patience: Patience) -> Client {
        let loopback = endpoint.parse::<Uri>().is_ok_and(|uri| is_loopback(&uri));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(Some(patience.stall))
            .timeout_connect(Some(patience.stall))
            .timeout_per_read(Some(patience.stall))
            .timeout_per_write(Some(patience.stall))
            .user_agent(concat!("diarist/", env!("CARGO_PKG_VERSION")))
            .proxy(if loopback { None } else { Proxy::try_from_env() })
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
        Client { agent: config.build().into(), endpoint: endpoint.to_string(), patience }
    }

    /// Asks until there is an answer, there can be none, or there was none [`QUESTIONS`] times.
    fn persist<T>(&self, mut f: impl FnMut() -> Asked<T>) -> Result<T> {
        let mut tries = 1;
        loop {
            match f() {
                Ok(found) => return Ok(found),
                Err(Failure::Final(e)) => return Err(e),
                Err(Failure::Broke(why, wait)) => self.pause(&mut tries, QUESTIONS, &why, wait)?,
            }
        }
    }

    /// Waits before the next try of so many.
    ///
    /// # Errors
    /// That was the last one.
    pub fn pause(&self, tries: &mut u32, most: u32, why: &str, wait: Option<Duration>) -> Result<()> {
        // A server that wants a longer rest than a minute is told of instead.
        let wait = wait.unwrap_or(self.patience.pause * (1 << (*tries - 1)));
        if *tries >= most || wait > Duration::from_secs(60) {
            return Err(Error::setting(format!("{}: {why}", self.endpoint), ways_on()));
        }
        *tries += 1;
        std::thread::sleep(wait);
        Ok(())
    }

    /// The files of a model's newest commit.
    pub fn list(&self, name: &Name) -> Result<Listing> {
        let url = format!("{}/api/models/{name}/revision/main", self.endpoint);
        self.persist(|| {
            let mut answer = self.follow(Method::Get, &url, None, false)?.answer;
            self.check_status(name, "its list of files", &answer)?;
            let text = self.read_short(&mut answer)?;
            let strange = || {
                Failure::Final(Error::setting(
                    format!(
                        "{url}: the answer is no list of a model's files: {}",
                        short(&String::from_utf8_lossy(&text))
                    ),
                    "check HF_ENDPOINT, and whether a page to log in to this network stands before it",
                ))
            };
            let found: Value = serde_json::from_slice(&text).map_err(|_| strange())?;
            let commit = found["sha"].as_str().filter(|sha| is_commit(sha)).ok_or_else(strange)?;
            let siblings = found["siblings"].as_array().ok_or_else(strange)?;
            let files = siblings.iter().filter_map(|file| Some(file["rfilename"].as_str()?.to_string()));
            Ok(Listing { commit: commit.to_string(), files: files.collect() })
        })
    }

    /// What a file of a commit has to be, by the hub's headers.
    pub fn head(&self, name: &Name, commit: &str, file: &str) -> Result<Remote> {
        let url = self.url(name, commit, file);
        self.persist(|| {
            let Followed { answer, commit: from, hash, size } = self.follow(Method::Head, &url, None, true)?;
            if !answer.status().is_redirection() {
                self.check_status(name, file, &answer)?;
            }
            let missing = |what: &str| {
                Failure::Final(Error::setting(
                    format!("{url}: the server does not say {what}, and what it sends could not be checked"),
                    "check HF_ENDPOINT: a mirror has to pass the hub's headers on",
                ))
            };
            if from.is_some_and(|from| from != commit) {
                return Err(Failure::Final(Error::setting(
                    format!("{url}: the server answers with another commit than it was asked for"),
                    "try again; if it stays so, leave HF_ENDPOINT as it was: that mirror is not the hub's copy",
                )));
            }
            let hash = hash.filter(|hash| [40, 64].contains(&hash.len()) && is_hex(hash));
            let hash = hash.ok_or_else(|| missing("the file's hash"))?;
            Ok(Remote { file: file.into(), hash, size: size.ok_or_else(|| missing("the file's size"))? })
        })
    }

    /// A file's bytes from a place on, where the server can do that: the answer, and where it begins.
    pub fn get(&self, name: &Name, commit: &str, remote: &Remote, from: u64) -> Asked<(Response<Body>, u64)> {
        let url = self.url(name, commit, &remote.file);
        let answer = self.follow(Method::Get, &url, Some(from).filter(|&from| from > 0), false)?.answer;
        if answer.status() == 416 {
            return Err(Failure::broke("the server has no such part of the file"));
        }
        self.check_status(name, &remote.file, &answer)?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let lies = |what: String| {
            Failure::Final(Error::setting(
                format!("{url}: {what}; the hub says {} bytes", remote.size),
                "try again later, or another network: something between here and the hub changes what it sends",
            ))
        };
        if header("content-encoding").is_some_and(|encoding| encoding != "identity") {
            return Err(lies("the server sends the file packed, though it was asked not to".into()));
        }
        let at = if answer.status() == 206 {
            let range = header("content-range").and_then(range);
            match range {
                Some((first, total)) if first == from && total.is_none_or(|total| total == remote.size) => {
                    from
                }
                _ => return Err(lies("the server sends another part than it was asked for".into())),
            }
        } else {
            0
        };
        match header("content-length").and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length != remote.size - at => {
                Err(lies(format!("the server is about to send {} bytes in all", length.saturating_add(at))))
            }
            _ => Ok((answer, at)),
        }
    }

    fn url(&self, name: &Name, commit: &str, file: &str) -> String {
        format!("{}/{name}/resolve/{commit}/{file}", self.endpoint)
    }

    /// Asks, and follows redirects; with `headers`, only until the headers of the hub's are known.
    fn follow(&self, method: Method, url: &str, from: Option<u64>, headers: bool) -> Asked<Followed> {
        let mut at = url.to_string();
        let (mut commit, mut hash, mut size) = (None, None, None);
        for _ in 0..HOPS {
            let mut request = match method {
                Method::Get => self.agent.get(&at),
                Method::Head => self.agent.head(&at),
            };
            // The size that is told has to be the file's, not that of some packing of it.
            request = request.header("accept-encoding", "identity");
            if let Some(from) = from {
                request = request.header("range", format!("bytes={from}-"));
            }
            let answer = request.call().map_err(|e| self.failure(e))?;
            let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_string());
            commit = header("x-repo-commit").or(commit);
            hash = header("x-linked-etag").or(hash);
            size = header("x-linked-size").and_then(|size| size.parse().ok()).or(size);
            let location = Some(answer.status()).filter(|status| status.is_redirection());
            let location = location.and_then(|_| header("location"));
            let known = headers && hash.is_some() && size.is_some();
            match location {
                Some(to) if !(known && is_absolute(&to)) => at = join(&at, &to).map_err(Failure::Final)?,
                _ => {
                    if answer.status().is_success() {
                        hash = hash.or_else(|| header("etag"));
                        size = size.or_else(|| header("content-length")?.parse().ok());
                    }
                    let hash = hash.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_string());
                    return Ok(Followed { answer, commit, hash, size });
                }
            }
        }
        Err(Failure::Final(Error::setting(
            format!("{url}: redirected more than {HOPS} times"),
            "check HF_ENDPOINT, and whether a page to log in to this network stands before it",
        )))
    }

    /// Reads an answer that is no model.
    fn read_short(&self, answer: &mut Response<Body>) -> Asked<Vec<u8>> {
        let mut text = Vec::new();
        let read = answer.body_mut().as_reader().take(MOST_LIST + 1).read_to_end(&mut text);
        read.map_err(|e| self.broken(e))?;
        if text.len() as u64 > MOST_LIST {
            return Err(Failure::Final(Error::setting(
                format!("{}: the list of files is longer than 16 MiB, which no model's is", self.endpoint),
                "check HF_ENDPOINT",
            )));
        }
        Ok(text)
    }

    /// What a status that is no success means.
    fn check_status(&self, name: &Name, what: &str, answer: &Response<Body>) -> Asked<()> {
        let code =
            answer.headers().get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
        let by_hand = format!(
            "open {}/{name} in a browser, save config.json, the tokenizer's files and model.safetensors into a folder, and \
             give it as a folder; diarist sends no token",
            self.endpoint
        );
        let (problem, next) = match answer.status().as_u16() {
            200..=299 => return Ok(()),
            401 | 403 if code == "GatedRepo" => (
                format!("{name} is gated: its owners want you to log in and agree to their terms first"),
                by_hand,
            ),
            401 | 403 => (
                format!("there is no {name} on {}, or it is private or gated", self.endpoint),
                format!("check the spelling; if it is yours, {by_hand}"),
            ),
            404 => (
                format!("there is no {name} on {}, or {what} is not in it", self.endpoint),
                "check the spelling on huggingface.co".to_string(),
            ),
            status @ (408 | 425 | 429 | 500..=599) => {
                let wait =
                    answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
                let what = if status == 429 {
                    "too many requests from this network"
                } else {
                    "the server is in trouble"
                };
                return Err(Failure::Broke(
                    format!("{what} (status {status})"),
                    wait.map(Duration::from_secs),
                ));
            }
            status => (format!("{}: {what} of {name}: status {status}", self.endpoint), ways_on()),
        };
        Err(Failure::Final(Error::setting(problem, next)))
    }

    /// An error while a body is read.
    pub fn broken(&self, e: std::io::Error) -> Failure {
        match e.downcast::<ureq::Error>() {
            Ok(e) => self.failure(e),
            Err(e) => self.failure(ureq::Error::Io(e)),
        }
    }

    fn failure(&self, e: ureq::Error) -> Failure {
        use ureq::Error as E;
        let stall = duration(self.patience.stall);
        match e {
            E::Timeout(_) => Failure::broke(format!("nothing came for {stall}")),
            E::HostNotFound => Failure::broke(NO_HOST),
            // How the standard library words it on Unix, and Windows itself.
            E::Io(e) if ["lookup address", "os error 11001"].iter().any(|w| e.to_string().contains(w)) => {
                Failure::broke(NO_HOST)
            }
            // A handshake's failure comes in an error of reading.
            E::Io(_) if e.to_string().contains("certificate") => self.untrusted(&e),
            E::Io(e) => Failure::broke(e.to_string()),
            E::ConnectionFailed => Failure::broke("no connection could be made"),
            E::ConnectProxyFailed(why) => Failure::broke(format!("the proxy made no connection: {why}")),
            E::Protocol(_) | E::BodyStalled => Failure::broke(format!("the connection broke: {e}")),
            E::Rustls(_) | E::Tls(_) | E::Pem(_) => self.untrusted(&e),
            e => Failure::Final(Error::setting(format!("{}: {e}", self.endpoint), ways_on())),
        }
    }

    fn untrusted(&self, e: &ureq::Error) -> Failure {
        Failure::Final(Error::setting(
            format!("{}: its certificate is not trusted: {e}", self.endpoint),
            "check this computer's clock; where a company looks into connections, name its certificates: \
             SSL_CERT_FILE=FILE (Linux), or add them to the system's",
        ))
    }
}

enum Method {
    Get,
    Head,
}

/// An answer that is no redirect, or one whose headers tell enough; what was told on the way.
struct Followed {
    answer: Response<Body>,
    commit: Option<String>,
    hash: Option<String>,
    size: Option<u64>,
}

/// What to do without the hub.
pub(super) fn ways_on() -> String {
    "three ways on: a folder with the model, copied from elsewhere (--from DIR); a mirror of the hub \
     (HF_ENDPOINT=https://…), or a proxy (HTTPS_PROXY=…); or `--from scratch`, which needs no network"
        .into()
}
