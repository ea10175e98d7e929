-- Since when a pointer waits. The event it points to may be much older: it can be announced again.
alter table outbox add column since timestamptz not null default now();
