-- A hundred orders of two articles in one transaction: the statements of `one.sql`, for a hundred rows each.
\set shift random(1, 99)
begin;
with marked as (
    insert into commit_marks (committer, mark, at) values (md5(:client_id::text)::uuid, gen_random_uuid(), now())
    on conflict (committer) do update set mark = excluded.mark, at = excluded.at
    returning pg_current_xact_id()::text as transaction_id
)
select transaction_id, new.*, fingerprint, status, location, body as kept
from marked cross join (
    select array_agg(gen_random_uuid()) as event_ids, array_agg(replace(gen_random_uuid()::text, '-', '')) as keys,
           array_agg(encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
               substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid) as order_ids,
           array_agg('ARTICLE-' || lpad(n::text, 3, '0')) as first_skus,
           array_agg('ARTICLE-' || lpad(((n + :shift::integer) % 100)::text, 3, '0')) as second_skus
    from generate_series(0, 99) as n
) as new
left join idempotency_keys kept on kept.route = 'POST /orders' and kept.key = any(new.keys) \gset
select sku, name, price_minor, currency, weight_g, received, on_hand, reserved, shipped, written_off
from products where sku = any(:first_skus::text[] || :second_skus::text[]) order by sku for no key update;
with placed as (
    insert into orders (id, customer_id, currency, total_minor, delivery_address, wished_date, placed_at, status,
           payment, stock, deadline_at, version, changes, cancellation_rejected, cancellation_asked)
    select id, :customer, 'EUR', 5997, :address::jsonb, null, now(), 'completed',
           'held', 'reserved', now() + interval '10 minutes', 1, 1, false, 0
    from unnest(:order_ids::uuid[]) as id
)
insert into order_items (order_id, position, sku, quantity, unit_price_minor, weight_g)
select id, position, sku, position, 1999, 500
from unnest(:order_ids::uuid[], :first_skus::text[], :second_skus::text[]) as placed (id, first_sku, second_sku)
cross join lateral (values (1, first_sku), (2, second_sku)) as item (position, sku);
with transferred as (
    insert into transfers (order_id, kind, debit, credit, amount_minor, currency, at)
    select id, 'hold', 'customer', 'held', 5997, 'EUR', now() from unnest(:order_ids::uuid[]) as id
), moved as (
    update products set received = products.received + by.received, on_hand = products.on_hand + by.on_hand,
           reserved = products.reserved + by.reserved, shipped = products.shipped + by.shipped,
           written_off = products.written_off + by.written_off
    from (select sku, 0, 0, sum(pieces), 0, 0
          from (select unnest(:first_skus::text[]), 1 union all select unnest(:second_skus::text[]), 2) as moves (sku, pieces)
          group by sku)
         as by (sku, received, on_hand, reserved, shipped, written_off)
    where products.sku = by.sku
)
insert into order_history (order_id, number, status, at, what, cause_id, event_version)
select id, 1, 'completed', now(), 'placed', event_id, null
from unnest(:order_ids::uuid[], :event_ids::text[]) as placed (id, event_id);
with logged as (
    insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, trace_parent, data)
    select id, 1, event_id, 'OrderCompleted', :data_schema, now(), event_id::text, null, :data::bytea
    from unnest(:order_ids::uuid[], :event_ids::uuid[]) as placed (id, event_id)
)
insert into outbox (order_id, version) select id, 1 from unnest(:order_ids::uuid[]) as id returning seq, order_id, version;
insert into idempotency_keys (route, key, fingerprint, status, location, body, answered_at)
select 'POST /orders', key, sha256(key::bytea), 201, '/orders/' || id, :body::bytea, now()
from unnest(:order_ids::text[], :keys::text[]) as placed (id, key)
on conflict do nothing;
commit;
