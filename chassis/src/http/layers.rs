//! What every request passes before it reaches a handler, from the outside in: request id, trace, catch-panic, security
//! headers, compression, `Retry-After`, waiting, concurrency limit, time-out, access, conditional reads. Every refusal of every layer is a
//! problem document.
//!
//! Each step calls the one inside of it. Only two of them are layers of axum's, one for everything and one without the probes: axum
//! copies and boxes all that lies below a layer, twice for every request, and ten of them cost more than the handler.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use metrics::Label;
use tokio::{sync::Semaphore, time::Instant};
use tracing::Instrument;

use super::{
    compression, conditional, later,
    problem::{Problem, RETRY_AFTER_S},
};
use crate::{access::Access, clock};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every answer says that does not say otherwise.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::VARY, HeaderValue::from_static("accept-encoding")),
];

/// The request's own id: the caller's `x-request-id` where it sent a usable one, else a fresh one. Also the cause that is
/// recorded with whatever the request changes.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The limits that hold for every request of a service.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many requests may be worked on at once; what comes on top is refused at once.
    pub concurrent_requests: usize,
    /// How long one may take.
    pub request_timeout: Duration,
}

/// The limits with what is left of them, and who is let in within them.
struct Bounds {
    permits: Semaphore,
    request_timeout: Duration,
    access: Access,
}

/// Wraps a service's routes. `probes` are those that have to answer while everything else is refused, whoever asks.
pub fn wrap(routes: Router, probes: Router, limits: Limits, access: Access) -> Router {
    let Limits { concurrent_requests, request_timeout } = limits;
    let bounds = Arc::new(Bounds { permits: Semaphore::new(concurrent_requests), request_timeout, access });
    routes
        .layer(middleware::from_fn_with_state(bounds, limit_concurrency))
        .merge(probes)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(identify))
}

/// What axum adds after all of its layers, put right: `Allow` names the methods that have handlers, and OPTIONS has none of its own; and
/// where there can be no body there is no length to tell, least of all 0 with 304, which would be a length of what was not sent.
pub(super) fn complete(mut response: Response) -> Response {
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Some(allowed) = response.headers_mut().get_mut(header::ALLOW) {
        let named = [allowed.as_bytes(), b",OPTIONS"].concat();
        *allowed = HeaderValue::from_bytes(&named).unwrap_or_else(|_| allowed.clone());
    }
    response
}

async fn identify(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| clock::fresh_id().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = trace(&id, request, next).await;
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn trace(request_id: &str, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // The pattern, not the path: a metric must not have a series for every order.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", %method, %route, request_id);
    let response = catch_panic(request, next).instrument(span.clone()).await;
    let (status, took) = (response.status(), began.elapsed());
    let labels = vec![
        Label::new("method", known(&method)),
        Label::new("route", route),
        Label::new("status", status.as_str().to_owned()),
    ];
    metrics::histogram!("http_request_seconds", labels).record(took.as_secs_f64());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), "answered {status} after {took:?}"));
    response
}

/// A client may call its method what it likes; a series for each would grow without limit.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("other")
}

async fn catch_panic(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(finish(request, next)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(on_panic);
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// What is done to an answer once it is there, or has been waited for.
async fn finish(request: Request, next: Next) -> Response {
    let takes_gzip = compression::accepts_gzip(request.headers());
    let response = say_when(later::wait(next.run(request).await).await);
    if takes_gzip { compression::compress(response).await } else { response }
}

async fn limit_concurrency(State(bounds): State<Arc<Bounds>>, request: Request, next: Next) -> Response {
    match bounds.permits.try_acquire() {
        Ok(_permit) => time_out(&bounds, request, next).await,
        Err(_) => {
            metrics::counter!("http_requests_shed_total").increment(1);
            Problem::unavailable("overloaded", "Too many requests at once; nothing was changed.").into_response()
        }
    }
}

async fn time_out(bounds: &Bounds, request: Request, next: Next) -> Response {
    let limit = bounds.request_timeout;
    match tokio::time::timeout(limit, guard(&bounds.access, request, next)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!(
                "No answer within {limit:?}. The request may have been carried out all the same: \
                 ask again with the same Idempotency-Key, or look."
            );
            Problem::unavailable("timed_out", detail).into_response()
        }
    }
}

async fn guard(access: &Access, mut request: Request, next: Next) -> Response {
    match access.admit(&mut request).await {
        Ok(()) => conditional::answer(request, next).await,
        Err(refused) => refused.into_response(),
    }
}

/// Whoever says "not now" says when, also a probe, and a problem that was not given a number of its own.
fn say_when(mut response: Response) -> Response {
    let is_not_now = matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    if is_not_now && !response.headers().contains_key(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    response
}

fn on_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!("a handler panicked: {text}");
    Problem::internal().into_response()
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", "There is nothing at this address.")
}

/// OPTIONS is taken by every address, and answered with what else it takes: `Allow` is axum's, as in the refusal of any other method.
async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "This address does not take this method; `Allow` says which it does.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}

#[cfg(test)]
mod tests;
