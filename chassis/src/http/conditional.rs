//! Conditional reads: an `ETag` on what is read, and 304 where the caller has the same already.
//! <https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests>
//!
//! The tag is a digest of the body, so two answers have the same tag if they say the same, whichever instance gave them and
//! whenever. **No clock takes part**: there is no `Last-Modified`, no expiry, nothing of `Date`. A read may be kept by whoever
//! asked, and has to be asked about again each time it is used. That saves the way back, not the look into the database.

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

use super::body;

/// How much of the digest the tag shows, in bytes: enough that two bodies do not share one by chance.
const TAG_BYTES: usize = 16;

/// Touches nothing but answers to GET and HEAD that are 200.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return next.run(request).await;
    }
    let asked: Vec<HeaderValue> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (parts, body) = match body::whole(response).await {
        Ok(whole) => whole,
        Err(problem) => return problem.into_response(),
    };
    let tag = tag_of(&body);
    if asked.iter().any(|list| names(list.as_bytes(), tag.as_bytes())) {
        return with_tag(StatusCode::NOT_MODIFIED.into_response(), &tag);
    }
    with_tag(Response::from_parts(parts, Body::from(body)), &tag)
}

/// Weak, because what is compressed on its way still says the same.
fn tag_of(body: &Bytes) -> String {
    let digest: String = Sha256::digest(body).iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digest}\"")
}

fn with_tag(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(tag).map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Whether a list of tags (`"a", W/"b,c"`, or `*`) has this one in it, weakly compared: `W/` makes no difference. What is no list
/// names nothing, so that the caller gets the whole answer.
fn names(list: &[u8], tag: &[u8]) -> bool {
    let list = list.trim_ascii();
    if list == b"*" {
        return true;
    }
    let mut found = false;
    let mut rest = list;
    while !rest.is_empty() {
        // Between two commas there may be nothing, says the RFC.
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let Some((opaque, after)) = first_tag(rest) else { return false };
        found |= opaque == opaque_part(tag);
        rest = after.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return false;
        }
    }
    found
}

/// What stands between the quotes of the first tag, and what comes after it.
fn first_tag(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = list.strip_prefix(b"W/").unwrap_or(list).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    Some((&quoted[..end], &quoted[end + 1..]))
}

fn opaque_part(tag: &[u8]) -> &[u8] {
    first_tag(tag).map_or(tag, |(opaque, _)| opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_every_list_that_names_it() {
        for list in [
            "*",
            " * ",
            "\"a\"",
            "W/\"a\"",
            "\"b\", \"a\"",
            "W/\"x,y\",W/\"a\"",
            "\"a\",\"b\"",
            ",,\"b\" ,\t\"a\",",
            "\"W/\", \"a\"",
        ] {
            assert!(names(list.as_bytes(), b"W/\"a\""), "{list}");
        }
    }

    #[test]
    fn what_does_not_name_it_or_is_no_list_of_tags_finds_nothing() {
        for list in [
            "",
            "\"b\"",
            "a",
            "W/a",
            "w/\"a\"",
            "\"a",
            "\"A\"",
            "\"b,a\"",
            "\"b\" \"a\"",
            "*, \"b\"",
            "\"b\", *",
            "\"a\"x",
            "\"\"",
        ] {
            assert!(!names(list.as_bytes(), b"W/\"a\""), "{list}");
        }
        assert!(!names(b"\"\xff\"", b"W/\"a\""));
    }

    #[test]
    fn the_same_body_has_the_same_weak_tag_and_another_body_another() {
        let tag = tag_of(&Bytes::from_static(b"{}"));
        assert_eq!(tag, "W/\"44136fa355b3678a1146ad16f7e8649e\"");
        assert_ne!(tag_of(&Bytes::from_static(b"{ }")), tag);
    }
}
