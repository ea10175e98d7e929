-- Until when a delivery may take to leave or to arrive, in its own row: whoever changes one has locked the other.
alter table deliveries
    add column deadline_at timestamptz,
    add column attention text check (attention in ('late_dispatch', 'late_delivery'));

-- Deliveries from before there were deadlines get those that they would have by default.
update deliveries
set deadline_at = greatest(now(), (slot_date + 1)::timestamp at time zone 'UTC') + interval '1 hour'
where status in ('scheduled', 'dispatched');

-- Who waits has a deadline, or is late and flagged. Who has come to an end has neither.
alter table deliveries add constraint who_waits_has_a_deadline_or_a_flag check (
    case status
        when 'scheduled'  then coalesce(attention, 'late_dispatch') = 'late_dispatch' and (deadline_at is null) = (attention is not null)
        when 'dispatched' then coalesce(attention, 'late_delivery') = 'late_delivery' and (deadline_at is null) = (attention is not null)
        else deadline_at is null and attention is null
    end
);

-- What is overdue, the longest first.
create index deliveries_due on deliveries (deadline_at) where deadline_at is not null;
-- The oldest order whose delivery has not ended.
create index deliveries_open on deliveries (order_id) where status in ('scheduled', 'dispatched');
