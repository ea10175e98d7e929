//! I10: each event changed a service at most once. The history of changes against what the inbox has claimed.

use std::borrow::Cow;

use super::report::Invariant::I10;
use super::rule::Rule;

/// Where a service keeps its changes.
struct Side {
    /// The table of what changes: it has `id`, `status` and `changes`.
    rows: &'static str,
    /// How its rows name the order.
    order: &'static str,
    history: &'static str,
    /// How the history names the row.
    key: &'static str,
}

/// For order-service's database.
pub(super) fn of_orders() -> [Rule; 4] {
    rules(&Side { rows: "orders", order: "id", history: "order_history", key: "order_id" })
}

/// For delivery-service's database.
pub(super) fn of_deliveries() -> [Rule; 4] {
    rules(&Side { rows: "deliveries", order: "order_id", history: "delivery_history", key: "delivery_id" })
}

fn rules(side: &Side) -> [Rule; 4] {
    let rule = |looks_for, sql: &str| {
        let sql = sql.replace("{rows}", side.rows).replace("{order}", side.order);
        let sql = sql.replace("{history}", side.history).replace("{key}", side.key);
        Rule { invariant: I10, looks_for, sql: Cow::Owned(sql) }
    };
    [
        rule("events that changed something twice", AN_EVENT_CHANGED_SOMETHING_TWICE),
        rule("events that were applied without a claim", APPLIED_WITHOUT_A_CLAIM),
        rule("events that were claimed without being applied", CLAIMED_WITHOUT_BEING_APPLIED),
        rule("rows that are not what their history says", ROW_IS_NOT_WHAT_ITS_HISTORY_SAYS),
    ]
}

const AN_EVENT_CHANGED_SOMETHING_TWICE: &str = "
    select 'order ' || order_id as subject,
           format('was changed %s times by version %s of the other side''s events (%s)', count(*), event_version,
                  string_agg(what || ' → ' || status, ', ' order by number)) as evidence
    from {history}
    where event_version is not null
    group by order_id, event_version
    having count(*) > 1";

const APPLIED_WITHOUT_A_CLAIM: &str = "
    select 'order ' || applied.order_id as subject,
           format('was changed by %s, version %s, but the inbox has seen %s, so it would be applied once more', what,
                  event_version, coalesce(seen, 0)) as evidence
    from {history} as applied
    left join inbox on inbox.order_id = applied.order_id
    where event_version > coalesce(seen, 0)";

/// OrderCancelled may jump what is missing before it.
const CLAIMED_WITHOUT_BEING_APPLIED: &str = "
    select 'order ' || inbox.order_id as subject,
           format('has seen version %s of the other side''s events, but version %s changed nothing', seen, version) as evidence
    from inbox
    cross join lateral generate_series(1, seen) as version
    where not exists (
        select from {history} as applied
        where applied.order_id = inbox.order_id
          and (event_version = version or (event_version > version and what = 'OrderCancelled'))
    )";

/// From both ends: a history may also be one of nothing.
const ROW_IS_NOT_WHAT_ITS_HISTORY_SAYS: &str = "
    select 'order ' || coalesce(rows.{order}, told.order_id) as subject,
           format('is %s after %s changes in {rows}, but its history has %s changes and ends %s', coalesce(rows.status, 'not there'),
                  coalesce(rows.changes, 0), coalesce(told.changes, 0), coalesce(told.status, 'before it began')) as evidence
    from {rows} as rows
    full join (
        select {key} as id, (array_agg(order_id))[1] as order_id, count(*) as changes, max(number) as last,
               (array_agg(status order by number desc))[1] as status
        from {history}
        group by {key}
    ) as told on told.id = rows.id
    where rows.changes is distinct from told.changes
       or rows.changes is distinct from told.last
       or rows.status is distinct from told.status";
