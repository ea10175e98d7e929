//! I6: places in slots and parcels with couriers, counted from the deliveries.

use super::report::Invariant::I6;
use super::rule::Rule;

/// For delivery-service's database.
pub(super) const RULES: [Rule; 3] = [
    Rule::of(I6, "slots whose places are not what their deliveries take", PLACES_ARE_NOT_WHAT_DELIVERIES_TAKE),
    Rule::of(I6, "couriers whose load is not what they carry", LOAD_IS_NOT_WHAT_IS_CARRIED),
    Rule::of(I6, "deliveries that go without a slot or a courier", WITHOUT_SLOT_OR_COURIER),
];

const PLACES_ARE_NOT_WHAT_DELIVERIES_TAKE: &str = "
    select format('slot %s of %s', coalesce(slots.date, used.date), coalesce(slots.zone_id, used.zone_id)) as subject,
           format('has %s of %s places taken, but %s deliveries take one', coalesce(slots.taken, 0),
                  coalesce(slots.capacity, 0), coalesce(used.places, 0)) as evidence
    from slots
    full join (
        select zone_id, slot_date as date, count(*) as places
        from deliveries
        where zone_id is not null
          and (status in ('scheduled', 'dispatched', 'delivered') or (status = 'failed' and failure ->> 'stage' = 'transit'))
        group by zone_id, slot_date
    ) as used on used.zone_id = slots.zone_id and used.date = slots.date
    where slots.taken is distinct from coalesce(used.places, 0)
       or slots.taken not between 0 and slots.capacity";

const LOAD_IS_NOT_WHAT_IS_CARRIED: &str = "
    select 'courier ' || coalesce(couriers.id, carried.courier_id) as subject,
           format('has a load of %s with room for %s, but carries %s parcels', coalesce(couriers.load, 0),
                  coalesce(couriers.capacity, 0), coalesce(carried.parcels, 0)) as evidence
    from couriers
    full join (
        select courier_id, count(*) as parcels
        from deliveries
        where courier_id is not null and status in ('scheduled', 'dispatched')
        group by courier_id
    ) as carried on carried.courier_id = couriers.id
    where couriers.load is distinct from coalesce(carried.parcels, 0)
       or couriers.load not between 0 and couriers.capacity";

const WITHOUT_SLOT_OR_COURIER: &str = "
    select 'order ' || order_id as subject,
           format('has a delivery that is %s, with the slot %s of %s and the courier %s', status,
                  coalesce(slot_date::text, '–'), coalesce(zone_id, '–'), coalesce(courier_id, '–')) as evidence
    from deliveries
    where (status in ('scheduled', 'dispatched', 'delivered') and (zone_id is null or slot_date is null))
       or (status in ('dispatched', 'delivered') and courier_id is null)";
