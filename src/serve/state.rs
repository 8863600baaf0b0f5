//! What every answer needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;

use crate::serve::asked::fields::Fields;
use crate::serve::http::body::received;
use crate::serve::http::refused::Refused;
use crate::serve::log::{Log, Record};
use crate::serve::queue::Queue;
use crate::serve::recall::Recall;
use crate::serve::settings::Limits;
use crate::serve::shelf::Shelf;

/// Bodies above this are understood on a thread of their own, so that nobody's stream falters meanwhile.
const LARGE: usize = 256 << 10;

/// What every answer needs.
pub struct Server {
    /// The models that there are.
    pub models: Arc<Shelf>,
    /// The way to the worker.
    pub queue: Queue,
    /// The person's own entries, where they may be looked into.
    pub recall: Option<Arc<dyn Recall>>,
    /// The log, where one was asked for.
    pub log: Option<Log>,
    /// How much, and how long.
    pub limits: Limits,
    /// What tells the answers of one server from those of another.
    start: u64,
    count: AtomicU64,
}

impl Server {
    /// One that begins now.
    pub fn new(
        models: Shelf,
        queue: Queue,
        recall: Option<Arc<dyn Recall>>,
        log: Option<Log>,
        limits: Limits,
    ) -> Server {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        Server { models: Arc::new(models), queue, recall, log, limits, start, count: AtomicU64::new(0) }
    }

    /// A name that no other answer has.
    pub fn id(&self, kind: &str) -> String {
        format!("{kind}-{:x}{:08x}", self.start, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A record of a request for this path.
    pub fn record(&self, path: &'static str) -> Record {
        Record::new(self.log.as_ref(), path)
    }

    /// Reads a request's fields and makes sense of them.
    ///
    /// # Errors
    /// The body is too large, too slow or no JSON object; or it makes no sense.
    pub async fn understood<T: Send + 'static>(
        &self,
        request: Request,
        understand: impl FnOnce(Fields) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let body = received(request, &self.limits).await?;
        if body.len() < LARGE {
            return Fields::read(&body).and_then(understand);
        }
        let understood = tokio::task::spawn_blocking(move || Fields::read(&body).and_then(understand));
        understood.await.unwrap_or_else(|_| Err(Refused::broken("reading the request broke: send it again")))
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
