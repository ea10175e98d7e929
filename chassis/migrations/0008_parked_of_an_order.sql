-- Also what is resolved belongs to the journey of an order. `parked_events_waiting` has the others only.
create index parked_events_of_an_order on parked_events (order_id, version) where order_id is not null;
