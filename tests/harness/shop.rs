//! Both services over HTTP, as customers, the shop and its staff use them.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::AUTHORIZATION};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// What came of asking: an answer, or why there was none.
pub type Asked = reqwest::Result<Reply>;

/// An answer, whatever it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its bytes, as they came.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads an answer to its end.
    ///
    /// # Errors
    /// When there was none, or it broke off.
    pub async fn to(request: RequestBuilder) -> Asked {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await?.to_vec() })
    }

    /// The body; `null` if it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The text at this JSON pointer; empty if there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A header's text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body of an answer that has to have this status.
    ///
    /// # Errors
    /// It has another one.
    pub fn require(self, status: StatusCode) -> Result<Value> {
        if self.status != status {
            bail!("the answer is {}, not {status}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(self.json())
    }

    /// Whether this is the problem document of that name: media type, status in the body, everything.
    #[must_use]
    pub fn is_problem(&self, status: StatusCode, code: &str) -> bool {
        self.status == status && self.problem().as_deref() == Some(code)
    }

    /// Whether it says "not now" as it should: a problem document, and when to come back.
    #[must_use]
    pub fn is_not_now(&self) -> bool {
        let is_problem = self.status == StatusCode::SERVICE_UNAVAILABLE && self.problem().is_some();
        is_problem && self.header("retry-after").parse().is_ok_and(|seconds| (1..=60).contains(&seconds))
    }

    /// The code of a well-formed problem document (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let document = self.json();
        let is_told_so = self.header("content-type") == "application/problem+json";
        let same_status = document["status"] == json!(self.status.as_u16());
        let has_words = ["type", "title", "detail"].iter().all(|name| document[*name].is_string());
        let code = document["code"].as_str()?.to_owned();
        (is_told_so && same_status && has_words).then_some(code)
    }
}

/// The two services.
#[derive(Clone, Debug)]
pub struct Shop {
    http: Client,
    /// Where order-service is.
    pub orders: String,
    /// Where delivery-service is.
    pub deliveries: String,
}

impl Shop {
    /// The services at these addresses (`http://127.0.0.1:8080`).
    #[must_use]
    pub fn new(orders: impl Into<String>, deliveries: impl Into<String>) -> Self {
        Self { http: Client::new(), orders: orders.into(), deliveries: deliveries.into() }
    }

