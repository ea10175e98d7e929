//! What has to be true in order-service's database: every statement finds what is not.

use super::Check;

pub const CHECKS: [Check; 9] = [
    ("I1", "every order has ended, or waits lawfully",
     "select format('order %s is %s, until %s, flagged %s', id, status, deadline_at, attention) from orders
      where status in ('completed', 'cancelling')
         or (status in ('confirmed', 'in_delivery')) <> (deadline_at is not null or attention is not null)
         or (deadline_at is not null and attention is not null)
         or deadline_at < now() - interval '1 minute'"),
    ("I2", "what was held, captured, voided and refunded is what the status owes, and the total is the sum of the items",
     "select format('order %s is %s, costs %s, its items %s, and has held %s, captured %s, voided %s, refunded %s',
                    id, status, total_minor, items, held, captured, voided, refunded) from orders
      cross join lateral (select coalesce(sum(amount_minor) filter (where kind = 'hold'), 0) as held,
                                 coalesce(sum(amount_minor) filter (where kind = 'capture'), 0) as captured,
                                 coalesce(sum(amount_minor) filter (where kind = 'void'), 0) as voided,
                                 coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as refunded
                          from transfers where order_id = id) as ledger
      cross join lateral (select sum(quantity * unit_price_minor) as items from order_items where order_id = id) as lines
      where total_minor is distinct from items or held <> total_minor
         or captured <> case when status in ('confirmed', 'in_delivery', 'delivered', 'returned') then total_minor
                             when status in ('cancelling', 'cancelled') and captured <> 0 then total_minor else 0 end
         or voided <> case when status = 'cancelled' and captured = 0 then total_minor else 0 end
         or refunded <> case when status = 'returned' or (status = 'cancelled' and captured <> 0) then total_minor else 0 end"),
    ("I3", "0 second holds, captures, voids or refunds, and none of an order that nobody placed",
     "select format('order %s: %s times %s', order_id, count(*), kind) from transfers group by order_id, kind
      having count(*) > 1 or not exists (select from orders where id = order_id)"),
    ("I5", "pieces are where the statuses say, and none is missing",
     "select format('%s: %s reserved, %s shipped, %s written off', p.sku, reserved, shipped, written_off) from products p
      cross join lateral (select coalesce(sum(quantity) filter (where status in ('completed', 'confirmed', 'cancelling', 'in_delivery')), 0) as r,
                                 coalesce(sum(quantity) filter (where status = 'delivered'), 0) as s,
                                 coalesce(sum(quantity) filter (where status = 'returned' and failure ->> 'goods' in ('lost', 'damaged')), 0) as w
                          from order_items i join orders o on o.id = i.order_id where i.sku = p.sku) as held
      where (reserved, shipped, written_off) <> (r, s, w) or on_hand + shipped + written_off <> received or on_hand < reserved"),
    ("I10", "each order's effects are those of versions 1…n, in order, without a hole: order-service",
     "select format('order %s applied version %s after %s', order_id, event_version, before) from
      (select order_id, event_version, lag(event_version, 1, 0::bigint) over (partition by order_id order by number) as before
       from order_history where event_version is not null) as applied where event_version <> before + 1"),
    ("I10", "what was claimed has had its effect: order-service",
     "select format('order %s: claimed up to version %s, applied up to %s', order_id, seen, applied) from
      (select order_id, seen from inbox where seen > 0) as claimed full join
      (select order_id, max(event_version) as applied from order_history where event_version is not null group by order_id) as effects
      using (order_id) where seen is distinct from applied"),
    ("I11", "nothing is unsent: order-service", "select format('%s unsent', count(*)) from outbox having count(*) > 0"),
    ("anomalies", "nothing impossible happened: order-service", "select format('order %s: %s while %s', order_id, kind, status) from anomalies"),
    ("one order a key", "no request was carried out twice",
     "select format('%s has %s orders', customer_id, count(*)) from orders group by customer_id having count(*) > 1"),
];
