//! Both services, as anybody sees them: over REST and in no other way.

use std::time::Duration;

use crate::args::{Credentials, Urls};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use devstack::{ALL_SCOPES, Stack};
use reqwest::{Method, RequestBuilder};
use sagactl::topics::{self, KafkaSettings};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Orders,
    Deliveries,
}

/// Both services and their databases: all that the stories need to know.
#[derive(Clone, Debug)]
pub struct Pair {
    pub urls: Urls,
    pub orders_database: String,
    pub deliveries_database: String,
    /// Where it is known: the topics between them.
    pub topics: Option<KafkaSettings>,
}

impl Pair {
    /// The pair that we started ourselves.
    pub fn of(stack: &Stack) -> Result<Self> {
        let credentials = Credentials { token: Some(stack.token("sagactl", ALL_SCOPES)?), token_key: None };
        let (orders_url, deliveries_url) = (stack.order_service.url(), stack.delivery_service.url());
        Ok(Self {
            urls: Urls { orders_url, deliveries_url, credentials },
            orders_database: stack.order_reader_url().to_owned(),
            deliveries_database: stack.delivery_reader_url().to_owned(),
            topics: Some(topics::at(stack.kafka.bootstrap(), stack.topic_prefix())),
        })
    }
}

/// The addresses of both services, and connections that are kept alive.
pub struct Shop {
    http: reqwest::Client,
    bearer: Option<String>,
    orders: String,
    deliveries: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body as what it should be; a refusal is an error that says why.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        if !(200..300).contains(&self.status) {
            bail!("the answer was {}: {}", self.status, self.body["detail"].as_str().unwrap_or("no detail"));
        }
        serde_json::from_value(self.body).context("the answer was not understood")
    }
}

impl Shop {
    pub fn at(urls: &Urls) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build()?;
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        let bearer = urls.credentials.bearer()?;
        Ok(Self { http, bearer, orders: base(&urls.orders_url), deliveries: base(&urls.deliveries_url) })
    }

    /// Asks one service. `wait` is how long it may wait for an outcome (`Prefer: wait`), in seconds.
    pub async fn ask(
        &self,
        side: Side,
        method: Method,
        path: &str,
        body: Option<&Value>,
        wait: Option<u32>,
    ) -> Result<Answer> {
        let mut request = self.request(side, method.clone(), path);
        if let Some(seconds) = wait {
            request = request.header("prefer", format!("wait={seconds}"));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request, &format!("{method} {path}")).await
    }

    /// `POST` under an `Idempotency-Key`: asked again, it changes nothing.
    pub async fn post_keyed(&self, side: Side, path: &str, body: &Value, key: &str) -> Result<Answer> {
        let request = self.request(side, Method::POST, path).header("idempotency-key", key).json(body);
        answer(request, &format!("POST {path}")).await
    }

    fn request(&self, side: Side, method: Method, path: &str) -> RequestBuilder {
        let base = match side {
            Side::Orders => &self.orders,
            Side::Deliveries => &self.deliveries,
        };
        let request = self.http.request(method, format!("{base}{path}"));
        match &self.bearer {
            Some(bearer) => request.bearer_auth(bearer),
            None => request,
        }
    }

    pub async fn order(&self, id: Uuid) -> Result<Order> {
        self.ask(Side::Orders, Method::GET, &format!("/orders/{id}"), None, None).await?.read()
    }

    pub async fn product(&self, sku: &str) -> Result<Product> {
        self.find_product(sku).await?.with_context(|| format!("the catalogue has no {sku}"))
    }

    pub async fn find_product(&self, sku: &str) -> Result<Option<Product>> {
        let mut cursor = String::new();
        loop {
            let path = format!("/products?limit=100{cursor}");
            let page: Items<Product> = self.ask(Side::Orders, Method::GET, &path, None, None).await?.read()?;
            if let Some(product) = page.items.into_iter().find(|product| product.sku == sku) {
                return Ok(Some(product));
            }
            let Some(next) = page.next_cursor else { return Ok(None) };
            cursor = format!("&cursor={next}");
        }
    }
}

async fn answer(request: RequestBuilder, asked: &str) -> Result<Answer> {
    let response = request.send().await.with_context(|| format!("{asked} was not answered"))?;
    let status = response.status().as_u16();
    let body = response.json().await.with_context(|| format!("{asked} was answered without JSON"))?;
    Ok(Answer { status, body })
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub struct Items<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// What is bought, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub customer: &'a str,
    pub quantity: u32,
    pub sku: &'static str,
    pub city: &'static str,
    pub postal_code: &'static str,
    pub day: Option<NaiveDate>,
}

impl Wish<'_> {
    pub fn body(&self) -> Value {
        let mut body = json!({
            "customer_id": self.customer,
            "currency": "EUR",
            "items": [{"sku": self.sku, "quantity": self.quantity}],
            "delivery_address": {
                "recipient": "Ada Lovelace", "line1": "Harbour Street 1", "city": self.city,
                "postal_code": self.postal_code, "country": "DE",
            },
        });
        if let Some(day) = self.day {
            body["slot"] = json!(day);
        }
        body
    }
}

/// An order, as far as the story needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub id: Uuid,
    pub status: String,
    pub payment: String,
    pub stock: String,
    pub delivery: Option<Delivery>,
    pub cancellation: Option<Cancellation>,
    pub transitions: Vec<Transition>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    pub slot: Option<Slot>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Slot {
    pub zone: String,
    pub date: NaiveDate,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Cancellation {
    pub reason: String,
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Failure {
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Transition {
    pub status: String,
    pub at: DateTime<Utc>,
}

/// A product's stock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Product {
    pub sku: String,
    pub available: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub shipped: i64,
    pub written_off: i64,
}
