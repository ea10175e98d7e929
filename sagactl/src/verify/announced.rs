//! I11, as far as one database shows it: what was decided is in the log, and what the outbox points to is there.
//!
//! The log is not kept for ever. Of orders below its horizon the oldest events may be gone, or all; what is left has no hole.

use std::borrow::Cow;

use super::report::Invariant::I11;
use super::rule::Rule;

/// For order-service's database.
pub(super) fn of_orders() -> [Rule; 2] {
    rules("orders", "id")
}

/// For delivery-service's database.
pub(super) fn of_deliveries() -> [Rule; 2] {
    rules("deliveries", "order_id")
}

fn rules(rows: &str, order: &str) -> [Rule; 2] {
    let rule = |looks_for, sql: &str| {
        let sql = sql.replace("{rows}", rows).replace("{order}", order);
        Rule { invariant: I11, looks_for, sql: Cow::Owned(sql) }
    };
    [
        rule("changes whose announcement is missing", ANNOUNCEMENT_IS_MISSING),
        rule("pointers of the outbox to nothing", POINTER_TO_NOTHING),
    ]
}

const ANNOUNCEMENT_IS_MISSING: &str = "
    select 'order ' || coalesce(rows.{order}, logged.order_id) as subject,
           format('has announced %s events by the count in {rows}, but the log has %s, the last of them version %s',
                  coalesce(rows.version, 0), coalesce(logged.events, 0), coalesce(logged.last, 0)) as evidence
    from {rows} as rows
    full join (
        select order_id, count(*) as events, min(version) as first, max(version) as last from event_log group by order_id
    ) as logged on logged.order_id = rows.{order}
    left join event_log_horizon as horizon on coalesce(rows.{order}, logged.order_id) < horizon.before
    where case when horizon.before is null then
               coalesce(rows.version, 0) <> coalesce(logged.events, 0) or coalesce(rows.version, 0) <> coalesce(logged.last, 0)
          else logged.last <> coalesce(rows.version, 0) or logged.last - logged.first + 1 <> logged.events
          end";

const POINTER_TO_NOTHING: &str = "
    select 'order ' || outbox.order_id as subject,
           format('has version %s to be sent, but the log has no such event', outbox.version) as evidence
    from outbox
    left join event_log using (order_id, version)
    where event_log.event_id is null";
