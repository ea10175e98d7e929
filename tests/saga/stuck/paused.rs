//! An operator holds back what would come next.

use anyhow::Result;
use sagactl::{services::Side, stuck::Cause};
use tests::Service;

use super::Stage;
use crate::operations::Operator;

/// Long enough to outlast any test.
const LONG_S: i64 = 3_600;

impl Stage {
    /// While this is held back a new order is stuck at that side, both say why, and it goes on afterwards.
    async fn holds_back(&self, service: &Service, what: &str, name: &str, at: Side, shows: &str) -> Result<()> {
        let operator = Operator::of(service);
        let pause = operator.pauses(what, name, LONG_S).await;
        let id = self.places().await;
        let (row, report) = self.is_named(&id, Cause::Paused, at).await;
        let held = format!("the {what} {name} is held back by anonymous until ");
        for told in [shows, held.as_str(), ": to see what happens"] {
            assert!(row.detail.contains(told), "{told}: {row:?}");
        }
        assert!(report.to_string().contains("sagactl pause end"), "{report}");
        assert!(report.is_whole() && !report.is_anything_overdue(), "{report}");
        operator.ends_pause(&pause).await;
        self.becomes(&id, "confirmed").await;
        self.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_because_its_topic_is_held_back_is_paused_where_it_lies() -> Result<()> {
    let stage = Stage::opens("pausedsend").await;
    let (orders, deliveries) = (&stage.pair.orders, &stage.pair.deliveries);
    let waits = "OrderCompleted v1 waits in the outbox since ";
    stage.holds_back(orders, "topic", "orders", Side::OrderService, waits).await?;
    let waits = "DeliveryCreated v1 waits in the outbox since ";
    stage.holds_back(deliveries, "topic", "deliveries", Side::DeliveryService, waits).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_read_because_its_topic_or_its_reader_is_held_back_is_paused_at_the_reader() -> Result<()> {
    let stage = Stage::opens("pausedread").await;
    let (orders, deliveries) = (&stage.pair.orders, &stage.pair.deliveries);
    let behind = "delivery-service is behind by 1 records on that partition";
    stage.holds_back(deliveries, "topic", "orders", Side::DeliveryService, behind).await?;
    stage.holds_back(deliveries, "consumer", "delivery-service-1", Side::DeliveryService, behind).await?;
    let behind = "order-service is behind by 1 records on that partition";
    stage.holds_back(orders, "topic", "deliveries", Side::OrderService, behind).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_held_back_is_paused_and_the_one_behind_it_is_not() -> Result<()> {
    let stage = Stage::opens("pausedone").await;
    let operator = Operator::of(&stage.pair.deliveries);
    let reading = operator.pauses("topic", "orders", LONG_S).await;
    let held = stage.places().await;
    let pause = operator.pauses("order", &held, LONG_S).await;
    let other = stage.places().await;
    operator.ends_pause(&reading).await;
    stage.becomes(&other, "confirmed").await;
    let item = stage.is_listed(Side::DeliveryService, &held, "paused").await;
    assert_eq!(item["lane"]["held"][0]["reason"], "to see what happens", "{item}");
    let (row, _) = stage.is_named(&held, Cause::Paused, Side::DeliveryService).await;
    assert!(row.detail.contains("OrderCompleted v1 is parked here as paused"), "{row:?}");
    stage.is_named(&other, Cause::DeadlineNotReached, Side::OrderService).await;
    operator.ends_pause(&pause).await;
    stage.becomes(&held, "confirmed").await;
    Ok(())
}
