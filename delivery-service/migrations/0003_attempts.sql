-- The times at which a parcel was brought and nobody was there, the first first: number, moment, the day it was planned for, a
-- note, and the day it was planned for next, null where it comes back. There are never many, and nobody reads one without the
-- others, so they stand in the row.
alter table deliveries
    add column attempts jsonb not null default '[]'
        check (jsonb_typeof(attempts) = 'array' and jsonb_array_length(attempts) <= 10),
    add check (attempts = '[]' or status in ('dispatched', 'delivered', 'failed')),
    -- What is still to be brought, or was brought in the end, is so on the day that the last attempt led to.
    add check (
        attempts = '[]' or status not in ('dispatched', 'delivered')
        or ((attempts -> -1 ->> 'next_date')::date = slot_date) is true
    );
