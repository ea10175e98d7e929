-- How many partitions each topic had when it was first used. An order's lane is chosen by that number: where it changes, what is said of
-- an order from then on may overtake what was said before.
create table lanes (
    -- Its name in Kafka, prefix included.
    topic      text        primary key,
    partitions integer     not null check (partitions >= 1),
    since      timestamptz not null
);