    /// The same services, asked by whoever has this token or API key.
    ///
    /// # Panics
    /// When it cannot stand in a header.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("a token can stand in a header");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        Self { http: Client::builder().default_headers(headers).build().expect("a client"), ..self.clone() }
    }

    /// The same delivery-service, and the order-service at another address: a second instance.
    #[must_use]
    pub fn with_orders_at(&self, orders: impl Into<String>) -> Self {
        Self { orders: orders.into(), ..self.clone() }
    }

    /// Any request to any address, shown what this shop shows.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// `POST` to order-service, for those who add headers of their own.
    pub fn order_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.orders)).json(body)
    }

    /// Places an order.
    ///
    /// # Errors
    /// When there is no answer; the same for all that ask something here.
    pub async fn place(&self, order: &Value) -> Asked {
        Reply::to(self.order_request("/orders", order)).await
    }

    /// Places an order under an `Idempotency-Key`.
    pub async fn place_once(&self, key: &str, order: &Value) -> Asked {
        Reply::to(self.order_request("/orders", order).header("idempotency-key", key)).await
    }

    /// Places an order and would rather wait so many seconds for its outcome.
    pub async fn place_and_wait(&self, seconds: u64, order: &Value) -> Asked {
        Reply::to(self.order_request("/orders", order).header("prefer", format!("wait={seconds}"))).await
    }

    /// Cancels an order.
    pub async fn cancel(&self, order_id: &str) -> Asked {
        Reply::to(self.order_request(&format!("/orders/{order_id}/cancellation"), &json!({}))).await
    }

    /// `GET` from order-service.
    pub async fn get(&self, path: &str) -> Asked {
        Reply::to(self.http.get(format!("{}{path}", self.orders))).await
    }

    /// An order as it stands.
    pub async fn order(&self, order_id: &str) -> Result<Value> {
        self.read(&format!("{}/orders/{order_id}", self.orders)).await
    }

    /// Pieces arrive.
    pub async fn receive(&self, sku: &str, quantity: i64) -> Asked {
        Reply::to(self.order_request(&format!("/products/{sku}/receipts"), &json!({ "quantity": quantity }))).await
    }

    /// Puts an article of half a kilogram into the catalogue, or gives it another price.
    pub async fn put_product(&self, sku: &str, price_minor: i64) -> Asked {
        let name = format!("Article {sku}");
        let details = json!({ "name": name, "price_minor": price_minor, "currency": "EUR", "weight_g": 500 });
        Reply::to(self.http.put(format!("{}/products/{sku}", self.orders)).json(&details)).await
    }

    /// Begins to sell an article for 12.50 EUR, with so many pieces of it on the shelf.
    pub async fn sells(&self, sku: &str, pieces: i64) -> Result<()> {
        self.put_product(sku, 1250).await?.require(StatusCode::CREATED)?;
        self.receive(sku, pieces).await?.require(StatusCode::OK).map(drop)
    }

    /// An article with its stock.
    pub async fn product(&self, sku: &str) -> Result<Value> {
        let mut cursor = String::new();
        loop {
            let page = self.read(&format!("{}/products?limit=100{cursor}", self.orders)).await?;
            let items = page["items"].as_array().context("a page has items")?;
            if let Some(product) = items.iter().find(|product| product["sku"] == sku) {
                return Ok(product.clone());
            }
            let next = page["next_cursor"].as_str().with_context(|| format!("there is no product {sku}"))?;
            cursor = format!("&cursor={next}");
        }
    }

    /// Serves postal codes with this prefix in Germany.
    pub async fn serves(&self, zone: &str, prefix: &str, capacity_per_day: i64) -> Result<()> {
        let terms = json!({ "country": "DE", "prefixes": [prefix], "capacity_per_day": capacity_per_day, "weight_limit_g": 30_000 });
        let put = Reply::to(self.http.put(format!("{}/zones/{zone}", self.deliveries)).json(&terms)).await?;
        put.require(StatusCode::CREATED).map(drop)
    }

    /// A courier begins to work.
    pub async fn employs(&self, courier: &str, capacity: i64) -> Result<()> {
        let terms = json!({ "name": format!("Courier {courier}"), "capacity": capacity });
        let put = Reply::to(self.http.put(format!("{}/couriers/{courier}", self.deliveries)).json(&terms)).await?;
        put.require(StatusCode::CREATED).map(drop)
    }

    /// A courier, with what they carry.
    pub async fn courier(&self, courier: &str) -> Result<Value> {
        self.read(&format!("{}/couriers/{courier}", self.deliveries)).await
    }

    /// The delivery of an order, if delivery-service has one yet.
    pub async fn delivery_of(&self, order_id: &str) -> Result<Option<Value>> {
        let page = self.read(&format!("{}/deliveries?order_id={order_id}", self.deliveries)).await?;
        Ok(page["items"].get(0).cloned())
    }

    /// Where and when there would be room for so many grams to this postal code in Germany, at most so many days.
    pub async fn options(&self, postal_code: &str, weight_g: i64, limit: usize) -> Result<Value> {
        let postal_code = postal_code.replace(' ', "%20");
        let asked = format!("postal_code={postal_code}&country=DE&weight_g={weight_g}&limit={limit}");
        self.read(&format!("{}/delivery-options?{asked}", self.deliveries)).await
    }

    /// Staff and couriers do something with a delivery: `courier`, `dispatch`, `attempts`, `completion`, `failure`.
    pub async fn staff(&self, delivery_id: &str, command: &str, body: &Value) -> Asked {
        Reply::to(self.http.post(format!("{}/deliveries/{delivery_id}/{command}", self.deliveries)).json(body)).await
    }

    /// The same under an `Idempotency-Key`.
    pub async fn staff_once(&self, key: &str, delivery_id: &str, command: &str, body: &Value) -> Asked {
        let url = format!("{}/deliveries/{delivery_id}/{command}", self.deliveries);
        Reply::to(self.http.post(url).header("idempotency-key", key).json(body)).await
    }

    /// Reads what has to be there.
    pub async fn read(&self, url: &str) -> Result<Value> {
        Reply::to(self.http.get(url)).await?.require(StatusCode::OK).with_context(|| format!("GET {url}"))
    }

    /// A counter of the instance at this address, all series added up whose line begins with these words
    /// (`inbox_events_total{outcome="duplicate"}`); 0 if nothing was counted yet.
    pub async fn counter(&self, instance: &str, series: &str) -> Result<f64> {
        let text = Reply::to(self.http.get(format!("{instance}/metrics"))).await?.body;
        let text = String::from_utf8(text)?;
        let lines = text.lines().filter(|line| line.starts_with(series));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

/// An order of these articles, to this postal code in Germany.
#[must_use]
pub fn order_of(items: &[(&str, u32)], postal_code: &str) -> Value {
    let items: Vec<_> = items.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    json!({
        "customer_id": "customer-1",
        "currency": "EUR",
        "items": items,
        "delivery_address": {
            "recipient": "Ada Lovelace", "line1": "Hauptstr. 1", "city": "Berlin", "postal_code": postal_code, "country": "DE"
        }
    })
}
