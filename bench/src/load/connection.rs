//! One kept-alive HTTP/1.1 connection, as cheap as it can be: requests are bytes that are there already, and of an answer only what the
//! benchmark needs is read. No HTTP library: it would take more of the two cores than the service under test.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer longer than this is none of ours.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A connection on which one request is answered after the other.
pub struct Connection {
    stream: TcpStream,
    /// What was read and not used yet; holds one answer at most.
    buffer: Vec<u8>,
}

/// An answer, its body still where it was read to.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: &'a [u8],
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    retry_after_s: Option<u64>,
    head_bytes: usize,
    body_bytes: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} takes no connection"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8 * 1024) })
    }

    /// Sends a request and reads the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await.context("a request could not be sent")?;
        let head = loop {
            self.read_more().await?;
            if let Some(head) = Head::read(&self.buffer)? {
                break head;
            }
        };
        let whole = head.head_bytes + head.body_bytes;
        while self.buffer.len() < whole {
            self.read_more().await?;
        }
        ensure!(self.buffer.len() == whole, "more came back than was asked for");
        let body = &self.buffer[head.head_bytes..];
        Ok(Answer { status: head.status, retry_after_s: head.retry_after_s, body })
    }

    async fn read_more(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.context("an answer could not be read")?;
        ensure!(read > 0, "the service closed a connection that was in use");
        ensure!(self.buffer.len() <= LONGEST_ANSWER, "an answer had no end");
        Ok(())
    }
}

impl Head {
    /// Nothing while the head is not all there.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let head_bytes = match response.parse(bytes).context("an answer was no HTTP")? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Ok(None),
        };
        let status = response.code.context("an answer had no status")?;
        let number = |name: &str| -> Result<Option<u64>> {
            let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            let Some(header) = header else { return Ok(None) };
            let number = std::str::from_utf8(header.value)?.parse().with_context(|| format!("{name} is no number"))?;
            Ok(Some(number))
        };
        let Some(body_bytes) = number("content-length")? else {
            bail!("an answer ({status}) did not say how long it is")
        };
        let body_bytes = usize::try_from(body_bytes)?;
        Ok(Some(Self { status, retry_after_s: number("retry-after")?, head_bytes, body_bytes }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_says_the_status_the_length_and_when_to_come_back() {
        let refused = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\n{}";
        let head = Head::read(refused).expect("HTTP").expect("a whole head");
        assert_eq!(head, Head { status: 503, retry_after_s: Some(5), head_bytes: refused.len() - 2, body_bytes: 2 });
        assert_eq!(Head::read(&refused[..40]).expect("a part of HTTP"), None);
        assert!(Head::read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(Head::read(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn an_answer_that_comes_in_pieces_is_read_to_its_end_and_the_next_one_begins_after_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 3];
            stream.read_exact(&mut asked).await.unwrap();
            for piece in ["HTTP/1.1 201 Created\r\nconte", "nt-length: 5\r\n\r\nab", "cde"] {
                stream.write_all(piece.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        });
        let mut connection = Connection::open(address).await.unwrap();
        let answer = connection.exchange(b"one").await.unwrap();
        assert_eq!(answer, Answer { status: 201, retry_after_s: None, body: b"abcde" });
        let answer = connection.exchange(b"two").await.unwrap();
        assert_eq!(answer, Answer { status: 503, retry_after_s: Some(7), body: b"" });
        serving.await.unwrap();
        assert!(connection.exchange(b"six").await.is_err(), "a connection that was closed");
    }
}
