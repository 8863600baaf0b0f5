//! `POST /diarist/recall` and `POST /diarist/leans`: what is in the person's own entries.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::asked::fields::Fields;
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::json_response;
use crate::serve::log::Record;
use crate::serve::recall::{Found, Lean, Recall, aside};
use crate::serve::spans::utf16;
use crate::serve::state::Server;

/// The most passages of one answer.
const MOST: i64 = 100;
/// How many passages answer a question, where it does not say.
const PASSAGES: usize = 5;
/// How many passages a text is shown to lean on, where it does not say.
const LEANS: usize = 10;

/// `POST /diarist/recall`.
pub async fn recall(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/diarist/recall");
    let body = found(&server, request, &mut record).await;
    respond(body, &mut record)
}

/// `POST /diarist/leans`.
pub async fn leans(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/diarist/leans");
    let body = leaning(&server, request, &mut record).await;
    respond(body, &mut record)
}

fn respond(body: Result<Value, Refused>, record: &mut Record) -> Response {
    match body {
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

async fn found(server: &Server, request: Request, record: &mut Record) -> Result<Value, Refused> {
    let (query, k) = server.understood(request, |fields| understood(fields, "query", PASSAGES)).await?;
    record.asks(None, || json!(query));
    let found = aside(index(server)?, move |recall| recall.find(&query, k)).await?;
    record.found(found.iter().map(|found| (&found.name[..], &found.text[..])));
    let passage = |found: &Found| json!({ "name": found.name, "date": found.date, "text": found.text, "score": found.score });
    Ok(json!({ "passages": found.iter().map(passage).collect::<Vec<Value>>() }))
}

async fn leaning(server: &Server, request: Request, record: &mut Record) -> Result<Value, Refused> {
    let (text, k) = server.understood(request, |fields| understood(fields, "text", LEANS)).await?;
    record.asks(None, || json!(text));
    let (leans, at) = aside(index(server)?, move |recall| {
        let leans = recall.leans(&text, k)?;
        let places: Vec<_> = leans.iter().map(|lean| lean.at.clone()).collect();
        Ok((leans, utf16(&text, &places)))
    })
    .await?;
    record.found(leans.iter().map(|lean| (&lean.name[..], &lean.text[..])));
    let lean = |(lean, [start, end]): (&Lean, [usize; 2])| {
        json!({
            "name": lean.name, "date": lean.date, "words": lean.words, "text": lean.text, "start": start, "end": end,
        })
    };
    Ok(json!({ "leans": leans.iter().zip(at).map(lean).collect::<Vec<Value>>() }))
}

fn understood(mut fields: Fields, name: &str, k: usize) -> Result<(String, usize), Refused> {
    Ok((fields.needed_text(name)?, fields.whole("k", 1..=MOST)?.map_or(k, |k| k as usize)))
}

fn index(server: &Server) -> Result<&Arc<dyn Recall>, Refused> {
    server.recall.as_ref().ok_or_else(|| {
        let message = "There is no index of entries here: start the server with --recall.";
        Refused::new(StatusCode::NOT_FOUND, message).code("no_recall")
    })
}
