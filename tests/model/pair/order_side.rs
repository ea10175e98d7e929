//! The order side in memory: the real domain, with maps for tables.

use std::{collections::BTreeMap, sync::Arc};

use order_service::domain::{
    Attention, CancelledBy, Catalogue, Coming, Command, Decision, Order, Payment, PlaceOrder, Product, ProductDetails,
    Prospect, Refusal, Status, StockChange, StockMove, StockState, Terms, TooEarly, Transfer, TransferKind, Wanted,
    WayBack, What,
};
use shared_events::{Event, OrderId, Stamp};

use super::{
    bugs::Bug,
    coverage::{self, Coverage},
    lane::{Inbox, Record},
    outbox::Outbox,
    shelf::Shelf,
    side::{Answer, Side},
    stamps,
};
use crate::fixtures::{ORDER_TERMS, address, day};

/// What comes is what may come, and leads where it was said to.
fn assert_foreseen(before: &Order, coming: Coming, decision: &Decision) {
    let came = Prospect { coming, leads_to: decision.order.status };
    assert!(before.outlook().contains(&came), "{came:?} was not foreseen of {before:?}");
}

/// Every article: its name, its price, the weight of a piece.
pub const ARTICLES: [(&str, i64, u32); 2] = [("TEA", 1_500, 100), ("ANVIL", 9_900, 60_000)];

/// What a customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which of the [`ARTICLES`].
    pub article: usize,
    pub quantity: u32,
    /// Whether anybody delivers there.
    pub is_served: bool,
    /// In so many days.
    pub wished: Option<u64>,
}

impl Request {
    fn placed(self) -> PlaceOrder {
        let mut delivery_address = address();
        if !self.is_served {
            delivery_address.postal_code = "99999".to_owned();
        }
        PlaceOrder {
            customer_id: "customer-1".to_owned(),
            currency: "EUR".parse().expect("a currency"),
            items: vec![Wanted { sku: ARTICLES[self.article].0.to_owned(), quantity: self.quantity }],
            delivery_address,
            wished_date: self.wished.map(day),
            expected_total_minor: None,
        }
    }
}

/// What may be asked of the order side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OrderCommand {
    /// A batch: each request sees what the ones before it have reserved.
    Place(Vec<Request>),
    Cancel(OrderId, CancelledBy),
    /// Its time is up. `is_heard`: the delivery side is known to have come so far.
    Deadline {
        order_id: OrderId,
        is_heard: bool,
    },
}

/// The database of the order side.
#[derive(Debug, Clone)]
pub struct OrderSide {
    pub orders: BTreeMap<OrderId, Arc<Order>>,
    pub placed: BTreeMap<OrderId, Request>,
    pub ledger: BTreeMap<OrderId, Vec<Transfer>>,
    pub shelves: BTreeMap<String, Shelf>,
    pub anomalies: Vec<String>,
    /// How many times an order waits once more for its outcome.
    extensions: u32,
    outbox: Outbox,
    inbox: Inbox,
    bug: Option<Bug>,
}

impl OrderSide {
    /// A shop with so many pieces of every article.
    pub fn new(pieces: i64, extensions: u32, bug: Option<Bug>) -> Self {
        let full = Shelf { received: pieces, on_hand: pieces, ..Shelf::default() };
        Self {
            orders: BTreeMap::new(),
            placed: BTreeMap::new(),
            ledger: BTreeMap::new(),
            shelves: ARTICLES.map(|(sku, _, _)| (sku.to_owned(), full.clone())).into_iter().collect(),
            anomalies: vec![],
            extensions,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            bug,
        }
    }

    fn terms(&self) -> Terms {
        Terms { extensions: self.extensions, ..ORDER_TERMS }
    }

    fn catalogue(&self) -> Catalogue {
        let currency = "EUR".parse().expect("a currency");
        let product = |(sku, price_minor, weight_g): (&str, i64, u32)| {
            let Shelf { received, on_hand, reserved, shipped, written_off } = self.shelves[sku];
            let details = ProductDetails { name: sku.to_lowercase(), price_minor, currency, weight_g };
            (sku.to_owned(), Product { details, received, on_hand, reserved, shipped, written_off })
        };
        ARTICLES.into_iter().map(product).collect()
    }

    fn place(&mut self, requests: &[Request], coverage: &mut Coverage) -> Answer {
        let mut catalogue = self.catalogue();
        let first = self.orders.len();
        let mut answer = Answer::Committed;
        let mut accepted = vec![];
        for request in requests {
            let stamp = stamps::placing(first + accepted.len() + 1);
            match Order::place(request.placed(), &mut catalogue, stamp) {
                Ok(decision) => accepted.push((*request, stamp, decision)),
                Err(refusal) => {
                    if matches!(refusal, Refusal::OutOfStock { .. }) {
                        coverage.note("an order is refused because nothing is left");
                    }
                    answer = Answer::Refused(refusal.code().to_owned());
                }
            }
        }
        for (request, stamp, decision) in accepted {
            self.placed.insert(decision.order.id, request);
            self.save(decision, stamp, "request".to_owned());
        }
        answer
    }

    fn cancel(&mut self, order_id: OrderId, by: CancelledBy, coverage: &mut Coverage) -> Answer {
        let before = self.orders[&order_id].clone();
        let column = match by {
            CancelledBy::Customer => 0,
            CancelledBy::Operator => 1,
        };
        coverage.note(coverage::order_command(&before, column));
        let stamp = stamps::of_order(&before);
        match Order::clone(&before).decide(Command::Cancel { by }, stamp) {
            Err(refusal) => return Answer::Refused(refusal.code().to_owned()),
            Ok(decision) if decision.change.is_none() => self.save(decision, stamp, "request".to_owned()),
            Ok(decision) => {
                assert_foreseen(&before, Coming::Cancellation { by }, &decision);
                let hasty = self.bug == Some(Bug::RefundBeforeAnswer);
                self.save(if hasty { given_up(decision) } else { decision }, stamp, "request".to_owned());
            }
        }
        Answer::Committed
    }

