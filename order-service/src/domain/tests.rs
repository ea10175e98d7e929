//! What an order goes through, in short. Every cell of the tables is compared in the package `tests`.

use chrono::{DateTime, Utc};
use shared_events::{
    Address, Announce, CreationFailure, DeliveryCancelled, DeliveryCompleted, DeliveryCreated, DeliveryDispatched,
    DeliveryFailed, DeliveryId, Event, EventId, Goods, Proof, Slot, Stamp, TransitFailure, Version,
};

use super::*;

const CANCEL: Command = Command::Cancel { by: CancelledBy::Customer };

fn stamp() -> Stamp {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse::<EventId>().expect("an id");
    Stamp { at: DateTime::<Utc>::UNIX_EPOCH, event_id: id, fresh_id: id.0 }
}

fn details(price_minor: i64, currency: &str) -> ProductDetails {
    let currency = currency.parse().expect("a currency");
    ProductDetails { name: "Thing".to_owned(), price_minor, currency, weight_g: 100 }
}

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    for sku in ["lamp", "chair"] {
        assert_eq!(catalogue.put(sku, details(1_000, "EUR")), Ok(Put::Created));
        catalogue.receive(sku, 5).expect("a known article");
    }
    catalogue.put("rug", details(1_000, "USD")).expect("a new article");
    catalogue
}

fn wanted(items: &[(&str, u32)]) -> PlaceOrder {
    let text = |text: &str| text.to_owned();
    PlaceOrder {
        customer_id: text("ada"),
        currency: "EUR".parse().expect("a currency"),
        items: items.iter().map(|(sku, quantity)| Wanted { sku: text(sku), quantity: *quantity }).collect(),
        delivery_address: Address {
            recipient: text("Ada"),
            line1: text("1 Main Street"),
            line2: None,
            city: text("Berlin"),
            postal_code: text("10115"),
            country: text("DE"),
        },
        wished_date: None,
        expected_total_minor: None,
    }
}

fn placed() -> Order {
    Order::place(wanted(&[("lamp", 2), ("chair", 1)]), &mut catalogue(), stamp()).expect("an order").order
}

fn slot() -> Slot {
    Slot { zone: "berlin".to_owned(), date: "2026-12-01".parse().expect("a date") }
}

fn created() -> Event {
    let delivery_id = DeliveryId(stamp().fresh_id);
    Event::DeliveryCreated(DeliveryCreated { delivery_id, slot: slot(), promised_date: slot().date })
}

fn dispatched() -> Event {
    Event::DeliveryDispatched(DeliveryDispatched { courier: "carl".to_owned() })
}

fn after(order: Order, events: &[Event]) -> Decision {
    let start = Decision::nothing(order);
    events.iter().fold(start, |decision, event| decision.order.react(event, stamp()))
}

fn money(decision: &Decision) -> Vec<TransferKind> {
    decision.transfers.iter().map(|transfer| transfer.kind).collect()
}

fn stock(decision: &Decision) -> Vec<(StockChange, &str, u32)> {
    decision.stock.iter().map(|moved| (moved.change, moved.sku.as_str(), moved.quantity)).collect()
}

#[test]
fn placing_prices_reserves_and_holds() {
    let mut catalogue = catalogue();
    let decision = Order::place(wanted(&[("lamp", 2), ("chair", 1)]), &mut catalogue, stamp()).expect("an order");
    assert_eq!((decision.order.total_minor, decision.order.version), (3_000, Version(1)));
    assert_eq!(decision.transfers, [Transfer { kind: TransferKind::Hold, amount_minor: 3_000 }]);
    assert_eq!(stock(&decision), [(StockChange::Reserve, "lamp", 2), (StockChange::Reserve, "chair", 1)]);
    assert_eq!(catalogue.product("lamp").map(Product::available), Some(3));
    assert!(matches!(decision.announce, Announce::New(Event::OrderCompleted(_))));
}

#[test]
fn a_refused_order_leaves_the_catalogue_as_it_was() {
    let skus = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let currency = "EUR".parse().expect("a currency");
    let price_changed = PlaceOrder { expected_total_minor: Some(1), ..wanted(&[("lamp", 1)]) };
    for (request, refusal) in [
        (wanted(&[("lamp", 1), ("sofa", 1)]), Refusal::UnknownSku { skus: skus(&["sofa"]) }),
        (wanted(&[("lamp", 1), ("rug", 1)]), Refusal::CurrencyMismatch { currency, skus: skus(&["rug"]) }),
        (wanted(&[("lamp", 6), ("chair", 1)]), Refusal::OutOfStock { skus: skus(&["lamp"]) }),
        (wanted(&[("lamp", 3), ("lamp", 3)]), Refusal::OutOfStock { skus: skus(&["lamp"]) }),
        (price_changed, Refusal::PriceChanged { expected: 1, actual: 1_000 }),
        (wanted(&[]), Refusal::TotalOutOfRange),
    ] {
        let mut after = catalogue();
        assert_eq!(Order::place(request, &mut after, stamp()), Err(refusal));
        assert_eq!(after, catalogue());
    }
}

#[test]
fn a_total_that_nobody_can_count_is_refused() {
    let mut catalogue = catalogue();
    catalogue.put("moon", details(i64::MAX, "EUR")).expect("a new article");
    catalogue.receive("moon", 2).expect("a known article");
    assert_eq!(Order::place(wanted(&[("moon", 2)]), &mut catalogue, stamp()), Err(Refusal::TotalOutOfRange));
}

