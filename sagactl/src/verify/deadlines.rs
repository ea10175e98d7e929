//! I1: who waits has a deadline, or is late and flagged; who has come to an end has neither.

use std::borrow::Cow;

use super::report::Invariant::I1;
use super::rule::Rule;

/// For order-service's database.
pub(super) fn of_orders() -> [Rule; 1] {
    [rule("orders", "id", "'completed', 'confirmed', 'in_delivery', 'cancelling'")]
}

/// For delivery-service's database.
pub(super) fn of_deliveries() -> [Rule; 1] {
    [rule("deliveries", "order_id", "'scheduled', 'dispatched'")]
}

fn rule(rows: &str, order: &str, waiting: &str) -> Rule {
    let sql = DEADLINES.replace("{rows}", rows).replace("{order}", order).replace("{waiting}", waiting);
    Rule { invariant: I1, looks_for: "deadlines that are missing or of no use", sql: Cow::Owned(sql) }
}

/// What is late is no violation: somebody has to look, and can see it.
const DEADLINES: &str = "
    select 'order ' || {order} as subject,
           case when status in ({waiting}) then format('waits in {rows}, which say that it is %s, for ever: it has no deadline and no flag', status)
                else format('is %s in {rows}, but has %s', status,
                            coalesce('the flag ' || attention, 'a deadline, ' || deadline_at))
           end as evidence
    from {rows}
    where (status in ({waiting}) and deadline_at is null and attention is null)
       or (status not in ({waiting}) and (deadline_at is not null or attention is not null))";
