//! What a service does with a batch of events or of requests, whole: without those who would halve a batch that cannot be applied.

use chassis::{Asked, Incoming, Reactions, Requests, Tx, clock};
use chrono::NaiveDate;
use delivery_service::{
    domain::{Command, FailureReason, Zone},
    requests::Request,
};
use shared_events::{CancellationReason, Cause, DeliveryId, Event, OrderCancelled};
use tests::{Env, envelope, fresh_order, golden};
use uuid::Uuid;

use crate::settings::delivery_settings;

fn to_the_city() -> Event {
    let Event::OrderCompleted(mut completed) = golden("OrderCompleted.v1.least") else {
        panic!("another golden event")
    };
    completed.delivery_address.country = "DE".to_owned();
    completed.delivery_address.postal_code = "10115".to_owned();
    Event::OrderCompleted(completed)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_order_of_a_day_placed_and_cancelled_in_one_batch_is_one_change() {
    let env = Env::new("one batch").await;
    let service = delivery_service::service(&delivery_settings(&[]));
    let pool = env.migrated(env.deliveries_database(), &service.migrations).await;
    sqlx::raw_sql(
        "insert into zones values ('city', 'DE', 5, 1000000000); insert into zone_prefixes values ('10', 'city')",
    )
    .execute(&pool)
    .await
    .expect("a zone");

    let order = fresh_order();
    let cancelled = Event::OrderCancelled(OrderCancelled { reason: CancellationReason::Customer });
    let events = [(1, to_the_city()), (2, cancelled)].map(|(version, event)| Incoming {
        envelope: envelope(order, version, event),
        stamp: clock::stamp(),
        order_is_new: true,
    });
    let mut tx = Tx::from(pool.begin().await.expect("a transaction"));
    service.reactions.react(&mut tx, &events).await.expect("both are applied");
    tx.commit().await.expect("a commit");

    let (status, taken, announced): (String, i64, i64) = sqlx::query_as(
        "select status, (select taken from slots), (select count(*) from outbox) from deliveries where order_id = $1",
    )
    .bind(order.0)
    .fetch_one(&pool)
    .await
    .expect("a delivery");
    assert_eq!((status.as_str(), taken, announced), ("cancelled", 0, 2));
}

/// What is asked of the delivery side at this moment.
fn asked(request: Request) -> Asked<Request> {
    Asked { request, stamp: clock::stamp(), cause: Cause { id: "a test".to_owned(), trace_parent: None } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_the_places_that_it_adds_to_a_zone_and_takes_away_those_that_it_gives_back() {
    let env = Env::new("one batch of requests").await;
    let service = delivery_service::service(&delivery_settings(&[]));
    let pool = env.migrated(env.deliveries_database(), &service.migrations).await;
    let zone = |capacity_per_day| {
        let (prefixes, country) = (vec!["10".to_owned()], "DE".to_owned());
        Request::PutZone(Zone {
            id: "city".to_owned(),
            country,
            prefixes,
            capacity_per_day,
            weight_limit_g: 1_000_000_000,
        })
    };
    let decide = async |requests: Vec<Request>| {
        let asked: Vec<_> = requests.into_iter().map(asked).collect();
        let mut tx = Tx::from(pool.begin().await.expect("a transaction"));
        let answers = service.requests.decide(&mut tx, &asked.iter().collect::<Vec<_>>()).await.expect("one batch");
        tx.commit().await.expect("a commit");
        assert!(answers.iter().all(|answer| answer.status.is_success()), "{answers:?}");
    };
    let courier = Request::PutCourier { id: "max".to_owned(), name: "Max".to_owned(), capacity: 5 };
    decide(vec![zone(1), courier]).await;
    let orders = [fresh_order(), fresh_order()];
    let events = orders.map(|order| Incoming {
        envelope: envelope(order, 1, to_the_city()),
        stamp: clock::stamp(),
        order_is_new: true,
    });
    let mut tx = Tx::from(pool.begin().await.expect("a transaction"));
    service.reactions.react(&mut tx, &events).await.expect("both are planned");
    tx.commit().await.expect("a commit");

    let planned = sqlx::query_as("select id, slot_date from deliveries order by slot_date").fetch_all(&pool);
    let planned: Vec<(Uuid, NaiveDate)> = planned.await.expect("two deliveries");
    let [(first, _), (second, full)] = planned[..] else { panic!("not two deliveries: {planned:?}") };
    let deliver = |id, command| Request::Deliver { id: DeliveryId(id), command, courier: None };
    decide(vec![
        deliver(first, Command::AssignCourier { courier: "max".to_owned() }),
        deliver(first, Command::Dispatch),
        zone(2),
        deliver(first, Command::Attempt { number: 1, note: None, date: Some(full) }),
    ])
    .await;
    decide(vec![deliver(second, Command::Fail { reason: FailureReason::Operator }), zone(1)]).await;

    let slots = sqlx::query_as("select capacity, taken from slots order by date").fetch_all(&pool);
    let slots: Vec<(i64, i64)> = slots.await.expect("the slots");
    assert_eq!(slots, [(1, 0), (1, 1)]);
}