    fn deadline(&mut self, order_id: OrderId, is_heard: bool, coverage: &mut Coverage) -> Answer {
        let before = self.orders[&order_id].clone();
        let stamp = stamps::of_order(&before);
        let stamp = Stamp { at: before.deadline.unwrap_or(stamp.at), ..stamp };
        let decision = Order::clone(&before).overdue(self.way_back(order_id, is_heard), &self.terms(), stamp);
        let unsent = decision.order.status == Status::Cancelling && decision.change.is_none();
        let is_extended = matches!(decision.change.map(|change| change.what), Some(What::DeadlineExtended(_)));
        coverage.note(match (is_extended, unsent) {
            (true, _) => "an order waits once more for its outcome".to_owned(),
            (_, true) => "a cancellation that has not gone out is not asked for again".to_owned(),
            (false, false) => coverage::order_command(&before, 2),
        });
        let decides = self.bug == Some(Bug::ClockDecides) && before.status == Status::Completed && !is_extended;
        self.save(if decides { given_up(decision) } else { decision }, stamp, "deadline".to_owned());
        match self.orders[&order_id].attention {
            Some(Attention::CancellationUnanswered) => {
                coverage.note("a question is asked and asked again, and nobody answers");
            }
            Some(Attention::LateDispatch | Attention::LateDelivery) => {
                coverage.note("somebody has to look at an order")
            }
            None => {}
        }
        Answer::Committed
    }

    /// What the order side knows of the way to the other side and back.
    fn way_back(&self, order_id: OrderId, is_heard: bool) -> WayBack {
        let is_unsent = self.outbox.offered().iter().any(|pointer| pointer.order_id == order_id);
        let is_parked = self.inbox.parked().iter().any(|(parked, _)| *parked == order_id);
        let held_up = is_unsent.then_some(TooEarly::Unsent).or(is_parked.then_some(TooEarly::Parked));
        WayBack { held_up, heard: is_heard.then_some(order_id) }
    }

    fn save(&mut self, decision: Decision, stamp: Stamp, cause: String) {
        let Decision { order, transfers, mut stock, announce, anomaly, change: _ } = decision.due(&self.terms());
        if self.bug == Some(Bug::ReleasedTwice) {
            stock.extend(stock.clone().into_iter().filter(|moved| moved.change == StockChange::Release));
        }
        self.ledger.entry(order.id).or_default().extend(transfers);
        for moved in &stock {
            let shelf = self.shelves.get_mut(&moved.sku).expect("a known article");
            shelf.apply(moved.change, i64::from(moved.quantity));
        }
        self.anomalies.extend(anomaly.map(|anomaly| format!("{anomaly:?}")));
        self.outbox.announce(order.id, order.version, announce, stamp, cause);
        self.orders.insert(order.id, Arc::new(order));
    }
}

/// What a hasty shop makes of a cancellation: the order is over before the delivery side has said a word.
fn given_up(mut decision: Decision) -> Decision {
    let (kind, payment) = match decision.order.payment {
        Payment::Captured => (TransferKind::Refund, Payment::Refunded),
        Payment::Held | Payment::Voided | Payment::Refunded => (TransferKind::Void, Payment::Voided),
    };
    decision.transfers.push(Transfer { kind, amount_minor: decision.order.total_minor });
    let released = |item: &order_service::domain::OrderItem| StockMove {
        change: StockChange::Release,
        sku: item.sku.clone(),
        quantity: item.quantity,
    };
    decision.stock.extend(decision.order.items.iter().map(released));
    let order = &mut decision.order;
    (order.payment, order.stock, order.status) = (payment, StockState::Released, Status::Cancelled);
    decision
}

impl Side for OrderSide {
    type Command = OrderCommand;

    fn bug(&self) -> Option<Bug> {
        self.bug
    }

    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    fn inbox_mut(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    fn decide(&mut self, command: &OrderCommand, coverage: &mut Coverage) -> Answer {
        match command {
            OrderCommand::Place(requests) => self.place(requests, coverage),
            OrderCommand::Cancel(order_id, by) => self.cancel(*order_id, *by, coverage),
            OrderCommand::Deadline { order_id, is_heard } => self.deadline(*order_id, *is_heard, coverage),
        }
    }

    fn react(&mut self, record: &Record, coverage: &mut Coverage) {
        let (before, event) = (self.orders[&record.order_id()].clone(), record.event());
        coverage.note(coverage::order_event(&before, event));
        let ignored = self.bug == Some(Bug::FailureIgnoredWhileCancelling)
            && before.status == Status::Cancelling
            && matches!(event, Event::DeliveryFailed(_));
        if ignored {
            return;
        }
        let stamp = stamps::of_order(&before);
        let decision = Order::clone(&before).react(event, stamp);
        if decision.anomaly.is_none() {
            assert_foreseen(&before, Coming::of(event), &decision);
        }
        self.save(decision, stamp, record.id());
    }

    fn keep_refunds(&mut self, rolled_back: Self) {
        for (order_id, mut transfers) in rolled_back.ledger {
            let kept = self.ledger.entry(order_id).or_default();
            let new = transfers.split_off(kept.len()).into_iter();
            kept.extend(new.filter(|transfer| transfer.kind == TransferKind::Refund));
        }
    }
}
