//! From the outbox to Kafka: only the lowest version of each order, a pointer deleted only after the broker's
//! acknowledgement, never two unacknowledged events of one order in flight.
//!
//! That rule makes two relays at once merely repeat, never disorder; electing one ([`super::leader`]) saves the repeats.
//!
//! An order's first event comes by hand from the commit that announced it, and goes out without a look into the database. All else is
//! found in the outbox. So is what was handed over, should it not have gone out: nothing depends on the hand-over.

mod flights;
mod pages;
mod producing;
mod rests;

use std::{pin::pin, time::Duration};

use futures_util::future;
use shared_events::Topic;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::{
    handover::HandOver,
    kafka::KafkaSettings,
    outbox::{self, Pending},
    pauses::Pauses,
};
pub use flights::Flights;
use pages::{Pages, Wanted};
use producing::{Client, Given};
use rests::Rests;

/// How long a turn waits for acknowledgements before it looks for new events again.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long acknowledgements are gathered where there is no hurry: their pointers are deleted in one transaction, which costs as much as
/// anything else that is committed.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// How long an event may be unacknowledged before the client is taken to be stuck. Longer than an election, and than a produce
/// request to a broker that is alive; a client that is replaced for nothing costs a few repeats.
const STUCK_AFTER: Duration = Duration::from_secs(20);

/// What one turn of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many events were acknowledged, and their pointers deleted; others may be in flight.
    Relayed(usize),
    /// There was nothing to send, and nothing is in flight.
    Idle,
}

/// Sends what is handed over, and what the outbox points to.
pub struct Relay {
    pool: PgPool,
    topic: Topic,
    client: Client,
    handed_over: HandOver,
    pub(super) pauses: Pauses,
    pages: Pages,
    flights: Flights,
    rests: Rests,
}

impl Relay {
    /// A relay of a service that announces on this topic.
    ///
    /// # Errors
    /// When the Kafka client refuses its settings.
    pub fn new(pool: PgPool, topic: Topic, settings: &KafkaSettings, handed_over: HandOver) -> anyhow::Result<Self> {
        let client = Client::new(settings, topic)?;
        let (pages, flights, rests) = (Pages::unread(), Flights::default(), Rests::default());
        Ok(Self { pool, topic, client, handed_over, pauses: Pauses::default(), pages, flights, rests })
    }

    /// The same, and it sends nothing while somebody holds its topic back: not even in the middle of a turn.
    #[must_use]
    pub fn heeding(self, pauses: Pauses) -> Self {
        Self { pauses, ..self }
    }

    /// For a relay that begins to lead: what it has by hand or has read may be long past. What is to be sent is in the outbox.
    pub(super) fn begin(&mut self) {
        self.handed_over.take();
        self.pages = Pages::unread();
    }

    /// Returns as soon as there may be something to do; at once while something is under way.
    pub(super) async fn called(&self) {
        let may_send_on = self.may_send() && !self.pages.are_empty();
        if self.flights.is_empty() && !may_send_on && !self.is_to_read() {
            tokio::select! {
                () = self.handed_over.arrived() => {}
                () = self.handed_over.called() => {}
                () = sleep(pages::BEGIN_EVERY) => {}
            }
        }
    }

    /// One turn: sends what may go out, waits a moment for acknowledgements, and deletes the acknowledged pointers while it reads on.
    ///
    /// # Errors
    /// When the database fails or a producer cannot be made. What is in flight stays so: the next turn goes on with it.
    pub async fn step(&mut self) -> anyhow::Result<Step> {
        self.replace_broken_producer()?;
        self.send();
        if self.flights.is_empty() {
            self.look().await?;
        }
        if self.flights.is_empty() {
            return Ok(Step::Idle);
        }
        self.land().await;
        Ok(Step::Relayed(self.settle().await?))
    }

