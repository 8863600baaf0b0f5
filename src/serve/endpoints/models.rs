//! `GET /v1/models`, `GET /v1/models/{id}` and `GET /health`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::serve::asked::common::not_there;
use crate::serve::http::sent::json_response;
use crate::serve::job::Listed;
use crate::serve::queue::GONE;
use crate::serve::state::Server;

/// `GET /v1/models`.
pub async fn models(State(server): State<Arc<Server>>) -> Response {
    let mut all: Vec<Value> = now(&server).await.iter().map(|model| listed(model, &server)).collect();
    all.extend(embeddings(&server));
    json_response(StatusCode::OK, &json!({ "object": "list", "data": all }))
}

/// `GET /v1/models/{id}`.
pub async fn model(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Response {
    let all = now(&server).await;
    let embeds = embeddings(&server).filter(|model| model["id"] == id);
    let found = all.iter().find(|model| model.name == id).map(|model| listed(model, &server)).or(embeds);
    match found {
        Some(model) => json_response(StatusCode::OK, &model),
        None => not_there(&id, &all).into_response(),
    }
}

/// The models as they are now: files are looked at, which may take a moment.
async fn now(server: &Server) -> Arc<Vec<Listed>> {
    let models = Arc::clone(&server.models);
    let now = tokio::task::spawn_blocking(move || models.now()).await;
    now.unwrap_or_else(|_| server.models.last())
}

fn listed(model: &Listed, server: &Server) -> Value {
    let own = json!({
        "form": model.form,
        "context": model.context,
        "header": model.header,
        "recall": server.recall.is_some(),
        "log": server.log.is_some(),
    });
    of(&model.name, model.created, &own)
}

/// The embedding model, where there is one: it writes nothing.
fn embeddings(server: &Server) -> Option<Value> {
    let name = server.recall.as_ref()?.embeds()?;
    Some(of(&name, 0, &json!({ "form": "embeddings" })))
}

fn of(name: &str, created: u64, own: &Value) -> Value {
    json!({ "id": name, "object": "model", "created": created, "owned_by": "diarist", "diarist": own })
}

/// `GET /health`: whether requests can be answered, and whether the log that was asked for is written.
pub async fn health(State(server): State<Arc<Server>>) -> Response {
    if server.queue.is_gone() {
        let body = json!({ "status": "error", "message": GONE });
        return json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    let mut body =
        json!({ "status": "ok", "models": server.models.last().len(), "jobs": server.queue.jobs() });
    if let Some(log) = &server.log {
        body["log"] = json!(if log.has_failed() { "the last line could not be written" } else { "ok" });
    }
    json_response(StatusCode::OK, &body)
}
