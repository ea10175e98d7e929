//! Every way in which an invariant can be broken by hand, and what has to be said about it.

mod events;
mod goods;
mod money;

use sagactl::verify::Invariant;

/// Whose database is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Orders,
    Deliveries,
}

/// One violation: whose database, how, and what has to be found: for whom, and words of the evidence.
///
/// In the SQL and in the subject `#N` is the id of order N.
pub struct Break {
    pub side: Side,
    pub sql: &'static str,
    pub invariant: Invariant,
    pub subject: &'static str,
    pub evidence: &'static str,
}

const fn on(
    side: Side,
    sql: &'static str,
    invariant: Invariant,
    subject: &'static str,
    evidence: &'static str,
) -> Break {
    Break { side, sql, invariant, subject, evidence }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Break> {
    money::BREAKS.iter().chain(goods::BREAKS).chain(events::BREAKS)
}
