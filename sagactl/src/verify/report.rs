//! What was found.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;
use uuid::Uuid;

use super::sources::{Judged, NotLooked};
use crate::services::Side;

macro_rules! invariants {
    ($($name:ident = $sentence:literal,)+) => {
        /// What must hold at every moment: the invariants of `docs/saga.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Invariant {
            $(#[doc = $sentence] $name,)+
        }

        impl Invariant {
            /// Every one that is checked.
            pub const ALL: &'static [Invariant] = &[$(Invariant::$name),+];

            /// What it says, in a line.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Invariant::$name => $sentence,)+
                }
            }
        }
    };
}

invariants! {
    I1 = "every order has ended, or waits for a known cause",
    I2 = "the money taken is what the status owes, to the last item",
    I3 = "one capture and one refund at most; never more back than came",
    I4 = "order and delivery never contradict each other",
    I5 = "no piece of stock is lost, doubled or promised twice",
    I6 = "slots and couriers carry exactly what deliveries take",
    I7 = "one delivery for each order that was consumed, never two",
    I8 = "the versions on each topic are 1 to n, in order, on one partition",
    I9 = "each order has one outcome, each cancellation one answer",
    I10 = "each event changed a service at most once",
    I11 = "what was announced is to be sent, applied or parked",
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why an order has not ended yet. None of these is a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Staff and couriers: the delivery is scheduled.
    Dispatch,
    /// The courier: the parcel is on its way.
    HandOver,
    /// A pointer is in order-service's outbox.
    RelayOfOrderService,
    /// A pointer is in delivery-service's outbox.
    RelayOfDeliveryService,
    /// An event has left order-service's outbox and has not arrived.
    OnTheWayToDeliveryService,
    /// An event has left delivery-service's outbox and has not arrived.
    OnTheWayToOrderService,
    /// An event of it is parked at order-service.
    ParkedAtOrderService,
    /// An event of it is parked at delivery-service.
    ParkedAtDeliveryService,
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitingFor::Dispatch => "a courier to pick the parcel up",
            WaitingFor::HandOver => "the courier to hand the parcel over",
            WaitingFor::RelayOfOrderService => "order-service's outbox to be sent",
            WaitingFor::RelayOfDeliveryService => "delivery-service's outbox to be sent",
            WaitingFor::OnTheWayToDeliveryService => "an event on its way to delivery-service",
            WaitingFor::OnTheWayToOrderService => "an event on its way to order-service",
            WaitingFor::ParkedAtOrderService => "an event that is parked at order-service",
            WaitingFor::ParkedAtDeliveryService => "an event that is parked at delivery-service",
        })
    }
}

/// How sure a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "certainty", rename_all = "snake_case")]
pub enum Certainty {
    /// One snapshot of one database shows it, or records that stay as they are.
    Certain,
    /// It takes what is not of one moment to see it: both databases, or a topic with them. It has stayed for as long as it was looked at
    /// again; what is in flight for longer, because a service or a topic's reader is down, looks just the same.
    LookedAgain {
        /// For how long.
        #[serde(rename = "looked_again_ms")]
        for_ms: u64,
    },
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Finding {
    /// What does not hold.
    pub invariant: Invariant,
    /// For which order, sku, slot or courier.
    pub subject: String,
    /// What shows it, with the figures.
    pub evidence: String,
    /// Whether it may be in flight.
    #[serde(flatten)]
    pub certainty: Certainty,
    /// What would heal it; none where no repeat does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
}

/// What would heal a finding: the owner announces these versions again, and this time they arrive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Repeat {
    /// Who announced them, and has them in its log as far as that was looked at.
    pub owner: Side,
    /// Of which order.
    pub order_id: Uuid,
    /// Which; at least one.
    pub versions: Vec<i64>,
}

impl Finding {
    /// Certain, and no repeat heals it.
    pub(super) fn new(invariant: Invariant, subject: String, evidence: String) -> Self {
        Self { invariant, subject, evidence, certainty: Certainty::Certain, repeat: None }
    }

