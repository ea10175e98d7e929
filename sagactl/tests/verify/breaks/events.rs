//! What was announced, consumed and applied, and what is still to come.

use sagactl::verify::Invariant::{I1, I7, I10, I11};

use super::Side::{Deliveries, Orders};
use super::{Break, on};

pub const BREAKS: &[Break] = &[
    // I1: nothing will ever move it.
    on(
        Orders,
        "update orders set status = 'completed' where id = #5",
        I1,
        "order #5",
        "is completed, its delivery is refused, and no event is to come",
    ),
    on(
        Orders,
        "update orders set status = 'cancelling' where id = #6",
        I1,
        "order #6",
        "is cancelling, its delivery is cancelled",
    ),
    on(
        Orders,
        "update orders set status = 'confirmed' where id = #4",
        I1,
        "order #4",
        "is confirmed, its delivery is delivered",
    ),
    on(
        Orders,
        "update orders set status = 'in_delivery' where id = #7",
        I1,
        "order #7",
        "is in_delivery, its delivery is failed",
    ),
    // I1: whatever waits, waits until some time.
    on(Orders, "update orders set deadline_at = null where id = #2", I1, "order #2", "it has no deadline and no flag"),
    on(
        Deliveries,
        "update deliveries set deadline_at = null where order_id = #3",
        I1,
        "order #3",
        "waits in deliveries, which say that it is dispatched, for ever",
    ),
    on(
        Orders,
        "update orders set deadline_at = now() where id = #4",
        I1,
        "order #4",
        "is delivered in orders, but has a deadline",
    ),
    on(
        Deliveries,
        "update deliveries set attention = 'late_delivery' where order_id = #4",
        I1,
        "order #4",
        "is delivered in deliveries, but has the flag late_delivery",
    ),
    // I7: one delivery each.
    on(
        Deliveries,
        "insert into deliveries select #202, order_id, status, zone_id, slot_date, courier_id, weight_g, address, proof, failure, version, changes, deadline_at from deliveries where order_id = #2",
        I7,
        "order #2",
        "has 2 deliveries",
    ),
    on(
        Deliveries,
        "delete from deliveries where order_id = #5",
        I7,
        "order #5",
        "was consumed up to version 1, but there is no delivery",
    ),
    on(Deliveries, "delete from inbox where order_id = #2", I7, "order #2", "but no event of the order was consumed"),
    on(
        Deliveries,
        "update deliveries set order_id = #88 where order_id = #2",
        I7,
        "order #88",
        "is not there, but has the delivery",
    ),
    on(
        Orders,
        "update orders set delivery_id = #99 where id = #2",
        I7,
        "order #2",
        "but delivery-service has [00000000-0000-7000-8000-000000000102]",
    ),
    // I10: each event once.
    on(
        Orders,
        "insert into order_history select order_id, 5, status, at, what, cause_id, event_version from order_history where order_id = #4 and event_version = 3",
        I10,
        "order #4",
        "was changed 2 times by version 3",
    ),
    on(
        Deliveries,
        "insert into delivery_history select delivery_id, 3, order_id, status, at, what, cause_id, event_version from delivery_history where order_id = #6 and event_version = 2",
        I10,
        "order #6",
        "was changed 2 times by version 2",
    ),
    on(
        Orders,
        "update inbox set seen = 2 where order_id = #4",
        I10,
        "order #4",
        "was changed by DeliveryCompleted, version 3, but the inbox has seen 2",
    ),
    on(
        Deliveries,
        "update inbox set seen = 1 where order_id = #6",
        I10,
        "order #6",
        "was changed by OrderCancelled, version 2, but the inbox has seen 1",
    ),
    on(
        Orders,
        "delete from orders where id = #4",
        I10,
        "order #4",
        "is not there after 0 changes in orders, but its history has",
    ),
    on(
        Deliveries,
        "delete from deliveries where order_id = #6",
        I10,
        "order #6",
        "is not there after 0 changes in deliveries, but its history has",
    ),
    on(Orders, "delete from inbox where order_id = #5", I10, "order #5", "but the inbox has seen 0"),
    on(
        Orders,
        "update order_history set event_version = null where order_id = #4 and event_version = 2",
        I10,
        "order #4",
        "has seen version 3 of the other side's events, but version 2 changed nothing",
    ),
    on(
        Deliveries,
        "update delivery_history set event_version = null where order_id = #8",
        I10,
        "order #8",
        "has seen version 2 of the other side's events, but version 2 changed nothing",
    ),
    on(
        Deliveries,
        "update delivery_history set event_version = null where order_id = #2 and event_version = 1",
        I10,
        "order #2",
        "version 1 changed nothing",
    ),
    on(
        Orders,
        "update orders set status = 'confirmed' where id = #1",
        I10,
        "order #1",
        "is confirmed after 1 changes in orders, but its history has 1 changes and ends completed",
    ),
    on(
        Deliveries,
        "update deliveries set changes = 7 where order_id = #2",
        I10,
        "order #2",
        "is scheduled after 7 changes in deliveries, but its history has 2 changes",
    ),
    // I11: gone from the outbox means acknowledged.
    on(
        Orders,
        "delete from outbox",
        I11,
        "order #1",
        "version 1 has left order-service's outbox, but delivery-service has seen 0",
    ),
    on(
        Deliveries,
        "delete from outbox",
        I11,
        "order #10",
        "version 2 has left delivery-service's outbox, but order-service has seen 1",
    ),
    on(
        Deliveries,
        "delete from parked_events where order_id = #9",
        I11,
        "order #9",
        "version 1 has left order-service's outbox",
    ),
    on(
        Orders,
        "delete from event_log where order_id = #6 and version = 2",
        I11,
        "order #6",
        "has announced 2 events by the count in orders, but the log has 1, the last of them version 1",
    ),
    on(
        Deliveries,
        "delete from event_log where order_id = #4 and version = 2",
        I11,
        "order #4",
        "has announced 3 events by the count in deliveries, but the log has 2, the last of them version 3",
    ),
    // Of old orders the log may have forgotten the oldest events, and no others.
    on(
        Orders,
        "insert into event_log_horizon (before) values (#6);
         delete from event_log where order_id = #6 and version = 1",
        I11,
        "order #6",
        "has announced 2 events by the count in orders, but the log has 1, the last of them version 2",
    ),
    on(
        Orders,
        "insert into event_log_horizon (before) values (#7);
         delete from event_log where order_id = #6 and version = 2",
        I11,
        "order #6",
        "has announced 2 events by the count in orders, but the log has 1, the last of them version 1",
    ),
    on(
        Deliveries,
        "insert into event_log_horizon (before) values (#5);
         delete from event_log where order_id = #4 and version = 2",
        I11,
        "order #4",
        "has announced 3 events by the count in deliveries, but the log has 2, the last of them version 3",
    ),
    on(
        Orders,
        "insert into event_log_horizon (before) values (#2);
         delete from event_log where order_id = #1;
         delete from outbox",
        I11,
        "order #1",
        "version 1 has left order-service's outbox, but delivery-service has seen 0",
    ),
    on(
        Orders,
        "insert into event_log_horizon (before) values (#4);
         delete from event_log where order_id = #3;
         update orders set version = 0 where id = #3",
        I11,
        "order #3",
        "delivery-service has applied version 1, but order-service has announced only 0",
    ),
    on(
        Orders,
        "insert into event_log_horizon (before) values (#4);
         delete from event_log where order_id = #1",
        I11,
        "order #1",
        "has version 1 to be sent, but the log has no such event",
    ),
    on(
        Orders,
        "insert into outbox (order_id, version) values (#3, 2)",
        I11,
        "order #3",
        "has version 2 to be sent, but the log has no such event",
    ),
    on(
        Deliveries,
        "update inbox set seen = 2 where order_id = #3",
        I11,
        "order #3",
        "delivery-service has applied version 2, but order-service has announced only 1",
    ),
];
