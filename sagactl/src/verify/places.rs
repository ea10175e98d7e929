//! I6: places in slots and parcels with couriers, counted from the deliveries.

use super::report::Invariant::I6;
use super::rule::Rule;

/// For delivery-service's database.
pub(super) const RULES: [Rule; 5] = [
    Rule::of(I6, "slots whose places are not what their deliveries take", PLACES_ARE_NOT_WHAT_DELIVERIES_TAKE),
    Rule::of(I6, "couriers whose load is not what they carry", LOAD_IS_NOT_WHAT_IS_CARRIED),
    Rule::of(I6, "deliveries that go without a slot or a courier", WITHOUT_SLOT_OR_COURIER),
    Rule::of(I6, "deliveries that are not on the day to which their last attempt led", NOT_WHERE_THE_LAST_ATTEMPT_LED),
    Rule::of(
        I6,
        "attempts of which the history knows nothing, or the other way round",
        ATTEMPTS_ARE_NOT_WHAT_HISTORY_SAYS,
    ),
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

const NOT_WHERE_THE_LAST_ATTEMPT_LED: &str = "
    select 'order ' || order_id as subject,
           format('has a delivery that is %s in the slot %s of %s, but its last attempt led to %s', status,
                  coalesce(slot_date::text, '–'), coalesce(zone_id, '–'), coalesce(attempts -> -1 ->> 'next_date', 'nowhere')) as evidence
    from deliveries
    where attempts <> '[]' and status in ('dispatched', 'delivered')
      and (attempts -> -1 ->> 'next_date')::date is distinct from slot_date";

const ATTEMPTS_ARE_NOT_WHAT_HISTORY_SAYS: &str = "
    select 'order ' || order_id as subject,
           format('has a delivery with %s attempts, but its history has %s', jsonb_array_length(attempts), told.times) as evidence
    from deliveries
    cross join lateral (
        select count(*) as times from delivery_history where delivery_id = deliveries.id and what = 'attempt'
    ) as told
    where jsonb_array_length(attempts) <> told.times";
