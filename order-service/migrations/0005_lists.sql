-- Of statuses that are asked for together some may have ended and some not, and neither of two indexes that know the status from their
-- condition has both: the whole table was read backwards until enough was found. One index has them all. An order changes its place in
-- it a few times in its life; the conditions of the other indexes on the status make each such change write to all indexes anyway.
drop index orders_ended;
create index orders_by_status on orders (status, id desc);
