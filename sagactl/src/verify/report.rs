//! What was found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

macro_rules! invariants {
    ($($name:ident = $sentence:literal,)+) => {
        /// What must hold at every moment: the invariants of `docs/saga.md` that two databases can show.
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

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Finding {
    /// What does not hold.
    pub invariant: Invariant,
    /// For which order, sku, slot or courier.
    pub subject: String,
    /// What shows it, with the figures.
    pub evidence: String,
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

/// What came of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The first violations of each kind.
    pub findings: Vec<Finding>,
    /// How many there are, of each invariant that does not hold.
    pub violations: BTreeMap<Invariant, u64>,
    /// How many orders have not ended, by what they wait for.
    pub waiting: BTreeMap<WaitingFor, u64>,
    /// How much was looked at.
    pub checked: Checked,
    /// How many contradictions between the two databases were gone when they were looked at again: events in flight.
    pub settled: usize,
    /// For how long it was looked again, in seconds.
    pub looked_again_seconds: f64,
}

impl Report {
    /// Whether every invariant holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }

    pub(super) fn add(&mut self, findings: Vec<Finding>, total: u64) {
        if let Some(first) = findings.first() {
            *self.violations.entry(first.invariant).or_default() += total;
        }
        self.findings.extend(findings);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { orders, deliveries, transfers, products, slots, couriers, events, .. } = self.checked;
        writeln!(
            f,
            "Looked at {orders} orders with {transfers} transfers, {products} products, {deliveries} deliveries,"
        )?;
        writeln!(f, "{slots} slots, {couriers} couriers and {events} events, in one snapshot of each database.")?;
        for invariant in Invariant::ALL {
            let outcome = match self.violations.get(invariant) {
                None => "holds".to_owned(),
                Some(count) => format!("BROKEN {count} ×"),
            };
            writeln!(f, "  {:<4} {:<62} {outcome}", invariant.to_string(), invariant.sentence())?;
        }
        self.write_waiting(f)?;
        self.write_notes(f)?;
        self.write_findings(f)
    }
}

impl Report {
    fn write_waiting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.waiting.is_empty() {
            writeln!(f, "Orders that have not ended, and what they wait for:")?;
        }
        self.waiting.iter().try_for_each(|(cause, orders)| writeln!(f, "  {orders:>7}  {cause}"))
    }

    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checked { parked, anomalies, .. } = self.checked;
        if parked > 0 {
            writeln!(f, "Parked events: {parked} (select * from parked_events where resolved_at is null).")?;
        }
        if anomalies > 0 {
            writeln!(f, "Anomalies on record: {anomalies} (select * from anomalies). They moved nothing.")?;
        }
        if self.settled > 0 || self.looked_again_seconds > 0.0 {
            let (settled, seconds) = (self.settled, self.looked_again_seconds);
            writeln!(f, "In flight at first and settled when looked at again, within {seconds:.1} s: {settled}.")?;
        }
        Ok(())
    }

    fn write_findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (invariant, total) in &self.violations {
            writeln!(f, "{invariant} is broken: {}.", invariant.sentence())?;
            let of_this = || self.findings.iter().filter(|finding| finding.invariant == *invariant);
            of_this().try_for_each(|Finding { subject, evidence, .. }| writeln!(f, "  {subject}\n    {evidence}."))?;
            let shown = of_this().count() as u64;
            if *total > shown {
                writeln!(f, "  … and {} more", total - shown)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}.", self.invariant, self.subject, self.evidence)
    }
}
