//! What the layers make of requests and answers, without a server.

use std::io::Read;

use axum::{body::Body, routing::get};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderMap;
use http_body_util::BodyExt;
use tower::{ServiceExt, util::MapResponse};

use super::*;
use crate::{
    access::{Rule, Scope},
    http::{Answer, Form},
};

const LONG: &str = "a text that says the same all over again, ";

const ANYBODY: &[Scope] = &Scope::ALL;
/// All but one: `/unruled`.
const RULES: [Rule; 9] = [
    Rule::new("GET", "/short", ANYBODY),
    Rule::new("PUT", "/short", ANYBODY),
    Rule::new("GET", "/long", ANYBODY),
    Rule::new("POST", "/long", ANYBODY),
    Rule::new("GET", "/image", ANYBODY),
    Rule::new("GET", "/gone", ANYBODY),
    Rule::new("GET", "/full", ANYBODY),
    Rule::new("GET", "/decided", ANYBODY),
    Rule::new("GET", "/flood", ANYBODY),
];

fn shop() -> Router {
    let limits = Limits { concurrent_requests: 1, request_timeout: Duration::from_secs(5) };
    let routes = Router::new()
        .route("/short", get(|| async { Answer::json(StatusCode::OK, &"short") }).put(put))
        .route("/long", get(|| async { Answer::json(StatusCode::OK, &LONG.repeat(100)) }).post(take))
        .route("/image", get(|| async { ([(header::CONTENT_TYPE, "image/png")], LONG.repeat(100)) }))
        .route("/gone", get(|| async { Problem::not_found("thing") }))
        .route("/full", get(|| async { Problem::unavailable("full", "No.").retry_after(7) }))
        .route("/decided", get(|| async { Answer::from(Problem::unavailable("full", "No.").retry_after(8)) }))
        .route("/unruled", get(|| async { Answer::json(StatusCode::OK, &"short") }).post(put))
        .route("/flood", get(|| async { Problem::new(StatusCode::TOO_MANY_REQUESTS, "flood", "Too many.") }));
    let probes = Router::new().route("/probe", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
    wrap(routes, probes, limits, Access::open(&RULES).expect("sound rules"))
}

async fn put() -> Answer {
    Answer::json(StatusCode::OK, &"short")
}

async fn take(form: Form) -> Result<Answer, Problem> {
    form.finish()?;
    Ok(Answer::json(StatusCode::CREATED, &LONG.repeat(100)).at("/long".to_owned()))
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Seen {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let (parts, body) = MapResponse::new(shop(), complete).oneshot(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Seen { status: parts.status, headers: parts.headers, body }
}

#[tokio::test]
async fn a_read_has_a_tag_and_is_not_sent_again_to_whom_has_it() {
    let first = ask(Method::GET, "/short", &[]).await;
    let tag = first.header("etag");
    assert!(tag.starts_with("W/\""), "{tag}");
    for method in [Method::GET, Method::HEAD] {
        let same = ask(method, "/short", &[("if-none-match", "\"other\""), ("if-none-match", tag)]).await;
        assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
        for (name, value) in [("etag", tag), ("cache-control", "private, no-cache"), ("vary", "accept-encoding")] {
            assert_eq!(same.header(name), value, "{name}");
        }
        assert_eq!(same.header("content-length"), "");
        assert_eq!((same.header("content-type"), same.header("last-modified"), same.header("expires")), ("", "", ""));
    }
    let other = ask(Method::GET, "/short", &[("if-none-match", "\"other\"")]).await;
    assert_eq!((other.status, &other.body), (StatusCode::OK, &first.body));
    assert_eq!(ask(Method::GET, "/short", &[("if-none-match", "*")]).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn what_is_no_read_or_no_success_has_no_tag_and_is_not_kept() {
    for (method, path) in [
        (Method::POST, "/long"),
        (Method::PUT, "/short"),
        (Method::GET, "/gone"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/probe"),
        (Method::GET, "/full"),
        (Method::PUT, "/long"),
    ] {
        let seen = ask(method.clone(), path, &[("if-none-match", "*")]).await;
        assert_ne!(seen.status, StatusCode::NOT_MODIFIED, "{method} {path}");
        assert_eq!((seen.header("etag"), seen.header("cache-control")), ("", "no-store"), "{method} {path}");
    }
}

#[tokio::test]
async fn head_answers_with_the_headers_of_get_and_no_body() {
    for path in ["/short", "/long", "/gone", "/full", "/probe"] {
        for encoding in ["gzip", "identity"] {
            let asked = [("accept-encoding", encoding), ("x-request-id", "the-same")];
            let (get, head) = (ask(Method::GET, path, &asked).await, ask(Method::HEAD, path, &asked).await);
            assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path} {encoding}");
            assert!(head.body.is_empty(), "{path} {encoding}");
            assert_eq!(get.header("content-length"), get.body.len().to_string(), "{path} {encoding}");
        }
    }
}

#[tokio::test]
async fn what_is_long_and_text_is_compressed_for_whom_asks() {
    let plain = ask(Method::GET, "/long", &[]).await;
    let smaller = ask(Method::GET, "/long", &[("accept-encoding", "gzip")]).await;
    assert_eq!((plain.header("content-encoding"), smaller.header("content-encoding")), ("", "gzip"));
    assert_eq!(plain.header("etag"), smaller.header("etag"));
    assert_eq!((plain.header("vary"), smaller.header("vary")), ("accept-encoding", "accept-encoding"));
    assert!(smaller.body.len() < plain.body.len() / 10);
    let mut read = Vec::new();
    GzDecoder::new(&*smaller.body).read_to_end(&mut read).expect("it is gzip");
    assert_eq!(read, plain.body);
    for path in ["/short", "/image", "/gone"] {
        assert_eq!(
            ask(Method::GET, path, &[("accept-encoding", "gzip")]).await.header("content-encoding"),
            "",
            "{path}"
        );
    }
}

/// What was done stays done: it is told as it is, if need be.
#[tokio::test]
async fn a_caller_that_accepts_nothing_gets_the_answer_all_the_same() {
    let seen = ask(Method::POST, "/long", &[("accept-encoding", "identity;q=0")]).await;
    assert_eq!(
        (seen.status, seen.header("location"), seen.header("content-encoding")),
        (StatusCode::CREATED, "/long", "")
    );
}

#[tokio::test]
async fn every_address_says_what_it_takes() {
    for (path, takes) in
        [("/short", "GET,HEAD,PUT,OPTIONS"), ("/long", "GET,HEAD,POST,OPTIONS"), ("/probe", "GET,HEAD,OPTIONS")]
    {
        let told = ask(Method::OPTIONS, path, &[]).await;
        assert_eq!((told.status, told.header("allow"), told.body.len()), (StatusCode::NO_CONTENT, takes, 0), "{path}");
        assert_eq!(told.header("content-length"), "");
        let refused = ask(Method::DELETE, path, &[]).await;
        assert_eq!((refused.status, refused.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, takes), "{path}");
        assert_eq!(refused.header("content-type"), "application/problem+json");
    }
    let nowhere = ask(Method::OPTIONS, "/nowhere", &[]).await;
    assert_eq!((nowhere.status, nowhere.header("allow")), (StatusCode::NOT_FOUND, ""));
    assert_eq!(nowhere.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn whoever_says_not_now_says_when() {
    for (path, seconds) in [("/full", "7"), ("/decided", "8"), ("/flood", "1"), ("/probe", "1"), ("/gone", "")] {
        assert_eq!(ask(Method::GET, path, &[]).await.header("retry-after"), seconds, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_would_have_to_be_undone_first_is_refused() {
    for coding in ["gzip", "identity, gzip", "x", "\u{fc}"] {
        let seen = ask(Method::POST, "/long", &[("content-encoding", coding)]).await;
        assert_eq!(seen.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{coding}");
        assert!(String::from_utf8_lossy(&seen.body).contains("unsupported_content_encoding"), "{coding}");
    }
    assert_eq!(ask(Method::POST, "/long", &[("content-encoding", "identity")]).await.status, StatusCode::CREATED);
}

/// Also where nobody is asked for credentials.
#[tokio::test]
async fn a_route_without_a_rule_is_for_nobody() {
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let seen = ask(method.clone(), "/unruled", &[]).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{method}");
        if method != Method::HEAD {
            assert!(String::from_utf8_lossy(&seen.body).contains("\"code\":\"no_rule\""), "{method}");
        }
    }
    assert_eq!(ask(Method::OPTIONS, "/unruled", &[]).await.status, StatusCode::NO_CONTENT);
}
