//! What is another's is not there: not a byte of it, over any route, in any manner of asking.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{Env, Keys, Pair, Reply, Shop};

use super::{EVERYTHING, get};
use crate::{
    bad_input::{self, Known, Side, address_of, snapshot, writes},
    routes,
};

/// What is bob's. None of it stands in anything that is for everybody.
const STREET: &str = "Verschwiegene Gasse 7";
const RECIPIENT: &str = "Robert Heimlich";

/// An order of bob's that goes to a place nobody should hear of, confirmed, and with a courier.
async fn of_bob(pair: &Pair, all: &Shop) -> Result<Known> {
    let mut known = bad_input::known(pair, all).await;
    let mut order = tests::order_of(&[("LAMP", 1)], "10115");
    order["customer_id"] = json!("bob");
    order["delivery_address"]["line1"] = json!(STREET);
    order["delivery_address"]["recipient"] = json!(RECIPIENT);
    let placed = Reply::to(all.order_request("/orders", &order).header("prefer", "wait=30")).await?;
    assert_eq!(placed.text("/status"), "confirmed", "{placed:?}");
    known.order = placed.text("/id");
    let delivery = all.delivery_of(&known.order).await?.expect("there is a delivery");
    known.delivery = delivery["id"].as_str().expect("it has an id").to_owned();
    let assigned = all.staff(&known.delivery, "courier", &json!({ "courier_id": "max" })).await?;
    assert!(assigned.status.is_success(), "{assigned:?}");
    pair.settles().await;
    Ok(known)
}

/// Where something of bob's stands in an answer, headers and all.
fn leaks(reply: &Reply, known: &Known) -> Vec<String> {
    let headers: String =
        reply.headers.values().map(|value| format!("{}\n", String::from_utf8_lossy(value.as_bytes()))).collect();
    let said = headers + &String::from_utf8_lossy(&reply.body);
    let secrets = [&known.order, &known.delivery, STREET, RECIPIENT, "bob"];
    secrets.into_iter().filter(|secret| said.contains(*secret)).map(|secret| (*secret).to_owned()).collect()
}

/// Everything that can be asked about it: every route with every method, with a body that would be taken and without one, and every list
/// with everything that it can be narrowed by.
fn questions(known: &Known, addresses: &[String; 2]) -> Vec<(Method, String, Option<Value>)> {
    let mut questions = Vec::new();
    for route in routes::all() {
        let url = format!("{}{}", address_of(addresses, route.side), route.path(known));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let method: Method = method.parse().expect("a method");
            questions.push((method.clone(), url.clone(), None));
            questions.push((method, url.clone(), Some(json!({}))));
        }
    }
    for (side, method, path, body) in writes(known) {
        questions.push((
            method.parse().expect("a method"),
            format!("{}{path}", address_of(addresses, side)),
            Some(body),
        ));
    }
    let (orders, deliveries) = (address_of(addresses, Side::Orders), address_of(addresses, Side::Deliveries));
    let lists = [
        format!("{orders}/orders?customer_id=bob"),
        format!("{orders}/orders?limit=100"),
        format!("{orders}/orders?status=confirmed"),
        format!("{orders}/orders?from=2020-01-01&until=2999-01-01"),
        format!("{orders}/orders?attention=false"),
        format!("{orders}/orders?cursor=ffffffff-ffff-ffff-ffff-ffffffffffff"),
        format!("{deliveries}/deliveries?order_id={}", known.order),
        format!("{deliveries}/deliveries?status=scheduled&limit=100"),
        format!("{deliveries}/delivery-options?postal_code=10115&country=DE&weight_g=1"),
    ];
    questions.extend(lists.map(|url| (Method::GET, url, None)));
    questions
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_byte_of_what_is_anothers_over_any_route() -> Result<()> {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("foreign").await, &keys).await;
    let shop = pair.shop();
    let all = shop.with_token(&keys.token("all", EVERYTHING));
    let known = of_bob(&pair, &all).await?;
    let addresses = [pair.orders.url(), pair.deliveries.url()];
    let (order_url, delivery_url) =
        (format!("{}/orders/{}", addresses[0], known.order), format!("{}/deliveries/{}", addresses[1], known.delivery));
    // The test can see what it looks for: staff are shown all of it, and bob his order.
    assert_eq!(leaks(&get(&all, &delivery_url).await, &known).len(), 4);
    let bob = shop.with_token(&keys.token("bob", "customer"));
    assert_eq!(leaks(&get(&bob, &order_url).await, &known).len(), 5);
    let listed = get(&bob, &format!("{}/orders", addresses[0])).await;
    assert_eq!(listed.json()["items"].as_array().map(Vec::len), Some(1));

    let (orders, deliveries) = pair.pools();
    let before = [snapshot::of(&orders).await, snapshot::of(&deliveries).await];
    let questions = questions(&known, &addresses);
    assert!(questions.len() > 400, "only {}", questions.len());
    // Neither has anything of their own: nothing that they ask for can be carried out.
    for (name, scopes) in [("ada", "customer"), ("eve", "courier"), ("ada", "customer courier")] {
        let stranger = shop.with_token(&keys.token(name, scopes));
        for (method, url, body) in &questions {
            let request = stranger.request(method.clone(), url).header("idempotency-key", "bobs");
            let request = if let Some(body) = body { request.json(body) } else { request };
            let reply = Reply::to(request).await?;
            assert_eq!(leaks(&reply, &known), Vec::<String>::new(), "{scopes} {method} {url}: {reply:?}");
        }
    }
    assert_eq!(before, [snapshot::of(&orders).await, snapshot::of(&deliveries).await]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_kept_is_for_whoever_got_it() -> Result<()> {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("kept answers").await, &keys).await;
    let shop = pair.shop();
    let all = shop.with_token(&keys.token("all", EVERYTHING));
    bad_input::known(&pair, &all).await;
    let order = |customer: &str| {
        let mut order = tests::order_of(&[("LAMP", 1)], "10115");
        order["customer_id"] = json!(customer);
        order
    };
    let mut placed = Vec::new();
    for customer in ["ada", "bob"] {
        let own = shop.with_token(&keys.token(customer, "customer"));
        let [first, second] =
            [own.place_once("k", &order(customer)).await?, own.place_once("k", &order(customer)).await?];
        assert_eq!((first.status.as_u16(), first.text("/customer_id").as_str()), (201, customer), "{first:?}");
        assert_eq!(first.body, second.body);
        placed.push(first.text("/id"));
    }
    assert_ne!(placed[0], placed[1]);
    // Staff cancel bob's order; ada, who is staff elsewhere, asks as a customer what a member of staff of her name has asked.
    let cancel = |shop: &Shop| {
        let path = format!("/orders/{}/cancellation", placed[1]);
        Reply::to(shop.order_request(&path, &json!({})).header("idempotency-key", "c"))
    };
    let cancelled = cancel(&shop.with_token(&keys.token("ada", "staff"))).await?;
    assert_eq!(cancelled.text("/id"), placed[1], "{cancelled:?}");
    let as_customer = cancel(&shop.with_token(&keys.token("ada", "customer"))).await?;
    assert!(as_customer.is_problem(http::StatusCode::NOT_FOUND, "not_found"), "{as_customer:?}");
    pair.settles().await;
    Ok(())
}
