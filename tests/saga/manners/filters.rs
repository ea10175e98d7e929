//! Lists narrowed to what is asked for: each is what remains of the whole list.

use chrono::{DateTime, Duration, SecondsFormat, SubsecRound, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use tests::{Env, Pair, Shop, order_of};
use uuid::Uuid;

use super::{ids, pages};

/// A filter as it is asked for, and what it lets through.
type Filter = (String, Box<dyn Fn(&Value) -> bool>);

fn filter(query: impl Into<String>, keeps: impl Fn(&Value) -> bool + 'static) -> Filter {
    (query.into(), Box::new(keeps))
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_deliveries_are_narrowed_by_status_period_attention_and_whose_they_are() {
    let pair = Pair::start(Env::new("narrowed").await).await;
    let shop = pair.shop();
    let placed = orders_of_all_kinds(&pair, &shop).await;
    let (orders, deliveries) = (format!("{}/orders", shop.orders), format!("{}/deliveries", shop.deliveries));

    let all = pages(&shop, &orders, 100).await.expect("all orders");
    assert_eq!(all.len(), placed.len());
    let mut filters = common_filters(&all, &["completed", "confirmed", "in_delivery", "cancelled", "returned"]);
    filters.push(filter("customer_id=ada", |order| order["customer_id"] == "ada"));
    filters.push(filter("customer_id=nobody", |_| false));
    check(&shop, &orders, &all, &filters).await;

    let all = pages(&shop, &deliveries, 100).await.expect("all deliveries");
    assert_eq!(all.len(), placed.len());
    let mut filters = common_filters(&all, &["scheduled", "dispatched", "refused", "cancelled", "failed"]);
    let order = placed[0].clone();
    filters.push(filter(format!("order_id={order}"), move |delivery| delivery["order_id"] == order));
    filters.push(filter(format!("order_id={}", Uuid::now_v7()), |_| false));
    check(&shop, &deliveries, &all, &filters).await;
}

/// Confirmed, in delivery and late, refused, cancelled by the customer; by two customers. Their ids, the oldest first.
async fn orders_of_all_kinds(pair: &Pair, shop: &Shop) -> Vec<String> {
    shop.sells("A", 1_000).await.expect("1,000 pieces");
    shop.serves("berlin", "1", 1_000).await.expect("Berlin is served");
    shop.employs("max", 1_000).await.expect("Max works");
    let mut placed = Vec::new();
    for number in 0..24 {
        let mut order = order_of(&[("A", 1)], if number % 4 == 1 { "99999" } else { "10115" });
        order["customer_id"] = json!(if number % 3 == 0 { "ada" } else { "bob" });
        let order = shop.place_and_wait(30, &order).await.expect("there is an answer").text("/id");
        if number % 4 == 2 {
            shop.cancel(&order).await.expect("there is an answer").require(StatusCode::ACCEPTED).expect("in time");
        }
        if number % 4 == 3 {
            let delivery = shop.delivery_of(&order).await.expect("there is an answer").expect("there is one");
            let delivery = delivery["id"].as_str().expect("it has an id");
            for (command, body) in [("courier", json!({ "courier_id": "max" })), ("dispatch", json!({}))] {
                let done = shop.staff(delivery, command, &body).await.expect("there is an answer");
                done.require(StatusCode::OK).expect("it is done");
            }
        }
        placed.push(order);
    }
    pair.settles().await;
    // As a sweep leaves them whose time is up.
    let (orders, deliveries) = pair.pools();
    flag(&orders, "orders", "in_delivery", "late_delivery", 3).await;
    flag(&orders, "orders", "confirmed", "late_dispatch", 2).await;
    flag(&deliveries, "deliveries", "dispatched", "late_delivery", 3).await;
    flag(&deliveries, "deliveries", "scheduled", "late_dispatch", 2).await;
    placed
}

async fn flag(pool: &PgPool, table: &str, status: &str, cause: &str, count: u64) {
    let flagged = format!(
        "update {table} set attention = '{cause}', deadline_at = null
         where id in (select id from {table} where status = '{status}' order by id limit {count})"
    );
    let flagged = sqlx::query(sqlx::AssertSqlSafe(flagged)).execute(pool).await.expect("they are flagged");
    assert_eq!(flagged.rows_affected(), count, "{table} {status}");
}

/// What orders and deliveries have in common, alone and together.
fn common_filters(all: &[Value], statuses: &[&'static str]) -> Vec<Filter> {
    let mut filters = vec![filter("", |_| true)];
    for status in statuses.iter().copied() {
        filters.push(filter(format!("status={status}"), move |entry| entry["status"] == status));
    }
    let (first, second) = (statuses[1], statuses[3]);
    let either = move |entry: &Value| entry["status"] == first || entry["status"] == second;
    filters.push(filter(format!("status={first},{second},{first}"), either));
    filters.push(filter("attention=true", |entry| !entry["attention"].is_null()));
    filters.push(filter("attention=false", |entry| entry["attention"].is_null()));
    for cause in ["late_dispatch", "late_delivery"] {
        filters.push(filter(format!("attention={cause}"), move |entry| entry["attention"] == cause));
    }
    let middle = just_before(&all[all.len() / 2]);
    let at = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    filters.push(filter(format!("from={}", at(middle)), move |entry| made_at(entry) >= middle));
    filters.push(filter(format!("until={}", at(middle)), move |entry| made_at(entry) < middle));
    let early = just_before(&all[all.len() * 3 / 4]);
    let between = move |entry: &Value| (early..middle).contains(&made_at(entry));
    filters.push(filter(format!("from={}&until={}", at(early), at(middle)), between));
    let tomorrow = (middle + Duration::days(1)).date_naive();
    filters.push(filter(format!("from={tomorrow}"), |_| false));
    filters.push(filter(format!("from=2026-01-01&until={}", tomorrow + Duration::days(1)), |_| true));
    let flagged_and_between = move |entry: &Value| made_at(entry) < middle && !entry["attention"].is_null();
    filters.push(filter(format!("until={}&attention=true", at(middle)), flagged_and_between));
    let late = move |entry: &Value| entry["status"] == first && entry["attention"] == "late_delivery";
    filters.push(filter(format!("status={first}&attention=late_delivery"), late));
    filters
}

/// When its history begins.
fn made_at(entry: &Value) -> DateTime<Utc> {
    entry["transitions"][0]["at"].as_str().expect("a moment").parse().expect("a moment")
}

/// A moment after the one made before this, which is some time ago. The clock is read once for its id, by which it is listed, and
/// once for its history: two milliseconds are more than lie between.
fn just_before(entry: &Value) -> DateTime<Utc> {
    (made_at(entry) - Duration::milliseconds(2)).trunc_subsecs(3)
}

/// Each filter keeps what it should and the order it was in, in pages of two and at once.
async fn check(shop: &Shop, list: &str, all: &[Value], filters: &[Filter]) {
    let mut kept = 0;
    for (query, keeps) in filters {
        let expected: Vec<_> = all.iter().filter(|entry| keeps(entry)).cloned().collect();
        for limit in [2, 100] {
            let found = pages(shop, &format!("{list}?{query}"), limit).await.expect("a list");
            assert_eq!(ids(&found), ids(&expected), "{list}?{query} in pages of {limit}");
        }
        kept += usize::from(!expected.is_empty());
    }
    assert!(kept > 12, "only {kept} filters keep anything of {all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn products_zones_and_couriers_are_listed_by_name_and_narrowed_by_what_they_have() {
    let pair = Pair::start(Env::new("named lists").await).await;
    let shop = pair.shop();
    for (name, pieces) in [("c", 0), ("B", 1), ("a-1", 0), ("a.1", 2)] {
        shop.put_product(name, 100).await.expect("there is an answer").require(StatusCode::CREATED).expect("put");
        if pieces > 0 {
            shop.receive(name, pieces).await.expect("there is an answer").require(StatusCode::OK).expect("received");
        }
        shop.employs(name, pieces).await.expect("employed");
        shop.serves(name, &format!("{pieces}"), 1).await.expect("served");
    }
    let named = async |list: String| ids(&pages(&shop, &list, 1).await.expect("a list"));
    let products = named(format!("{}/products", shop.orders)).await;
    assert_eq!(products, ["B", "a-1", "a.1", "c"]);
    for (query, expected) in [("available=true", ["B", "a.1"]), ("available=false", ["a-1", "c"])] {
        assert_eq!(named(format!("{}/products?{query}", shop.orders)).await, expected, "{query}");
    }
    for list in ["zones", "couriers"] {
        let mut found = named(format!("{}/{list}", shop.deliveries)).await;
        found.sort_unstable();
        assert_eq!(found, products, "{list}");
    }
    for (query, expected) in [
        ("couriers?has_room=true", vec!["B", "a.1"]),
        ("couriers?has_room=false", vec!["a-1", "c"]),
        ("zones?country=DE", vec!["B", "a-1", "a.1", "c"]),
        ("zones?country=AT", vec![]),
    ] {
        let mut found = named(format!("{}/{query}", shop.deliveries)).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    let zones = pages(&shop, &format!("{}/zones", shop.deliveries), 100).await.expect("zones");
    let zone = zones.iter().find(|zone| zone["id"] == "a.1").expect("the zone");
    assert_eq!((&zone["prefixes"], &zone["capacity_per_day"]), (&json!(["2"]), &json!(1)));
}
