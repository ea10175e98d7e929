-- What the shop sells, and where its pieces are.
-- `collate "C"`: skus are ASCII, and rows are locked in the order of this index by everybody.
create table products (
    sku         text collate "C" primary key check (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text not null check (char_length(name) between 1 and 200),
    price_minor bigint not null check (price_minor between 1 and 1000000000),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    weight_g    integer not null check (weight_g between 1 and 1000000),
    received    bigint not null default 0,
    on_hand     bigint not null default 0,
    reserved    bigint not null default 0,
    shipped     bigint not null default 0 check (shipped >= 0),
    written_off bigint not null default 0 check (written_off >= 0),
    check (on_hand + shipped + written_off = received),
    check (reserved between 0 and on_hand)
-- Every batch of orders updates the same few rows: room on the page keeps these updates out of the index.
) with (fillfactor = 20, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

create table orders (
    id                    uuid primary key,
    customer_id           text not null check (customer_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    currency              text not null check (currency ~ '^[A-Z]{3}$'),
    total_minor           bigint not null check (total_minor > 0),
    delivery_address      jsonb not null,
    wished_date           date,
    placed_at             timestamptz not null,
    status                text not null,
    payment               text not null,
    stock                 text not null,
    cancellation          text check (cancellation in ('customer', 'no_delivery_outcome', 'operator', 'delivery_failed')),
    cancellation_rejected boolean not null,
    cancellation_asked    integer not null check (cancellation_asked >= 0),
    attention             text check (attention in ('cancellation_unanswered')),
    -- What the delivery side told.
    delivery_id           uuid,
    slot_zone             text,
    slot_date             date,
    promised_date         date,
    courier               text,
    proof                 jsonb,
    failure               jsonb,
    -- Events announced so far, and changes so far (the history's last number).
    version               bigint not null check (version >= 1),
    changes               integer not null check (changes >= 1),
    -- Status, money and goods cannot tell different stories.
    constraint status_payment_and_stock_agree check (
        case status
            when 'completed'   then payment = 'held' and stock = 'reserved'
            when 'confirmed'   then payment = 'captured' and stock = 'reserved'
            when 'in_delivery' then payment = 'captured' and stock = 'reserved'
            when 'delivered'   then payment = 'captured' and stock = 'shipped'
            when 'cancelling'  then payment in ('held', 'captured') and stock = 'reserved'
            when 'cancelled'   then payment in ('voided', 'refunded') and stock = 'released'
            when 'returned'    then payment = 'refunded' and stock in ('released', 'written_off')
            else false
        end
    ),
    constraint cancelled_for_a_reason check (status not in ('cancelling', 'cancelled') or cancellation is not null),
    constraint asked_when_announced check ((cancellation_asked > 0) = (version > 1)),
    constraint rejected_after_asking check (not cancellation_rejected or cancellation_asked > 0),
    check ((slot_zone is null) = (slot_date is null)),
    check (cancellation <> 'delivery_failed' or failure is not null)
-- A row is written once and changed a few times: half a page of room keeps the changes out of the indexes.
) with (fillfactor = 60);

create index orders_of_a_customer on orders (customer_id, id desc);

create table order_items (
    order_id         uuid not null references orders,
    sku              text collate "C" not null references products,
    position         integer not null check (position >= 1),
    quantity         integer not null check (quantity between 1 and 10000),
    unit_price_minor bigint not null check (unit_price_minor between 1 and 1000000000),
    weight_g         integer not null check (weight_g > 0),
    primary key (order_id, sku)
);

-- The ledger. One row is one movement from one account to another, so the books balance by construction.
-- Accounts: `customer` (outside the shop), `held` (set aside at the payment provider), `revenue` (the shop's).
create table transfers (
    order_id     uuid not null references orders,
    kind         text not null,
    debit        text not null,
    credit       text not null,
    amount_minor bigint not null check (amount_minor > 0),
    currency     text not null check (currency ~ '^[A-Z]{3}$'),
    at           timestamptz not null,
    primary key (order_id, kind),
    constraint between_the_accounts_of_its_kind check (
        (kind, debit, credit) in (
            ('hold', 'customer', 'held'),
            ('capture', 'held', 'revenue'),
            ('void', 'held', 'customer'),
            ('refund', 'revenue', 'customer')
        )
    )
);

-- What is held is captured or voided, never both; only what was captured is refunded, and what was captured cannot be voided.
create unique index captured_or_voided on transfers (order_id) where kind in ('capture', 'void');
create unique index voided_or_refunded on transfers (order_id) where kind in ('void', 'refund');

-- Everything an order went through, with the time and the cause.
create table order_history (
    order_id      uuid not null references orders,
    number        integer not null check (number >= 1),
    status        text not null,
    at            timestamptz not null,
    what          text not null,
    cause_id      text not null,
    -- The version of the event that brought the change, if one did.
    event_version bigint check (event_version >= 1),
    primary key (order_id, number)
);

-- The last defence against applying an event twice.
create unique index an_event_changes_an_order_once on order_history (order_id, event_version)
    where event_version is not null;

-- Events that were impossible by the other side's table: they moved nothing, and somebody has to look.
create table anomalies (
    event_id uuid primary key,
    order_id uuid not null references orders,
    version  bigint not null,
    kind     text not null,
    status   text not null,
    at       timestamptz not null
);
create index anomalies_of_an_order on anomalies (order_id);
