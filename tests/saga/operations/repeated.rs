//! Everything announced and replayed again and again while orders come in: the second time changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use shared_events::Topic;
use sqlx::PgPool;
use tests::{PATIENCE, Pair, Shop, eventually, eventually_is, order_of};

use super::{Operator, SKU, becomes, breaks, leaves, mends, order_for, pair, places, staff};

/// How many orders come to each end.
const OF_EACH: usize = 5;
const TIMES: usize = 3;

/// What must not change by a repeat: every row about these orders, what their pieces, places and couriers add up to, up to where they
/// were seen, and what was parked of them.
const OF_ORDERS: &str = "
    select orders::text from orders where id::text = any ($1)
    union all select order_items::text from order_items where order_id::text = any ($1)
    union all select transfers::text from transfers where order_id::text = any ($1)
    union all select order_history::text from order_history where order_id::text = any ($1)
    union all select anomalies::text from anomalies
    union all select products::text from products where sku = 'ART'
    union all select inbox::text from inbox where order_id::text = any ($1)
    union all select parked_events::text from parked_events";

const OF_DELIVERIES: &str = "
    select deliveries::text from deliveries where order_id::text = any ($1)
    union all select delivery_history::text from delivery_history where order_id::text = any ($1)
    union all select anomalies::text from anomalies
    union all select slots::text from slots where zone_id = 'harbour'
    union all select couriers::text from couriers
    union all select inbox::text from inbox where order_id::text = any ($1)
    union all select parked_events::text from parked_events";

/// One of the two services, with all that must not change there.
struct Side {
    operator: Operator,
    pool: PgPool,
    rows: &'static str,
}

impl Side {
    async fn rows(&self, settled: &[String]) -> BTreeSet<String> {
        let rows: Vec<String> =
            sqlx::query_scalar(self.rows).bind(settled).fetch_all(&self.pool).await.expect("the rows can be read");
        rows.into_iter().collect()
    }

    async fn count(&self, what: &'static str, settled: &[String]) -> i64 {
        sqlx::query_scalar(what).bind(settled).fetch_one(&self.pool).await.expect("a count")
    }

    /// Announces again all that this side has ever said, and waits until it is on its way.
    async fn republishes(&self, settled: &[String]) {
        let again = json!({ "since": "2020-01-01T00:00:00Z", "reason": "a trial" });
        let asked = self.operator.does("/republications", &again).await;
        let path = format!("/republications/{}", asked["id"].as_str().expect("an id"));
        eventually("all is announced again", PATIENCE, async || {
            let one = self.operator.get(&path).await;
            if one["ended_at"].is_string() { Ok(()) } else { Err(one.to_string()) }
        })
        .await;
        // What is still there is not put there a second time.
        let unsent = "select count(*) from outbox where order_id::text = any ($1)";
        eventually_is("it has gone out", PATIENCE, 0, async || Ok(self.count(unsent, settled).await)).await;
    }

    /// Replays everything that was ever parked here.
    async fn replays(&self) {
        let parked = self.operator.parked("resolved").await;
        let ids: Vec<&Value> = parked.iter().map(|one| &one["id"]).collect();
        let again = self.operator.does("/replays", &json!({ "events": ids, "reason": "a trial" })).await;
        let all = json!({ "duplicate": ids.len() });
        assert_eq!(again["rehearsal"], all);
        assert_eq!(self.operator.starts(&again).await["outcomes"], all);
    }

    /// Orders that cannot be applied here at first, and are replayed once that is mended: so many events are parked.
    async fn parks(&self, what: &str, events: usize, placing: impl AsyncFnOnce() -> Vec<String>) -> Vec<String> {
        breaks(&self.pool, what).await;
        let placed = placing().await;
        self.operator.lets_rest(&self.pool, events).await;
        mends(&self.pool).await;
        let set = self.operator.does("/replays", &json!({ "cause": "rejected", "reason": "it is mended" })).await;
        assert_eq!(self.operator.starts(&set).await["outcomes"], json!({ "applied": OF_EACH }));
        placed
    }
}

/// So many orders that become `status` after what is done to each of them.
async fn come_to(shop: &Shop, order: &Value, status: &str, by: impl AsyncFn(&str)) -> Vec<String> {
    let mut placed = Vec::with_capacity(OF_EACH);
    for _ in 0..OF_EACH {
        let order_id = places(shop, order).await;
        by(&order_id).await;
        becomes(shop, &order_id, status).await;
        placed.push(order_id);
    }
    placed
}

