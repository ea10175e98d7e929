//! What an order is, and what its delivery is: two databases, one story.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::Finding;

/// An order as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Placed {
    pub id: Uuid,
    pub customer: String,
    pub status: String,
    /// Where its pieces are.
    pub stock: String,
    pub total_minor: i64,
    /// Whether somebody wanted it cancelled and was told that it was too late.
    pub cancellation_rejected: bool,
}

/// A delivery as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Planned {
    pub id: Uuid,
    pub order_id: Uuid,
    pub status: String,
    /// Of a failure: how far it had come, why, and what became of the goods if they had left.
    pub stage: Option<String>,
    pub reason: Option<String>,
    pub goods: Option<String>,
    /// Who carries it, or last did.
    pub courier: Option<String>,
    /// How often nobody was there.
    pub attempts: i32,
}

impl Placed {
    pub async fn all(orders: &PgPool) -> Result<Vec<Self>> {
        let all = "select id, customer_id as customer, status, stock, total_minor, cancellation_rejected from orders";
        Ok(sqlx::query_as(all).fetch_all(orders).await?)
    }
}

impl Planned {
    pub async fn all(deliveries: &PgPool) -> Result<Vec<Self>> {
        let all = "select id, order_id, status, failure ->> 'stage' as stage, failure ->> 'reason' as reason,
                          failure ->> 'goods' as goods, courier_id as courier, jsonb_array_length(attempts) as attempts
                   from deliveries";
        Ok(sqlx::query_as(all).fetch_all(deliveries).await?)
    }

    /// Whether it has left, whatever became of it then.
    pub fn has_left(&self) -> bool {
        matches!(
            (self.status.as_str(), self.stage.as_deref()),
            ("dispatched" | "delivered", None) | ("failed", Some("transit"))
        )
    }
}

/// I4: what an order is and what its delivery is have to fit, and the goods have to be where the delivery left them.
pub fn both_sides(placed: &[Placed], planned: &[Planned]) -> Finding {
    let mut deliveries: HashMap<Uuid, &Planned> = planned.iter().map(|one| (one.order_id, one)).collect();
    let mut violations = Vec::new();
    for order in placed {
        let Placed { id, status, stock, .. } = order;
        match deliveries.remove(id) {
            None => violations.push(format!("order {id} is {status}, and has no delivery")),
            Some(delivery) if fit(order, delivery) => {}
            Some(Planned { status: there, stage, goods, .. }) => violations.push(format!(
                "order {id} is {status} and its goods {stock}, its delivery is {there}, {stage:?}, with goods {goods:?}"
            )),
        }
    }
    violations.extend(deliveries.keys().map(|order| format!("a delivery for order {order}, which nobody placed")));
    Finding { name: "I4, I7, I9", says: "both sides tell one story of every order and its goods", violations }
}

fn fit(order: &Placed, delivery: &Planned) -> bool {
    let there = (delivery.status.as_str(), delivery.stage.as_deref(), delivery.goods.as_deref());
    match (order.status.as_str(), order.stock.as_str()) {
        ("confirmed", "reserved") => there == ("scheduled", None, None),
        ("in_delivery", "reserved") => there == ("dispatched", None, None),
        ("delivered", "shipped") => there == ("delivered", None, None),
        ("returned", "released") => there == ("failed", Some("transit"), Some("returned")),
        ("returned", "written_off") => matches!(there, ("failed", Some("transit"), Some("lost" | "damaged"))),
        ("cancelled", "released") => matches!(
            there,
            ("void" | "cancelled", None, None)
                | ("refused", Some("creation"), None)
                | ("failed", Some("fulfilment"), None)
        ),
        // Nobody waits for an answer any more, and no other goods go with these statuses.
        _ => false,
    }
}

/// An order and its delivery, made up.
#[cfg(test)]
pub mod samples {
    use super::*;

    pub const ORDER: Uuid = Uuid::from_u128(1);
    pub const DELIVERY: Uuid = Uuid::from_u128(2);

    /// The order of customer c1.
    pub fn order(status: &str, stock: &str) -> Placed {
        let (customer, status, stock) = ("c1".to_owned(), status.to_owned(), stock.to_owned());
        Placed { id: ORDER, customer, status, stock, total_minor: 100, cancellation_rejected: false }
    }

    /// Its delivery; of a failure with stage, reason and goods, where there are any.
    pub fn delivery(status: &str, failure: &[&str]) -> Planned {
        let said = |at: usize| failure.get(at).map(|text| (*text).to_owned());
        let (stage, reason, goods) = (said(0), said(1), said(2));
        let (status, courier) = (status.to_owned(), Some("bo".to_owned()));
        Planned { id: DELIVERY, order_id: ORDER, status, stage, reason, goods, courier, attempts: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{delivery, order};
    use super::*;

    #[test]
    fn two_stories_of_one_order_are_found() {
        let found = |order: Placed, delivery: Planned| both_sides(&[order], &[delivery]).violations.len();
        let (returned, lost) = (["transit", "refused_by_recipient", "returned"], ["transit", "lost", "lost"]);
        let at_home = ["fulfilment", "no_courier"];
        assert_eq!(found(order("cancelled", "released"), delivery("void", &[])), 0);
        assert_eq!(found(order("cancelled", "released"), delivery("failed", &at_home)), 0);
        assert_eq!(found(order("cancelled", "released"), delivery("refused", &["creation", "slot_full"])), 0);
        assert_eq!(found(order("returned", "released"), delivery("failed", &returned)), 0);
        assert_eq!(found(order("returned", "written_off"), delivery("failed", &lost)), 0);
        assert_eq!(found(order("cancelled", "released"), delivery("delivered", &[])), 1);
        assert_eq!(found(order("cancelled", "released"), delivery("failed", &returned)), 1, "it had left");
        assert_eq!(found(order("returned", "released"), delivery("failed", &at_home)), 1, "it never left");
        assert_eq!(found(order("returned", "released"), delivery("failed", &lost)), 1, "nobody has these goods");
        assert_eq!(found(order("returned", "written_off"), delivery("failed", &returned)), 1, "they are back");
        assert_eq!(found(order("delivered", "reserved"), delivery("delivered", &[])), 1);
        assert_eq!(both_sides(&[order("confirmed", "reserved")], &[]).violations.len(), 1);
        assert_eq!(both_sides(&[], &[delivery("scheduled", &[])]).violations.len(), 1);
    }
}
