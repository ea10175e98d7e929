-- What both databases know of these sagas, each worked out from nothing but its number: so they agree without having met.
set local timezone = 'UTC';
create temporary table saga on commit drop as
select number, kind, placed_at, order_id, delivery_id, 'zone-' || number / 20 % 20 as zone, placed_at::date + 1 as slot_date,
       'courier-' || number % 10 as courier,
       format('{"recipient":"Ada Lovelace","line1":"Harbour Street 1","city":"Hamburg","postal_code":"%s%s","country":"DE"}',
              10 + number / 20 % 20, lpad((number % 1000)::text, 3, '0')) as address
from generate_series({first}::bigint, {last}) as number
cross join lateral (values ({becomes})) as becomes (kind)
cross join lateral (values ({began_ms} + number * {span_ms}::bigint / {number}, md5(number::text))) as made (ms, chance)
cross join lateral (values (
    to_timestamp(ms / 1000.0),
    -- UUIDv7: the milliseconds, then chance.
    (lpad(to_hex(ms), 12, '0') || '7' || left(chance, 3) || '8' || substr(chance, 4, 15))::uuid,
    (lpad(to_hex(ms + 5), 12, '0') || '7' || right(chance, 3) || '8' || substr(chance, 12, 15))::uuid
)) as ids (placed_at, order_id, delivery_id);

create temporary table item on commit drop as
select order_id, position, 'ARTICLE-' || lpad(((number * 7 + position * 31) % 100)::text, 3, '0') as sku,
       1 + (number + position) % 3 as quantity
from saga
cross join generate_series(1, 3) as position
where position <= 1 + number % 3;
analyze saga, item;
