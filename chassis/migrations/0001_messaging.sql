-- What a service has announced: the whole envelope, written once, kept for audit and for announcing it again.
create table event_log (
    order_id     uuid        not null,
    version      bigint      not null check (version >= 1),
    event_id     uuid        not null,
    event_type   text        not null,
    data_schema  text        not null,
    occurred_at  timestamptz not null,
    causation_id text        not null,
    trace_parent text,
    -- The bytes that travel, never encoded a second time.
    data         bytea       not null,
    primary key (order_id, version)
);

-- What is still to be sent: a narrow pointer into event_log. Truth by deletion: a pointer that is here is unsent, and it
-- goes only after the broker's acknowledgement. No cursor can miss a transaction that commits late.
create table outbox (
    seq      bigint generated always as identity primary key,
    order_id uuid   not null,
    version  bigint not null,
    unique (order_id, version)
) with (
    -- Every row dies within milliseconds: vacuum early and without pauses, or scans wade through the dead.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);

-- The highest version of the other side's events that this service has applied, per order. Rows are never deleted:
-- there is no window in the deduplication, so a record replayed after a year is still harmless.
create table inbox (
    order_id uuid   primary key,
    seen     bigint not null check (seen >= 0)
) with (fillfactor = 85);

-- Records that could not be applied when they came, byte for byte, until they are applied or turn out to be stale.
create table parked_events (
    id              uuid        primary key,
    topic           text        not null,
    "partition"     integer     not null,
    "offset"        bigint      not null,
    -- Null where the record is too broken to tell.
    order_id        uuid,
    version         bigint,
    key             bytea,
    header_names    text[]      not null,
    header_values   bytea[]     not null,
    payload         bytea,
    cause           text        not null check (cause in ('undecodable', 'unknown_schema', 'unknown_order', 'gap', 'rejected')),
    error           text        not null,
    attempts        integer     not null default 1,
    -- Null: rests until a predecessor is applied or somebody acts.
    next_attempt_at timestamptz,
    parked_at       timestamptz not null,
    resolved_at     timestamptz,
    resolution      text        check (resolution in ('applied', 'stale')),
    -- With what the record is: offsets begin anew when a topic is made anew, and an old row must not stand for a new record.
    unique nulls not distinct (topic, "partition", "offset", order_id, version),
    check (cardinality(header_names) = cardinality(header_values)),
    check ((resolved_at is null) = (resolution is null)),
    check ((order_id is null) = (version is null))
);
create index parked_events_waiting on parked_events (order_id, version) where resolved_at is null;
create index parked_events_due on parked_events (next_attempt_at) where resolved_at is null and next_attempt_at is not null;

-- The answer that a request got, written in the transaction of its change, so that the second time changes nothing.
create table idempotency_keys (
    route       text        not null,
    key         text        not null,
    fingerprint bytea       not null,
    status      smallint    not null,
    location    text,
    body        bytea       not null,
    answered_at timestamptz not null,
    primary key (route, key)
);
