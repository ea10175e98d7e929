//! What may still come of an order or a delivery is what the tables say, and nothing else. The simulation checks beside this that nothing
//! comes that was not foreseen.

use std::collections::HashSet;

use delivery_service::domain::{self as delivery_side, Delivery, Terms, outlook_of_none};
use order_service::domain::{self as order_side, CancelledBy, Order, Status};

use crate::{
    deadlines::DELIVERY_TERMS,
    delivery_lives::{self, commands, deliveries, order_id, terms},
    delivery_table::{self, StaffRow},
    fixtures::stamp,
    order_lives::{self, orders},
    order_table::{self, Answer, Cell, Row},
};

type OrderProspects = HashSet<(order_side::Coming, Status)>;
type DeliveryProspects = HashSet<(delivery_side::Coming, delivery_side::Status)>;

fn of_order(order: &Order) -> OrderProspects {
    order.outlook().into_iter().map(|prospect| (prospect.coming, prospect.leads_to)).collect()
}

fn of_delivery(delivery: &Delivery, terms: Terms) -> DeliveryProspects {
    delivery.outlook(terms).into_iter().map(|prospect| (prospect.coming, prospect.leads_to)).collect()
}

/// What the table of events says of a row.
fn foretold_events(row: Row) -> OrderProspects {
    let (_, columns) = order_table::EVENTS.into_iter().find(|(it, _)| *it == row).expect("every row is in the table");
    let cells = columns.into_iter().enumerate().filter_map(|(column, cell)| match cell {
        Cell::Anomaly => None,
        Cell::To(status, _) => Some((column, status)),
        Cell::Stays(_) => Some((column, row.status())),
    });
    let events = cells.flat_map(|(column, status)| {
        order_lives::events(column).into_iter().map(move |event| (order_side::Coming::of(&event), status))
    });
    events.collect()
}

/// What the table of commands says of a row.
fn foretold_commands(row: Row) -> OrderProspects {
    let (_, answers) = order_table::COMMANDS.into_iter().find(|(it, _)| *it == row).expect("every row is in the table");
    let coming = [
        order_side::Coming::Cancellation { by: CancelledBy::Customer },
        order_side::Coming::Cancellation { by: CancelledBy::Operator },
        order_side::Coming::Deadline,
    ];
    let led = |answer| match answer {
        Answer::Cancelling(_) => Some(Status::Cancelling),
        Answer::AsksAgain | Answer::Flagged(_) => Some(row.status()),
        Answer::TheSame | Answer::Refused | Answer::NoEffect => None,
    };
    coming.into_iter().zip(answers).filter_map(|(coming, answer)| Some((coming, led(answer)?))).collect()
}

#[test]
fn what_may_come_of_an_order_is_what_its_tables_say() {
    let mut compared = 0;
    for (row, _) in order_table::EVENTS {
        let foretold: OrderProspects = foretold_events(row).union(&foretold_commands(row)).copied().collect();
        for order in orders(row) {
            compared += 1;
            assert_eq!(of_order(&order), foretold, "{row}");
        }
    }
    assert!(compared >= 17, "{compared}");
}

#[test]
fn an_order_that_is_flagged_has_no_deadline_to_come() {
    for order in orders(Row::Confirmed) {
        let late = order.overdue(order_lives::OPEN, &order_lives::TERMS, stamp(60)).due(&order_lives::TERMS).order;
        let deadline = (order_side::Coming::Deadline, Status::Confirmed);
        assert!(!of_order(&late).contains(&deadline), "{late:?}");
    }
}

/// What the table of events says of a delivery's status.
fn foretold_of(status: Option<delivery_side::Status>) -> DeliveryProspects {
    use delivery_side::Status;
    let mut rows = delivery_table::EVENTS.into_iter();
    let (_, columns) = rows.find(|(row, _)| row.0 == status).expect("every status is in the table");
    let cells = columns.into_iter().enumerate().filter_map(|(column, cell)| {
        let leads_to = match cell {
            delivery_table::Cell::Anomaly => return None,
            delivery_table::Cell::NoEffect => status?,
            delivery_table::Cell::Scheduled => Status::Scheduled,
            delivery_table::Cell::Refused => Status::Refused,
            delivery_table::Cell::Void => Status::Void,
            delivery_table::Cell::Cancelled => Status::Cancelled,
        };
        let event = delivery_lives::events(column).first()?.kind();
        Some((delivery_side::Coming::Event { event }, leads_to))
    });
    cells.collect()
}

/// What the table says of these commands. Where the column is the last attempt's, the terms are as well.
fn foretold_commands_of(row: StaffRow, delivery: &Delivery, columns: &[usize]) -> DeliveryProspects {
    use delivery_side::Status;
    use delivery_table::Answer;
    let mut rows = delivery_table::COMMANDS.into_iter();
    let (_, answers) = rows.find(|(it, _)| *it == row).expect("every row is in the table");
    let granted = columns.iter().filter_map(|column| {
        let leads_to = match answers[*column] {
            Answer::NotFound | Answer::Refused | Answer::TheSame => return None,
            Answer::Assigned | Answer::AnotherDay => delivery.status,
            Answer::Dispatched => Status::Dispatched,
            Answer::Delivered => Status::Delivered,
            Answer::CameBack | Answer::FailedFulfilment | Answer::FailedTransit => Status::Failed,
        };
        Some((*column, leads_to))
    });
    let prospects = granted.flat_map(|(column, leads_to)| {
        let asked = commands(column, delivery);
        asked.into_iter().map(move |command| (delivery_side::Coming::of(&command), leads_to))
    });
    prospects.collect()
}

#[test]
fn what_may_come_of_a_delivery_is_what_its_tables_say() {
    // The columns of attempts: another day, and the last one, which is so by other terms.
    let columns = [(DELIVERY_TERMS, [0, 1, 2, 5, 6, 7]), (terms(3), [0, 1, 3, 5, 6, 7])];
    let mut compared = 0;
    for (row, _) in delivery_table::COMMANDS {
        for (delivery, (terms, columns)) in deliveries(row).iter().flat_map(|it| columns.map(|column| (it, column))) {
            compared += 1;
            let commands = foretold_commands_of(row, delivery, &columns);
            let foretold: DeliveryProspects = foretold_of(row.status()).union(&commands).copied().collect();
            assert_eq!(of_delivery(delivery, terms), foretold, "{row}: {delivery:?}");
            let waits = Delivery { deadline: Some(stamp(70).at), ..delivery.clone() };
            let deadline = (delivery_side::Coming::Deadline, delivery.status);
            assert!(of_delivery(&waits, terms).contains(&deadline), "{row}");
        }
    }
    assert!(compared >= 40, "{compared}");
}

#[test]
fn what_may_come_of_an_order_without_a_delivery_is_what_the_table_says() {
    let prospects: DeliveryProspects =
        outlook_of_none(order_id()).into_iter().map(|prospect| (prospect.coming, prospect.leads_to)).collect();
    assert_eq!(prospects, foretold_of(None));
}
