//! The accept loop: hyper's HTTP/1.1 with a timer, so that a client that dawdles over its headers is let go.
//!
//! `axum::serve` sets no timer, and hyper's header time-out is inert without one; so the loop is our own.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, rt::TokioTimer, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::util::MapResponse;

use super::layers;

/// How long a client may take over its request line and headers; also how long an idle connection is kept.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How large all headers of a request may be together, in bytes, and how many.
const HEADERS_BYTES: usize = 64 * 1024;
const HEADERS_COUNT: usize = 64;
/// How long to wait when the process is out of file descriptors: accepting again at once would only spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Serves until told to stop, then lets the requests under way finish.
pub async fn serve(listener: TcpListener, routes: Router, max_connections: usize, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(max_connections));
    let connections = TaskTracker::new();
    loop {
        // The permit comes first: beyond the cap, clients wait in the kernel's queue instead of costing us memory.
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        if let Some((stream, permit)) = accepted {
            connections.spawn(converse(stream, routes.clone(), stop.clone(), permit));
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted: {error}");
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            None
        }
    }
}

async fn converse(stream: TcpStream, routes: Router, stop: CancellationToken, permit: OwnedSemaphorePermit) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set: {error}");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_BYTES)
        .max_headers(HEADERS_COUNT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(MapResponse::new(routes, layers::complete)));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that went away or spoke no HTTP: its own affair.
        tracing::debug!(%error, "a connection ended early: {error}");
    }
    drop(permit);
}
