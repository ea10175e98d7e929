//! What is no HTTP: hyper refuses it before there is a request, so no layer of ours can answer with a problem document. These are all
//! such refusals, by name. What has a request after all is answered like any other.

use anyhow::Result;

use super::raw::exchange;

/// What has to come of it.
enum Expected {
    /// A bare status without a body, from hyper.
    Bare(u16),
    /// The connection is closed without a word.
    Closed,
    /// It is a request, and the answer is this problem.
    Problem(u16, &'static str),
}

pub async fn complaints(address: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (what, bytes, expected) in cases() {
        let answer = exchange(address, &bytes).await;
        let is_right = match (&expected, &answer) {
            (Expected::Bare(status), Ok(reply)) => reply.status == *status && reply.body.is_empty(),
            (Expected::Problem(status, code), Ok(reply)) => {
                reply.status == *status && reply.problem().as_deref() == Some(code)
            }
            (Expected::Closed, Err(_)) => true,
            (Expected::Closed, Ok(_)) | (Expected::Bare(_) | Expected::Problem(..), Err(_)) => false,
        };
        if !is_right {
            complaints.push(format!("{what}: expected {}, got {}", expected.shown(), shown(&answer)));
        }
    }
    complaints
}

impl Expected {
    fn shown(&self) -> String {
        match self {
            Expected::Bare(status) => format!("{status} without a body"),
            Expected::Closed => "a closed connection".to_owned(),
            Expected::Problem(status, code) => format!("{status} {code}"),
        }
    }
}

fn shown(answer: &Result<super::raw::RawReply>) -> String {
    match answer {
        Ok(reply) => format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        Err(error) => format!("{error:#}"),
    }
}

fn cases() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let with = |header: &str| format!("GET /health/live HTTP/1.1\r\nhost: shop\r\n{header}\r\n\r\n").into_bytes();
    let many: String = (0..70).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: shop\r\n\r\n", "x".repeat(70_000));
    vec![
        ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), Expected::Bare(400)),
        ("a word", b"hello\r\n\r\n".to_vec(), Expected::Bare(400)),
        ("HTTP/2 with prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), Expected::Closed),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n".to_vec(), Expected::Bare(400)),
        ("a blank in the target", b"GET /a b HTTP/1.1\r\n\r\n".to_vec(), Expected::Bare(400)),
        ("a method that is no token", b"G(T / HTTP/1.1\r\n\r\n".to_vec(), Expected::Bare(400)),
        ("a zero byte in a header", with("x: a\0b"), Expected::Bare(400)),
        ("a blank in a header's name", with("x y: 1"), Expected::Bare(400)),
        ("a header without a colon", with("x"), Expected::Bare(400)),
        ("a negative length", with("content-length: -1"), Expected::Bare(400)),
        ("two lengths", with("content-length: 1\r\ncontent-length: 2"), Expected::Bare(400)),
        ("a length beyond all lengths", with("content-length: 99999999999999999999"), Expected::Bare(400)),
        ("an unknown transfer encoding", with("transfer-encoding: smoke"), Expected::Bare(400)),
        ("70 headers", with(many.trim_end()), Expected::Bare(431)),
        ("a header of 1 MB", with(&format!("x: {}", "x".repeat(1_000_000))), Expected::Bare(431)),
        ("an address of 70 kB", long_target.into_bytes(), Expected::Bare(414)),
        (
            "a tunnel",
            b"CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\nconnection: close\r\n\r\n".to_vec(),
            Expected::Problem(404, "no_such_route"),
        ),
    ]
}
