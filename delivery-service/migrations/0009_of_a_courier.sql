-- A courier sees only what is theirs to bring, the newest first. A delivery comes in here when somebody is to bring it, and not before.
create index deliveries_of_a_courier on deliveries (courier_id, id desc) where courier_id is not null;
