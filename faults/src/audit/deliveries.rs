//! What has to be true in delivery-service's database: every statement finds what is not.

use super::Check;

pub const CHECKS: [Check; 7] = [
    ("I1", "every delivery has ended, or waits lawfully",
     "select format('the delivery of order %s is %s, until %s, flagged %s', order_id, status, deadline_at, attention) from deliveries
      where (status in ('scheduled', 'dispatched')) <> (deadline_at is not null or attention is not null)
         or (deadline_at is not null and attention is not null)
         or deadline_at < now() - interval '1 minute'"),
    ("I6", "places and loads are what the deliveries say, and no more than there is room for",
     "select format('%s on %s: %s taken of %s, %s held', s.zone_id, date, taken, capacity, held) from slots s
      cross join lateral (select count(*) as held from deliveries d where d.zone_id = s.zone_id and d.slot_date = s.date
                          and (status in ('scheduled', 'dispatched', 'delivered')
                               or (status = 'failed' and failure ->> 'stage' = 'transit'))) as places
      where taken <> held or taken > capacity
      union all select format('order %s has a place in %s on %s, which nobody counts', order_id, zone_id, slot_date) from deliveries d
      where zone_id is not null and not exists (select from slots s where s.zone_id = d.zone_id and s.date = d.slot_date)
      union all select format('order %s weighs %s g, and %s takes %s g', order_id, weight_g, zones.id, weight_limit_g)
      from deliveries join zones on zones.id = zone_id where weight_g > weight_limit_g
      union all select format('courier %s: load %s of %s, carries %s', c.id, load, capacity, carried) from couriers c
      cross join lateral (select count(*) as carried from deliveries d
                          where d.courier_id = c.id and status in ('scheduled', 'dispatched')) as parcels
      where load <> carried or load > capacity"),
    ("I7", "0 second deliveries",
     "select format('order %s has %s deliveries', order_id, count(*)) from deliveries group by order_id having count(*) > 1"),
    // Undoing what never began may come first, so only a cancellation may leave a hole.
    ("I10", "each order's effects are in order, and only a cancellation jumps a hole: delivery-service",
     "select format('order %s applied version %s (%s) after %s', order_id, event_version, what, before) from
      (select order_id, event_version, what, lag(event_version, 1, 0::bigint) over (partition by order_id order by number) as before
       from delivery_history where event_version is not null) as applied
      where event_version <= before or (event_version > before + 1 and what <> 'OrderCancelled')"),
    ("I10", "what was claimed has had its effect: delivery-service",
     "select format('order %s: claimed up to version %s, applied up to %s', order_id, seen, applied) from
      (select order_id, seen from inbox where seen > 0) as claimed full join
      (select order_id, max(event_version) as applied from delivery_history where event_version is not null group by order_id) as effects
      using (order_id) where seen is distinct from applied"),
    ("I11", "nothing is unsent: delivery-service", "select format('%s unsent', count(*)) from outbox having count(*) > 0"),
    ("anomalies", "nothing impossible happened: delivery-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
];
