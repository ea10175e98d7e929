-- An order whose first event nobody could read is refused without an address. All other rules stay as they were.
create or replace function is_sound(it deliveries) returns boolean language plpgsql immutable as $$
declare
    broken text := case
        when not (it.status in ('void', 'refused', 'scheduled', 'dispatched', 'failed', 'delivered', 'cancelled')) then 'the status is known'
        -- Who waits has a deadline, or is late and flagged. Who has come to an end has neither.
        when not case it.status
                when 'scheduled'  then coalesce(it.attention, 'late_dispatch') = 'late_dispatch' and (it.deadline_at is null) = (it.attention is not null)
                when 'dispatched' then coalesce(it.attention, 'late_delivery') = 'late_delivery' and (it.deadline_at is null) = (it.attention is not null)
                else it.deadline_at is null and it.attention is null
            end then 'who waits has a deadline or a flag'
        when not ((it.zone_id is null) = (it.slot_date is null)) then 'a place is one in a zone and on a day'
        when not ((it.zone_id is null) = (it.status in ('void', 'refused'))) then 'a place is had unless there never was one'
        when not ((it.address is null) = (it.status = 'void' or (it.failure ->> 'reason' = 'unprocessable') is true)) then 'the address is known unless the order never came'
        when not ((it.proof is not null) = (it.status = 'delivered')) then 'what is delivered is proved'
        when not ((it.failure is not null) = (it.status in ('refused', 'failed'))) then 'what failed says why'
        when not (it.courier_id is not null or it.status not in ('dispatched', 'delivered')) then 'somebody brings it'
        when not (it.courier_id is null or it.zone_id is not null) then 'a courier goes somewhere'
        when not (jsonb_typeof(it.attempts) = 'array' and jsonb_array_length(it.attempts) <= 10) then 'there are at most ten attempts'
        when not (it.attempts = '[]' or it.status in ('dispatched', 'delivered', 'failed')) then 'only who left can have tried'
        -- What is still to be brought, or was brought in the end, is so on the day that the last attempt led to.
        when not (
            it.attempts = '[]' or it.status not in ('dispatched', 'delivered')
            or ((it.attempts -> -1 ->> 'next_date')::date = it.slot_date) is true
        ) then 'the next attempt is on its day'
        when not (it.weight_g >= 0) then 'nothing weighs less than nothing'
        when not (it.version >= 0 and it.changes >= 1) then 'versions are counted from zero and changes from one'
    end;
begin
    if broken is not null then
        raise check_violation using table = 'deliveries', constraint = 'deliveries_are_sound',
            message = format('the delivery of order %s breaks the rule "%s"', it.order_id, broken);
    end if;
    return true;
end
$$;
