//! `POST /v1/embeddings`: texts as vectors, where an embedding model was given.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::serve::asked::fields::{Fields, missing, unsupported, wrong_type};
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::json_response;
use crate::serve::log::Record;
use crate::serve::recall::{Embedded, aside};
use crate::serve::state::Server;

/// The most texts of one request, as `OpenAI` has it.
const MOST: usize = 2048;

/// A request, understood.
struct Asked {
    model: String,
    texts: Vec<String>,
    as_base64: bool,
    dimensions: Option<usize>,
}

/// `POST /v1/embeddings`.
pub async fn embeddings(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/v1/embeddings");
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
    let Asked { model, texts, as_base64, dimensions } = server.understood(request, understood).await?;
    record.asks(Some(&model), || json!(texts));
    let none = || {
        let message =
            "There is no embedding model here: start the server with --recall and --embeddings DIR.";
        Refused::new(StatusCode::NOT_FOUND, message).code("model_not_found")
    };
    let recall = server.recall.as_ref().ok_or_else(none)?;
    let own = recall.embeds().ok_or_else(none)?;
    if model != own {
        let message = format!("The model `{model}` is no embedding model here. There is: `{own}`.");
        let refused = Refused::new(StatusCode::NOT_FOUND, message).code("model_not_found");
        return Err(Refused { param: Some("model".into()), ..refused });
    }
    let embedded = aside(recall, move |recall| recall.embed(&texts).transpose()).await?;
    let embedded = embedded.ok_or_else(none)?;
    if let (Some(asked), Some(len)) = (dimensions, embedded.first().map(|text| text.vector.len()))
        && asked != len
    {
        let message = format!("'dimensions' must be {len}, or left out: this model's vectors are not cut.");
        return Err(unsupported("dimensions", message));
    }
    let listed = |(index, Embedded { vector, .. }): (usize, &Embedded)| {
        let embedding = if as_base64 { json!(BASE64_STANDARD.encode(bytes(vector))) } else { json!(vector) };
        json!({ "object": "embedding", "index": index, "embedding": embedding })
    };
    let data: Vec<Value> = embedded.iter().enumerate().map(listed).collect();
    let tokens: usize = embedded.iter().map(|text| text.tokens).sum();
    record.texts(Vec::new(), tokens, 0);
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Ok(json!({ "object": "list", "data": data, "model": model, "usage": usage }))
}

/// Numbers as the official clients take them apart.
fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn understood(mut fields: Fields) -> Result<Asked, Refused> {
    let model = fields.needed_text("model")?;
    let expected = "a string or an array of strings";
    let texts = match fields.any("input").ok_or_else(|| missing("input"))? {
        Value::String(text) => vec![text],
        Value::Array(texts) => {
            let text = |value| match value {
                Value::String(text) => Ok(text),
                other => Err(wrong_type("input", expected, &other)),
            };
            texts.into_iter().map(text).collect::<Result<_, _>>()?
        }
        other => return Err(wrong_type("input", expected, &other)),
    };
    if texts.is_empty() || texts.len() > MOST {
        let message = format!("Invalid 'input': expected 1 to {MOST} strings, but got {}.", texts.len());
        return Err(Refused::field("input", None, message));
    }
    if texts.iter().any(String::is_empty) {
        return Err(Refused::field("input", None, "Invalid 'input': no string may be empty."));
    }
    let as_base64 = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("Invalid value: '{other}'. Supported values are: 'float' and 'base64'.");
            return Err(Refused::field("encoding_format", Some("invalid_value"), message));
        }
    };
    let dimensions = fields.whole("dimensions", 1..=i64::from(i32::MAX))?.map(|n| n as usize);
    Ok(Asked { model, texts, as_base64, dimensions })
}
