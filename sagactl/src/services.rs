//! Both services over HTTP, as far as they can be reached.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use chassis::clock;
use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_events::Topic;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often something is asked for, when its answers get lost.
const TRIES: usize = 3;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Takes orders.
    OrderService,
    /// Brings them.
    DeliveryService,
}

impl Side {
    /// Both, the one that begins every saga first.
    pub const BOTH: [Side; 2] = [Side::OrderService, Side::DeliveryService];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::OrderService => "order-service",
            Side::DeliveryService => "delivery-service",
        }
    }

    /// The topic on which it announces; the other one is what it reads.
    #[must_use]
    pub fn announces_on(self) -> Topic {
        match self {
            Side::OrderService => Topic::Orders,
            Side::DeliveryService => Topic::Deliveries,
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::OrderService => Side::DeliveryService,
            Side::DeliveryService => Side::OrderService,
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Side::OrderService => "--orders-url",
            Side::DeliveryService => "--deliveries-url",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// The order side's.
    pub orders: T,
    /// The delivery side's.
    pub deliveries: T,
}

impl<T> Sides<T> {
    /// This side's.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::OrderService => &self.orders,
            Side::DeliveryService => &self.deliveries,
        }
    }

    /// This side's, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::OrderService => &mut self.orders,
            Side::DeliveryService => &mut self.deliveries,
        }
    }
}

/// Where both services are, and what they are shown of us.
#[derive(Clone, Debug)]
pub struct Services {
    http: reqwest::Client,
    addresses: Sides<Option<String>>,
    token: Option<String>,
}

impl Services {
    /// The services at these addresses, as far as they are known.
    ///
    /// # Errors
    /// No client can be made.
    pub fn at(addresses: Sides<Option<String>>, token: Option<String>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        Ok(Self { http, addresses, token })
    }

    /// That it is known.
    ///
    /// # Errors
    /// It is not; says how to tell it.
    pub fn must_have(&self, side: Side) -> Result<()> {
        self.url(side, "").map(drop)
    }

    /// What is at this path of a service; none where it says that there is no such thing.
    ///
    /// # Errors
    /// Its address is not known, it does not answer, or it refuses; says which.
    pub async fn read<T: DeserializeOwned>(&self, side: Side, path: &str) -> Result<Option<T>> {
        let (status, body) = self.answer(side, self.http.get(self.url(side, path)?)).await?;
        match status {
            200 => serde_json::from_slice(&body).map(Some).with_context(|| format!("{side} was not understood")),
            404 if problem(&body)["code"] == "not_found" => Ok(None),
            _ => Err(refused(side, status, &body)),
        }
    }

    /// Asks a service to do something (`POST`), and asks again where the answer gets lost. All under one `Idempotency-Key`: what has been
    /// done is answered, and not done again.
    ///
    /// # Errors
    /// As above; and the service says no.
    pub async fn ask(&self, side: Side, path: &str, body: &Value) -> Result<Value> {
        let (url, key) = (self.url(side, path)?, clock::fresh_id().to_string());
        let request = || self.http.post(&url).header("idempotency-key", &key).json(body);
        let mut answer = self.answer(side, request()).await;
        for _ in 1..TRIES {
            if !answer.as_ref().is_err_and(is_unknown) {
                break;
            }
            answer = self.answer(side, request()).await;
        }
        let (status, body) = answer?;
        if !(200..300).contains(&status) {
            return Err(refused(side, status, &body));
        }
        serde_json::from_slice(&body).with_context(|| format!("{side} was not understood"))
    }

    fn url(&self, side: Side, path: &str) -> Result<String> {
        let address = self.addresses.of(side).as_deref();
        let address = address.with_context(|| format!("{side}'s address is not given ({})", side.flag()))?;
        Ok(format!("{}{path}", address.trim_end_matches('/')))
    }

    async fn answer(&self, side: Side, request: RequestBuilder) -> Result<(u16, Vec<u8>)> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let address = self.addresses.of(side).as_deref().unwrap_or_default();
        let response = request.send().await.with_context(|| format!("{side} does not answer at {address}"))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.with_context(|| format!("{side}'s answer broke off"))?;
        Ok((status, body.to_vec()))
    }
}

/// Whether it may have been done all the same: somebody was there to be asked.
fn is_unknown(error: &anyhow::Error) -> bool {
    error.downcast_ref::<reqwest::Error>().is_some_and(|error| !error.is_connect())
}

fn refused(side: Side, status: u16, body: &[u8]) -> anyhow::Error {
    anyhow!("{side} answers {status}: {}", problem(body)["detail"].as_str().unwrap_or("no reason given"))
}

fn problem(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// The key of the one request that comes by this connection.
    async fn key_of(stream: &mut tokio::net::TcpStream) -> String {
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            assert!(stream.read_buf(&mut request).await.expect("bytes") > 0, "a whole request");
        }
        let request = String::from_utf8(request).expect("a text");
        let key = request.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
        key.expect("a key").to_owned()
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_asked_for_again_under_the_same_key() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let service = tokio::spawn(async move {
            let (mut lost, _) = listener.accept().await.expect("a first try");
            let first = key_of(&mut lost).await;
            drop(lost);
            let (mut answered, _) = listener.accept().await.expect("a second try");
            let second = key_of(&mut answered).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"done\":true}";
            answered.write_all(answer).await.expect("it is answered");
            (first, second)
        });
        let addresses = Sides { orders: Some(address), deliveries: None };
        let services = Services::at(addresses, None).expect("a client");
        let done = services.ask(Side::OrderService, "/pauses", &json!({})).await.expect("an answer");
        assert_eq!(done["done"], true);
        let (first, second) = service.await.expect("two tries");
        assert_eq!(first, second);
    }

    #[tokio::test]
    async fn nobody_is_asked_twice_where_nobody_is() {
        let address = Some("http://127.0.0.1:1".to_owned());
        let services = Services::at(Sides { orders: address, deliveries: None }, None).expect("a client");
        let error = services.ask(Side::OrderService, "/pauses", &json!({})).await.expect_err("nobody answers");
        assert!(!is_unknown(&error), "{error:#}");
        assert!(error.to_string().starts_with("order-service does not answer at"), "{error:#}");
    }
}
