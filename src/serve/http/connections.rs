//! Connections: accepted up to a number, each with its clocks, and let go at the end.

use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::serve::http::patient::Patient;
use crate::serve::settings::Limits;

/// How soon it is seen that the server is to end.
const GLANCE: Duration = Duration::from_millis(50);
/// How long answers that have begun may take at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long to wait where the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's header.
const HEADER: usize = 64 << 10;

/// Answers at every listener until `stop` is set.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, limits: &Limits, stop: &AtomicBool) {
    let most = limits.connections.clamp(1, u32::MAX as usize >> 8);
    let free = Arc::new(Semaphore::new(most));
    let (end, ending) = watch::channel(false);
    let doors: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            tokio::spawn(accept(listener, router.clone(), limits.clone(), Arc::clone(&free), ending.clone()))
        })
        .collect();
    while !stop.load(Ordering::Relaxed) {
        sleep(GLANCE).await;
    }
    for door in &doors {
        door.abort();
    }
    end.send_replace(true);
    // All of them are free once the last connection has ended; what takes longer is cut with the runtime.
    let _ = timeout(FAREWELL, free.acquire_many(most as u32)).await;
}

async fn accept(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    free: Arc<Semaphore>,
    ending: watch::Receiver<bool>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        // Only now: a listener that nobody asks must not keep a place. The semaphore is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
        tokio::spawn(converse(stream, router.clone(), limits.clone(), place, ending.clone()));
    }
}

/// One connection, to its end; its place is free again when this is over.
async fn converse(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    _place: OwnedSemaphorePermit,
    mut ending: watch::Receiver<bool>,
) {
    // Tokens are small, and each is to be seen at once. (Without it they only come later.)
    let _ = stream.set_nodelay(true);
    let stream = TokioIo::new(Patient::new(stream, limits.write_time));
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(limits.header_time).max_buf_size(HEADER);
    let connection = connection.serve_connection(stream, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // That a connection broke is the client's affair: whoever still waits for something asks again.
    let mut end = std::pin::pin!(ending.wait_for(|over| *over));
    let has_ended = poll_fn(|context| {
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        end.as_mut().poll(context).map(|_| false)
    });
    if !has_ended.await {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
