//! Requests as bytes: no client library would send what is sent here.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// No refusal takes longer, also on a machine that has other things to do.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// A request that is put together byte by byte.
#[derive(Clone, Debug)]
pub struct Raw {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Raw {
    pub fn new(method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n").into_bytes();
        Self { head, body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    pub fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        let length = self.body.len().to_string();
        self.header("content-length", length)
    }

    /// A body without the length that would announce it.
    pub fn unannounced(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends it, and reads the answer to its end.
    pub async fn send(&self, address: &str) -> Result<RawReply> {
        let mut bytes = self.head.clone();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        exchange(address, &bytes).await
    }

    /// Sends its head, and then so many megabytes of a body that was announced as long as that.
    pub async fn send_megabytes(&self, address: &str, count: usize) -> Result<RawReply> {
        let mut head = self.clone().header("content-length", (count * MEGABYTE.len()).to_string()).head;
        head.extend_from_slice(b"\r\n");
        converse(address, async |writer| {
            writer.write_all(&head).await?;
            for _ in 0..count {
                writer.write_all(&MEGABYTE).await?;
            }
            Ok(())
        })
        .await
    }
}

static MEGABYTE: [u8; 1_000_000] = [b' '; 1_000_000];

/// Sends bytes, whatever they are.
pub async fn exchange(address: &str, bytes: &[u8]) -> Result<RawReply> {
    converse(address, async |writer| writer.write_all(bytes).await).await
}

async fn converse(
    address: &str,
    write: impl AsyncFnOnce(&mut tokio::net::tcp::OwnedWriteHalf) -> std::io::Result<()>,
) -> Result<RawReply> {
    let (mut reader, mut writer) = TcpStream::connect(address).await?.into_split();
    let mut answer = Vec::new();
    // At the same time: whoever refuses early may not read to the end.
    let both = async { tokio::join!(write(&mut writer), reader.read_to_end(&mut answer)) };
    let (wrote, read) = timeout(ANSWERED_WITHIN, both).await.context("there was no answer in time")?;
    match RawReply::parse(&answer) {
        Ok(reply) => Ok(reply),
        Err(error) => Err(error.context(format!("written: {wrote:?}, read: {read:?}"))),
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct RawReply {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl RawReply {
    fn parse(answer: &[u8]) -> Result<Self> {
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            bail!("the connection was closed after {} bytes", answer.len());
        };
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("there is no status")?;
        let content_type = head
            .lines()
            .find_map(|line| line.strip_prefix("content-type: "))
            .map_or_else(String::new, |value| value.trim().to_owned());
        Ok(Self { status, content_type, body: answer[end + 4..].to_vec() })
    }

    /// The problem document's code, if it is one.
    pub fn problem(&self) -> Option<String> {
        let document = self.json();
        let is_whole = self.content_type == "application/problem+json"
            && document["status"] == self.status
            && ["type", "title", "detail"].iter().all(|name| document[*name].is_string());
        is_whole.then(|| document["code"].as_str().map(str::to_owned)).flatten()
    }

    /// The fields or the parameters that it names.
    pub fn errors(&self, what: &str) -> Vec<String> {
        let document = self.json();
        let errors = document["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error[what].as_str().map(str::to_owned)).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
