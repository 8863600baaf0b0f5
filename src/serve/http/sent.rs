//! Bodies of answers: JSON at once, or pieces as they come.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde_json::Value;

/// An answer in JSON.
pub fn json_response(status: StatusCode, body: &Value) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (status, [kind], body.to_string()).into_response()
}

/// What gives an answer piece by piece.
pub trait Pieces: Sized + Send + 'static {
    /// The next piece and what gives those after it; nothing at the end. Dropped, where the client goes.
    fn next(self) -> impl Future<Output = Option<(Bytes, Self)>> + Send;
}

/// An answer of server-sent events.
pub fn events(pieces: impl Pieces) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        // A proxy that gathers would undo the streaming.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::new(Unfolding(Some(Box::pin(pieces.next()))))).into_response()
}

/// A body whose next frame is a future that hands over to the one after it.
struct Unfolding<P>(Option<Next<P>>);

/// The next piece, and what comes after it.
type Next<P> = Pin<Box<dyn Future<Output = Option<(Bytes, P)>> + Send>>;

impl<P: Pieces> hyper::body::Body for Unfolding<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(future) = &mut self.0 else { return Poll::Ready(None) };
        let next = ready!(future.as_mut().poll(context));
        let (piece, rest) = next.map_or((None, None), |(piece, rest)| (Some(piece), Some(rest)));
        self.0 = rest.map(|rest| Box::pin(rest.next()) as Pin<Box<dyn Future<Output = _> + Send>>);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}
