//! The body of a request, within its bounds.

use std::future::poll_fn;
use std::pin::Pin;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use hyper::body::Body as _;

use crate::serve::http::refused::Refused;
use crate::serve::settings::Limits;

/// How much more than is allowed is read and thrown away, so that a client that writes before it reads hears why.
const HEARD_OUT: usize = 64 << 20;

/// The whole body.
///
/// # Errors
/// It is too large (413), too slow (408), or breaks off (400).
pub async fn received(request: Request, limits: &Limits) -> Result<Vec<u8>, Refused> {
    let announced = announced(request.headers());
    let waits = request.headers().contains_key(header::EXPECT);
    if announced > limits.body && (waits || announced > HEARD_OUT) {
        return Err(too_large(limits));
    }
    match tokio::time::timeout(limits.body_time, read(request, announced, limits)).await {
        Ok(read) => read,
        Err(_) => Err(Refused::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the request was not whole after {} seconds: send it again", limits.body_time.as_secs()),
        )),
    }
}

/// The bytes that the client says it will send; 0 where it does not say.
fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

async fn read(request: Request, announced: usize, limits: &Limits) -> Result<Vec<u8>, Refused> {
    let mut body = request.into_body();
    let mut all = Vec::with_capacity(announced.min(limits.body).min(1 << 16));
    let mut too_much = announced.saturating_sub(limits.body);
    let mut thrown_away = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| {
            Refused::new(StatusCode::BAD_REQUEST, "the request broke off before its end: send it again")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if too_much == 0 && all.len() + data.len() <= limits.body {
            all.extend_from_slice(&data);
            continue;
        }
        too_much += data.len();
        all = Vec::new();
        thrown_away += data.len();
        if thrown_away > HEARD_OUT {
            break;
        }
    }
    if too_much > 0 { Err(too_large(limits)) } else { Ok(all) }
}

fn too_large(limits: &Limits) -> Refused {
    let most = limits.body >> 10;
    let message =
        format!("the request is larger than {most} KiB: send less text, a model sees only its context");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("request_too_large")
}
