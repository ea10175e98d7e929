//! Axum's extractors with refusals that are problem documents, and who is asking.

use axum::extract::{FromRequestParts, rejection};
use http::{HeaderMap, StatusCode, request::Parts};
use serde::de::DeserializeOwned;
use shared_events::Cause;

use super::{layers::RequestId, problem::Problem};
use crate::access::Principal;

/// The parts of the route, as `axum::extract::Path`. What does not parse names nothing that exists: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Path(value) =
            axum::extract::Path::from_request_parts(parts, state).await.map_err(|_: rejection::PathRejection| {
                Problem::new(StatusCode::NOT_FOUND, "not_found", "The address does not name anything.")
            })?;
        Ok(Path(value))
    }
}

/// Who asks, as far as a change needs to know: who it is, what caused it, and the key under which its answer is kept.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// Recorded with the change.
    pub cause: Cause,
    /// The request's `Idempotency-Key`, if it has one.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// The caller's own name for a request, unique together with who they are and the route it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey {
    /// Method, path, whose key it is, and whether they saw only their own: an answer that was kept is for the same eyes.
    pub route: String,
    /// 1 to 255 visible ASCII characters, as the caller sent them.
    pub key: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let principal = Principal::from_request_parts(parts, state).await?;
        let id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        let trace_parent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let cause = Cause { id, trace_parent: trace_parent.filter(|text| is_trace_parent(text)).map(str::to_owned) };
        let sees = if principal.narrowed_to().is_some() { "own" } else { "all" };
        let route = || format!("{} {} by {}, {sees}", parts.method, parts.uri.path(), principal.subject);
        let idempotency_key = idempotency_key(&parts.headers, route)?;
        Ok(Caller { principal, cause, idempotency_key })
    }
}

fn idempotency_key(headers: &HeaderMap, route: impl FnOnce() -> String) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(key), None) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(IdempotencyKey { route: route(), key: key.to_owned() }))
        }
        // Of two keys one would be disregarded, and the caller would believe that it protects them.
        (Ok(_) | Err(_), _) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_idempotency_key",
            "Idempotency-Key has to be one header of 1 to 255 visible ASCII characters.",
        )),
    }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`: <https://www.w3.org/TR/trace-context/#traceparent-header>. Anything else is not handed on.
fn is_trace_parent(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths = [2, 32, 16, 2];
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
}
