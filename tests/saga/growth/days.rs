//! Sixty days of a service, one after the other.

use anyhow::{Context, Result, ensure};
use chassis::messaging::{HandOver, Relay, Step};
use shared_events::{OrderId, Topic};
use tests::{PATIENCE, eventually};

use super::*;

const DAYS: i64 = 60;
const ORDERS_A_DAY: i64 = 20;
/// Enough partitions for the retention and what is made ahead; one more on either side, because a day falls somewhere into its own.
const PARTITIONS: i64 = 14 / 2 + 3 + 2;

/// What the test remembers of an order.
struct Remembered {
    first: Envelope,
    versions: i64,
}

/// What was announced, and what is to be true of it.
struct Diary {
    books: Books,
    orders: Vec<Remembered>,
    unsent: Vec<OrderId>,
}

impl Diary {
    /// One day of business: orders with one event or two, nearly all of them sent by the evening, some of them still open.
    async fn live(&mut self, number: i64) -> Result<()> {
        let mut announced = Vec::new();
        for n in 0..ORDERS_A_DAY {
            let at = day(number) + TimeDelta::minutes(n * 24 * 60 / ORDERS_A_DAY);
            let order = order_placed(at);
            let versions = 1 + n % 2;
            let events: Vec<_> = (1..=versions).map(|version| event(order, version, at)).collect();
            self.orders.push(Remembered { first: events[0].clone(), versions });
            announced.extend(events);
        }
        self.books.announce_all(&announced).await?;
        let of_today = &self.orders[self.orders.len() - usize::try_from(ORDERS_A_DAY)?..];
        // One of each day is open for some days; one of the fifth day for a month.
        self.books.open.set().insert(of_today[3].first.order_id);
        if [0, 30].contains(&number) {
            self.unsent.push(of_today[7].first.order_id);
        }
        self.close(number)?;
        if number == 50 {
            self.unsent.truncate(1);
        }
        self.books.all_sent_but(&self.unsent).await?;
        self.keys_and_parked(day(number)).await
    }

    /// What is done with in the evening of this day.
    fn close(&self, number: i64) -> Result<()> {
        let fifth = self.orders.iter().find(|order| order.first.time >= day(5) && self.is_open(order));
        let fifth = fifth.filter(|_| (5..40).contains(&number)).map(|order| order.first.order_id);
        let until = OrderId::earliest_at(day(number - 3));
        self.books.open.set().retain(|order| *order >= until || fifth == Some(*order));
        Ok(())
    }

    fn is_open(&self, order: &Remembered) -> bool {
        self.books.open.set().contains(&order.first.order_id)
    }

