-- These sagas as order-service would have left them.
create temporary table priced on commit drop as
select order_id, sum(quantity * price_minor) as total,
       string_agg(format('{"sku":"%s","quantity":%s,"weight_g":%s}', sku, quantity, weight_g), ',' order by position) as items
from item join products using (sku)
group by order_id;
analyze priced;

insert into orders (id, customer_id, currency, total_minor, delivery_address, placed_at, status, payment, stock, cancellation,
                    cancellation_rejected, cancellation_asked, deadline_at, delivery_id, slot_zone, slot_date, promised_date,
                    courier, proof, failure, version, changes)
select order_id, 'customer-' || number % 1000, 'EUR', total, address::jsonb, placed_at, status, payment, stock, cancellation,
       false, version - 1, case when status = 'completed' then now() + interval '1 hour' end,
       case when is_planned then delivery_id end, case when is_planned then zone end, case when is_planned then slot_date end,
       case when is_planned then slot_date end, case when has_left then courier end, proof::jsonb, failure::jsonb, version, changes
from saga
join priced using (order_id)
join (values
    ('placed', 'completed', 'held', 'reserved', null, 1, 1, false, false, null, null),
    ('delivered', 'delivered', 'captured', 'shipped', null, 1, 4, true, true, '{"received_by": "Eve"}', null),
    ('cancelled', 'cancelled', 'refunded', 'released', 'customer', 2, 4, true, false, null, null),
    ('refused', 'cancelled', 'voided', 'released', 'delivery_failed', 1, 2, false, false, null,
     '{"stage": "creation", "reason": "zone_unserved"}'),
    ('returned', 'returned', 'refunded', 'released', null, 1, 4, true, true, null,
     '{"stage": "transit", "reason": "recipient_absent", "goods": "returned"}')
) as becomes (kind, status, payment, stock, cancellation, version, changes, is_planned, has_left, proof, failure) using (kind)
order by number;

insert into order_items (order_id, sku, position, quantity, unit_price_minor, weight_g)
select order_id, sku, position, quantity, price_minor, weight_g from item join products using (sku) order by order_id, position;

insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
select order_id, made.kind, debit, credit, total, 'EUR', placed_at
from saga
join priced using (order_id)
join (values ('hold', 'customer', 'held', array['placed', 'delivered', 'cancelled', 'refused', 'returned']),
             ('capture', 'held', 'revenue', array['delivered', 'cancelled', 'returned']),
             ('void', 'held', 'customer', array['refused']),
             ('refund', 'revenue', 'customer', array['cancelled', 'returned'])) as made (kind, debit, credit, kinds)
    on saga.kind = any (kinds)
order by order_id;

insert into order_history (order_id, number, status, at, what, cause_id, event_version)
select order_id, told.number, status, placed_at + told.number * interval '1 minute', what, order_id::text, event_version
from saga
join (values
    ('placed', 1, 'completed', 'placed', null),
    ('delivered', 1, 'completed', 'placed', null), ('delivered', 2, 'confirmed', 'DeliveryCreated', 1),
    ('delivered', 3, 'in_delivery', 'DeliveryDispatched', 2), ('delivered', 4, 'delivered', 'DeliveryCompleted', 3),
    ('cancelled', 1, 'completed', 'placed', null), ('cancelled', 2, 'confirmed', 'DeliveryCreated', 1),
    ('cancelled', 3, 'cancelling', 'cancellation_by_customer', null), ('cancelled', 4, 'cancelled', 'DeliveryCancelled', 2),
    ('refused', 1, 'completed', 'placed', null), ('refused', 2, 'cancelled', 'DeliveryFailed', 1),
    ('returned', 1, 'completed', 'placed', null), ('returned', 2, 'confirmed', 'DeliveryCreated', 1),
    ('returned', 3, 'in_delivery', 'DeliveryDispatched', 2), ('returned', 4, 'returned', 'DeliveryFailed', 3)
) as told (kind, number, status, what, event_version) using (kind)
order by saga.order_id, told.number;

insert into inbox (order_id, seen)
select order_id, seen
from saga
join (values ('delivered', 3), ('cancelled', 2), ('refused', 1), ('returned', 3)) as told (kind, seen) using (kind)
order by number;

insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, data)
select order_id, version, md5(order_id::text || version)::uuid, event_type, 'urn:order-delivery:' || event_type || ':1',
       placed_at + (version - 1) * interval '3 minutes', order_id::text,
       convert_to(case event_type
           when 'OrderCompleted' then format('{"items":[%s],"total":{"amount_minor":%s,"currency":"EUR"},"delivery_address":%s}',
                                             items, total, address)
           when 'OrderCancelled' then '{"reason":"customer"}'
       end, 'UTF8')
from saga
join priced using (order_id)
join (values (1, 'OrderCompleted', array['placed', 'delivered', 'cancelled', 'refused', 'returned']),
             (2, 'OrderCancelled', array['cancelled'])) as announced (version, event_type, kinds) on kind = any (kinds)
order by saga.order_id, version;

insert into outbox (order_id, version) select order_id, 1 from saga where kind = 'placed' order by number;

update products
set received = received + pieces_shipped, shipped = shipped + pieces_shipped, reserved = reserved + pieces_reserved
from (
    select sku, coalesce(sum(quantity) filter (where kind = 'delivered'), 0) as pieces_shipped,
           coalesce(sum(quantity) filter (where kind = 'placed'), 0) as pieces_reserved
    from item join saga using (order_id)
    group by sku
) as moved
where products.sku = moved.sku;