#[test]
fn a_product_keeps_its_currency() {
    let currency = "EUR".parse().expect("a currency");
    assert_eq!(catalogue().put("lamp", details(5, "USD")), Err(Refusal::CurrencyFixed { currency }));
    assert_eq!(catalogue().put("lamp", details(5, "EUR")), Ok(Put::Replaced));
}

#[test]
fn an_order_is_confirmed_dispatched_and_delivered() {
    let confirmed = after(placed(), &[created()]);
    assert_eq!((confirmed.order.status, money(&confirmed)), (Status::Confirmed, vec![TransferKind::Capture]));
    let proof = Proof { received_by: "Ada".to_owned(), reference: None };
    let arrived = Event::DeliveryCompleted(DeliveryCompleted { proof: proof.clone() });
    let delivered = after(confirmed.order, &[dispatched(), arrived]);
    assert_eq!(stock(&delivered), [(StockChange::Ship, "lamp", 2), (StockChange::Ship, "chair", 1)]);
    let order = delivered.order;
    assert_eq!(
        (order.status, order.stock, order.delivery.proof),
        (Status::Delivered, StockState::Shipped, Some(proof))
    );
    assert_eq!((order.version, order.changes), (Version(1), 4));
}

#[test]
fn an_order_that_cannot_be_delivered_is_undone() {
    let failed = DeliveryFailed::Creation { reason: CreationFailure::ZoneUnserved, alternatives: vec![] };
    let cancelled = after(placed(), &[Event::DeliveryFailed(failed.clone())]);
    assert_eq!(money(&cancelled), [TransferKind::Void]);
    assert_eq!(stock(&cancelled), [(StockChange::Release, "lamp", 2), (StockChange::Release, "chair", 1)]);
    assert_eq!(cancelled.order.status, Status::Cancelled);
    assert_eq!(cancelled.order.cancellation, Some(Cancellation::DeliveryFailed(failed)));
    assert_eq!(cancelled.announce, Announce::Nothing);
}

#[test]
fn a_lost_parcel_is_refunded_and_written_off() {
    let failed = DeliveryFailed::Transit { reason: TransitFailure::Lost, goods: Goods::Lost };
    let returned = after(placed(), &[created(), dispatched(), Event::DeliveryFailed(failed)]);
    assert_eq!((returned.order.status, money(&returned)), (Status::Returned, vec![TransferKind::Refund]));
    assert_eq!(returned.order.stock, StockState::WrittenOff);
}

#[test]
fn money_waits_for_the_answer_to_a_cancellation() {
    let asked = after(placed(), &[created()]).order.decide(CANCEL, stamp()).expect("not too late");
    assert_eq!((asked.order.status, asked.order.version), (Status::Cancelling, Version(2)));
    assert!(asked.transfers.is_empty() && asked.stock.is_empty());
    let again = asked.order.clone().decide(CANCEL, stamp()).expect("the same cancellation");
    assert_eq!(again, Decision::nothing(asked.order.clone()));
    let cancelled = after(asked.order, &[Event::DeliveryCancelled(DeliveryCancelled {})]);
    assert_eq!((cancelled.order.status, money(&cancelled)), (Status::Cancelled, vec![TransferKind::Refund]));
}

#[test]
fn a_parcel_that_had_already_left_rejects_the_cancellation() {
    let asked = placed().decide(CANCEL, stamp()).expect("not too late");
    let created = after(asked.order, &[created()]);
    assert_eq!((created.order.status, created.order.payment), (Status::Cancelling, Payment::Held));
    let left = after(created.order, &[dispatched()]);
    assert_eq!((left.order.status, money(&left)), (Status::InDelivery, vec![TransferKind::Capture]));
    assert!(left.order.cancellation_rejected);
    assert_eq!(left.order.decide(CANCEL, stamp()), Err(Refusal::TooLate { status: Status::InDelivery }));
}

#[test]
fn a_deadline_only_asks_and_after_many_times_somebody_has_to_look() {
    let mut decision = placed().deadline_passed(stamp());
    assert!(matches!(decision.announce, Announce::New(Event::OrderCancelled(_))));
    for asked in 2..=ASKS_BEFORE_ATTENTION + 1 {
        assert_eq!(decision.order.attention, None);
        decision = decision.order.deadline_passed(stamp());
        assert_eq!((decision.order.cancellation_asked, &decision.announce), (asked, &Announce::Again(Version(2))));
    }
    assert_eq!(decision.order.attention, Some(Attention::CancellationUnanswered));
    let answered = after(decision.order, &[Event::DeliveryCancelled(DeliveryCancelled {})]);
    assert_eq!((answered.order.attention, money(&answered)), (None, vec![TransferKind::Void]));
}

#[test]
fn what_is_impossible_is_noted_and_moves_nothing() {
    let decision = after(placed(), &[dispatched()]);
    assert_eq!(decision.anomaly, Some(Anomaly { event: dispatched().kind(), status: Status::Completed }));
    assert!(decision.transfers.is_empty() && decision.stock.is_empty());
    assert_eq!(decision.order, Order { changes: 2, ..placed() });
}
