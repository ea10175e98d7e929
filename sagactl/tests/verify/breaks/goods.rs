//! Pieces of stock, places in slots, parcels with couriers.

use sagactl::verify::Invariant::{I5, I6};

use super::Side::{Deliveries, Orders};
use super::{Break, on};

pub const BREAKS: &[Break] = &[
    // I5: pieces.
    on(
        Orders,
        "update products set on_hand = on_hand + 1 where sku = 'LAMP'",
        I5,
        "sku LAMP",
        "received 100, but on hand 97 + shipped 2 + written off 2 = 101",
    ),
    on(Orders, "update products set reserved = 97 where sku = 'LAMP'", I5, "sku LAMP", "so -1 are available"),
    on(
        Orders,
        "update products set reserved = 9 where sku = 'LAMP'",
        I5,
        "sku LAMP",
        "has reserved 9, shipped 2, written off 2, but its orders say reserved 10, shipped 2, written off 2",
    ),
    on(
        Orders,
        "update products set on_hand = on_hand - 1, shipped = shipped + 1 where sku = 'LAMP'",
        I5,
        "sku LAMP",
        "has reserved 10, shipped 3",
    ),
    on(
        Orders,
        "update products set on_hand = on_hand + 2, written_off = 0 where sku = 'LAMP'",
        I5,
        "sku LAMP",
        "its orders say reserved 10, shipped 2, written off 2",
    ),
    on(
        Orders,
        "update products set reserved = 1 where sku = 'CHAIR'",
        I5,
        "sku CHAIR",
        "has reserved 1, shipped 0, written off 0, but its orders say reserved 0",
    ),
    on(Orders, "delete from products where sku = 'LAMP'", I5, "sku LAMP", "its orders say reserved 10"),
    on(
        Orders,
        "update orders set stock = 'released' where id = #7",
        I5,
        "order #7",
        "is returned with goods that are released, but came back as lost",
    ),
    on(
        Orders,
        "update orders set stock = 'released' where id = #3",
        I5,
        "order #3",
        "is in_delivery with goods that are released",
    ),
    // I6: places and parcels.
    on(
        Deliveries,
        "update slots set taken = 4 where taken = 5",
        I6,
        "slot 2026-12-01 of harbour",
        "has 4 of 10 places taken, but 5 deliveries take one",
    ),
    on(
        Deliveries,
        "update slots set capacity = 4 where taken = 5",
        I6,
        "slot 2026-12-01 of harbour",
        "has 5 of 4 places taken",
    ),
    on(
        Deliveries,
        "update slots set taken = 1 where taken = 0",
        I6,
        "slot 2026-12-02 of harbour",
        "has 1 of 10 places taken, but 0 deliveries",
    ),
    on(
        Deliveries,
        "delete from slots where taken = 5",
        I6,
        "slot 2026-12-01 of harbour",
        "has 0 of 0 places taken, but 5 deliveries",
    ),
    on(
        Deliveries,
        "update deliveries set failure = '{\"stage\": \"fulfilment\", \"reason\": \"operator\"}' where order_id = #7",
        I6,
        "slot 2026-12-01 of harbour",
        "has 5 of 10 places taken, but 4 deliveries",
    ),
    on(
        Deliveries,
        "update couriers set load = 2 where id = 'anna'",
        I6,
        "courier anna",
        "has a load of 2 with room for 5, but carries 3 parcels",
    ),
    on(
        Deliveries,
        "update couriers set capacity = 2 where id = 'anna'",
        I6,
        "courier anna",
        "has a load of 3 with room for 2",
    ),
    on(Deliveries, "update couriers set load = 1 where id = 'bert'", I6, "courier bert", "but carries 0 parcels"),
    on(
        Deliveries,
        "update deliveries set courier_id = 'nobody' where order_id = #3",
        I6,
        "courier nobody",
        "has a load of 0 with room for 0, but carries 1 parcels",
    ),
    on(
        Deliveries,
        "update deliveries set courier_id = null where order_id = #3",
        I6,
        "order #3",
        "has a delivery that is dispatched, with the slot 2026-12-01 of harbour and the courier –",
    ),
    on(
        Deliveries,
        "update deliveries set zone_id = null, slot_date = null where order_id = #2",
        I6,
        "order #2",
        "is scheduled, with the slot – of –",
    ),
    on(
        Deliveries,
        "update deliveries set slot_date = date '2026-12-02' where order_id = #4",
        I6,
        "order #4",
        "is delivered in the slot 2026-12-02 of harbour, but its last attempt led to 2026-12-01",
    ),
    on(
        Deliveries,
        "update deliveries set attempts = jsonb_set(attempts, '{0,next_date}', 'null') where order_id = #4",
        I6,
        "order #4",
        "but its last attempt led to nowhere",
    ),
    on(
        Deliveries,
        "update deliveries set attempts = '[]' where order_id = #4",
        I6,
        "order #4",
        "has a delivery with 0 attempts, but its history has 1",
    ),
];
