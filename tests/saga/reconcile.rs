//! `sagactl reconcile`: what was lost by hand, on either side, is announced again by whoever announced it; nothing else is touched.

use std::time::Duration;

use indicatif::ProgressBar;
use sagactl::{
    reconcile::{self, Options, Outcome, Places, Reconciliation},
    services::{Services, Side, Sides},
    verify::Invariant,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use tests::{PATIENCE, Pair, Shop, eventually_is};

use crate::operations::{Operator, all_is_sent, becomes, loses, order_for, pair, places};

/// For how long nothing may move before what is left counts as lost: nothing is on its way in these tests.
const SOON: Options = Options { most_orders: 100, patience: Duration::from_secs(2) };

async fn reconcile(pair: &Pair, apply: bool) -> Reconciliation {
    let (orders, deliveries) = pair.pools();
    let (topics, progress) = (pair.env.kafka("reconcile"), ProgressBar::hidden());
    let where_it_is = Places { orders: &orders, deliveries: &deliveries, topics: &topics, progress: &progress };
    let urls = Sides { orders: Some(pair.orders.url()), deliveries: Some(pair.deliveries.url()) };
    let services = Services::at(urls, None).expect("a client");
    let done = if apply {
        reconcile::apply(where_it_is, &services, "it was lost", SOON).await
    } else {
        reconcile::rehearse(where_it_is, SOON).await
    };
    done.expect("everything can be looked at")
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("a number")
}

/// An order of which an event reaches no topic.
async fn loses_before_it_goes_out(pair: &mut Pair, shop: &Shop, owner: Side) -> String {
    let (orders, deliveries) = pair.pools();
    let (service, topic, pool) = match owner {
        Side::OrderService => (&mut pair.orders, "orders", orders),
        Side::DeliveryService => (&mut pair.deliveries, "deliveries", deliveries),
    };
    all_is_sent(&pool).await;
    let operator = Operator::of(service);
    let pause = operator.pauses("topic", topic, 600).await;
    let order = places(shop, &order_for("Ada Lovelace")).await;
    loses(service, &pool, &order).await;
    operator.ends_pause(&pause).await;
    order
}

/// The event is on its topic, and the peer has no trace of it.
async fn loses_at_the_peer(pair: &Pair, shop: &Shop) -> String {
    let (orders, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let pause = operator.pauses("topic", "deliveries", 600).await;
    let order = places(shop, &order_for("Ada Lovelace")).await;
    let here = Operator::of(&pair.orders);
    let held = here.pauses("order", &order, 600).await;
    operator.ends_pause(&pause).await;
    let lose = format!("delete from parked_events where order_id = '{order}'");
    eventually_is("what was parked is deleted", PATIENCE, 1, async || {
        Ok(sqlx::query(AssertSqlSafe(lose.clone())).execute(&orders).await?.rows_affected())
    })
    .await;
    here.ends_pause(&held).await;
    all_is_sent(&deliveries).await;
    order
}

fn named(reconciliation: &Reconciliation) -> Vec<(String, Side, i64)> {
    let named = reconciliation.repeats.iter().map(|one| (one.order_id.to_string(), one.owner, one.version));
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_on_either_side_is_announced_again_by_its_owner() {
    let (mut pair, shop) = pair("reconciled").await;
    let (orders, deliveries) = pair.pools();
    let whole = places(&shop, &order_for("Grace Hopper")).await;
    becomes(&shop, &whole, "confirmed").await;
    let first = loses_before_it_goes_out(&mut pair, &shop, Side::OrderService).await;
    let second = loses_before_it_goes_out(&mut pair, &shop, Side::DeliveryService).await;
    let third = loses_at_the_peer(&pair, &shop).await;
    let lost = [(first, Side::OrderService, 1), (second, Side::DeliveryService, 1), (third, Side::DeliveryService, 1)];

    let acts = "select count(*) from operator_actions where action = 'republish'";
    let rehearsed = reconcile(&pair, false).await;
    assert_eq!(named(&rehearsed), lost, "{rehearsed}");
    assert!(rehearsed.repeats.iter().all(|one| one.outcome == Outcome::WouldBeAsked), "{rehearsed}");
    assert!(rehearsed.beyond.is_empty() && !rehearsed.is_whole(), "{rehearsed}");
    assert_eq!((count(&orders, acts).await, count(&deliveries, acts).await), (0, 0), "nobody was asked");
    for (order, ..) in &lost {
        becomes(&shop, order, "completed").await;
    }

    let applied = reconcile(&pair, true).await;
    assert_eq!(named(&applied), lost, "{applied}");
    assert!(applied.is_whole() && applied.repeats.iter().all(|one| one.outcome == Outcome::Healed), "{applied}");
    assert_eq!(
        (count(&orders, acts).await, count(&deliveries, acts).await),
        (1, 2),
        "each owner was asked for its own"
    );
    for (order, ..) in &lost {
        becomes(&shop, order, "confirmed").await;
    }
    pair.settles().await;
    let after = reconcile(&pair, false).await;
    assert!(after.is_whole() && after.repeats.is_empty(), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_repeat_heals_is_named_and_left_alone() {
    let (mut pair, shop) = pair("irreconcilable").await;
    let (orders, _) = pair.pools();
    let order = places(&shop, &order_for("Ada Lovelace")).await;
    becomes(&shop, &order, "confirmed").await;
    pair.settles().await;
    let lost = loses_before_it_goes_out(&mut pair, &shop, Side::OrderService).await;
    let twice = format!("update orders set total_minor = total_minor + 1 where id = '{order}'");
    sqlx::query(AssertSqlSafe(twice)).execute(&orders).await.expect("money is written by hand");
    let row = format!("select to_jsonb(orders) from orders where id = '{order}'");
    let before: Value = sqlx::query_scalar(AssertSqlSafe(row.clone())).fetch_one(&orders).await.expect("a row");

    let applied = reconcile(&pair, true).await;
    assert!(!applied.is_whole(), "{applied}");
    assert_eq!(named(&applied), [(lost, Side::OrderService, 1)], "{applied}");
    assert_eq!(applied.repeats[0].outcome, Outcome::Healed, "{applied}");
    let money: Vec<_> = applied.beyond.iter().filter(|left| left.finding.invariant == Invariant::I2).collect();
    assert!(!money.is_empty() && money.len() == applied.beyond.len(), "{applied}");
    assert!(applied.to_string().contains(&order) && applied.to_string().contains("no event is missing"), "{applied}");
    let after: Value = sqlx::query_scalar(AssertSqlSafe(row)).fetch_one(&orders).await.expect("a row");
    assert_eq!(after, before, "nobody has touched it");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_while_the_address_of_an_owner_is_missing() {
    let (mut pair, shop) = pair("reconcilenowhere").await;
    let lost = loses_before_it_goes_out(&mut pair, &shop, Side::OrderService).await;
    let (orders, deliveries) = pair.pools();
    let (topics, progress) = (pair.env.kafka("reconcile"), ProgressBar::hidden());
    let where_it_is = Places { orders: &orders, deliveries: &deliveries, topics: &topics, progress: &progress };
    let nowhere =
        Services::at(Sides { orders: None, deliveries: Some(pair.deliveries.url()) }, None).expect("a client");
    let refused =
        reconcile::apply(where_it_is, &nowhere, "it was lost", SOON).await.expect_err("it is not known where");
    assert!(refused.to_string().contains("--orders-url"), "{refused:#}");

    let closed = Sides { orders: Some("http://127.0.0.1:1".to_owned()), deliveries: None };
    let silent = Services::at(closed, None).expect("a client");
    let left = reconcile::apply(where_it_is, &silent, "it was lost", SOON).await.expect("it can be looked");
    let Outcome::NotAnnounced { why } = &left.repeats[0].outcome else { panic!("{left}") };
    assert!(why.contains("order-service does not answer") && !left.is_whole(), "{left}");
    assert_eq!(json!(left.repeats[0].order_id), json!(lost));
    becomes(&shop, &lost, "completed").await;
}

/// Asked for while something is in its way, it is said how far it has come; and once the way is free, it arrives by itself.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_healed_before_it_has_arrived() {
    let (mut pair, shop) = pair("reconcileunderway").await;
    let (here, there) = (Operator::of(&pair.orders), Operator::of(&pair.deliveries));
    for (what, at, outcome) in
        [("topic", &here, Outcome::NotSent), ("topic", &there, Outcome::StillThere), ("order", &there, Outcome::Parked)]
    {
        let lost = loses_before_it_goes_out(&mut pair, &shop, Side::OrderService).await;
        let name = if what == "order" { lost.as_str() } else { "orders" };
        let pause = at.pauses(what, name, 600).await;
        let applied = reconcile(&pair, true).await;
        assert_eq!(named(&applied), [(lost.clone(), Side::OrderService, 1)], "{applied}");
        assert!(applied.repeats[0].outcome == outcome && !applied.is_whole(), "{outcome:?}: {applied}");
        at.ends_pause(&pause).await;
        becomes(&shop, &lost, "confirmed").await;
    }
    pair.settles().await;
}
