-- `delete` and not `truncate`: these tables hold a few rows, and new files for each of them would take longer.
do $$
declare
    one record;
begin
    for one in select oid::regclass as relation from pg_class
               where relnamespace = 'public'::regnamespace and relkind = 'r'
    loop
        execute format('delete from %s', one.relation);
    end loop;
end
$$;
