//! One order's records: where each of them lies.

use anyhow::Result;
use chassis::clock;
use chrono::TimeDelta;
use indicatif::ProgressBar;
use sagactl::topics;
use shared_events::Topic;
use tests::{envelope, golden, record};

use super::{confirmed, open, stop};

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_records_are_found_with_their_places() -> Result<()> {
    let pair = open("topicsfind").await;
    let begun = clock::now();
    let (before, order, after) =
        (confirmed(&pair.shop()).await, confirmed(&pair.shop()).await, confirmed(&pair.shop()).await);
    pair.settles().await;
    let env = stop(pair).await;
    let mut unknown = record(&env.topic(Topic::Deliveries), &envelope(order, 2, golden("DeliveryDispatched.v1")));
    let kind = unknown.headers.iter_mut().find(|(name, _)| name == "ce_type").expect("a type");
    kind.1 = Some("DeliveryDreamt".into());
    env.produce(&[unknown]).await;

    let bar = ProgressBar::hidden();
    let found = topics::find(&env.kafka("tests"), order, begun, &bar).await?;
    let told: Vec<_> = found.iter().map(|found| (found.topic.as_str(), found.version, found.kind.as_str())).collect();
    let (orders, deliveries) = (env.topic(Topic::Orders), env.topic(Topic::Deliveries));
    assert_eq!(
        told,
        [(&*orders, 1, "OrderCompleted"), (&*deliveries, 1, "DeliveryCreated"), (&*deliveries, 2, "DeliveryDreamt")]
    );
    for found in &found {
        let topic = if found.topic == orders { Topic::Orders } else { Topic::Deliveries };
        let is_it = |record: &chassis::messaging::Record| {
            (record.partition, record.offset) == (found.partition, found.offset)
                && record.place().is_some_and(|(id, version)| id == order && version.0 == found.version)
        };
        assert!(env.read(topic).await.iter().any(is_it), "{found:?}");
        assert!(found.timestamp.is_some_and(|at| at >= begun - TimeDelta::seconds(1)), "{found:?}");
        assert!(found.event_id.is_some(), "{found:?}");
    }
    assert!(before != order && order != after);
    let later = topics::find(&env.kafka("tests"), order, clock::now() + TimeDelta::hours(1), &bar).await?;
    assert_eq!(later, [], "nothing was sent so late");
    Ok(())
}
