-- What the delivery side owns: zones and their days, couriers, deliveries. What must never be true is a constraint here.

create table zones (
    id text primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    country text not null check (country ~ '^[A-Z]{2}$'),
    capacity_per_day bigint not null check (capacity_per_day >= 0),
    weight_limit_g bigint not null check (weight_limit_g > 0)
);

-- Normal form: upper case, letters and digits only. The key is read by prefix when orders come in.
create table zone_prefixes (
    prefix text not null check (prefix ~ '^[A-Z0-9]{1,10}$'),
    zone_id text not null references zones,
    primary key (prefix, zone_id)
);
create index zone_prefixes_of_zone on zone_prefixes (zone_id);

-- A day of a zone, from its first taken place on. Every batch writes the same few rows: room on the page lets
-- PostgreSQL put the new version beside the old one, without touching the index.
create table slots (
    zone_id text not null references zones,
    date date not null,
    capacity bigint not null,
    taken bigint not null,
    primary key (zone_id, date),
    check (taken >= 0 and taken <= capacity)
) with (fillfactor = 50);

create table couriers (
    id text primary key check (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    name text not null check (name <> ''),
    capacity bigint not null,
    load bigint not null default 0,
    check (load >= 0 and load <= capacity)
) with (fillfactor = 50);

create table deliveries (
    id uuid primary key,
    order_id uuid not null unique,
    status text not null check (
        status in ('void', 'refused', 'scheduled', 'dispatched', 'failed', 'delivered', 'cancelled')
    ),
    zone_id text,
    slot_date date,
    courier_id text references couriers,
    weight_g bigint not null check (weight_g >= 0),
    address jsonb,
    proof jsonb,
    failure jsonb,
    -- How many events were announced about it.
    version bigint not null check (version >= 0),
    -- How many rows its history has.
    changes bigint not null check (changes >= 1),
    foreign key (zone_id, slot_date) references slots,
    check ((zone_id is null) = (slot_date is null)),
    check ((zone_id is null) = (status in ('void', 'refused'))),
    check ((address is null) = (status = 'void')),
    check ((proof is not null) = (status = 'delivered')),
    check ((failure is not null) = (status in ('refused', 'failed'))),
    check (courier_id is not null or status not in ('dispatched', 'delivered')),
    check (courier_id is null or zone_id is not null)
) with (fillfactor = 80);

-- One row for everything that happened to a delivery, also for what changed nothing.
create table delivery_history (
    delivery_id uuid not null references deliveries,
    number bigint not null check (number >= 1),
    order_id uuid not null,
    -- After it happened.
    status text not null,
    at timestamptz not null,
    -- The event or the command.
    what text not null,
    cause_id text not null,
    -- The version of the event, if an event caused it: the schema itself refuses to apply one twice.
    event_version bigint check (event_version >= 1),
    primary key (delivery_id, number),
    unique (order_id, event_version)
);

-- Events that the order side's own table makes impossible. Nothing was changed by them; somebody has to look.
create table anomalies (
    event_id uuid primary key,
    order_id uuid not null,
    version bigint not null,
    kind text not null,
    status text not null,
    at timestamptz not null
);
create index anomalies_of_order on anomalies (order_id);

-- The history without what left the status as it was.
create view delivery_transitions as
select delivery_id, number, status, at, what, cause_id
from (
    select *, lag(status) over (partition by delivery_id order by number) as before
    from delivery_history
) as changes
where status is distinct from before;
