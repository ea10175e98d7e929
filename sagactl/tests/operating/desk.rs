//! Where an operator sits: a pair with something to sell, a way to make events fail, and the command.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use devstack::{ALL_SCOPES, Ports, Progress, Stack, StackOptions, wait_until};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Deserializer, Value, json};
use sqlx::PgPool;
use tokio::process::Command;
use uuid::Uuid;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mistake in the delivery side's database: it takes no parcel for those who stand in a list.
const MISTAKE: &str = "
    create table unlucky (recipient text primary key);
    create function refuses_the_unlucky() returns trigger language plpgsql as $$
    begin
        if new.status = 'scheduled' and exists (select from unlucky where recipient = new.address ->> 'recipient') then
            raise exception 'no parcel for %', new.address ->> 'recipient';
        end if;
        return new;
    end $$;
    create trigger refuses_the_unlucky before insert on deliveries for each row execute function refuses_the_unlucky()";

/// The pair, its databases, and somebody who may do anything.
pub struct Desk {
    pub stack: Stack,
    pub orders: PgPool,
    pub deliveries: PgPool,
    http: Client,
}

/// How a command ended, what it said, and what it complained of.
#[derive(Debug)]
pub struct Told {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Told {
    /// What has to be so of everything that is no terminal's.
    fn of(output: Output) -> Result<Self> {
        let told = Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        };
        ensure!(!told.out.contains('\u{1b}') && !told.err.contains('\u{1b}'), "no colours in a pipe: {told:?}");
        Ok(told)
    }

    /// It ended well and complained of nothing.
    pub fn well(self) -> Result<Self> {
        ensure!(self.status == Some(0) && self.err.is_empty(), "{self:?}");
        Ok(self)
    }

    /// It ended so, and complained in one sentence that has this in it.
    pub fn complains(&self, status: i32, of: &str) -> Result<()> {
        ensure!(self.status == Some(status), "{status}: {self:?}");
        ensure!(self.err.contains(of), "{of}: {self:?}");
        Ok(())
    }

    /// It said all of this.
    pub fn says(&self, words: &[&str]) -> Result<()> {
        for word in words {
            ensure!(self.out.contains(word), "{word}: {self:?}");
        }
        Ok(())
    }

    /// The JSON documents that it printed, and nothing besides.
    pub fn documents(&self) -> Result<Vec<Value>> {
        let documents = Deserializer::from_str(&self.out).into_iter().collect::<Result<Vec<Value>, _>>();
        documents.with_context(|| format!("{self:?}"))
    }

    /// The answer of the only service that was asked.
    pub fn answer(&self, service: &str) -> Result<Value> {
        let [document] = &self.documents()?[..] else { bail!("not one document: {self:?}") };
        ensure!(document["service"] == service, "{document}");
        Ok(document["answer"].clone())
    }
}