    async fn keys_and_parked(&self, at: DateTime<Utc>) -> Result<()> {
        sqlx::query(
            "insert into idempotency_keys (route, key, fingerprint, status, body, answered_at)
             select '/orders', gen_random_uuid()::text, '', 201, '', $1 + n * interval '1 hour' from generate_series(0, 23) as n",
        )
        .bind(at)
        .execute(&self.books.pool)
        .await?;
        // Ten that were applied, and one that still waits.
        sqlx::query(
            "insert into parked_events (id, topic, \"partition\", \"offset\", header_names, header_values, cause, error,
                                        parked_at, resolved_at, resolution)
             select gen_random_uuid(), 'deliveries', 0, extract(epoch from $1) + n, '{}', '{}', 'gap', 'a test', $1,
                    case when n > 0 then $1 + n * interval '1 hour' end, case when n > 0 then 'applied' end
             from generate_series(0, 10) as n",
        )
        .bind(at)
        .execute(&self.books.pool)
        .await?;
        Ok(())
    }

    fn needed(&self) -> BTreeSet<OrderId> {
        self.books.open.set().iter().chain(&self.unsent).copied().collect()
    }

    /// Nothing is gone that is young, unsent or open.
    async fn nothing_needed_is_gone(&self, now: DateTime<Utc>) -> Result<()> {
        let keep_from = OrderId::earliest_at(now - RETENTION.event_log);
        let (logged, needed) = (self.books.logged().await?, self.needed());
        for Remembered { first, versions } in &self.orders {
            if first.order_id >= keep_from || needed.contains(&first.order_id) {
                let there = logged.range((first.order_id, 0)..=(first.order_id, *versions)).count();
                ensure!(there == usize::try_from(*versions)?, "{there} of {versions} events of {first:?} are left");
            }
        }
        Ok(())
    }

    /// Nothing is left that is old by more than a partition, but what shares its partition with something needed.
    async fn nothing_old_is_left(&self, now: DateTime<Utc>) -> Result<()> {
        let oldest = OrderId::earliest_at(now - RETENTION.event_log - PARTITION);
        let mut held = BTreeSet::new();
        for order in self.needed() {
            held.insert(self.books.partition_of(order).await?);
        }
        for (order, _) in self.books.logged().await? {
            ensure!(order >= oldest || held.contains(&self.books.partition_of(order).await?), "{order} is left");
        }
        ensure!(self.books.number("select count(*) from event_log_default").await? == 0, "something has no partition");
        Ok(())
    }

    async fn counts_are_bounded(&self, now: DateTime<Utc>) -> Result<()> {
        let books = &self.books;
        let keep_from = OrderId::earliest_at(now - RETENTION.event_log);
        let held = i64::try_from(self.needed().range(..keep_from).count())?;
        let partitions = books.partitions().await?;
        ensure!(partitions <= PARTITIONS + held, "{partitions} partitions, of which {held} are held");
        let days_so_far = 1 + (now - day(0)).num_days();
        let keys = books.number("select count(*) from idempotency_keys").await?;
        ensure!(keys == 24 * days_so_far.min(1), "{keys} kept answers");
        let resolved = books.number("select count(*) from parked_events where resolved_at is not null").await?;
        ensure!(resolved == 10 * days_so_far.min(5), "{resolved} resolved events");
        let waiting = books.number("select count(*) from parked_events where resolved_at is null").await?;
        ensure!(waiting == days_so_far, "{waiting} parked events that wait");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_days_in_one_leave_what_is_young_or_needed_and_nothing_else() -> Result<()> {
    let mut diary = Diary { books: Books::new("sixtydays").await, orders: Vec::new(), unsent: Vec::new() };
    let janitor = diary.books.janitor();
    janitor.prepare(day(0)).await?;
    let (mut dropped, mut created) = (0, 0);
    for number in 0..DAYS {
        diary.live(number).await?;
        let evening = day(number + 1) - TimeDelta::microseconds(1);
        let turn = diary.books.undisturbed(&janitor, evening).await?;
        assert_eq!((turn.moved, turn.events), (0, 0), "day {number}: {turn:?}");
        (dropped, created) = (dropped + turn.dropped, created + turn.created);
        diary.nothing_needed_is_gone(evening).await.with_context(|| format!("day {number}"))?;
        diary.nothing_old_is_left(evening).await.with_context(|| format!("day {number}"))?;
        diary.counts_are_bounded(evening).await.with_context(|| format!("day {number}"))?;
    }
    assert!(dropped > 18 && created > 25, "{dropped} partitions dropped, {created} made");
    let logged = diary.books.logged().await?.len();
    assert!(logged < diary.orders.len() / 2, "{logged} events are left of {} orders", diary.orders.len());
    the_unsent_one_of_the_first_day_goes_out(&diary).await
}

/// By the real relay, and byte for byte what was written down sixty days before.
async fn the_unsent_one_of_the_first_day_goes_out(diary: &Diary) -> Result<()> {
    let books = &diary.books;
    let [unsent] = diary.unsent[..] else { panic!("{} are unsent", diary.unsent.len()) };
    let told = &diary.orders.iter().find(|order| order.first.order_id == unsent).context("it was placed")?.first;
    assert!(told.time < day(1));
    let versions = books.number("select count(*) from outbox").await?;
    books.env.create_topics(1).await;
    let mut relay = Relay::new(books.pool.clone(), Topic::Orders, &books.env.kafka("relay"), HandOver::default())?;
    eventually("the relay is idle", PATIENCE, async || match relay.step().await {
        Ok(Step::Idle) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let records = books.env.read(Topic::Orders).await;
    assert_eq!(i64::try_from(records.len())?, versions);
    let wire = told.to_wire()?;
    assert_eq!(records[0].payload.as_deref(), Some(wire.data.as_slice()));
    assert_eq!(records[0].envelope(Topic::Orders)?, *told);
    // Once it is sent, the last of the first day goes.
    let turn = books.undisturbed(&books.janitor(), day(DAYS)).await?;
    assert_eq!((turn.dropped, turn.kept), (1, 0), "{turn:?}");
    assert!(!books.has(unsent).await?);
    Ok(())
}
