-- How far the other side has come with what we told it: on each lane of records, the youngest order whose first word from over there
-- this service has applied. Written beside the inbox and not in its transactions: these rows would be everybody's lock.
create table heard (
    topic       text    not null,
    "partition" integer not null,
    -- UUIDv7: the greater, the younger.
    order_id    uuid    not null,
    primary key (topic, "partition")
);
