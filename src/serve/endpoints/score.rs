//! `POST /diarist/score`: how surprised a model is by each token of a text.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::asked::common::model;
use crate::serve::asked::fields::Fields;
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::json_response;
use crate::serve::job::{Likely, Listed, Score};
use crate::serve::log::Record;
use crate::serve::state::Server;

/// `POST /diarist/score`.
pub async fn score(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/diarist/score");
    match answer(&server, request, &mut record).await {
        Ok(body) => {
            record.done();
            json_response(StatusCode::OK, &body)
        }
        Err(refused) => {
            record.refused(&refused);
            refused.into_response()
        }
    }
}

async fn answer(server: &Server, request: Request, record: &mut Record) -> Result<Value, Refused> {
    let listed = server.models.last();
    let score = server.understood(request, move |fields| understood(fields, &listed)).await?;
    record.asks(Some(&score.model), || json!(score.text));
    let tokens = server.queue.score(score).await?;
    record.texts(Vec::new(), tokens.len(), 0);
    Ok(json!({ "tokens": surprises(&tokens) }))
}

fn understood(mut fields: Fields, listed: &[Listed]) -> Result<Score, Refused> {
    Ok(Score { model: model(&mut fields, listed)?, text: fields.needed_text("text")? })
}

/// The tokens with their places in UTF-16 units; those that share a character are one, as surprising as all of them together. Of the
/// first of a text nothing is known.
fn surprises(tokens: &[Likely]) -> Vec<Value> {
    let mut all = Vec::new();
    let mut start = 0;
    let mut bytes: Vec<u8> = Vec::new();
    let mut nats: Option<f64> = Some(0.0);
    for (i, token) in tokens.iter().enumerate() {
        bytes.extend(&token.bytes);
        nats = nats.zip(token.logprob).map(|(sum, logprob)| sum - f64::from(logprob));
        let next = tokens.get(i + 1).and_then(|next| next.bytes.first());
        let goes_on = is_cut_short(&bytes) && next.is_some_and(|byte| byte & 0xc0 == 0x80);
        if goes_on || bytes.is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let end = start + text.encode_utf16().count();
        let bits = nats.map(|nats| nats / std::f64::consts::LN_2);
        all.push(json!({ "text": text, "start": start, "end": end, "bits": bits }));
        start = end;
        bytes.clear();
        nats = Some(0.0);
    }
    all
}

/// Whether the bytes end within a character that more of them could complete.
fn is_cut_short(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return false,
            Err(e) => match e.error_len() {
                None => return true,
                Some(len) => rest = &rest[e.valid_up_to() + len..],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely(bytes: &[u8], bits: Option<f32>) -> Likely {
        let logprob = bits.map(|bits| -bits * std::f32::consts::LN_2);
        Likely { id: 0, bytes: bytes.to_vec(), logprob, instead: Vec::new() }
    }

    fn spans(tokens: &[Likely]) -> Vec<(String, u64, u64, Option<i64>)> {
        let whole = |value: &Value| value.as_f64().map(|bits| bits.round() as i64);
        let span = |v: &Value| {
            let text = v["text"].as_str().unwrap().to_string();
            (text, v["start"].as_u64().unwrap(), v["end"].as_u64().unwrap(), whole(&v["bits"]))
        };
        surprises(tokens).iter().map(span).collect()
    }

    #[test]
    fn tokens_that_share_a_character_are_one_and_places_are_in_utf16() {
        let face = "😀".as_bytes();
        let tokens = [
            likely(b"a", None),
            likely(&[b" ".as_slice(), &face[..1]].concat(), Some(1.0)),
            likely(&face[1..3], Some(2.0)),
            likely(&face[3..], Some(4.0)),
            likely("é".as_bytes(), Some(3.0)),
        ];
        let expected = [("a".into(), 0, 1, None), (" 😀".into(), 1, 4, Some(7)), ("é".into(), 4, 5, Some(3))];
        assert_eq!(spans(&tokens), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_not_waited_for() {
        let tokens =
            [likely(b"\xe2", Some(1.0)), likely(b"b", Some(2.0)), likely(b"\xff\xe2\x80", Some(1.0))];
        let expected = [
            ("\u{fffd}".into(), 0, 1, Some(1)),
            ("b".into(), 1, 2, Some(2)),
            ("\u{fffd}\u{fffd}".into(), 2, 4, Some(1)),
        ];
        assert_eq!(spans(&tokens), expected);
        assert!(spans(&[]).is_empty());
    }
}
