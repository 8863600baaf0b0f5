//! `GET /v1/models`, `GET /v1/models/{id}` and `GET /health`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::asked::common::known;
use crate::serve::http::sent::json_response;
use crate::serve::job::Listed;
use crate::serve::queue::GONE;
use crate::serve::state::Server;

/// `GET /v1/models`.
pub async fn models(State(server): State<Arc<Server>>) -> Response {
    let all: Vec<Value> = server.models.iter().map(|model| listed(model, &server)).collect();
    json_response(StatusCode::OK, &json!({ "object": "list", "data": all }))
}

/// `GET /v1/models/{id}`.
pub async fn model(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Response {
    match known(id, &server.models) {
        Err(refused) => refused.into_response(),
        Ok(name) => {
            let found = server.models.iter().find(|model| model.name == name);
            json_response(StatusCode::OK, &found.map_or(Value::Null, |model| listed(model, &server)))
        }
    }
}

fn listed(model: &Listed, server: &Server) -> Value {
    json!({
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": "diarist",
        "diarist": {
            "form": model.form,
            "context": model.context,
            "header": model.header,
            "recall": server.recall.is_some(),
        },
    })
}

/// `GET /health`: whether requests can be answered, and whether the log that was asked for is written.
pub async fn health(State(server): State<Arc<Server>>) -> Response {
    if server.queue.is_gone() {
        let body = json!({ "status": "error", "message": GONE });
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    let mut body = json!({ "status": "ok", "models": server.models.len(), "jobs": server.queue.jobs() });
    if let Some(log) = &server.log {
        body["log"] = json!(if log.has_failed() { "the last line could not be written" } else { "ok" });
    }
    json_response(StatusCode::OK, &body)
}
