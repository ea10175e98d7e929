-- Ten orders of two lamps each, in every state there is, as order-service would have left them:
--   1 completed, not sent yet          6 cancelled by its customer after it was confirmed
--   2 confirmed                        7 returned: lost on the way
--   3 in delivery                      8 cancelled before delivery-service knew of it
--   4 delivered                        9 completed, its event is parked over there
--   5 cancelled: no zone serves it    10 cancelling, but the parcel has just left
create function pg_temp.id(n integer) returns uuid language sql
    as $$ select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;

create temporary table told (n integer, number integer, status text, what text, event_version bigint);
insert into told values
    (1, 1, 'completed', 'placed', null),
    (2, 1, 'completed', 'placed', null), (2, 2, 'confirmed', 'DeliveryCreated', 1),
    (3, 1, 'completed', 'placed', null), (3, 2, 'confirmed', 'DeliveryCreated', 1),
    (3, 3, 'in_delivery', 'DeliveryDispatched', 2),
    (4, 1, 'completed', 'placed', null), (4, 2, 'confirmed', 'DeliveryCreated', 1),
    (4, 3, 'in_delivery', 'DeliveryDispatched', 2), (4, 4, 'delivered', 'DeliveryCompleted', 3),
    (5, 1, 'completed', 'placed', null), (5, 2, 'cancelled', 'DeliveryFailed', 1),
    (6, 1, 'completed', 'placed', null), (6, 2, 'confirmed', 'DeliveryCreated', 1),
    (6, 3, 'cancelling', 'cancellation_by_customer', null), (6, 4, 'cancelled', 'DeliveryCancelled', 2),
    (7, 1, 'completed', 'placed', null), (7, 2, 'confirmed', 'DeliveryCreated', 1),
    (7, 3, 'in_delivery', 'DeliveryDispatched', 2), (7, 4, 'returned', 'DeliveryFailed', 3),
    (8, 1, 'completed', 'placed', null), (8, 2, 'cancelling', 'cancellation_by_customer', null),
    (8, 3, 'cancelled', 'DeliveryCancelled', 1),
    (9, 1, 'completed', 'placed', null),
    (10, 1, 'completed', 'placed', null), (10, 2, 'confirmed', 'DeliveryCreated', 1),
    (10, 3, 'cancelling', 'cancellation_by_customer', null);

insert into products (sku, name, price_minor, currency, weight_g, received, on_hand, reserved, shipped, written_off)
values ('LAMP', 'Lamp', 1000, 'EUR', 500, 100, 96, 10, 2, 2), ('CHAIR', 'Chair', 5000, 'EUR', 4000, 0, 0, 0, 0, 0);

insert into orders (id, customer_id, currency, total_minor, delivery_address, placed_at, status, payment, stock, cancellation,
                    cancellation_rejected, cancellation_asked, deadline_at, delivery_id, slot_zone, slot_date, failure, version, changes)
select pg_temp.id(n), 'customer', 'EUR', 2000, '{}', now(), last.status, payment, stock, cancellation, false,
       case when cancellation = 'customer' then 1 else 0 end,
       case when last.status in ('completed', 'confirmed', 'in_delivery', 'cancelling') then now() + interval '1 hour' end,
       case when n in (2, 3, 4, 6, 7, 10) then pg_temp.id(100 + n) end,
       case when n in (2, 3, 4, 6, 7, 10) then 'harbour' end,
       case when n in (2, 3, 4, 6, 7, 10) then date '2026-12-01' end,
       failure::jsonb, case when cancellation = 'customer' then 2 else 1 end, last.number
from (values
    (1, 'held', 'reserved', null, null), (2, 'captured', 'reserved', null, null),
    (3, 'captured', 'reserved', null, null), (4, 'captured', 'shipped', null, null),
    (5, 'voided', 'released', 'delivery_failed', '{"stage": "creation", "reason": "zone_unserved"}'),
    (6, 'refunded', 'released', 'customer', null),
    (7, 'refunded', 'written_off', null, '{"stage": "transit", "reason": "lost", "goods": "lost"}'),
    (8, 'voided', 'released', 'customer', null), (9, 'held', 'reserved', null, null),
    (10, 'captured', 'reserved', 'customer', null)
) as new (n, payment, stock, cancellation, failure)
join (select distinct on (n) * from told order by n, number desc) as last using (n);

insert into order_items (order_id, sku, position, quantity, unit_price_minor, weight_g)
select id, 'LAMP', 1, 2, 1000, 500 from orders;

insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
select id, kind, debit, credit, 2000, 'EUR', now()
from orders
join (values ('hold', 'customer', 'held', array['held', 'captured', 'voided', 'refunded']),
             ('capture', 'held', 'revenue', array['captured', 'refunded']),
             ('void', 'held', 'customer', array['voided']),
             ('refund', 'revenue', 'customer', array['refunded'])) as made (kind, debit, credit, payments)
    on payment = any (payments);

insert into order_history (order_id, number, status, at, what, cause_id, event_version)
select pg_temp.id(n), number, status, now(), what, 'test', event_version from told;

insert into inbox (order_id, seen)
select pg_temp.id(n), max(event_version) from told where event_version is not null group by n;

insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, data)
select id, number, gen_random_uuid(), case number when 1 then 'OrderCompleted' else 'OrderCancelled' end, '', now(), 'test', ''
from orders, generate_series(1, version) as number;

insert into outbox (order_id, version) values (pg_temp.id(1), 1);
