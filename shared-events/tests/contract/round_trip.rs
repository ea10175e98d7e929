//! Whatever can be said can be said over the wire, and is heard as it was said.

use chrono::{DateTime, NaiveDate, Utc};
use proptest::{collection::vec, option, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use shared_events::{
    Address, CancellationReason, Cause, CreationFailure, Currency, DeliveryCancelled, DeliveryCompleted,
    DeliveryCreated, DeliveryDispatched, DeliveryFailed, DeliveryId, Envelope, Event, EventId, EventKind,
    FulfilmentFailure, Goods, Item, MOST_ALTERNATIVES, Money, OrderCancelled, OrderCompleted, OrderId, Proof, Slot,
    TransitFailure, Version, wire::Wire,
};
use uuid::Uuid;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9-]{0,12}", any::<String>()]
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn date() -> impl Strategy<Value = NaiveDate> {
    (1_i32..=9999, 1_u32..=366).prop_map(|(year, day)| {
        let day = day.min(if NaiveDate::from_ymd_opt(year, 2, 29).is_some() { 366 } else { 365 });
        NaiveDate::from_yo_opt(year, day).expect("a day of that year")
    })
}

/// Any microsecond of the years 0000 to 9999: what RFC 3339 can write.
fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_167_219_200_000_000_i64..253_402_300_800_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).expect("an instant"))
}

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF", "USD"]).prop_map(|code| code.parse().expect("a currency"))
}

fn money() -> impl Strategy<Value = Money> {
    (any::<i64>(), currency()).prop_map(|(amount, currency)| Money::new(amount, currency))
}

fn item() -> impl Strategy<Value = Item> {
    (text(), any::<u32>(), any::<u32>(), option::of(any::<i64>()))
        .prop_map(|(sku, quantity, weight_g, unit_price_minor)| Item { sku, quantity, weight_g, unit_price_minor })
}

fn address() -> impl Strategy<Value = Address> {
    (text(), text(), option::of(text()), text(), text(), text()).prop_map(
        |(recipient, line1, line2, city, postal_code, country)| Address {
            recipient,
            line1,
            line2,
            city,
            postal_code,
            country,
        },
    )
}

fn slot() -> impl Strategy<Value = Slot> {
    (text(), date()).prop_map(|(zone, date)| Slot { zone, date })
}

fn failed() -> impl Strategy<Value = DeliveryFailed> {
    let creation = prop::sample::select(vec![
        CreationFailure::AddressInvalid,
        CreationFailure::ZoneUnserved,
        CreationFailure::SlotFull,
        CreationFailure::Overweight,
        CreationFailure::Unprocessable,
    ]);
    let fulfilment = prop::sample::select(vec![FulfilmentFailure::NoCourier, FulfilmentFailure::Operator]);
    let transit = prop::sample::select(vec![
        TransitFailure::RecipientAbsent,
        TransitFailure::RefusedByRecipient,
        TransitFailure::Lost,
        TransitFailure::Damaged,
    ]);
    let goods = prop::sample::select(vec![Goods::Returned, Goods::Lost, Goods::Damaged]);
    prop_oneof![
        (creation, vec(slot(), 0..=MOST_ALTERNATIVES))
            .prop_map(|(reason, alternatives)| DeliveryFailed::Creation { reason, alternatives }),
        fulfilment.prop_map(|reason| DeliveryFailed::Fulfilment { reason }),
        (transit, goods).prop_map(|(reason, goods)| DeliveryFailed::Transit { reason, goods }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let completed = (vec(item(), 0..4), money(), address(), option::of(date()), option::of(text())).prop_map(
        |(items, total, delivery_address, wished_date, customer_id)| {
            Event::OrderCompleted(OrderCompleted { items, total, delivery_address, wished_date, customer_id })
        },
    );
    let reasons =
        vec![CancellationReason::Customer, CancellationReason::NoDeliveryOutcome, CancellationReason::Operator];
    let cancelled = prop::sample::select(reasons).prop_map(|reason| Event::OrderCancelled(OrderCancelled { reason }));
    let created = (uuid(), slot(), date()).prop_map(|(id, slot, promised_date)| {
        Event::DeliveryCreated(DeliveryCreated { delivery_id: DeliveryId(id), slot, promised_date })
    });
    let proof = (text(), option::of(text())).prop_map(|(received_by, reference)| Proof { received_by, reference });
    prop_oneof![
        completed,
        cancelled,
        created,
        failed().prop_map(Event::DeliveryFailed),
        Just(Event::DeliveryCancelled(DeliveryCancelled {})),
        text().prop_map(|courier| Event::DeliveryDispatched(DeliveryDispatched { courier })),
        proof.prop_map(|proof| Event::DeliveryCompleted(DeliveryCompleted { proof })),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let cause = (text(), option::of(text())).prop_map(|(id, trace_parent)| Cause { id, trace_parent });
    (uuid(), uuid(), 1_i64.., time(), cause, event()).prop_map(|(id, order_id, version, time, cause, event)| Envelope {
        id: EventId(id),
        order_id: OrderId(order_id),
        version: Version(version),
        time,
        cause,
        event,
    })
}

fn header<'a>(wire: &'a Wire, name: &str) -> Option<&'a [u8]> {
    wire.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_bytes())
}

proptest! {
    #[test]
    fn any_envelope_is_read_as_it_was_written(envelope in envelope()) {
        let wire = envelope.to_wire().expect("JSON");
        let read = Envelope::from_wire(|name| header(&wire, name), &wire.data).expect("readable");
        prop_assert_eq!(&read, &envelope);
        prop_assert_eq!(read.to_wire().expect("JSON"), wire);
    }

    #[test]
    fn any_envelope_tells_its_place(envelope in envelope()) {
        let wire = envelope.to_wire().expect("JSON");
        let place = Envelope::place_of(|name| header(&wire, name));
        prop_assert_eq!(place, Some((envelope.order_id, envelope.version)));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(value in vec(any::<u8>(), 0..64), headers in vec(vec(any::<u8>(), 0..40), 12)) {
        let names = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_sequence",
            "ce_correlationid", "ce_causationid", "ce_dataschema", "content-type", "traceparent"];
        let header = |name: &str| names.iter().position(|known| *known == name).map(|at| headers[at].as_slice());
        prop_assert!(Envelope::from_wire(header, &value).is_err());
    }
}

#[test]
fn every_kind_of_event_takes_part_in_the_round_trip() {
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        seen.insert(event().new_tree(&mut runner).expect("a value").current().kind());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), EventKind::ALL);
}

#[test]
fn the_name_of_every_kind_leads_back_to_it() {
    for kind in EventKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
}
