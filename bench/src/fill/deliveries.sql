-- These sagas as delivery-service would have left them. Of those that are only placed it knows nothing.
insert into couriers (id, name, capacity) select 'courier-' || n, 'Courier ' || n, 100 from generate_series(0, 9) as n on conflict do nothing;

insert into slots (zone_id, date, capacity, taken)
select zone, slot_date, capacity_per_day, count(*) filter (where kind <> 'cancelled')
from saga join zones on zones.id = zone
where kind in ('delivered', 'cancelled', 'returned')
group by zone, slot_date, capacity_per_day
on conflict (zone_id, date) do update set taken = slots.taken + excluded.taken;

insert into deliveries (id, order_id, status, zone_id, slot_date, courier_id, weight_g, address, proof, failure, version, changes)
select delivery_id, order_id, status, case when is_planned then zone end, case when is_planned then slot_date end,
       case when has_left then courier end, weight_g, address::jsonb, proof::jsonb, failure::jsonb, version, changes
from saga
join (select order_id, 100 * sum(quantity) as weight_g from item group by order_id) as weighed using (order_id)
join (values
    ('delivered', 'delivered', 3, 4, true, true, '{"received_by": "Eve"}', null),
    ('cancelled', 'cancelled', 2, 2, true, false, null, null),
    ('refused', 'refused', 1, 1, false, false, null, '{"stage": "creation", "reason": "zone_unserved"}'),
    ('returned', 'failed', 3, 4, true, true, null, '{"stage": "transit", "reason": "recipient_absent", "goods": "returned"}')
) as becomes (kind, status, version, changes, is_planned, has_left, proof, failure) using (kind)
order by number;

insert into delivery_history (delivery_id, number, order_id, status, at, what, cause_id, event_version)
select delivery_id, told.number, order_id, status, placed_at + told.number * interval '1 minute', what, order_id::text, event_version
from saga
join (values
    ('delivered', 1, 'scheduled', 'OrderCompleted', 1), ('delivered', 2, 'scheduled', 'assign_courier', null),
    ('delivered', 3, 'dispatched', 'dispatch', null), ('delivered', 4, 'delivered', 'complete', null),
    ('cancelled', 1, 'scheduled', 'OrderCompleted', 1), ('cancelled', 2, 'cancelled', 'OrderCancelled', 2),
    ('refused', 1, 'refused', 'OrderCompleted', 1),
    ('returned', 1, 'scheduled', 'OrderCompleted', 1), ('returned', 2, 'scheduled', 'assign_courier', null),
    ('returned', 3, 'dispatched', 'dispatch', null), ('returned', 4, 'failed', 'fail', null)
) as told (kind, number, status, what, event_version) using (kind)
order by saga.delivery_id, told.number;

insert into inbox (order_id, seen)
select order_id, case kind when 'cancelled' then 2 else 1 end from saga where kind <> 'placed' order by number;

insert into event_log (order_id, version, event_id, event_type, data_schema, occurred_at, causation_id, data)
select order_id, version, md5(delivery_id::text || version)::uuid, event_type, 'urn:order-delivery:' || event_type || ':1',
       placed_at + version * interval '1 minute', order_id::text,
       convert_to(case event_type
           when 'DeliveryCreated' then format('{"delivery_id":"%s","slot":{"zone":"%s","date":"%s"},"promised_date":"%s"}',
                                              delivery_id, zone, slot_date, slot_date)
           when 'DeliveryDispatched' then format('{"courier":"%s"}', courier)
           when 'DeliveryCompleted' then '{"proof":{"received_by":"Eve"}}'
           when 'DeliveryCancelled' then '{}'
           when 'DeliveryFailed' then case kind when 'refused' then '{"stage":"creation","reason":"zone_unserved"}'
                                                else '{"stage":"transit","reason":"recipient_absent","goods":"returned"}' end
       end, 'UTF8')
from saga
join (values
    ('delivered', 1, 'DeliveryCreated'), ('delivered', 2, 'DeliveryDispatched'), ('delivered', 3, 'DeliveryCompleted'),
    ('cancelled', 1, 'DeliveryCreated'), ('cancelled', 2, 'DeliveryCancelled'),
    ('refused', 1, 'DeliveryFailed'),
    ('returned', 1, 'DeliveryCreated'), ('returned', 2, 'DeliveryDispatched'), ('returned', 3, 'DeliveryFailed')
) as announced (kind, version, event_type) using (kind)
order by saga.order_id, version;
