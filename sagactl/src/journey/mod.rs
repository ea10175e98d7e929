//! The journey of an order: what each side knows of it, merged into one timeline.

mod known;
mod merge;
mod report;

use anyhow::{Result, anyhow};
use uuid::Uuid;

use crate::services::{Services, Side, Sides};

pub use known::{Journey, Step, Waiting};
pub use merge::{Entry, timeline};
pub use report::{Merged, Sight};

/// Asks both sides, and merges what they know. What one of them does not tell is said; the rest is shown.
///
/// # Errors
/// Neither side could be asked.
pub async fn follow(services: &Services, order_id: Uuid) -> Result<Merged> {
    let path = format!("/orders/{order_id}/journey");
    let (orders, deliveries) =
        tokio::join!(services.read(Side::OrderService, &path), services.read(Side::DeliveryService, &path));
    let sights = Sides { orders: Sight::of(orders), deliveries: Sight::of(deliveries) };
    if let (Sight::NotSeen { why: one }, Sight::NotSeen { why: other }) = (&sights.orders, &sights.deliveries) {
        return Err(anyhow!("{one}; {other}"));
    }
    Ok(Merged::of(order_id, sights))
}
