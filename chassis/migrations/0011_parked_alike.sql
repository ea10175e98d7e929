-- By what an operator tells parked events apart, said once for all that ask for it.

-- As the headers of a parked record say; it may be that nobody can read more of it.
create function event_type(parked parked_events) returns text
    language sql immutable parallel safe
    return encode((parked).header_values[array_position((parked).header_names, 'ce_type')], 'escape');

-- An error without all by which one differs from another of its kind, in one line: two that are alike then are one group.
create function alike(error text) returns text
    language sql immutable parallel safe
    return regexp_replace(left(error, 300), '[0-9a-f]{8}-[0-9a-f-]{27}|\d+|[[:cntrl:]]+', '…', 'g');

-- How many parked events a set had no room for.
alter table replays add column left_out bigint not null default 0 check (left_out >= 0);
