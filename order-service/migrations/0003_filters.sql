-- Lists are narrowed by what stands here, the newest first. An order comes into either index at most once or twice in its life, so a
-- change of status still costs nothing: open orders are few, and `orders_open` has them.
create index orders_ended on orders (status, id desc) where status in ('delivered', 'cancelled', 'returned');
create index orders_needing_attention on orders (id desc) where attention is not null;
