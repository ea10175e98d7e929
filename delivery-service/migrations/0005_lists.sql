-- Of statuses that are asked for together some may have ended and some not, and neither of two indexes that know the status from their
-- condition has both: the whole table was read backwards until enough was found. One index has them all. A delivery changes its place in
-- it a few times in its life; the conditions of the other indexes on the status make each such change write to all indexes anyway.
drop index deliveries_ended;
create index deliveries_by_status on deliveries (status, id desc);