    /// It takes what is not of one moment to see it, and so long it has stayed.
    pub(super) fn looked_again(self, for_ms: u64) -> Self {
        Self { certainty: Certainty::LookedAgain { for_ms }, ..self }
    }

    /// The owner's repeat of these versions heals it, if there are any.
    pub(super) fn healed_by(mut self, owner: Side, order_id: Uuid, versions: Vec<i64>) -> Self {
        self.repeat = (!versions.is_empty()).then_some(Repeat { owner, order_id, versions });
        self
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[allow(missing_docs, reason = "each is the number of what it is called")]
pub struct Checked {
    pub orders: i64,
    pub deliveries: i64,
    pub transfers: i64,
    pub products: i64,
    pub slots: i64,
    pub couriers: i64,
    /// Announced by both services.
    pub events: i64,
    /// Unresolved, at both services, also those that name no order.
    pub parked: i64,
    /// Events that were impossible by the other side's table. They moved nothing, and stay on record.
    pub anomalies: i64,
}

impl AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.deliveries += other.deliveries;
        self.transfers += other.transfers;
        self.products += other.products;
        self.slots += other.slots;
        self.couriers += other.couriers;
        self.events += other.events;
        self.parked += other.parked;
        self.anomalies += other.anomalies;
    }
}

/// A record that is no event of the contract, or not of this version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is what it is called")]
pub struct Unreadable {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// What cannot be decoded about it.
    pub why: String,
}

/// How much was read of the topics, and what it cannot show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TopicsRead {
    /// How many records, on both topics.
    pub records: u64,
    /// About how many orders.
    pub orders: u64,
    /// Records of a version that had been there before.
    pub repeats: u64,
    /// Records that cannot be decoded. Consumers park them.
    pub unreadable: u64,
    /// The first of them.
    pub first_unreadable: Vec<Unreadable>,
    /// Orders of which records may have been deleted from a topic, which no longer goes back to its beginning: what is missing of them
    /// was not judged.
    pub not_judged_by_topics: u64,
    /// Orders of which a log need not know any more which events it announced: whether they are the same was not judged.
    pub not_judged_by_logs: u64,
}

/// What came of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The first violations of each kind.
    pub findings: Vec<Finding>,
    /// How many there are, of each invariant that does not hold.
    pub violations: BTreeMap<Invariant, u64>,
    /// How much of each invariant was looked at.
    pub judged: BTreeMap<Invariant, Judged>,
    /// What was to be looked at, and could not be.
    pub not_looked: Vec<NotLooked>,
    /// How many orders have not ended, by what they wait for.
    pub waiting: BTreeMap<WaitingFor, u64>,
    /// How much was looked at.
    pub checked: Checked,
    /// What was read of the topics; none if they were not looked at: then I8 and I9 were not checked.
    pub topics: Option<TopicsRead>,
    /// How many contradictions between what is not of one moment were gone when they were looked at again: events in flight.
    pub settled: usize,
    /// For how long it was looked again, in seconds.
    pub looked_again_seconds: f64,
}

impl Report {
    /// Whether every invariant holds, as far as it was looked.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether all could be looked at that was to be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.not_looked.is_empty()
    }

    /// Itself, where it is whole.
    pub(super) fn whole(self) -> Result<Self> {
        match self.not_looked.first() {
            None => Ok(self),
            Some(missing) => bail!("{missing}"),
        }
    }

    pub(super) fn add(&mut self, findings: Vec<Finding>, total: u64) {
        if let Some(first) = findings.first() {
            *self.violations.entry(first.invariant).or_default() += total;
        }
        self.findings.extend(findings);
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Certainty::Certain => f.write_str("certain"),
            Certainty::LookedAgain { for_ms } => {
                let seconds = Duration::from_millis(*for_ms).as_secs_f64();
                write!(f, "not of one moment; looked at again for {seconds:.1} s")
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}.", self.invariant, self.subject, self.evidence)
    }
}
