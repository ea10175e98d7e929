-- Takes every constraint and every trigger away, so that what the schema forbids can be written all the same. What a partition has, it has from
-- the table it belongs to.
do $$
declare
    one record;
begin
    for one in select conrelid::regclass as relation, conname from pg_constraint
               where connamespace = 'public'::regnamespace and contype in ('c', 'f') and coninhcount = 0
    loop
        execute format('alter table %s drop constraint %I', one.relation, one.conname);
    end loop;
    for one in select conrelid::regclass as relation, conname from pg_constraint
               where connamespace = 'public'::regnamespace and contype in ('p', 'u') and coninhcount = 0
    loop
        execute format('alter table %s drop constraint %I', one.relation, one.conname);
    end loop;
    for one in select indexrelid::regclass as index from pg_index
               join pg_class on pg_class.oid = indexrelid
               where relnamespace = 'public'::regnamespace and indisunique
    loop
        execute format('drop index %s', one.index);
    end loop;
    for one in select tgrelid::regclass as relation, tgname from pg_trigger
               join pg_class on pg_class.oid = tgrelid
               where relnamespace = 'public'::regnamespace and not tgisinternal
    loop
        execute format('drop trigger %I on %s', one.tgname, one.relation);
    end loop;
    for one in select attrelid::regclass as relation, attname from pg_attribute
               join pg_class on pg_class.oid = attrelid
               where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
                 and attnum > 0 and attnotnull and attidentity = ''
    loop
        execute format('alter table %s alter column %I drop not null', one.relation, one.attname);
    end loop;
end
$$;
