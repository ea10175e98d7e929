-- The event log's partitions for orders of the past, week by week, as the service would have made them.
do $$
declare
    first_day constant bigint := {began_ms} / 86400000;
    day bigint;
    name text;
    -- The lower bound of the ids of orders placed on a day.
    bound constant text := 'select rpad(lpad(to_hex($1 * 86400000), 12, ''0''), 32, ''0'')';
    lower_bound text;
    upper_bound text;
begin
    for day in select generate_series(first_day - first_day % 7, extract(epoch from now())::bigint / 86400, 7) loop
        name := 'event_log_' || to_char(to_timestamp(day * 86400) at time zone 'utc', 'YYYYMMDD')
             || '_' || to_char(to_timestamp((day + 7) * 86400) at time zone 'utc', 'YYYYMMDD');
        continue when to_regclass(name) is not null;
        execute bound into lower_bound using day;
        execute bound into upper_bound using day + 7;
        execute format('create table %I partition of event_log for values from (%L) to (%L)', name, lower_bound::uuid, upper_bound::uuid);
        execute format('alter table %I owner to %I', name, (select tableowner from pg_tables where tablename = 'event_log'));
    end loop;
end
$$;
