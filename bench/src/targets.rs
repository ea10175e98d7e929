//! What is wanted: each target a line. Figures are known by name: the section that measures them, and what they are.

/// How a figure is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// At least so much.
    Least(f64),
    /// At most so much.
    Most(f64),
    /// At least so many times another figure of the same run: `(factor, figure)`.
    LeastTimes(f64, &'static str),
}

impl Bound {
    /// In a table.
    pub fn sign(self) -> &'static str {
        match self {
            Bound::Least(_) | Bound::LeastTimes(..) => "≥",
            Bound::Most(_) => "≤",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Bound::Least(_) | Bound::LeastTimes(..) => "at least",
            Bound::Most(_) => "at most",
        }
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The figure's name.
    pub figure: &'static str,
    /// What is wanted of it.
    pub bound: Bound,
    /// Whether missing it fails the run.
    pub gate: bool,
}

/// What PostgreSQL comes to by itself with the placing transaction, one order each.
pub const L1: &str = "limits.l1_orders_per_s";
/// What a bare idempotent producer comes to.
pub const L3: &str = "limits.l3_records_per_s";

const fn target(figure: &'static str, bound: Bound) -> Target {
    Target { figure, bound, gate: false }
}

const fn gate(figure: &'static str, bound: Bound) -> Target {
    Target { figure, bound, gate: true }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("burst.accepted_per_s", Bound::LeastTimes(1.5, L1)),
    gate("sustained.confirmed_per_s", Bound::LeastTimes(1.0, L1)),
    target("sustained.confirmed_per_accepted", Bound::Least(0.99)),
    target("sustained.backlog_growth", Bound::Most(1.3)),
    target("sustained.services_cpu_ms_per_order", Bound::Most(0.10)),
    target("sustained.postgres_cpu_ms_per_order", Bound::Most(0.15)),
    target("sustained.kafka_cpu_ms_per_order", Bound::Most(0.06)),
    gate("sustained.order_service_max_rss_mb", Bound::Most(25.0)),
    gate("sustained.delivery_service_max_rss_mb", Bound::Most(25.0)),
    target("steady.saga_p50_ms", Bound::Most(10.0)),
    gate("steady.saga_p99_ms", Bound::Most(40.0)),
    target("open70.saga_p99_ms", Bound::Most(150.0)),
    gate("overload.accepted_per_peak", Bound::Least(0.8)),
    gate("overload.refused_p99_ms", Bound::Most(50.0)),
    target("lone.saga_p50_ms", Bound::Most(8.0)),
    target("two_instances.saga_p99_ms", Bound::Most(60.0)),
    target("relay.rows_per_s", Bound::LeastTimes(0.6, L3)),
    target("relay.order_service_max_rss_mb", Bound::Most(40.0)),
    target("consumer.records_per_s", Bound::Least(20_000.0)),
    target("consumer.delivery_service_max_rss_mb", Bound::Most(40.0)),
    target("replay.records_per_s", Bound::Least(60_000.0)),
    target("long.order_outbox_growth_dead_rows", Bound::Most(1.5)),
    target("long.delivery_outbox_growth_dead_rows", Bound::Most(1.5)),
    target("long.order_outbox_growth_mb", Bound::Most(1.2)),
    target("long.delivery_outbox_growth_mb", Bound::Most(1.2)),
    target("growth.throughput_share_at_5m", Bound::Least(0.90)),
];

/// How a limit is called for short.
pub fn short(figure: &'static str) -> &'static str {
    match figure {
        L1 => "L1",
        L3 => "L3",
        other => other,
    }
}

/// What limits figures of this name: they are shown as a share of it.
pub fn limit_of(figure: &str) -> Option<&'static str> {
    match figure.split_once('.')? {
        (_, "accepted_per_s" | "confirmed_per_s") => Some(L1),
        ("relay", "rows_per_s") => Some(L3),
        _ => None,
    }
}
