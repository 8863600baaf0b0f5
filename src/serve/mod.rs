//! Room 7: the models behind `OpenAI`'s HTTP interface, for this computer or, with a token, for others; and a page of our own.
//!
//! [`run()`] speaks HTTP and nothing else: one thread elsewhere owns the device and answers [`Job`]s. Nothing of what is said is
//! written anywhere, unless a log is asked for.

mod answered;
mod asked;
mod endpoints;
mod http;
pub mod job;
mod library;
mod log;
pub mod manner;
mod queue;
pub mod recall;
pub mod settings;
pub mod shelf;
mod spans;
mod state;
pub mod worker;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::base::{Error, Result};
use crate::serve::endpoints::page::{Page, icon};
use crate::serve::endpoints::{embeddings, entries, models, score, texts};
use crate::serve::http::doors::{Doors, guard};
use crate::serve::http::listen::{addresses, listen as sockets};
use crate::serve::http::refused::Refused;
use crate::serve::log::Log;
use crate::serve::queue::Queue;
use crate::serve::shelf::Shelf;
use crate::serve::state::Server;

pub use job::{Job, Listed};
pub use library::Entries;
pub use recall::{Found, Lean, Recall};
pub use settings::{Limits, Settings};

/// Threads that speak HTTP; the models have theirs.
const THREADS: usize = 2;
/// Threads that look into the entries.
const LOOKERS: usize = 8;

/// The sockets that a server listens at. What connects before [`run`] waits.
pub struct Listening(Vec<std::net::TcpListener>);

impl Listening {
    /// Whether only programs on this computer reach it.
    pub fn is_loopback(&self) -> bool {
        self.0.iter().all(|at| at.local_addr().is_ok_and(|at| at.ip().is_loopback()))
    }
}

/// Checks the settings, and begins to listen: before models are opened, which may take a while.
///
/// # Errors
/// The settings cannot be, or the port is in use.
pub fn listen(settings: &Settings) -> Result<Listening> {
    settings.check(addresses(&settings.host)?.iter().all(std::net::IpAddr::is_loopback))?;
    Ok(Listening(sockets(&settings.host, settings.port)?))
}

/// Serves `models` until [`Settings::stop`] is set. `jobs` leads to the worker; it is dropped when this returns, and the worker can
/// end on that. `on_ready` is called once with the address, when requests are accepted.
///
/// # Errors
/// The log cannot be opened, or nothing can be served.
pub fn run(
    Listening(listeners): Listening,
    settings: &Settings,
    models: Shelf,
    jobs: Sender<Job>,
    recall: Option<Arc<dyn Recall>>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    let (log, writer) = settings.log.as_deref().map(Log::open).transpose()?.unzip();
    let queue = Queue::new(jobs, settings.limits.jobs);
    let server = Server::new(models, queue, recall, log, settings.limits.clone());
    let router = router(server, Doors::new(settings));
    let odd = |e: std::io::Error| {
        Error::setting(format!("cannot serve: {e}"), "close other programs, and try again")
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(LOOKERS)
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(odd)?;
    let outcome = runtime.block_on(async {
        let listeners: std::io::Result<Vec<_>> = listeners.into_iter().map(TcpListener::from_std).collect();
        let listeners = listeners?;
        let first = listeners.first().map(TcpListener::local_addr).transpose()?;
        // There is one, or `listen` had failed.
        if let Some(at) = first {
            on_ready(at);
        }
        http::connections::serve(listeners, router, &settings.limits, &settings.stop).await;
        Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    // All that could write has gone with the runtime.
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    outcome.map_err(odd)
}

/// What is answered, and by whom.
fn router(server: Server, doors: Doors) -> Router {
    let page = Page::new(include_str!("page.html"));
    Router::new()
        .route("/", get(async move || page.response()))
        .route("/favicon.ico", get(icon))
        .route("/health", get(models::health))
        .route("/v1/models", get(models::models))
        .route("/v1/models/{*id}", get(models::model))
        .route("/v1/completions", post(texts::completions))
        .route("/v1/chat/completions", post(texts::chats))
        .route("/v1/embeddings", post(embeddings::embeddings))
        .route("/diarist/score", post(score::score))
        .route("/diarist/recall", post(entries::recall))
        .route("/diarist/leans", post(entries::leans))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::new(server))
        .layer(from_fn_with_state(Arc::new(doors), guard))
}

async fn unknown(request: Request) -> Refused {
    let message = format!("Invalid URL ({} {})", request.method(), request.uri().path());
    Refused::new(StatusCode::NOT_FOUND, message)
}

async fn wrong_method(request: Request) -> Refused {
    let message = format!("Not allowed to {} on {}", request.method(), request.uri().path());
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, message).code("method_not_allowed")
}
