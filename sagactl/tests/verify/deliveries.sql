-- The same ten sagas as delivery-service would have left them. It knows nothing of the first, and has parked the ninth.
create function pg_temp.id(n integer) returns uuid language sql
    as $$ select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;

create temporary table told (n integer, number integer, status text, what text, event_version bigint);
insert into told values
    (2, 1, 'scheduled', 'OrderCompleted', 1), (2, 2, 'scheduled', 'assign_courier', null),
    (3, 1, 'scheduled', 'OrderCompleted', 1), (3, 2, 'scheduled', 'assign_courier', null), (3, 3, 'dispatched', 'dispatch', null),
    (4, 1, 'scheduled', 'OrderCompleted', 1), (4, 2, 'scheduled', 'assign_courier', null), (4, 3, 'dispatched', 'dispatch', null),
    (4, 4, 'dispatched', 'attempt', null), (4, 5, 'delivered', 'complete', null),
    (5, 1, 'refused', 'OrderCompleted', 1),
    (6, 1, 'scheduled', 'OrderCompleted', 1), (6, 2, 'cancelled', 'OrderCancelled', 2),
    (7, 1, 'scheduled', 'OrderCompleted', 1), (7, 2, 'scheduled', 'assign_courier', null), (7, 3, 'dispatched', 'dispatch', null),
    (7, 4, 'failed', 'fail', null),
    (8, 1, 'void', 'OrderCancelled', 2),
    (10, 1, 'scheduled', 'OrderCompleted', 1), (10, 2, 'scheduled', 'assign_courier', null), (10, 3, 'dispatched', 'dispatch', null),
    (10, 4, 'dispatched', 'OrderCancelled', 2);

insert into zones (id, country, capacity_per_day, weight_limit_g) values ('harbour', 'DE', 10, 100000);
insert into slots (zone_id, date, capacity, taken) values ('harbour', date '2026-12-01', 10, 5), ('harbour', date '2026-12-02', 10, 0);
insert into couriers (id, name, capacity, load) values ('anna', 'Anna', 5, 3), ('bert', 'Bert', 5, 0);

insert into deliveries (id, order_id, status, zone_id, slot_date, courier_id, weight_g, address, proof, failure, deadline_at,
                        version, changes)
select pg_temp.id(100 + n), pg_temp.id(n), last.status,
       case when last.status not in ('void', 'refused') then 'harbour' end,
       case when last.status not in ('void', 'refused') then date '2026-12-01' end,
       case when n in (2, 3, 4, 7, 10) then 'anna' end, 1000,
       case when last.status <> 'void' then '{}'::jsonb end,
       case when last.status = 'delivered' then '{"received_by": "Eve"}'::jsonb end,
       case last.status when 'refused' then '{"stage": "creation", "reason": "zone_unserved"}'::jsonb
                        when 'failed' then '{"stage": "transit", "reason": "lost", "goods": "lost"}'::jsonb end,
       case when last.status in ('scheduled', 'dispatched') then now() + interval '1 hour' end,
       version, last.number
from (values (2, 1), (3, 2), (4, 3), (5, 1), (6, 2), (7, 3), (8, 1), (10, 2)) as new (n, version)
join (select distinct on (n) * from told order by n, number desc) as last using (n);

-- The fourth was brought twice.
update deliveries
set attempts = '[{"number": 1, "at": "2026-11-30T12:00:00Z", "date": "2026-11-30", "note": null, "next_date": "2026-12-01"}]'
where order_id = pg_temp.id(4);

insert into delivery_history (delivery_id, number, order_id, status, at, what, cause_id, event_version)
select pg_temp.id(100 + n), number, pg_temp.id(n), status, now(), what, 'test', event_version from told;

insert into inbox (order_id, seen)
select pg_temp.id(n), max(event_version) from told where event_version is not null group by n
union all select pg_temp.id(9), 0;

insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, data)
select order_id, number, gen_random_uuid(), 'Delivery…', '', now(), 'test', ''
from deliveries, generate_series(1, version) as number;

insert into outbox (order_id, version) values (pg_temp.id(10), 2);

-- The ninth is waiting; the eighth was jumped by its cancellation.
insert into parked_events (id, topic, "partition", "offset", order_id, version, header_names, header_values, cause, error,
                           parked_at, resolved_at, resolution)
values (gen_random_uuid(), 'orders', 0, 1, pg_temp.id(9), 1, '{}', '{}', 'rejected', 'a test', now(), null, null),
       (gen_random_uuid(), 'orders', 0, 2, pg_temp.id(8), 1, '{}', '{}', 'rejected', 'a test', now(), now(), 'stale');
