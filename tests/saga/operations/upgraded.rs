//! What an older program could not read, a newer one tries by itself.

use bytes::Bytes;
use shared_events::Topic;
use tests::{PATIENCE, envelope, eventually_is, fresh_order, golden, record};

use super::{Operator, pair};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_schema_is_applied_after_an_upgrade() {
    let (mut pair, _) = pair("upgraded").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let order = fresh_order();
    let good = record(&pair.env.topic(Topic::Orders), &envelope(order, 1, golden("OrderCompleted.v1")));
    let mut newer = good.clone();
    let at = newer.headers.iter().position(|(name, _)| name == "ce_dataschema").expect("a schema");
    newer.headers[at].1 = Some(Bytes::from_static(b"urn:schema:of:tomorrow"));
    pair.env.produce(&[newer]).await;
    operator.sees_parked("unknown_schema").await;

    // The program that knows this schema: what it knows it by stands in the header.
    pair.deliveries.terminate(PATIENCE).await.expect("it stops");
    let known = "update parked_events set header_values[$1] = $2";
    let schema = good.headers[at].1.clone().expect("a schema").to_vec();
    let place = i32::try_from(at + 1).expect("few");
    sqlx::query(known).bind(place).bind(schema).execute(&deliveries).await.expect("it is known now");
    pair.deliveries.restart().await.expect("it starts");
    pair.deliveries.wait_ready(PATIENCE).await.expect("it becomes ready");

    eventually_is("it is applied", PATIENCE, Some("applied".to_owned()), async || {
        Ok(sqlx::query_scalar("select resolution from parked_events").fetch_one(&deliveries).await?)
    })
    .await;
    let made: i64 = sqlx::query_scalar("select count(*) from deliveries where order_id = $1")
        .bind(order.0)
        .fetch_one(&deliveries)
        .await
        .expect("a count");
    assert_eq!(made, 1);
}
