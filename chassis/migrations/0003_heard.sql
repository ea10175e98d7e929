-- Up to when the other side has been heard: the highest time of an event that this service has applied, by the clock of whoever
-- announced it, and never later than our own. Written beside the inbox and not in its transactions: this row would be everybody's lock.
create table heard (
    topic   text        primary key,
    "until" timestamptz not null
);
