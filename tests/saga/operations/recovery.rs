//! The runbooks of `docs/operations.md`, played: a broker that lost its data, and a database that was restored from an older copy.

mod missing;

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tests::{Env, Launch, PATIENCE, Pair, Shop, eventually};

use super::{Operator, SKU, becomes, order_for, places};
use crate::verify::{PATIENT, verify};

/// What can be told apart of every order on both sides.
const ORDERS: &str = "select id::text, status, customer_id, total_minor::text from orders order by id";
const DELIVERIES: &str = "select order_id::text, status, coalesce(zone_id, ''), coalesce(slot_date::text, '') from deliveries order by order_id";

type Row = (String, String, String, String);

async fn rows(url: &str, what: &'static str) -> Vec<Row> {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    sqlx::query_as(what).fetch_all(&mut connection).await.expect("rows")
}

async fn pair_apart(name: &str) -> (Pair, Shop) {
    let pair = Pair::start(Env::apart(name).await).await;
    let shop = pair.shop();
    shop.sells(SKU, 1_000).await.expect("pieces");
    shop.serves("harbour", "2", 1_000).await.expect("a zone");
    shop.employs("anna", 100).await.expect("a courier");
    (pair, shop)
}

/// The administrator's statements about a database, whose owner is named like it.
async fn administer(env: &Env, statements: &[String]) {
    let admin = env.postgres().await.admin_url().to_owned();
    let mut connection = PgConnection::connect(&admin).await.expect("the administrator");
    for statement in statements {
        connection.execute(AssertSqlSafe(statement.clone())).await.expect("it is done");
    }
}

fn name_of(url: &str) -> String {
    url.rsplit('/').next().expect("a name").to_owned()
}

/// Makes a copy of a database that nobody uses.
async fn copies(env: &Env, url: &str) {
    let name = name_of(url);
    administer(env, &[format!("create database {name}_copy template {name}")]).await;
}

/// Puts the copy in the place of the database.
async fn restores(env: &Env, url: &str) {
    let name = name_of(url);
    administer(
        env,
        &[
            format!("drop database {name} with (force)"),
            format!("create database {name} owner {name} template {name}_copy"),
        ],
    )
    .await;
}

async fn confirmed(shop: &Shop) -> String {
    let order = places(shop, &order_for("Ada Lovelace")).await;
    becomes(shop, &order, "confirmed").await;
    order
}

async fn cancels(shop: &Shop, order: &str) {
    shop.cancel(order).await.expect("an answer").require(StatusCode::ACCEPTED).expect("asked");
    becomes(shop, order, "cancelled").await;
}

async fn dispatches(shop: &Shop, order: &str) -> String {
    let delivery = shop.delivery_of(order).await.expect("an answer").expect("a delivery")["id"].clone();
    let delivery = delivery.as_str().expect("an id").to_owned();
    for (command, body) in [("courier", json!({ "courier_id": "anna" })), ("dispatch", json!({}))] {
        shop.staff(&delivery, command, &body).await.expect("an answer").require(StatusCode::OK).expect("done");
    }
    becomes(shop, order, "in_delivery").await;
    delivery
}

async fn delivers(shop: &Shop, order: &str) {
    let delivery = dispatches(shop, order).await;
    let done = shop.staff(&delivery, "completion", &json!({ "received_by": "Ada" })).await.expect("an answer");
    done.require(StatusCode::OK).expect("done");
    becomes(shop, order, "delivered").await;
}

/// Something of everything: what is done to orders that were there before, and to new ones.
async fn goes_on(shop: &Shop, before: &[String]) -> usize {
    delivers(shop, &before[0]).await;
    cancels(shop, &before[1]).await;
    let new = [confirmed(shop).await, confirmed(shop).await, confirmed(shop).await, confirmed(shop).await];
    cancels(shop, &new[0]).await;
    delivers(shop, &new[1]).await;
    dispatches(shop, &new[2]).await;
    let mut far = order_for("Ada Lovelace");
    far["delivery_address"]["postal_code"] = json!("99999");
    let refused = places(shop, &far).await;
    becomes(shop, &refused, "cancelled").await;
    let failed = confirmed(shop).await;
    let delivery = shop.delivery_of(&failed).await.expect("an answer").expect("a delivery")["id"].clone();
    let gone = shop.staff(delivery.as_str().expect("an id"), "failure", &json!({ "reason": "no_courier" })).await;
    gone.expect("an answer").require(StatusCode::OK).expect("done");
    becomes(shop, &failed, "cancelled").await;
    new.len() + 2
}

/// Lists what was lost.
const LIST: &[&str] = &["--recall=list"];
/// Rebuilds it, and says who does, and why.
const APPLY: &[&str] = &["--recall=apply", "--recall-by=ada", "--recall-reason=the disk is gone"];

/// Runs a service's `--recall`; says whether it did what was asked, and what it wrote.
async fn tries_to_recall(env: &Env, is_order_side: bool, how: &[&str]) -> (bool, String) {
    let launch = launch(env, is_order_side).variable("DATABASE_URL", database(env, is_order_side));
    let done = how.iter().fold(launch, |launch, flag| launch.arg(*flag)).to_its_end().await;
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), said)
}

/// The same, until it is done. Kafka remembers for a while who was in the group.
async fn recalls(env: &Env, is_order_side: bool, how: &[&str]) -> String {
    eventually("what was lost is dealt with", PATIENCE, async || {
        let (well, said) = tries_to_recall(env, is_order_side, how).await;
        if well { Ok(said) } else { Err(said) }
    })
    .await
}

fn launch(env: &Env, is_order_side: bool) -> Launch<'_> {
    if is_order_side { env.order_service() } else { env.delivery_service() }
}

