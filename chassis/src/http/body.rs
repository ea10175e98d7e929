//! Reading a request's body within its limit, and an answer's.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, response::Parts};
use http_body_util::BodyExt;

use super::problem::Problem;

/// The largest body that any route needs, in bytes. An order with 100 items and the longest texts is a tenth of it.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// How much of a body that is too large is read and thrown away, in bytes, and for how long. A client that is still sending would
/// otherwise find its connection reset and never see why it was refused.
const DISCARDED_BYTES: usize = 256 * 1024 * 1024;
const DISCARDED_FOR: Duration = Duration::from_secs(5);

/// The whole body, if it is within the limit.
///
/// # Errors
/// 413 where it is larger, 400 where it ends before it should.
pub async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(incomplete)?.into_data() else { continue };
        if bytes.len() + data.len() > BODY_LIMIT_BYTES {
            // Whether it could be discarded changes nothing for us: the answer is the same.
            let discarded = tokio::time::timeout(DISCARDED_FOR, discard(body)).await.is_ok();
            tracing::debug!(discarded, "a body over {BODY_LIMIT_BYTES} bytes was refused");
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

async fn discard(mut body: Body) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > DISCARDED_BYTES {
            return;
        }
    }
}

/// A body of ours, in one piece, and what goes with it. Ours are made in memory: they do not break off.
pub(super) async fn whole(response: Response) -> Result<(Parts, Bytes), Problem> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Problem::internal())?;
    Ok((parts, body.to_bytes()))
}

fn too_large() -> Problem {
    let detail = format!("The body is larger than {BODY_LIMIT_BYTES} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn incomplete(error: axum::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", format!("The body could not be read: {error}."))
}
