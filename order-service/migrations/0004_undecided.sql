-- Counted again and again while orders are let in: those that wait for the delivery side's word, with money held.
create index orders_undecided on orders (id) where status in ('completed', 'cancelling');
