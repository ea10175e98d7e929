//! Where is looked, what could not be looked at, and what that leaves unjudged.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::report::Invariant;
use crate::services::Side;

/// Where something is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Order-service's.
    OrdersDatabase,
    /// Delivery-service's.
    DeliveriesDatabase,
    /// Both of them.
    Topics,
}

use Source::{DeliveriesDatabase, OrdersDatabase, Topics};

impl From<Side> for Source {
    fn from(side: Side) -> Self {
        match side {
            Side::OrderService => OrdersDatabase,
            Side::DeliveryService => DeliveriesDatabase,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OrdersDatabase => "order-service's database",
            DeliveriesDatabase => "delivery-service's database",
            Topics => "what is on the topics",
        })
    }
}

/// Something that was to be looked at, and could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotLooked {
    /// What.
    pub at: Source,
    /// Why not.
    pub because: String,
}

impl fmt::Display for NotLooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be looked at: {}", self.at, self.because)
    }
}

/// How much of what an invariant says was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// All that was asked for.
    Wholly,
    /// What is there shows a part of it; the rest would have taken what was not looked at.
    InPart,
    /// Nothing.
    NotAtAll,
}

/// What shows an invariant: each of these by itself a part of it.
fn parts(invariant: Invariant) -> &'static [&'static [Source]] {
    match invariant {
        Invariant::I1 => &[&[OrdersDatabase], &[DeliveriesDatabase], &[OrdersDatabase, DeliveriesDatabase]],
        Invariant::I2 | Invariant::I3 | Invariant::I5 => &[&[OrdersDatabase]],
        Invariant::I4 => &[&[OrdersDatabase], &[OrdersDatabase, DeliveriesDatabase]],
        Invariant::I6 => &[&[DeliveriesDatabase]],
        Invariant::I7 => &[&[DeliveriesDatabase], &[OrdersDatabase, DeliveriesDatabase]],
        Invariant::I8 => &[&[Topics]],
        Invariant::I9 => &[&[Topics], &[OrdersDatabase, DeliveriesDatabase, Topics]],
        Invariant::I10 => &[&[OrdersDatabase], &[DeliveriesDatabase], &[OrdersDatabase, DeliveriesDatabase, Topics]],
        Invariant::I11 => &[
            &[OrdersDatabase],
            &[DeliveriesDatabase],
            &[OrdersDatabase, DeliveriesDatabase],
            &[OrdersDatabase, DeliveriesDatabase, Topics],
        ],
    }
}

impl Invariant {
    /// Whether it takes the topics to see it.
    #[must_use]
    pub fn needs_topics(self) -> bool {
        parts(self).iter().all(|part| part.contains(&Topics))
    }
}

/// How much was looked at of each invariant, where this could not be. Topics that nobody asked for leave open only what takes nothing
/// else.
pub(super) fn judged(topics_read: bool, not_looked: &[NotLooked]) -> BTreeMap<Invariant, Judged> {
    let failed = |source: &Source| not_looked.iter().any(|missing| missing.at == *source);
    let is_there = |source: &Source| match source {
        OrdersDatabase | DeliveriesDatabase => !failed(source),
        Topics => topics_read,
    };
    let topics_asked = topics_read || failed(&Topics);
    let of = |invariant: Invariant| {
        let asked: Vec<_> = parts(invariant).iter().filter(|part| topics_asked || !part.contains(&Topics)).collect();
        let seen = asked.iter().filter(|part| part.iter().all(is_there)).count();
        match seen {
            0 => Judged::NotAtAll,
            all if all == asked.len() => Judged::Wholly,
            1.. => Judged::InPart,
        }
    };
    Invariant::ALL.iter().map(|invariant| (*invariant, of(*invariant))).collect()
}

#[cfg(test)]
mod tests {
    use super::Judged::{InPart, NotAtAll, Wholly};
    use super::*;

    fn check(topics_read: bool, missing: &[Source], expected: [Judged; 11]) {
        let missing: Vec<NotLooked> =
            missing.iter().map(|at| NotLooked { at: *at, because: "nobody answers".to_owned() }).collect();
        let judged: Vec<Judged> = judged(topics_read, &missing).into_values().collect();
        assert_eq!(judged, expected, "topics read: {topics_read}, without {missing:?}");
    }

    #[test]
    fn what_is_missing_leaves_unjudged_what_it_takes_and_nothing_else() {
        let (w, p, n) = (Wholly, InPart, NotAtAll);
        check(true, &[], [w; 11]);
        check(false, &[], [w, w, w, w, w, w, w, n, n, w, w]);
        check(false, &[DeliveriesDatabase], [p, w, w, p, w, n, n, n, n, p, p]);
        check(false, &[OrdersDatabase], [p, n, n, n, n, w, p, n, n, p, p]);
        check(false, &[Topics], [w, w, w, w, w, w, w, n, n, p, p]);
        check(true, &[DeliveriesDatabase], [p, w, w, p, w, n, n, w, p, p, p]);
    }
}
