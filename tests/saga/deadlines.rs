//! Who waits too long: put off, asked, asked again, flagged. Time passes by hand where a test turns the sweeper, and in the services
//! themselves where they are told to be impatient.

mod heard;
mod late;
mod poison;
mod restart;
mod silent;
mod together;
mod unanswered;
mod unsent;

use anyhow::Result;
use chassis::{Deadlines, Sweeper, Tx, clock, messaging::HandOver};
use chrono::{DateTime, TimeDelta, Utc};
use delivery_service::deadlines::DeliveryDeadlines;
use order_service::deadlines::OrderDeadlines;
use serde_json::Value;
use shared_events::OrderId;
use sqlx::PgPool;
use std::time::Duration;
use tests::{PATIENCE, eventually_is};

use crate::{
    settings::{delivery_settings, order_settings},
    stage::{Stage, order},
};

/// One line of an order's history: what, the status after it, the cause.
type Line = (String, String, String);

impl Stage {
    async fn order(&self, id: &str) -> Value {
        self.shop.order(id).await.expect("the order")
    }

    async fn history(&self, id: &str) -> Vec<Line> {
        let lines = "select what, status, cause_id from order_history where order_id::text = $1 order by number";
        sqlx::query_as(lines).bind(id).fetch_all(&self.orders).await.expect("a history")
    }

    /// What brought the lines of an order's history.
    async fn whats(&self, id: &str) -> Vec<String> {
        self.history(id).await.into_iter().map(|(what, _, _)| what).collect()
    }

    /// As if the other side had answered an order of the far future: it is not that it is silent.
    async fn hears_of_younger_orders(&self) -> Result<()> {
        let heard = "insert into heard values ('deliveries', 0, 'ffffffff-ffff-7fff-8fff-ffffffffffff')
                     on conflict (topic, \"partition\") do update set order_id = excluded.order_id";
        sqlx::raw_sql(heard).execute(&self.orders).await?;
        Ok(())
    }

    async fn announced_is_published(&self) {
        eventually_is("everything is published", PATIENCE, 0, async || {
            let unsent: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&self.orders).await?;
            Ok(unsent)
        })
        .await;
    }
}

/// What the order side does about deadlines, with these flags.
fn order_deadlines(flags: &[&str]) -> OrderDeadlines {
    OrderDeadlines { terms: order_settings(flags).terms() }
}

fn delivery_deadlines() -> DeliveryDeadlines {
    DeliveryDeadlines { terms: delivery_settings(&[]).terms() }
}

/// The order side's sweeper on a database, to be turned by hand.
fn order_sweeper(pool: &PgPool) -> Sweeper<OrderDeadlines> {
    sweeper(order_deadlines(&[]), pool)
}

/// The delivery side's.
fn delivery_sweeper(pool: &PgPool) -> Sweeper<DeliveryDeadlines> {
    sweeper(delivery_deadlines(), pool)
}

fn sweeper<D: Deadlines>(deadlines: D, pool: &PgPool) -> Sweeper<D> {
    Sweeper::new(deadlines, pool.clone(), HandOver::default(), Duration::from_secs(1))
}

fn minutes_from_now(minutes: i64) -> DateTime<Utc> {
    clock::now() + TimeDelta::minutes(minutes)
}

/// The oldest order about which a service may still have to announce something.
async fn oldest_open(deadlines: &impl Deadlines, pool: &PgPool) -> Result<Option<String>> {
    let mut tx = Tx::from(pool.begin().await?);
    Ok(deadlines.oldest_open(&mut tx, OrderId(uuid::Uuid::nil())).await?.map(|order| order.to_string()))
}
