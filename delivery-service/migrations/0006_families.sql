-- What a foreign key looked up for each row, one row at a time, was a third of the time that PostgreSQL took over a delivery. A
-- delivery's history is written in the transaction that writes or has locked the delivery, and its day's row is the one in which
-- its place was taken, in the same transaction: a parent could only be missing if it were taken away afterwards; and that is refused
-- below, at no cost for whoever writes. `sagactl verify` looks for rows without a parent all the same (I6, I10).
alter table deliveries drop constraint deliveries_zone_id_slot_date_fkey;
alter table delivery_history drop constraint delivery_history_delivery_id_fkey;

create function is_kept_for_ever() returns trigger language plpgsql as $$
begin
    raise exception 'a row of % is neither deleted nor given another key: others refer to it', tg_table_name
        using errcode = 'restrict_violation';
end
$$;
-- For each statement, not for each row: nobody has a reason to try.
create trigger deliveries_are_kept before delete or truncate or update of id, order_id on deliveries
    for each statement execute function is_kept_for_ever();
create trigger slots_are_kept before delete or truncate or update of zone_id, date on slots
    for each statement execute function is_kept_for_ever();
