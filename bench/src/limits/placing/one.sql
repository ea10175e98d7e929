-- One order of two articles, as order-service writes it: the same statements, in the same order, for one row each.
-- pgbench reads this, and replaces a colon and a name wherever they stand, also between quotes: texts with colons are variables.
\set here random(0, 99)
\set there (:here + random(1, 99)) % 100
begin;
-- A committer is one process: here, one client of pgbench.
with marked as (
    insert into commit_marks (committer, mark, at) values (md5(:client_id::text)::uuid, gen_random_uuid(), now())
    on conflict (committer) do update set mark = excluded.mark, at = excluded.at
    returning pg_current_xact_id()::text as transaction_id
)
select transaction_id, new.*, fingerprint, status, location, body as kept
from marked cross join (
    select gen_random_uuid() as event_id, replace(gen_random_uuid()::text, '-', '') as key,
           -- A UUIDv7: the milliseconds, then chance.
           encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
               substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid as order_id,
           'ARTICLE-' || lpad(least(:here::integer, :there::integer)::text, 3, '0') as first_sku,
           'ARTICLE-' || lpad(greatest(:here::integer, :there::integer)::text, 3, '0') as second_sku
    offset 0
) as new
left join idempotency_keys kept on kept.route = 'POST /orders' and kept.key = new.key \gset
select sku, name, price_minor, currency, weight_g, received, on_hand, reserved, shipped, written_off
from products where sku = any(array[:first_sku::text, :second_sku::text]) order by sku for no key update;
with placed as (
    insert into orders (id, customer_id, currency, total_minor, delivery_address, wished_date, placed_at, status,
           payment, stock, deadline_at, version, changes, cancellation_rejected, cancellation_asked)
    values (:order_id::uuid, :customer, 'EUR', 5997, :address::jsonb, null, now(), 'completed',
           'held', 'reserved', now() + interval '10 minutes', 1, 1, false, 0)
)
insert into order_items (order_id, position, sku, quantity, unit_price_minor, weight_g)
values (:order_id::uuid, 1, :first_sku, 1, 1999, 500), (:order_id::uuid, 2, :second_sku, 2, 1999, 500);
with transferred as (
    insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
    values (:order_id::uuid, 'hold', 'customer', 'held', 5997, 'EUR', now())
), moved as (
    update products set received = products.received + by.received, on_hand = products.on_hand + by.on_hand,
           reserved = products.reserved + by.reserved, shipped = products.shipped + by.shipped,
           written_off = products.written_off + by.written_off
    from (values (:first_sku::text, 0, 0, 1, 0, 0), (:second_sku::text, 0, 0, 2, 0, 0))
         as by (sku, received, on_hand, reserved, shipped, written_off)
    where products.sku = by.sku
)
insert into order_history (order_id, number, status, at, what, cause_id, event_version)
values (:order_id::uuid, 1, 'completed', now(), 'placed', :event_id, null);
with logged as (
    insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data)
    values (:order_id::uuid, 1, :event_id::uuid, 'OrderCompleted', :data_schema, now(), :event_id, null, :data::bytea)
)
insert into outbox (order_id, version) values (:order_id::uuid, 1) returning seq, order_id, version;
insert into idempotency_keys (route, key, fingerprint, status, location, body, answered_at)
values ('POST /orders', :key, sha256(:key::text::bytea), 201, '/orders/' || :order_id::text, :body::bytea, now())
on conflict do nothing;
commit;
