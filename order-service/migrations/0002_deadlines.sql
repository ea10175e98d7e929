-- Until when an order waits, in the order's own row: whoever changes one has locked the other.
alter table orders
    add column deadline_at timestamptz,
    add column deadline_extended integer not null default 0 check (deadline_extended >= 0);

-- Orders from before there were deadlines get those that they would have by default.
update orders
set deadline_at = case
        when status in ('completed', 'cancelling') then now() + interval '10 minutes'
        else greatest(now(), (coalesce(promised_date, current_date) + 1)::timestamp at time zone 'UTC') + interval '1 hour'
    end
where status in ('completed', 'confirmed', 'in_delivery', 'cancelling');

alter table orders drop constraint orders_attention_check;
-- Who waits has a deadline, or is late and flagged. Who has come to an end has neither.
alter table orders add constraint who_waits_has_a_deadline_or_a_flag check (
    case status
        when 'completed'   then deadline_at is not null and attention is null
        when 'cancelling'  then deadline_at is not null and coalesce(attention, 'cancellation_unanswered') = 'cancellation_unanswered'
        when 'confirmed'   then coalesce(attention, 'late_dispatch') = 'late_dispatch' and (deadline_at is null) = (attention is not null)
        when 'in_delivery' then coalesce(attention, 'late_delivery') = 'late_delivery' and (deadline_at is null) = (attention is not null)
        else deadline_at is null and attention is null
    end
);
alter table orders add constraint only_the_outcome_is_waited_for_again check (deadline_extended = 0 or status = 'completed');

-- What is overdue, the longest first.
create index orders_due on orders (deadline_at) where deadline_at is not null;
-- The oldest order that has not ended.
create index orders_open on orders (id) where status in ('completed', 'confirmed', 'in_delivery', 'cancelling');
