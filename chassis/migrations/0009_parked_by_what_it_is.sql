-- Offsets begin anew when a broker has lost its data: at a place where something was parked there may be another record now, and nobody
-- can read either of them. So a parked record is known by its place and by what it is.

-- What a record is, in 16 bytes. Declared immutable, as PostgreSQL can't tell by itself: nothing in it depends on a setting.
create function record_digest(key bytea, header_names text[], header_values bytea[], payload bytea) returns uuid
    language sql immutable parallel safe
    return md5(concat_ws(',', coalesce(md5(key), '-'), md5(header_names::text), md5(array_send(header_values)), coalesce(md5(payload), '-')))::uuid;

alter table parked_events
    add column digest uuid not null generated always as (record_digest(key, header_names, header_values, payload)) stored,
    drop constraint parked_events_topic_partition_offset_order_id_version_key,
    add constraint parked_events_are_each_there_once
        unique nulls not distinct (topic, "partition", "offset", order_id, version, digest);
