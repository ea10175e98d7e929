//! The order side in memory: the real domain, with maps for tables.

use std::collections::BTreeMap;

use order_service::domain::{
    CancelledBy, Catalogue, Coming, Command, Decision, Order, PlaceOrder, Product, ProductDetails, Prospect, Refusal,
    Status, StockChange, TransferKind, WayBack, What,
};
use shared_events::{Envelope, OrderId, Stamp};

use super::lane::{Inbox, Outbox};
use crate::order_lives::TERMS;

/// Where the pieces of an article are, counted from the moves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    pub received: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub shipped: i64,
    pub written_off: i64,
}

impl Shelf {
    fn apply(&mut self, change: StockChange, quantity: i64) {
        match change {
            StockChange::Receive => {
                self.received += quantity;
                self.on_hand += quantity;
            }
            StockChange::Reserve => self.reserved += quantity,
            StockChange::Release => self.reserved -= quantity,
            StockChange::Ship => {
                self.reserved -= quantity;
                self.on_hand -= quantity;
                self.shipped += quantity;
            }
            StockChange::WriteOff => {
                self.reserved -= quantity;
                self.on_hand -= quantity;
                self.written_off += quantity;
            }
        }
    }
}

/// What comes is what may come, and leads where it was said to.
fn assert_foreseen(before: &Order, coming: Coming, decision: &Decision) {
    let came = Prospect { coming, leads_to: decision.order.status };
    assert!(before.outlook().contains(&came), "{came:?} was not foreseen of {before:?}");
}

/// Every article: its name, its price, the weight of a piece.
pub const ARTICLES: [(&str, i64, u32); 2] = [("TEA", 1_500, 100), ("ANVIL", 9_900, 60_000)];

/// The database of the order side.
#[derive(Debug, Default)]
pub struct OrderSide {
    pub orders: BTreeMap<OrderId, Order>,
    pub placed: BTreeMap<OrderId, PlaceOrder>,
    pub ledger: Vec<(OrderId, TransferKind, i64)>,
    pub shelves: BTreeMap<String, Shelf>,
    pub anomalies: Vec<String>,
    pub outbox: Outbox,
    pub inbox: Inbox,
}

impl OrderSide {
    /// A shop with so many pieces of every article.
    pub fn new(pieces: i64) -> Self {
        let full = Shelf { received: pieces, on_hand: pieces, ..Shelf::default() };
        let shelves = ARTICLES.map(|(sku, _, _)| (sku.to_owned(), full.clone()));
        Self { shelves: shelves.into_iter().collect(), ..Self::default() }
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

    /// A batch: each request sees what the ones before it have reserved.
    pub fn place(&mut self, requests: Vec<(PlaceOrder, Stamp)>) -> Vec<Result<OrderId, Refusal>> {
        let mut catalogue = self.catalogue();
        let place = |(request, stamp): (PlaceOrder, Stamp)| {
            let decision = Order::place(request.clone(), &mut catalogue, stamp)?;
            Ok((request, stamp, decision))
        };
        let decided: Vec<_> = requests.into_iter().map(place).collect();
        decided
            .into_iter()
            .map(|decided| decided.map(|(request, stamp, decision)| self.placed(request, stamp, decision)))
            .collect()
    }

    fn placed(&mut self, request: PlaceOrder, stamp: Stamp, decision: Decision) -> OrderId {
        let order_id = decision.order.id;
        self.placed.insert(order_id, request);
        self.save(decision, stamp, format!("request-{}", stamp.fresh_id));
        order_id
    }

    pub fn cancel(&mut self, order_id: OrderId, by: CancelledBy, stamp: Stamp) -> Result<(), Refusal> {
        self.decide(order_id, Command::Cancel { by }, stamp)
    }

    /// Says what the order waits for once more, if it does.
    pub fn deadline(&mut self, order_id: OrderId, way_back: WayBack, stamp: Stamp) -> Option<&'static str> {
        let decision = self.orders[&order_id].clone().overdue(way_back, &TERMS, stamp);
        let unsent = decision.order.status == Status::Cancelling && decision.change.is_none();
        let is_extended = matches!(decision.change.map(|change| change.what), Some(What::DeadlineExtended(_)));
        let waits_on = is_extended
            .then_some("an order waits once more for its outcome")
            .or(unsent.then_some("a cancellation that has not gone out is not asked for again"));
        self.save(decision, stamp, "deadline".to_owned());
        waits_on
    }

    fn decide(&mut self, order_id: OrderId, command: Command, stamp: Stamp) -> Result<(), Refusal> {
        let before = &self.orders[&order_id];
        let decision = before.clone().decide(command, stamp)?;
        let Command::Cancel { by } = command;
        if decision.change.is_some() {
            assert_foreseen(before, Coming::Cancellation { by }, &decision);
        }
        self.save(decision, stamp, format!("request-{}", stamp.fresh_id));
        Ok(())
    }

    /// In the transaction that claimed it.
    pub fn react(&mut self, envelope: &Envelope, stamp: Stamp) {
        let before = &self.orders[&envelope.order_id];
        let decision = before.clone().react(&envelope.event, stamp);
        if decision.anomaly.is_none() {
            assert_foreseen(before, Coming::of(&envelope.event), &decision);
        }
        self.save(decision, stamp, envelope.id.to_string());
    }

    fn save(&mut self, decision: Decision, stamp: Stamp, cause: String) {
        let Decision { order, transfers, stock, announce, anomaly, change: _ } = decision.due(&TERMS);
        self.ledger.extend(transfers.iter().map(|transfer| (order.id, transfer.kind, transfer.amount_minor)));
        for moved in &stock {
            let shelf = self.shelves.get_mut(&moved.sku).expect("a known article");
            shelf.apply(moved.change, i64::from(moved.quantity));
        }
        self.anomalies.extend(anomaly.map(|anomaly| format!("{anomaly:?}")));
        self.outbox.announce(order.id, order.version, announce, stamp, cause);
        self.orders.insert(order.id, order);
    }
}
