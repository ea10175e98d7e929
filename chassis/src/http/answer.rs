//! What a request gets back: bytes, so that the same answer can be given again, byte for byte.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::problem::{PROBLEM_JSON, Problem};

/// An answer, rendered. Successes may be kept under an `Idempotency-Key`; refusals are not.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// Where what was created can be found.
    pub location: Option<String>,
    /// In how many seconds it makes sense to ask again, where the answer is "not now".
    pub retry_after_s: Option<u32>,
    /// JSON, or a problem document where the status is no success.
    pub body: Vec<u8>,
}

impl Answer {
    /// A success with a JSON body.
    ///
    /// # Panics
    /// When the body has no JSON form: a mistake in the program.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            status,
            location: None,
            retry_after_s: None,
            body: serde_json::to_vec(body).expect("an answer has a JSON form"),
        }
    }

    /// The same, with a `Location`.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }

    /// Whether something was done: only then is the answer kept under the request's `Idempotency-Key`.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.status.is_success()
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let retry_after_s = problem.retry_after_s();
        Self { status: problem.status(), location: None, retry_after_s, body: problem.to_json() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let content_type = if self.status.is_success() { "application/json" } else { PROBLEM_JSON };
        let mut response = (self.status, [(header::CONTENT_TYPE, content_type)], self.body).into_response();
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