/// Orders of all kinds, and some of which both sides could not apply something when it came.
async fn settled(shop: &Shop, sides: &[Side; 2]) -> Vec<String> {
    let (order, unserved) = (order_for("Ada Lovelace"), order_of(&[(SKU, 1)], "99999"));
    let confirmed = come_to(shop, &order, "confirmed", async |_| {}).await;
    let refused = come_to(shop, &unserved, "cancelled", async |_| {}).await;
    let cancelled = come_to(shop, &order, "cancelled", async |order_id| {
        becomes(shop, order_id, "confirmed").await;
        shop.cancel(order_id).await.expect("an answer");
    });
    let delivered = come_to(shop, &order, "delivered", async |order_id| {
        let delivery = leaves(shop, order_id).await;
        staff(shop, &delivery, "completion", json!({ "received_by": "Ada Lovelace" })).await;
    });
    let returned = come_to(shop, &order, "returned", async |order_id| {
        let delivery = leaves(shop, order_id).await;
        staff(shop, &delivery, "failure", json!({ "reason": "damaged" })).await;
    });
    let [orders, deliveries] = sides;
    // Of these the second event waits behind the first.
    let in_delivery = orders.parks("update on orders", 2 * OF_EACH, async || {
        come_to(shop, &order, "completed", async |order_id| drop(leaves(shop, order_id).await)).await
    });
    let planned_late = deliveries
        .parks("insert on deliveries", OF_EACH, async || come_to(shop, &order, "completed", async |_| {}).await);
    [confirmed, refused, cancelled.await, delivered.await, returned.await, in_delivery.await, planned_late.await]
        .concat()
}

async fn placing(shop: Shop, stop: Arc<AtomicBool>) -> usize {
    let mut placed = 0;
    while !stop.load(Ordering::Relaxed) {
        places(&shop, &order_of(&[("OTHER", 1)], "30159")).await;
        placed += 1;
    }
    placed
}

/// Every event of these orders is there as often as it was announced.
async fn were_announced_again(pair: &Pair, topic: Topic, settled: &[String]) {
    let mut copies: BTreeMap<_, usize> = BTreeMap::new();
    for (order_id, version) in pair.env.read(topic).await.iter().filter_map(|record| record.place()) {
        if settled.contains(&order_id.to_string()) {
            *copies.entry((order_id, version)).or_default() += 1;
        }
    }
    assert!(copies.len() >= settled.len(), "{topic}: {} events", copies.len());
    assert!(copies.values().all(|copies| *copies == 1 + TIMES), "{topic}: {copies:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replaying_everything_three_times_during_traffic_changes_nothing() {
    let (pair, shop) = pair("repeated").await;
    let (orders, deliveries) = pair.pools();
    let sides = [
        Side { operator: Operator::of(&pair.orders), pool: orders, rows: OF_ORDERS },
        Side { operator: Operator::of(&pair.deliveries), pool: deliveries, rows: OF_DELIVERIES },
    ];
    // The traffic has pieces and places of its own: nothing else may move what is compared.
    shop.sells("OTHER", 100_000).await.expect("pieces");
    shop.serves("hill", "3", 100_000).await.expect("a zone");
    let settled = settled(&shop, &sides).await;
    pair.settles().await;
    let before = [sides[0].rows(&settled).await, sides[1].rows(&settled).await];

    let stop = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn(placing(shop.clone(), stop.clone()));
    for _ in 0..TIMES {
        for side in &sides {
            side.republishes(&settled).await;
            side.replays().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(traffic.await.expect("it goes on") > 0, "there was traffic");
    pair.settles().await;
    let announced = "select count(*) from event_log where order_id::text = any ($1)";
    for (reader, writer) in [(&pair.deliveries, &sides[0]), (&pair.orders, &sides[1])] {
        let repeats = (TIMES * usize::try_from(writer.count(announced, &settled).await).expect("a number")) as f64;
        eventually("all repeats have been seen", PATIENCE, async || {
            let seen = shop.counter(&reader.url(), "inbox_events_total{outcome=\"duplicate\"}").await?;
            anyhow::ensure!(seen >= repeats, "{seen} of {repeats}");
            Ok(())
        })
        .await;
    }
    for (side, before) in sides.iter().zip(&before) {
        let after = side.rows(&settled).await;
        let changed: Vec<_> = before.symmetric_difference(&after).collect();
        assert!(changed.is_empty(), "{changed:#?}");
    }
    for topic in [Topic::Orders, Topic::Deliveries] {
        were_announced_again(&pair, topic, &settled).await;
    }
}
