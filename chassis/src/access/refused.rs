//! Why somebody is not let in, and how little of that they are told.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::principal::Scopes;
use crate::http::Problem;

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No credentials, where some are needed.
    Missing,
    /// Credentials that are none of ours. In what they are wrong is nobody's business but the log's.
    Invalid(&'static str),
    /// They were good once.
    Expired,
    /// Whoever it is may not do this; one of these may.
    Forbidden(Scopes),
    /// Nobody has said who may.
    NoRule,
    /// It could not be found out.
    Unknown,
}

impl Refused {
    /// Its name in the metric.
    pub fn name(self) -> &'static str {
        match self {
            Refused::Missing => "missing",
            Refused::Invalid(_) => "invalid",
            Refused::Expired => "expired",
            Refused::Forbidden(_) => "forbidden",
            Refused::NoRule => "no_rule",
            Refused::Unknown => "unknown",
        }
    }

    fn problem(self) -> Problem {
        let unauthenticated =
            |detail| Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).with("reason", self.name());
        match self {
            Refused::Missing => {
                unauthenticated("Credentials are needed: Authorization: Bearer, then a token or an API key.")
            }
            Refused::Invalid(_) => unauthenticated("These credentials are not accepted."),
            Refused::Expired => unauthenticated("These credentials have expired."),
            Refused::Forbidden(may) => {
                let detail = format!("This is for others: {}.", may.names().join(", "));
                Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).with("scopes", may.names())
            }
            Refused::NoRule => Problem::new(StatusCode::FORBIDDEN, "no_rule", "This is for nobody."),
            Refused::Unknown => Problem::database_unavailable(),
        }
    }

    /// RFC 6750 §3: which kind of credentials, and what is the matter with those that came.
    fn challenge(self) -> Option<HeaderValue> {
        match self {
            Refused::Missing => Some(HeaderValue::from_static("Bearer")),
            Refused::Invalid(_) | Refused::Expired => Some(HeaderValue::from_static("Bearer error=\"invalid_token\"")),
            Refused::Forbidden(_) => Some(HeaderValue::from_static("Bearer error=\"insufficient_scope\"")),
            Refused::NoRule | Refused::Unknown => None,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_response();
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
