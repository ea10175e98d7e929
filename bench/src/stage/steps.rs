//! Where an order spends its time, by the moments that both sides wrote down.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::report::{Report, Unit};

type Moment = DateTime<Utc>;

/// Means, in milliseconds: unlike medians they add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// From the request, as order-service understood it, until delivery-service decides: the order's commit, the relay, Kafka, a consumer.
    there_ms: f64,
    /// From there until order-service decides: the delivery's commit, the relay, Kafka, a consumer.
    back_ms: f64,
}

impl Steps {
    /// Of all orders that were placed since then and are confirmed.
    pub async fn since(from: Moment, orders: &str, deliveries: &str) -> Result<Self> {
        let asked =
            "select orders.id, placed_at, at from orders join order_history on order_id = orders.id and number = 2
                     where placed_at >= $1 and order_history.status = 'confirmed'";
        let mut orders = PgConnection::connect(orders).await?;
        let placed: Vec<(Uuid, Moment, Moment)> = sqlx::query_as(asked).bind(from).fetch_all(&mut orders).await?;
        let asked = "select order_id, at from delivery_history where number = 1 and at >= $1";
        let mut deliveries = PgConnection::connect(deliveries).await?;
        let decided: Vec<(Uuid, Moment)> = sqlx::query_as(asked).bind(from).fetch_all(&mut deliveries).await?;
        Self::of(&placed, &decided.into_iter().collect())
    }

    fn of(placed: &[(Uuid, Moment, Moment)], decided: &HashMap<Uuid, Moment>) -> Result<Self> {
        let (mut there_ms, mut back_ms) = (0.0, 0.0);
        for (id, placed, confirmed) in placed {
            let decided = *decided.get(id).with_context(|| format!("order {id} has no delivery"))?;
            there_ms += (decided - placed).as_seconds_f64() * 1_000.0;
            back_ms += (*confirmed - decided).as_seconds_f64() * 1_000.0;
        }
        ensure!(!placed.is_empty(), "no order was confirmed");
        let orders = placed.len() as f64;
        Ok(Self { there_ms: there_ms / orders, back_ms: back_ms / orders })
    }

    /// Adds them, and what is left of `mean_ms`, the customer's time: the request itself, the last commit, and the answer.
    pub fn report(self, section: &str, mean_ms: f64, report: &mut Report) {
        let Self { there_ms, back_ms } = self;
        let rest_ms = mean_ms - there_ms - back_ms;
        for (step, ms) in [("there", there_ms), ("back", back_ms), ("rest", rest_ms), ("saga", mean_ms)] {
            report.add(&format!("{section}.{step}_mean_ms"), ms, Unit::Ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn steps_are_means_and_an_order_without_a_delivery_is_an_error() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let at = |ms| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        let placed = [(one, at(0), at(10)), (other, at(100), at(120))];
        let decided = HashMap::from([(one, at(4)), (other, at(112))]);
        assert_eq!(Steps::of(&placed, &decided).unwrap(), Steps { there_ms: 8.0, back_ms: 7.0 });
        assert!(Steps::of(&placed, &HashMap::from([(one, at(4))])).is_err());
        assert!(Steps::of(&[], &decided).is_err());
    }
}
