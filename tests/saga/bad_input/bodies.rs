//! Bodies that are no requests, sent to every route that takes one.

use serde_json::Value;

use super::{
    case::{Case, Known, Side, writes},
    raw::Raw,
};

/// Deeper than any parser should follow.
const DEPTH: usize = 100_000;

pub fn cases(known: &Known) -> Vec<Case> {
    writes(known).into_iter().flat_map(|(side, method, path, good)| of_route(side, method, &path, &good)).collect()
}

fn of_route(side: Side, method: &str, path: &str, good: &Value) -> Vec<Case> {
    let case =
        |what: &str, raw: Raw, status, code| Case::problem(format!("{method} {path}, {what}"), side, raw, status, code);
    let json = |body: &[u8]| Raw::new(method, path).json(body);
    let mut cases: Vec<_> =
        malformed().into_iter().map(|(what, body)| case(what, json(&body), 400, "malformed_json")).collect();
    let good = good.to_string();
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/xml", "", "\u{fc}"]
    {
        let raw = Raw::new(method, path).header("content-type", media).body(&good);
        cases.push(case(&format!("as {media:?}"), raw, 415, "unsupported_media_type"));
    }
    cases.push(case("without a content type", Raw::new(method, path).body(&good), 415, "unsupported_media_type"));
    for coding in ["gzip", "br", "identity, deflate", "x"] {
        let raw = Raw::new(method, path).header("content-encoding", coding).json(&good);
        cases.push(case(&format!("coded as {coding}"), raw, 415, "unsupported_content_encoding"));
    }
    let spaces = vec![b' '; 300_000];
    cases.push(case("300 kB of white space", json(&spaces), 413, "body_too_large"));
    let broken =
        Raw::new(method, path).header("content-type", "application/json").header("transfer-encoding", "chunked");
    cases.push(case("a chunk of no length", broken.unannounced(b"zz\r\n{}"), 400, "body_incomplete"));
    if method == "POST" {
        cases.extend(bad_keys().into_iter().map(|(what, key)| {
            let raw = Raw::new(method, path).header("idempotency-key", key).json(&good);
            case(what, raw, 400, "invalid_idempotency_key")
        }));
    }
    cases
}

fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("half an object", b"{\"quantity\": 1".to_vec()),
        ("no JSON", b"quantity=1".to_vec()),
        ("a comma too many", b"{\"quantity\": 1,}".to_vec()),
        ("two objects", b"{}{}".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a list of an object", b"[{}]".to_vec()),
        ("a text", b"\"quantity\"".to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("white space", b" \n ".to_vec()),
        ("a zero byte", b"\0".to_vec()),
        ("a raw control character in a text", b"{\"name\": \"a\x07b\"}".to_vec()),
        ("bad UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("UTF-8 cut off", b"{\"name\": \"\xe2\x82\"}".to_vec()),
        ("half a surrogate pair", br#"{"name": "\ud800"}"#.to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("a number beyond all numbers", b"{\"quantity\": 1e999}".to_vec()),
        ("NaN", b"{\"quantity\": NaN}".to_vec()),
        ("deep lists", [b"{\"items\":".to_vec(), vec![b'['; DEPTH], vec![b']'; DEPTH], b"}".to_vec()].concat()),
        ("deep objects", "{\"a\":".repeat(DEPTH / 4).into_bytes()),
    ]
}

fn bad_keys() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("an empty Idempotency-Key", Vec::new()),
        ("an Idempotency-Key with a blank in it", b"a b".to_vec()),
        ("an Idempotency-Key of 256 characters", vec![b'k'; 256]),
        ("an Idempotency-Key that is no ASCII", b"k\xc3\xa9".to_vec()),
        ("an Idempotency-Key that is no UTF-8", b"k\xff".to_vec()),
    ]
}
