//! I7, as far as delivery-service's own database shows it: what it consumed, and the deliveries that came of it.

use super::report::Invariant::I7;
use super::rule::Rule;

/// For delivery-service's database.
pub(super) const RULES: [Rule; 3] = [
    Rule::of(I7, "orders with more than one delivery", MORE_THAN_ONE_DELIVERY),
    Rule::of(I7, "orders that were consumed without a delivery", CONSUMED_WITHOUT_A_DELIVERY),
    Rule::of(I7, "deliveries that no event asked for", DELIVERY_WITHOUT_AN_EVENT),
];

const MORE_THAN_ONE_DELIVERY: &str = "
    select 'order ' || order_id as subject,
           format('has %s deliveries: %s', count(*), string_agg(format('%s (%s)', id, status), ', ' order by id)) as evidence
    from deliveries
    group by order_id
    having count(*) > 1";

const CONSUMED_WITHOUT_A_DELIVERY: &str = "
    select 'order ' || inbox.order_id as subject,
           format('was consumed up to version %s, but there is no delivery', seen) as evidence
    from inbox
    where seen >= 1 and not exists (select from deliveries where deliveries.order_id = inbox.order_id)";

const DELIVERY_WITHOUT_AN_EVENT: &str = "
    select 'order ' || deliveries.order_id as subject,
           format('has the delivery %s (%s), but no event of the order was consumed', id, status) as evidence
    from deliveries
    left join inbox on inbox.order_id = deliveries.order_id
    where coalesce(seen, 0) < 1";
