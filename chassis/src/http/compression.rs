//! Answers on their way out, made smaller where that pays and the caller can undo it.
//!
//! Not tower-http's layer: that one turns the status of what has been done already into 406 for a caller who forbids answers as they
//! are, and leaves the length out. Bodies are whole here, so compressing one is a single call.

use std::io::Write;

use axum::{
    body::{Body, HttpBody},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

use super::body;

/// From how many bytes on a body is compressed: below, it fits into one packet anyway.
const WORTH_BYTES: u64 = 1024;
/// What is text, by the beginning of its media type.
const TEXTS: [&str; 3] = ["application/json", "application/problem+json", "text/"];

/// The same answer, smaller if that pays. Outside of whatever waits, so that an answer that was waited for is compressed like any other.
pub(super) async fn compress(response: Response) -> Response {
    if !is_text(response.headers()) || response.body().size_hint().upper() < Some(WORTH_BYTES) {
        return response;
    }
    let (mut parts, body) = match body::whole(response).await {
        Ok(whole) => whole,
        Err(problem) => return problem.into_response(),
    };
    let Ok(smaller) = gzip(&body) else { return Response::from_parts(parts, Body::from(body)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(smaller))
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

fn is_text(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    TEXTS.iter().any(|text| media.starts_with(text)) && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Whether gzip is accepted, and the answer as it is not preferred. <https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding>
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut others, mut identity) = (None, None, None);
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for accepted in lists.flat_map(|list| list.split(',')) {
        let (coding, parameters) = accepted.split_once(';').unwrap_or((accepted, ""));
        let Some(weight) = weight(parameters) else { continue };
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => others = Some(weight),
            // Another coding, which we do not have.
            _ => {}
        }
    }
    let gzip = gzip.or(others).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// `;q=0.5`; 1 where it is not said, nothing where it cannot be understood.
fn weight(parameters: &str) -> Option<f32> {
    let text = parameters.trim();
    if text.is_empty() {
        return Some(1.0);
    }
    let (name, value) = text.split_once('=')?;
    let weight = value.trim().parse().ok().filter(|weight| (0.0..=1.0).contains(weight));
    weight.filter(|_| name.trim().eq_ignore_ascii_case("q"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn accepts(lists: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
        }
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_used_where_the_caller_takes_it() {
        for list in ["gzip", "x-gzip", "GZIP", "*", "deflate, gzip;q=0.5", "br;q=1.0, *;q=0.1", "identity;q=0, gzip"] {
            assert!(accepts(&[list]), "{list}");
        }
        assert!(accepts(&["br", "gzip"]));
    }

    #[test]
    fn gzip_is_not_used_where_the_caller_does_not_take_it_or_would_rather_not() {
        for list in
            ["", "br", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "identity, gzip;q=0.5", "gzip;q=x", "gzip;level=1"]
        {
            assert!(!accepts(&[list]), "{list}");
        }
        assert!(!accepts(&[]));
    }

    #[test]
    fn what_is_compressed_can_be_read_again() {
        let body = "all the same ".repeat(1000);
        let smaller = gzip(body.as_bytes()).expect("memory can be written to");
        assert!(smaller.len() < body.len() / 10);
        let mut read = String::new();
        GzDecoder::new(smaller.as_slice()).read_to_string(&mut read).expect("it is gzip");
        assert_eq!(read, body);
    }
}
