-- The event log in partitions by time: what is old goes by dropping a table, not by deleting rows. An order's id is a UUIDv7, so
-- it sorts by when the order was placed, and every statement that looks into the log has it.

-- What is below takes as long as reading the old log once.
set local statement_timeout = 0;

alter table event_log rename to event_log_before;
alter index event_log_pkey rename to event_log_before_pkey;
create table event_log (
    like event_log_before including defaults including constraints,
    primary key (order_id, version)
) partition by range (order_id);
-- What fits nowhere else. The service makes the others ahead of time (chassis/src/growth.rs).
create table event_log_default partition of event_log default;

-- What is there already becomes one partition as it lies, up to the end of tomorrow: nothing is copied, however much it is.
do $$
declare
    -- Below it lie the ids of all orders placed until then: the milliseconds since 1970, and zeros.
    until constant uuid := rpad(lpad(to_hex(
        (extract(epoch from date_trunc('day', now() at time zone 'utc') + interval '2 days') * 1000)::bigint), 12, '0'), 32, '0');
begin
    if exists (select from event_log_before) then
        with elsewhere as (delete from event_log_before where order_id >= until returning *)
        insert into event_log_default select * from elsewhere;
        execute format('alter table event_log attach partition event_log_before for values from (%L) to (%L)',
                       '00000000-0000-0000-0000-000000000000', until);
    else
        drop table event_log_before;
    end if;
end
$$;

-- Of the orders below this id, events may be gone. No row: nothing has gone yet.
create table event_log_horizon (
    one    boolean primary key default true check (one),
    before uuid    not null
);

-- How the old ones are found.
create index parked_events_resolved on parked_events (resolved_at) where resolved_at is not null;
create index idempotency_keys_answered on idempotency_keys (answered_at);
