-- What an operator can do about events: hold them back, try them again, announce them again. Each row says who wanted it, and why.

-- Until when nothing of an order is applied; null: nobody holds it back. In the lane's own row, so that the claim sees it.
alter table inbox add column paused_until timestamptz;

alter table parked_events
    drop constraint parked_events_cause_check,
    add constraint parked_events_cause_check
        check (cause in ('undecodable', 'unknown_schema', 'unknown_order', 'gap', 'rejected', 'paused')),
    drop constraint parked_events_resolution_check,
    add constraint parked_events_resolution_check check (resolution in ('applied', 'stale', 'given_up')),
    add column dead_letter_sent_at timestamptz;

-- Lists of what waits, the oldest first.
create index parked_events_by_age on parked_events (id) where resolved_at is null;

-- Parked events that rest and that other tools are to be told of. A pointer like those of the outbox: it goes when the broker has
-- acknowledged the dead letter.
create table dead_letters (
    parked_id uuid        primary key references parked_events on delete cascade,
    since     timestamptz not null default now()
);

create table pauses (
    id       uuid        primary key,
    what     text        not null check (what in ('consumer', 'topic', 'order')),
    -- An instance, a topic, or an order's id.
    name     text        not null,
    reason   text        not null,
    owner    text        not null,
    since    timestamptz not null,
    until    timestamptz not null check (until > since),
    ended_at timestamptz,
    ended_by text,
    check ((ended_at is null) = (ended_by is null))
);
-- What is paused is paused once, until somebody or the clock ends it.
create unique index pauses_open on pauses (what, name) where ended_at is null;

-- A frozen set of parked events: rehearsed when it was made, and replayed as it stands when somebody starts it.
create table replays (
    id           uuid        primary key,
    made_at      timestamptz not null,
    made_by      text        not null,
    reason       text        not null,
    per_second   integer     not null check (per_second between 1 and 1000),
    started_at   timestamptz,
    started_by   text,
    -- Which instance works on it, as long as it does.
    leased_until timestamptz,
    ended_at     timestamptz,
    check ((started_at is null) = (started_by is null)),
    check (ended_at is null or started_at is not null)
);
create index replays_under_way on replays (started_at) where started_at is not null and ended_at is null;

create table replay_events (
    replay_id  uuid    not null references replays on delete cascade,
    -- In which order they are replayed: order by order, version by version.
    number     integer not null check (number >= 1),
    parked_id  uuid    not null,
    order_id   uuid,
    version    bigint,
    -- What would have become of it when the set was made.
    rehearsed  text    not null check (rehearsed in ('apply', 'duplicate', 'stale', 'waits', 'still_failing')),
    detail     text    not null,
    money      text    not null,
    -- What became of it.
    outcome    text    check (outcome in ('applied', 'duplicate', 'stale', 'still_failing', 'gone')),
    error      text,
    at         timestamptz,
    primary key (replay_id, number),
    check ((outcome is null) = (at is null))
);

-- Events of the log that are to be announced again from some time on: how far that has come.
create table republications (
    id         uuid        primary key,
    asked_at   timestamptz not null,
    asked_by   text        not null,
    reason     text        not null,
    since      timestamptz not null,
    until      timestamptz not null check (until > since),
    -- The last event of the log that was looked at.
    order_id   uuid        not null default '00000000-0000-0000-0000-000000000000',
    version    bigint      not null default 0,
    announced  bigint      not null default 0,
    ended_at   timestamptz
);
create index republications_under_way on republications (asked_at) where ended_at is null;
