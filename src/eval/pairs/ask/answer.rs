//! One question put to an endpoint, once, and what came back.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::base::Error;
use crate::base::units::duration;
use crate::eval::pairs::ask::endpoint::{CONSENT, Endpoint};
use crate::eval::pairs::ask::wait::retry_after;

/// An answer is no longer, in bytes.
pub const MOST: u64 = 16 << 20;

/// What a model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Whether it ends because it became too long, and not because it was done.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Another time it may go: why, and after which wait, where the server named one.
    Later(String, Option<Duration>),
    /// This prompt has none; another may have.
    This(String),
    /// No prompt will have one.
    All(Error),
}

/// What is sent of a prompt: it holds no key.
pub fn body(endpoint: &Endpoint, prompt: &str, temperature: f64, max_tokens: u32) -> Value {
    json!({
        "model": endpoint.model(),
        "messages": [{ "role": "user", "content": prompt }],
        "temperature": temperature,
        "max_tokens": max_tokens,
        "stream": false,
    })
}

/// Sends a body, and reads the answer.
pub fn ask(agent: &Agent, endpoint: &Endpoint, body: &str) -> std::result::Result<Answer, Failure> {
    let mut answer = send(agent, endpoint, body)?;
    let status = answer.status().as_u16();
    if answer.status().is_redirection() {
        return Err(Failure::All(redirected(endpoint, &answer)));
    }
    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|value| retry_after(value, Timestamp::now()));
    let bytes = read(endpoint, &mut answer)?;
    // Before anything is shortened: half a key is no secret any more either.
    let text = endpoint.without_key(&String::from_utf8_lossy(&bytes));
    match status {
        200..=299 => content(&text).map_err(|why| Failure::This(endpoint.without_key(&why))),
        429 | 500..=599 => Err(Failure::Later(said(endpoint, status, &text), wait)),
        // What is wrong with these is wrong with one prompt: too long for the model, say.
        400 | 413 | 422 => Err(Failure::This(said(endpoint, status, &text))),
        _ => Err(Failure::All(Error::setting(said(endpoint, status, &text), advice(status)))),
    }
}

fn send(agent: &Agent, endpoint: &Endpoint, body: &str) -> std::result::Result<Response<Body>, Failure> {
    let mut refused = None;
    for url in endpoint.urls() {
        let mut request =
            agent.post(url).header("content-type", "application/json").header("accept", "application/json");
        if let Some(authorization) = endpoint.authorization() {
            request = request.header("authorization", authorization);
        }
        match request.send(body) {
            Ok(answer) => return Ok(answer),
            // `localhost` has two addresses, and a server may listen on either.
            Err(ureq::Error::Io(e)) if e.kind() == ErrorKind::ConnectionRefused => refused = Some(e),
            Err(e) => return Err(failure(endpoint, e)),
        }
    }
    let why = refused.map_or_else(String::new, |e| format!(": {e}"));
    Err(Failure::All(Error::setting(
        format!("{}: nothing listens there{why}", endpoint.shown()),
        "start the server (`ollama serve`, say), or correct the port",
    )))
}

/// What went wrong before there was a whole answer.
fn failure(endpoint: &Endpoint, e: ureq::Error) -> Failure {
    use ureq::Error as E;
    let shown = endpoint.shown();
    let check = "check the address, and whether the server is up";
    match e {
        E::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => Failure::All(Error::setting(
            format!("{shown}: no connection within {}", duration(endpoint.patience().connect)),
            check,
        )),
        E::Timeout(_) => Failure::This(format!(
            "no whole answer within {}: ask for fewer pairs a batch, or of a faster model",
            duration(endpoint.patience().whole)
        )),
        E::Io(e)
            if matches!(
                e.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            ) =>
        {
            Failure::Later(format!("the connection broke: {e}"), None)
        }
        E::Protocol(e) => Failure::Later(format!("the connection broke: {e}"), None),
        E::BodyStalled => Failure::Later("the connection broke".into(), None),
        E::LargeResponseHeader(..) => Failure::All(Error::setting(
            format!("{shown}: {e}"),
            "no such server sends so long a head: check the address",
        )),
        e => Failure::All(Error::setting(endpoint.without_key(&format!("{shown}: {e}")), check)),
    }
}

fn redirected(endpoint: &Endpoint, answer: &Response<Body>) -> Error {
    let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("no place");
    Error::setting(
        format!(
            "{}: the server redirects to {}, where nothing has been sent: diarist follows no redirect with a diary",
            endpoint.shown(),
            endpoint.without_key(&short(to))
        ),
        format!(
            "if that is the right place, name it as the endpoint; one that is not this computer needs {CONSENT}"
        ),
    )
}

