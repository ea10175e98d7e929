//! Both services over HTTP, as far as they can be reached.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_events::Topic;

const ANSWER_WITHIN: Duration = Duration::from_secs(20);

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

    /// Asks a service to do something (`POST`).
    ///
    /// # Errors
    /// As above; and the service says no.
    pub async fn ask(&self, side: Side, path: &str, body: &Value) -> Result<Value> {
        let (status, body) = self.answer(side, self.http.post(self.url(side, path)?).json(body)).await?;
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

fn refused(side: Side, status: u16, body: &[u8]) -> anyhow::Error {
    anyhow!("{side} answers {status}: {}", problem(body)["detail"].as_str().unwrap_or("no reason given"))
}

fn problem(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}
