//! Money that is not where the status says, and stories that do not fit together.

use sagactl::verify::Invariant::{I2, I3, I4};

use super::Side::{Deliveries, Orders};
use super::{Break, on};

pub const BREAKS: &[Break] = &[
    // I2: money and status.
    on(
        Orders,
        "update transfers set amount_minor = 1999 where order_id = #4 and kind = 'capture'",
        I2,
        "order #4",
        "captured − refunded is 1999",
    ),
    on(
        Orders,
        "delete from transfers where order_id = #2 and kind = 'capture'",
        I2,
        "order #2",
        "is confirmed with a total of 2000, but captured − refunded is 0",
    ),
    on(
        Orders,
        "delete from transfers where order_id = #6 and kind = 'refund'",
        I2,
        "order #6",
        "is cancelled with a total of 2000, but captured − refunded is 2000",
    ),
    on(
        Orders,
        "delete from transfers where order_id = #5 and kind = 'void'",
        I2,
        "order #5",
        "says its payment of 2000 is voided, but the ledger has held 2000, captured 0, voided 0",
    ),
    on(Orders, "delete from transfers where order_id = #1", I2, "order #1", "is held, but the ledger has held 0"),
    on(
        Orders,
        "update transfers set amount_minor = 1 where order_id = #10 and kind = 'capture'",
        I2,
        "order #10",
        "is cancelling with a total of 2000, but captured − refunded is 1 ",
    ),
    on(
        Orders,
        "update orders set total_minor = 2001 where id = #2",
        I2,
        "order #2",
        "has a total of 2001, but its 2 items add up to 2000",
    ),
    on(Orders, "delete from orders where id = #3", I2, "order #3", "items, but is not there"),
    on(Orders, "delete from order_items where order_id = #3", I2, "order #3", "its 0 items add up to 0"),
    on(
        Orders,
        "update transfers set currency = 'USD' where order_id = #3 and kind = 'hold'",
        I2,
        "order #3",
        "has a hold of 2000 USD from customer to held, but the order is in EUR",
    ),
    on(
        Orders,
        "update transfers set order_id = #77 where order_id = #3 and kind = 'hold'",
        I2,
        "order #77",
        "but the order is not there",
    ),
    on(
        Orders,
        "update transfers set credit = 'customer' where order_id = #3 and kind = 'capture'",
        I2,
        "order #3",
        "from held to customer",
    ),
    // I3: once, and never more than came.
    on(
        Orders,
        "insert into transfers select * from transfers where order_id = #4 and kind = 'capture'",
        I3,
        "order #4",
        "has 2 transfers of the kind capture, which are 4000 together",
    ),
    on(
        Orders,
        "insert into transfers select * from transfers where order_id = #6 and kind = 'refund'",
        I3,
        "order #6",
        "has 2 transfers of the kind refund",
    ),
    on(
        Orders,
        "update transfers set amount_minor = 2001 where order_id = #7 and kind = 'refund'",
        I3,
        "order #7",
        "captured 2000, voided 0, refunded 2001",
    ),
    // I4: one story.
    on(
        Orders,
        "insert into transfers select #4, kind, debit, credit, amount_minor, currency, at from transfers where order_id = #6 and kind = 'refund'",
        I4,
        "order #4",
        "is delivered, and 2000 were refunded",
    ),
    on(
        Deliveries,
        "update deliveries set status = 'scheduled' where order_id = #6",
        I4,
        "order #6",
        "is cancelled, but its delivery is scheduled",
    ),
    on(
        Deliveries,
        "update deliveries set status = 'dispatched' where order_id = #5",
        I4,
        "order #5",
        "is cancelled, but its delivery is dispatched",
    ),
    on(
        Deliveries,
        "update deliveries set status = 'delivered' where order_id = #7",
        I4,
        "order #7",
        "is returned, but its delivery is delivered",
    ),
    on(
        Deliveries,
        "update deliveries set status = 'scheduled' where order_id = #4",
        I4,
        "order #4",
        "is delivered, but its delivery is scheduled",
    ),
];
