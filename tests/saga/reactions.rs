//! What a service does with a batch of events, whole: without the inbox, which would halve a batch that cannot be applied.

use chassis::{Incoming, Reactions, clock};
use shared_events::{CancellationReason, Event, OrderCancelled};
use tests::{Env, envelope, fresh_order, golden};

use crate::settings::delivery_settings;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_order_of_a_day_placed_and_cancelled_in_one_batch_is_one_change() {
    let env = Env::new("one batch").await;
    let service = delivery_service::service(&delivery_settings(&[]));
    let pool = env.migrated(env.deliveries_database(), &service.migrations).await;
    let Event::OrderCompleted(mut completed) = golden("OrderCompleted.v1.least") else {
        panic!("another golden event")
    };
    completed.delivery_address.country = "DE".to_owned();
    completed.delivery_address.postal_code = "10115".to_owned();
    sqlx::raw_sql(
        "insert into zones values ('city', 'DE', 5, 1000000000); insert into zone_prefixes values ('10', 'city')",
    )
    .execute(&pool)
    .await
    .expect("a zone");

    let order = fresh_order();
    let cancelled = Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer });
    let events = [(1, Event::OrderCompleted(completed)), (2, cancelled)]
        .map(|(version, event)| Incoming { envelope: envelope(order, version, event), stamp: clock::stamp() });
    let mut tx = pool.begin().await.expect("a transaction");
    service.reactions.react(&mut tx, &events).await.expect("both are applied");
    tx.commit().await.expect("a commit");

    let (status, taken, announced): (String, i64, i64) = sqlx::query_as(
        "select status, (select taken from slots), (select count(*) from outbox) from deliveries where order_id = $1",
    )
    .bind(order.0)
    .fetch_one(&pool)
    .await
    .expect("a delivery");
    assert_eq!((status.as_str(), taken, announced), ("cancelled", 0, 2));
}