impl Desk {
    pub async fn open() -> Result<Self> {
        let options = StackOptions { ports: Ports::Free, ..StackOptions::default() };
        let stack = Stack::start(options, &Progress::hidden()).await?;
        let bearer = format!("Bearer {}", stack.token("ada", ALL_SCOPES)?).parse()?;
        let http = Client::builder().default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)])).build()?;
        let orders = PgPool::connect(stack.order_database_url()).await?;
        let deliveries = PgPool::connect(stack.delivery_database_url()).await?;
        sqlx::raw_sql(MISTAKE).execute(&deliveries).await?;
        let desk = Self { stack, orders, deliveries, http };
        let (shop, zones) = (desk.stack.order_service.url(), desk.stack.delivery_service.url());
        let lamp = json!({"name": "Lamp", "price_minor": 2_500, "currency": "EUR", "weight_g": 900});
        let harbour = json!({"country": "DE", "prefixes": ["2"], "capacity_per_day": 1_000, "weight_limit_g": 20_000});
        desk.http.put(format!("{shop}/products/LAMP")).json(&lamp).send().await?.error_for_status()?;
        let pieces = desk.http.post(format!("{shop}/products/LAMP/receipts")).json(&json!({"quantity": 100}));
        pieces.send().await?.error_for_status()?;
        desk.http.put(format!("{zones}/zones/harbour")).json(&harbour).send().await?.error_for_status()?;
        Ok(desk)
    }

    pub async fn close(self) -> Result<()> {
        self.orders.close().await;
        self.deliveries.close().await;
        self.stack.stop().await
    }

    /// The command, with everything it may want to know in its environment.
    pub fn sagactl(&self, arguments: &[&str]) -> Result<Command> {
        let mut sagactl = Command::new(env!("CARGO_BIN_EXE_sagactl"));
        sagactl
            .args(arguments)
            .env("SAGACTL_TOKEN", self.stack.token("olga", "operator")?)
            .env("ORDERS_URL", self.stack.order_service.url())
            .env("DELIVERIES_URL", self.stack.delivery_service.url())
            .env("ORDERS_DATABASE_URL", self.stack.order_database_url())
            .env("DELIVERIES_DATABASE_URL", self.stack.delivery_database_url())
            .env("KAFKA_BOOTSTRAP_SERVERS", self.stack.kafka.bootstrap())
            .env("TOPIC_PREFIX", self.stack.topic_prefix())
            .kill_on_drop(true);
        Ok(sagactl)
    }

    pub async fn run(&self, arguments: &[&str]) -> Result<Told> {
        told(&mut self.sagactl(arguments)?).await
    }

    /// Runs what a command has printed to be typed next, with this for a reason.
    pub async fn follow(&self, printed: &str, reason: &str) -> Result<Told> {
        let next = printed.lines().find_map(|line| line.trim().strip_prefix("sagactl "));
        let next = next.with_context(|| format!("it says what to type: {printed}"))?;
        let arguments: Vec<&str> = next.split(' ').map(|word| if word == "'…'" { reason } else { word }).collect();
        self.run(&arguments).await
    }

    pub async fn places(&self, recipient: &str) -> Result<String> {
        let order = json!({
            "customer_id": "ada", "currency": "EUR", "items": [{"sku": "LAMP", "quantity": 1}],
            "delivery_address": {"recipient": recipient, "line1": "1 Main Street", "city": "Hamburg", "postal_code": "20457", "country": "DE"},
        });
        let placed = self.http.post(format!("{}/orders", self.stack.order_service.url())).json(&order).send().await?;
        let order: Value = placed.error_for_status()?.json().await?;
        Ok(order["id"].as_str().context("an id")?.to_owned())
    }

    pub async fn cancels(&self, order: &str) -> Result<()> {
        let cancellation = format!("{}/orders/{order}/cancellation", self.stack.order_service.url());
        self.http.post(cancellation).json(&json!({})).send().await?.error_for_status()?;
        Ok(())
    }

    pub async fn status(&self, order: &str) -> Result<String> {
        let order: Uuid = order.parse()?;
        Ok(sqlx::query_scalar("select status from orders where id = $1").bind(order).fetch_one(&self.orders).await?)
    }

    pub async fn becomes(&self, order: &str, status: &str) -> Result<()> {
        let comes = async || Ok((self.status(order).await? == status).then_some(()));
        wait_until(PATIENCE, comes).await?.with_context(|| format!("{order} never becomes {status}"))
    }

    /// Places an order whose event the delivery side cannot apply, and waits until it is parked and not tried again for a while: the
    /// order and the parked event.
    pub async fn places_in_vain(&self, recipient: &str) -> Result<(String, String)> {
        sqlx::query("insert into unlucky values ($1)").bind(recipient).execute(&self.deliveries).await?;
        let order = self.places(recipient).await?;
        Ok((order.clone(), self.parked(&order).await?))
    }

    /// Waits until something of this order is parked at the delivery side; it is not tried again for a while.
    pub async fn parked(&self, order: &str) -> Result<String> {
        let later = "update parked_events set next_attempt_at = now() + interval '1 hour'
                     where order_id = $1 and resolved_at is null returning id";
        let order: Uuid = order.parse()?;
        let there = async || Ok(sqlx::query_scalar(later).bind(order).fetch_optional(&self.deliveries).await?);
        let id: Uuid = wait_until(PATIENCE, there).await?.context("nothing is parked")?;
        Ok(id.to_string())
    }

    pub async fn mends(&self, recipient: &str) -> Result<()> {
        sqlx::query("delete from unlucky where recipient = $1").bind(recipient).execute(&self.deliveries).await?;
        Ok(())
    }

    /// Waits until everything that the order side has announced has gone out.
    pub async fn all_is_sent(&self) -> Result<()> {
        let empty = async || {
            let left: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&self.orders).await?;
            Ok((left == 0).then_some(()))
        };
        wait_until(PATIENCE, empty).await?.context("something does not go out")
    }
}

pub async fn told(command: &mut Command) -> Result<Told> {
    Told::of(command.output().await?)
}