/// What operators did at this side: who, what, to what, why, and how much had been lost.
async fn acts(env: &Env, is_order_side: bool) -> Vec<(String, String, String, String, Value)> {
    let pool = env.pool(database(env, is_order_side));
    let acts = sqlx::query_as("select who, action, target, reason, detail from operator_actions order by id");
    acts.fetch_all(&pool).await.expect("the table can be read")
}

/// The act that a recall leaves, where so many orders had lost something.
fn recalled(is_order_side: bool, lost: usize) -> (String, String, String, String, Value) {
    let service = if is_order_side { "order-service" } else { "delivery-service" };
    let words = ["ada", "recall", service, "the disk is gone"].map(str::to_owned);
    let [who, action, target, reason] = words;
    (who, action, target, reason, json!({ "lost_orders": lost }))
}

async fn starts_again(pair: &mut Pair, is_order_side: bool) {
    side(pair, is_order_side).restart().await.expect("it starts");
    side(pair, is_order_side).wait_ready(PATIENCE).await.expect("it becomes ready");
}

/// With this each runbook ends.
async fn verifies(pair: &Pair) {
    pair.settles().await;
    let report = verify(&pair.env, PATIENT).await;
    assert!(report.holds() && report.topics.is_some(), "{report}");
}

fn database(env: &Env, is_order_side: bool) -> &str {
    if is_order_side { env.orders_database() } else { env.deliveries_database() }
}

/// The runbook, for either side.
async fn one_database_is_restored(name: &str, is_order_side: bool) {
    let (mut pair, shop) = pair_apart(name).await;
    let before = [confirmed(&shop).await, confirmed(&shop).await, confirmed(&shop).await];
    pair.settles().await;
    let url = database(&pair.env, is_order_side).to_owned();
    side(&mut pair, is_order_side).terminate(PATIENCE).await.expect("it stops");
    copies(&pair.env, &url).await;
    starts_again(&mut pair, is_order_side).await;

    let new = goes_on(&shop, &before).await;
    pair.settles().await;
    let orders = rows(pair.env.orders_database(), ORDERS).await;
    let deliveries = rows(pair.env.deliveries_database(), DELIVERIES).await;

    side(&mut pair, is_order_side).terminate(PATIENCE).await.expect("it stops");
    restores(&pair.env, &url).await;
    let lost = new + if is_order_side { 1 } else { 2 };
    let listed = recalls(&pair.env, is_order_side, LIST).await;
    assert_eq!(listed.matches("order 0").count(), lost, "{listed}");
    let (well, said) = tries_to_recall(&pair.env, is_order_side, &APPLY[..2]).await;
    assert!(!well && said.contains("--recall-reason"), "whoever does not say why is not heard: {said}");
    assert_eq!(acts(&pair.env, is_order_side).await, []);
    let applied = recalls(&pair.env, is_order_side, APPLY).await;
    assert!(applied.contains("orders were rebuilt"), "{applied}");
    assert_eq!(acts(&pair.env, is_order_side).await, [recalled(is_order_side, lost)]);
    let nothing = recalls(&pair.env, is_order_side, LIST).await;
    assert!(nothing.contains(": 0 orders are not known"), "{nothing}");
    starts_again(&mut pair, is_order_side).await;

    // What the other side has said since comes again by itself.
    eventually("all is as it was", PATIENCE, async || {
        let now =
            (rows(pair.env.orders_database(), ORDERS).await, rows(pair.env.deliveries_database(), DELIVERIES).await);
        if now == (orders.clone(), deliveries.clone()) { Ok(()) } else { Err(format!("{now:#?}")) }
    })
    .await;
    verifies(&pair).await;
    confirmed(&pair.shop()).await;
    pair.settles().await;
}

fn side(pair: &mut Pair, is_order_side: bool) -> &mut tests::Service {
    if is_order_side { &mut pair.orders } else { &mut pair.deliveries }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_sides_database_is_restored_from_an_older_copy() {
    one_database_is_restored("restoredorders", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivery_sides_database_is_restored_from_an_older_copy() {
    one_database_is_restored("restoreddeliveries", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_loses_everything_it_had() {
    let (mut pair, shop) = pair_apart("brokerlost").await;
    let before = [confirmed(&shop).await, confirmed(&shop).await, confirmed(&shop).await];
    goes_on(&shop, &before).await;
    // What nobody has read is lost with it.
    let operator = Operator::of(&pair.deliveries);
    operator.pauses("topic", "orders", 3_600).await;
    let unread = places(&shop, &order_for("Ada Lovelace")).await;
    let (orders, _) = pair.pools();
    super::all_is_sent(&orders).await;
    for service in [&mut pair.orders, &mut pair.deliveries] {
        service.terminate(PATIENCE).await.expect("it stops");
    }
    pair.env.broker().await.lose_everything().await.expect("it loses everything");
    for service in [&mut pair.orders, &mut pair.deliveries] {
        service.restart().await.expect("it starts");
        service.wait_ready(PATIENCE).await.expect("it becomes ready");
    }
    let pause = operator.get("/pauses?in_force=true").await["items"][0]["id"].clone();
    operator.ends_pause(pause.as_str().expect("an id")).await;

    // Both sides say again whatever they have said; what has arrived before is a repeat.
    let reason = json!({ "since": "2020-01-01T00:00:00Z", "reason": "the broker has lost its data" });
    for operator in [Operator::of(&pair.orders), operator] {
        operator.does("/republications", &reason).await;
    }
    becomes(&shop, &unread, "confirmed").await;
    verifies(&pair).await;
    let read = pair.env.read(shared_events::Topic::Orders).await;
    assert!(read.len() >= 11, "{} events are in the topic again", read.len());
}