    /// Waits for what is in flight, sending nothing new. What is not acknowledged by then goes out again later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&mut self, within: Duration) -> anyhow::Result<()> {
        let give_up_at = Instant::now() + within;
        self.take_reports();
        while !self.flights.is_empty() && Instant::now() < give_up_at {
            if !self.flights.any_acknowledged() {
                let reports = self.client.reports();
                tokio::select! { () = reports.arrived() => {}, () = sleep(PATIENCE) => {} }
                self.take_reports();
            }
            outbox::delete_acknowledged(&self.pool, &self.flights.acknowledged()).await?;
            self.flights.end_acknowledged();
        }
        Ok(())
    }

    /// A client that broke is of no more use: the broker has lost track of an idempotent producer, or the client has lost all
    /// brokers for good. A broker that was cut off from its controller tells for a moment that there are no brokers and no leaders;
    /// librdkafka 2.12 then lets go of the only ones it knows, and a second answer of that kind calls off its way back to
    /// `bootstrap.servers` (`rd_kafka_rebootstrap_tmr_stop`). Its issue 5430 is another way to the same end.
    fn replace_broken_producer(&mut self) -> anyhow::Result<()> {
        let stuck = self.flights.oldest().filter(|age| *age >= STUCK_AFTER);
        let stuck = stuck.map(|age| format!("an event waits for {age:?}"));
        let Some(reason) = self.client.fatal_error().or(stuck) else { return Ok(()) };
        tracing::warn!("the producer is replaced: {reason}");
        metrics::counter!("relay_producers_replaced_total").increment(1);
        self.client.replace()?;
        // What is in flight is sent again by the new one; where the old one's did arrive, it is a repeat.
        self.flights.forget_unacknowledged();
        self.pages.look_again();
        Ok(())
    }

    /// Sends what there is room for: first what is handed over, for it is the news, then what was read.
    fn send(&mut self) {
        self.send_handed_over();
        while self.may_send()
            && let Some(pending) = self.pages.next()
        {
            let (order_id, seq) = (pending.order_id, pending.seq);
            if !self.flights.have(order_id, seq)
                && let Some(pending) = self.give(pending)
            {
                self.pages.put_back(pending);
                return;
            }
            // There may be more of its order: the outbox tells only of the lowest version.
            self.flights.follow(order_id, seq);
        }
    }

    /// What is in flight already is not sent again, and what finds no room is found in the outbox.
    fn send_handed_over(&mut self) {
        if !self.may_send() {
            return;
        }
        for pending in self.handed_over.take() {
            if !self.flights.have(pending.order_id, pending.seq) && self.give(pending).is_some() {
                self.pages.look_again();
            }
        }
    }

    fn may_send(&self) -> bool {
        !self.pauses.now().sending && self.flights.have_room() && !self.rests.are_too_many()
    }

    /// Gives one event to Kafka's client, and gets it back if the client has no room.
    fn give(&mut self, pending: Pending) -> Option<Pending> {
        let order_id = pending.order_id;
        let Some((attributes, data)) = &pending.record else {
            self.rests.begin(order_id, "the event log has no such event");
            return None;
        };
        match self.client.give((order_id, pending.seq), attributes, data) {
            Given::Taken => self.flights.begin(order_id, pending.seq, pending.bytes()),
            Given::Full => return Some(pending),
            Given::Refused(error) => self.rests.begin(order_id, &error.to_string()),
        }
        None
    }

    /// Waits for reports. Not for long: one partition without a leader must not keep the events of the others waiting.
    async fn land(&mut self) {
        self.take_reports();
        if !self.flights.any_acknowledged() {
            let reports = self.client.reports();
            self.wait(PATIENCE, async move { reports.arrived().await }).await;
            self.take_reports();
        }
        if self.flights.any_acknowledged() && !self.pages.go_on() {
            self.wait(GATHERED_FOR, future::pending()).await;
            self.take_reports();
        }
    }

    fn take_reports(&mut self) {
        for report in self.client.reports().take() {
            match report.acknowledged {
                Ok(()) => {
                    self.rests.end(report.order_id);
                    self.flights.acknowledge(report.order_id, report.seq);
                }
                Err(error) => {
                    self.flights.fail(report.order_id, report.seq);
                    self.rests.begin(report.order_id, &error.to_string());
                }
            }
        }
    }

    /// Waits for something, but not for longer than this, nor when there is something to read.
    async fn wait(&mut self, at_most: Duration, something: impl Future<Output = ()>) {
        if self.is_to_read() {
            return;
        }
        let calls = self.handed_over.clone();
        let over = async move {
            tokio::select! { () = something => {}, () = calls.called() => {}, () = sleep(at_most) => {} }
        };
        self.while_sending(over).await;
    }

    /// Sends what is handed over while this goes on.
    async fn while_sending<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.handed_over.arrived() => self.send_handed_over(),
            }
        }
    }

    /// Deletes the pointers of what was acknowledged, and reads on meanwhile. Says how many were deleted.
    async fn settle(&mut self) -> anyhow::Result<usize> {
        let acknowledged = self.flights.acknowledged();
        let relayed = acknowledged.len();
        let wanted = self.is_to_read().then(|| self.wanted());
        let pool = self.pool.clone();
        let deletion = outbox::delete_acknowledged(&pool, &acknowledged);
        let reading = pages::read(self.pool.clone(), self.topic, wanted);
        let (deleted, page) = self.while_sending(future::join(deletion, reading)).await;
        deleted?;
        metrics::counter!("outbox_relayed_total").increment(relayed as u64);
        if self.flights.end_acknowledged() {
            self.pages.look_again();
        }
        self.handed_over.tell(self.flights.count(), relayed);
        if let Some(page) = page? {
            self.pages.take_in(page);
        }
        Ok(relayed)
    }

    /// Reads the outbox from the beginning, until something is in flight or all of it has been seen.
    async fn look(&mut self) -> anyhow::Result<()> {
        self.pages = Pages::unread();
        loop {
            let wanted = self.wanted();
            let reading = pages::read(self.pool.clone(), self.topic, Some(wanted));
            if let Some(page) = self.while_sending(reading).await? {
                self.pages.take_in(page);
            }
            self.send();
            if !self.flights.is_empty() || !self.pages.are_empty() || !self.pages.go_on() {
                return Ok(());
            }
        }
    }

    fn is_to_read(&self) -> bool {
        (self.pages.are_due() || self.handed_over.is_called()) && self.pages.are_empty() && self.may_send()
    }

    fn wanted(&mut self) -> Wanted {
        if self.pages.begins() && self.handed_over.take_call() {
            // What somebody calls for may have to wait for anything that is in flight, and nobody calls twice.
            self.flights.follow_all();
        }
        self.pages.wanted(self.flights.orders().chain(self.rests.asleep()).collect())
    }
}