fn read(endpoint: &Endpoint, answer: &mut Response<Body>) -> std::result::Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = answer.body_mut().as_reader().take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|e| match e.downcast::<ureq::Error>() {
        Ok(e) => failure(endpoint, e),
        Err(e) => failure(endpoint, ureq::Error::Io(e)),
    })?;
    if bytes.len() as u64 > MOST {
        return Err(Failure::This(
            "the answer is longer than 16 MiB, which no model's is: it was not read to its end".into(),
        ));
    }
    Ok(bytes)
}

/// The model's words in an answer's JSON.
fn content(text: &str) -> std::result::Result<Answer, String> {
    let found: Value =
        serde_json::from_str(text).map_err(|e| format!("the answer is no JSON ({e}): {}", short(text)))?;
    if let Some(why) = error(&found) {
        return Err(format!("the server answers with an error: {why}"));
    }
    let choices = found["choices"].as_array().ok_or_else(|| {
        format!("the answer has no \"choices\", so it is not in OpenAI's form: {}", short(text))
    })?;
    let choice = choices.first().ok_or("the answer has no choice in it: the model wrote nothing")?;
    let cut = choice["finish_reason"] == "length";
    match choice["message"]["content"].as_str() {
        Some(text) if !text.trim().is_empty() => Ok(Answer { text: text.to_string(), cut }),
        _ if cut => Err("the model used all its tokens up before it wrote a word of the answer (in thinking, perhaps): allow it more".into()),
        _ => Err("the answer has no text in it: the model wrote nothing".into()),
    }
}

/// What an `error` says: an object with a message, in `OpenAI`'s form, or a text, as some servers have it.
fn error(found: &Value) -> Option<String> {
    let error = found.get("error").filter(|error| !error.is_null())?;
    let message = error["message"].as_str().or(error.as_str());
    let kind = error["code"].as_str().or(error["type"].as_str());
    let message = message.map_or_else(|| error.to_string(), str::to_string);
    Some(short(&kind.map_or_else(|| message.clone(), |kind| format!("{message} ({kind})"))))
}

/// A status that is no success, in the server's words where it has any.
fn said(endpoint: &Endpoint, status: u16, text: &str) -> String {
    let why = serde_json::from_str::<Value>(text).ok().and_then(|found| error(&found));
    let why = why.or_else(|| Some(short(text.trim())).filter(|why| !why.is_empty()));
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    endpoint.without_key(&format!("{}: status {status}{why}", endpoint.shown()))
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => "check the key in the environment variable that you named, and what it may be used for",
        404 | 405 => "check the address, which most often ends in /v1, and the model's name",
        _ => "see what the server says of it; diarist needs POST /chat/completions of OpenAI's protocol",
    }
}

/// The beginning of a stranger's text, on one line, with nothing that a terminal obeys.
fn short(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut out: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_words_of_its_first_choice() {
        let good = r#"{"choices":[{"message":{"role":"assistant","content":"[]é"},"finish_reason":"stop"}]}"#;
        assert_eq!(content(good), Ok(Answer { text: "[]é".into(), cut: false }));
        let cut = good.replace("stop", "length");
        assert!(content(&cut).unwrap().cut);
    }

    #[test]
    fn each_thing_that_is_no_answer_has_its_own_message() {
        let cases = [
            ("<html>", "no JSON"),
            ("{}", "not in OpenAI's form"),
            ("[]", "not in OpenAI's form"),
            (r#"{"choices":[]}"#, "no choice"),
            (r#"{"choices":[{}]}"#, "no text"),
            (r#"{"choices":[{"message":{"content":" "}}]}"#, "no text"),
            (r#"{"choices":[{"message":{"content":null},"finish_reason":"length"}]}"#, "all its tokens"),
            (
                r#"{"error":{"message":"model \"x\" not found","type":"api_error"}}"#,
                "model \"x\" not found (api_error)",
            ),
            (r#"{"error":"out of memory"}"#, "out of memory"),
            (r#"{"error":null,"choices":[]}"#, "no choice"),
        ];
        for (text, why) in cases {
            let said = content(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        let long = "\u{1b}[31m".to_string() + &"é".repeat(5000);
        let said = content(&long).unwrap_err();
        assert!(!said.contains('\u{1b}') && said.chars().count() < 400);
    }
}
