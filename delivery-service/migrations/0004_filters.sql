-- Lists are narrowed by what stands here, the newest first. A delivery comes into either index at most once or twice in its life, so
-- a change of status still costs nothing: those that have not ended are few, and `deliveries_open` has them.
create index deliveries_ended on deliveries (status, id desc)
    where status in ('void', 'refused', 'failed', 'delivered', 'cancelled');
create index deliveries_needing_attention on deliveries (id desc) where attention is not null;
