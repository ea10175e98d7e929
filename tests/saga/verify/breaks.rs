//! Each rule that takes the topics is broken by hand, by records that no service sent and rows that no service wrote.

use bytes::Bytes;
use chassis::messaging::Record;
use sagactl::verify::Invariant::{self, I8, I9, I10, I11};
use shared_events::{OrderId, Topic};
use sqlx::{AssertSqlSafe, PgPool};
use tests::{Env, KEYED, PATIENCE, envelope, eventually_is, fresh_order, golden, record};

use super::{AT_ONCE, confirmed, open, stop, verify};

/// What has to be named: for which order, and words of the evidence.
type Expected = (Invariant, OrderId, &'static str);

struct Broken {
    env: Env,
    orders: PgPool,
    deliveries: PgPool,
    /// Confirmed ones that nobody has broken yet.
    whole: Vec<OrderId>,
    expected: Vec<Expected>,
}

impl Broken {
    fn order(&mut self) -> OrderId {
        self.whole.pop().expect("there are enough orders")
    }

    /// A record that no service has sent.
    async fn say(&self, order: OrderId, topic: Topic, version: i64, event: &str) {
        let record = record(&self.env.topic(topic), &envelope(order, version, golden(event)));
        self.env.produce(&[record]).await;
    }

    /// The record that announced this version, as it lies in Kafka.
    async fn sent(&self, order: OrderId, topic: Topic, version: &str) -> Record {
        let key = Bytes::from(order.to_string());
        let is_it = |record: &Record| {
            let says = |name: &str, value: &str| {
                record.headers.iter().any(|(key, found)| key == name && found.as_deref() == Some(value.as_bytes()))
            };
            record.key.as_ref() == Some(&key) && says("ce_sequence", version)
        };
        self.env.read(topic).await.into_iter().find(is_it).expect("it was sent")
    }

    async fn sql(&self, pool: &PgPool, sql: &str, order: OrderId) {
        let done = sqlx::query(AssertSqlSafe(sql.replace("#", &format!("'{order}'")))).execute(pool).await;
        assert_eq!(done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected(), 1, "{sql}");
    }

    fn expect(&mut self, invariant: Invariant, order: OrderId, evidence: &'static str) {
        self.expected.push((invariant, order, evidence));
    }

    /// I8: one partition, in order, no hole; a repeat is the same event.
    async fn lanes(&mut self) {
        let order = self.order();
        self.say(order, Topic::Deliveries, 3, "DeliveryDispatched.v1").await;
        self.expect(I8, order, "right after version 1: there is a hole");
        let order = self.order();
        let sent = self.sent(order, Topic::Deliveries, "1").await;
        self.env.produce(&[Record { partition: (sent.partition + 1) % 3, ..sent }]).await;
        self.expect(I8, order, "and on another one: version 1");
        let order = self.order();
        self.say(order, Topic::Deliveries, 1, "DeliveryCreated.v1").await;
        self.expect(I8, order, "as another event");
        let order = fresh_order();
        self.say(order, Topic::Orders, 2, "OrderCancelled.v1").await;
        self.expect(I8, order, "begins with version 2");
    }

    /// I9: one outcome, one answer, no second one, and none without a cause.
    async fn words(&mut self, cancelled: OrderId) {
        let order = self.order();
        self.say(order, Topic::Deliveries, 2, "DeliveryFailed.v1.creation").await;
        self.expect(I9, order, "a second outcome");
        self.say(cancelled, Topic::Deliveries, 3, "DeliveryDispatched.v1").await;
        self.expect(I9, cancelled, "a second answer");
        let order = self.order();
        self.say(order, Topic::Deliveries, 2, "DeliveryCompleted.v1").await;
        self.expect(I9, order, "nothing led to it");
        let order = fresh_order();
        self.say(order, Topic::Orders, 1, "OrderCompleted.v1").await;
        self.sql(&self.deliveries, "insert into inbox (order_id, seen) values (#, 1)", order).await;
        self.expect(I9, order, "has applied OrderCompleted, but `deliveries` has no outcome");
        let order = self.order();
        self.say(order, Topic::Orders, 2, "OrderCancelled.v1").await;
        self.sql(&self.deliveries, "update inbox set seen = 2 where order_id = #", order).await;
        self.expect(I9, order, "has applied OrderCancelled, but `deliveries` has no answer");
    }

    /// I10: what was applied or parked was announced.
    async fn applied(&mut self) {
        let order = self.order();
        self.sql(&self.orders, "update inbox set seen = 2 where order_id = #", order).await;
        self.expect(I10, order, "order-service has applied version 2, but `deliveries` has no such record");
        let order = self.order();
        let parked = "insert into parked_events (id, topic, \"partition\", \"offset\", order_id, version, header_names,
                                                 header_values, cause, error, parked_at)
                      values (gen_random_uuid(), 'deliveries', 0, 77, #, 7, '{}', '{}', 'gap', 'a test', now())";
        self.sql(&self.orders, parked, order).await;
        self.expect(I10, order, "order-service has parked version 7, but `deliveries` has no such record");
    }

    /// I11: what was sent is there, what is there was sent, and it is the same event.
    async fn sent_and_logged(&mut self) {
        let order = self.order();
        let announced = "insert into event_log
                         select order_id, 2, gen_random_uuid(), 'OrderCancelled', data_schema, now(), 'a test', null, data
                         from event_log where order_id = #";
        self.sql(&self.orders, announced, order).await;
        self.expect(I11, order, "version 2 has left order-service's outbox, but `orders` has no such record");
        let order = fresh_order();
        self.say(order, Topic::Orders, 1, "OrderCompleted.v1").await;
        self.expect(I11, order, "version 1 is on `orders`, partition");
        let order = self.order();
        let another = "update event_log set event_id = gen_random_uuid() where order_id = #";
        self.sql(&self.deliveries, another, order).await;
        self.expect(I11, order, "in delivery-service's log, but another one on `deliveries`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_the_topics_show_to_be_broken_is_named() {
    let pair = open("topicsbroken").await;
    let shop = pair.shop();
    let mut whole = Vec::new();
    for _ in 0..12 {
        whole.push(confirmed(&shop).await);
    }
    let cancelled = confirmed(&shop).await;
    shop.cancel(&cancelled.to_string()).await.expect("an answer");
    eventually_is("the order is cancelled", PATIENCE, "cancelled".to_owned(), async || {
        Ok(shop.order(&cancelled.to_string()).await?["status"].as_str().unwrap_or_default().to_owned())
    })
    .await;
    pair.settles().await;
    let (orders, deliveries) = pair.pools();
    let env = stop(pair).await;

    let good = verify(&env, AT_ONCE).await;
    assert!(good.holds(), "{good}");
    let read = good.topics.clone().expect("the topics were read");
    assert_eq!((read.orders, read.unreadable, read.not_judged_by_topics, read.not_judged_by_logs), (13, 0, 0, 0));
    assert_eq!(read.records - read.repeats, 13 + 1 + 13 + 1, "{good}");

    let mut broken = Broken { env, orders, deliveries, whole, expected: Vec::new() };
    broken.lanes().await;
    broken.words(cancelled).await;
    broken.applied().await;
    broken.sent_and_logged().await;
    let report = verify(&broken.env, AT_ONCE).await;
    let is_named = |(invariant, order, evidence): &&Expected| {
        report.findings.iter().any(|finding| {
            let is_about_it = finding.subject == format!("order {order}") && finding.invariant == *invariant;
            is_about_it && finding.evidence.contains(evidence)
        })
    };
    let missed: Vec<_> = broken.expected.iter().filter(|expected| !is_named(expected)).collect();
    assert!(missed.is_empty(), "not named: {missed:#?}\n{report}");
    for whole in &broken.whole {
        assert!(!report.to_string().contains(&whole.to_string()), "{whole} is as it should be: {report}");
    }
    assert_eq!(report.violations.get(&I8), Some(&4), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_named_with_its_place_and_is_no_hole() {
    let pair = open("topicsunreadable").await;
    let order = confirmed(&pair.shop()).await;
    pair.settles().await;
    let env = stop(pair).await;
    let garbage = Record {
        topic: env.topic(Topic::Orders).into(),
        partition: 1,
        offset: -1,
        key: None,
        headers: Vec::new(),
        payload: Some("rubbish".into()),
    };
    // A repeat that a newer program would be able to read: its headers say where it belongs.
    let mut newer = record(&env.topic(Topic::Deliveries), &envelope(order, 1, golden("DeliveryCreated.v1")));
    newer.partition = KEYED;
    for (name, value) in &mut newer.headers {
        if name == "ce_type" {
            *value = Some("DeliveryDreamt".into());
        }
    }
    env.produce(&[garbage, newer]).await;
    let report = verify(&env, AT_ONCE).await;
    assert!(report.holds(), "{report}");
    let read = report.topics.clone().expect("the topics were read");
    assert_eq!(read.unreadable, 2, "{report}");
    let last = env.read(Topic::Orders).await.into_iter().find(|record| record.key.is_none()).expect("it is there");
    let named = &read.first_unreadable[0];
    assert_eq!((named.topic.as_str(), named.partition, named.offset), (&*last.topic, 1, last.offset), "{report}");
    assert!(read.first_unreadable[1].why.contains("DeliveryDreamt"), "{report}");
    assert!(report.to_string().contains(&format!("partition 1, offset {}", last.offset)), "{report}");
}
