//! Every rule with every scope: who may, may; who may not changes nothing.

use chassis::access::{OPERATOR_RULES, Rule, Scope};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Env, Keys, Pair, Reply, Shop};

use super::EVERYTHING;
use crate::{
    bad_input::{self, Known, Side, address_of, snapshot, writes},
    routes::{self, Route},
};

/// One method of one route.
struct Use<'a> {
    route: &'a Route,
    method: Method,
    url: String,
    /// What would change something, where anything would.
    good: Option<Value>,
}

fn uses<'a>(routes: &'a [Route], known: &Known, addresses: &[String; 2]) -> Vec<Use<'a>> {
    let writes = writes(known);
    let uses = routes.iter().filter(|route| !route.is_a_probe()).flat_map(|route| {
        let path = route.path(known);
        let (writes, url) = (&writes, format!("{}{path}", address_of(addresses, route.side)));
        route.methods.iter().map(move |method| {
            let good = writes.iter().find(|(_, write, its_path, _)| write == method && *its_path == path);
            let good = good.map(|(_, _, _, body)| body.clone());
            assert!(good.is_some() || method == "GET", "no good body for {method} {path}");
            Use { route, method: method.parse().expect("a method"), url: url.clone(), good }
        })
    });
    uses.collect()
}

/// Who may, by the table.
fn rule(side: Side, method: &Method, route: &str) -> Rule {
    let of_service = match side {
        Side::Orders => order_service::http::RULES,
        Side::Deliveries => delivery_service::http::RULES,
    };
    let rule = of_service
        .iter()
        .chain(OPERATOR_RULES.iter().copied().flatten())
        .find(|rule| rule.method == method && rule.path == route);
    *rule.unwrap_or_else(|| panic!("{method} {route} has no rule"))
}

async fn ask(shop: &Shop, what: &Use<'_>, body: Option<&Value>) -> Reply {
    let request = shop.request(what.method.clone(), &what.url);
    let request = if let Some(body) = body { request.json(body) } else { request };
    Reply::to(request).await.expect("there is an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_for_those_whom_its_rule_names_and_nobody_else() {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("scopes").await, &keys).await;
    let shop = pair.shop();
    let known = bad_input::known(&pair, &shop.with_token(&keys.token("all", EVERYTHING))).await;
    let (orders, deliveries) = pair.pools();
    let before = [snapshot::of(&orders).await, snapshot::of(&deliveries).await];

    let (routes, addresses) = (routes::all(), [pair.orders.url(), pair.deliveries.url()]);
    let uses = uses(&routes, &known, &addresses);
    assert!(uses.len() > 25, "only {}", uses.len());
    for scope in Scope::ALL {
        // Of nobody's order, and of nobody's parcel: what is not theirs is not there for some of them.
        let somebody = shop.with_token(&keys.token("somebody", scope.name()));
        for what in &uses {
            let (name, method) = (scope.name(), &what.method);
            if rule(what.route.side, method, &what.route.pattern).scopes.has(scope) {
                // Nothing that could be carried out, so that one does not change what the next one sees.
                let wrong = what.good.as_ref().map(|_| json!({ "colour": "red" }));
                let reply = ask(&somebody, what, wrong.as_ref()).await;
                let is_past_the_door = if what.good.is_some() {
                    reply.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields")
                } else {
                    [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST].contains(&reply.status)
                };
                assert!(is_past_the_door, "{name} {method} {}: {reply:?}", what.url);
            } else {
                let reply = ask(&somebody, what, what.good.as_ref()).await;
                assert!(
                    reply.is_problem(StatusCode::FORBIDDEN, "forbidden"),
                    "{name} {method} {}: {reply:?}",
                    what.url
                );
            }
        }
    }
    for what in &uses {
        let reply = ask(&shop, what, what.good.as_ref()).await;
        assert!(super::is_refused(&reply, "missing"), "nobody {} {}: {reply:?}", what.method, what.url);
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    assert_eq!(before, [snapshot::of(&orders).await, snapshot::of(&deliveries).await]);
    assert_eq!(
        tests::Reply::to(shop.request(Method::OPTIONS, &uses[0].url)).await.expect("an answer").status,
        StatusCode::NO_CONTENT
    );
    for address in addresses {
        for probe in ["/health/live", "/health/ready", "/metrics"] {
            assert_eq!(
                super::get(&shop, &format!("{address}{probe}")).await.status,
                StatusCode::OK,
                "{address}{probe}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_orders_and_cancels_for_themselves_only() {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("own orders").await, &keys).await;
    let shop = pair.shop();
    bad_input::known(&pair, &shop.with_token(&keys.token("all", EVERYTHING))).await;
    let (ada, staff) = (shop.with_token(&keys.token("ada", "customer")), shop.with_token(&keys.token("sue", "staff")));
    let order = |customer: &str| {
        let mut order = tests::order_of(&[("LAMP", 1)], "10115");
        order["customer_id"] = json!(customer);
        order
    };
    let refused = ada.place(&order("bob")).await.expect("an answer");
    assert!(refused.is_problem(StatusCode::FORBIDDEN, "forbidden"), "{refused:?}");
    let own = ada.place(&order("ada")).await.expect("an answer");
    assert_eq!(own.status, StatusCode::CREATED, "{own:?}");
    let for_another = staff.place(&order("bob")).await.expect("an answer");
    assert_eq!(for_another.status, StatusCode::CREATED, "{for_another:?}");

    let cancel = async |shop: &Shop, id: &str, body: Value| {
        Reply::to(shop.order_request(&format!("/orders/{id}/cancellation"), &body)).await.expect("an answer")
    };
    let (own, foreign) = (own.text("/id"), for_another.text("/id"));
    let as_operator = cancel(&ada, &own, json!({ "by": "operator" })).await;
    assert!(as_operator.is_problem(StatusCode::FORBIDDEN, "forbidden"), "{as_operator:?}");
    let not_there = cancel(&ada, &foreign, json!({})).await;
    assert!(not_there.is_problem(StatusCode::NOT_FOUND, "not_found"), "{not_there:?}");
    assert!(cancel(&ada, &own, json!({})).await.status.is_success());
    assert!(cancel(&staff, &foreign, json!({ "by": "operator", "reason": "a mistake" })).await.status.is_success());
    pair.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_works_on_their_own_parcels_only() {
    let keys = Keys::fresh();
    let pair = Pair::start_guarded(Env::new("own jobs").await, &keys).await;
    let shop = pair.shop();
    let staff = shop.with_token(&keys.token("all", EVERYTHING));
    let known = bad_input::known(&pair, &staff).await;
    let (max, eve) = (shop.with_token(&keys.token("max", "courier")), shop.with_token(&keys.token("eve", "courier")));
    let mine = format!("{}/deliveries/{}", pair.deliveries.url(), known.delivery);
    assert_eq!(super::get(&max, &mine).await.text("/id"), known.delivery);
    assert!(super::get(&eve, &mine).await.is_problem(StatusCode::NOT_FOUND, "not_found"));

    let steps = [
        ("dispatch", json!({})),
        ("attempts", json!({ "number": 1 })),
        ("failure", json!({ "reason": "lost" })),
        ("completion", json!({ "received_by": "Ada" })),
    ];
    for (command, body) in &steps {
        let refused = eve.staff(&known.delivery, command, body).await.expect("an answer");
        assert!(refused.is_problem(StatusCode::NOT_FOUND, "not_found"), "{command}: {refused:?}");
    }
    for (command, body) in steps.iter().filter(|(command, _)| *command != "failure") {
        let done = max.staff(&known.delivery, command, body).await.expect("an answer");
        assert_eq!(done.status, StatusCode::OK, "{command}: {done:?}");
    }
    // Told again when it is over, it is the same: the parcel is still theirs.
    let again = max.staff(&known.delivery, "completion", &steps[3].1).await.expect("an answer");
    assert_eq!(again.text("/status"), "delivered", "{again:?}");
    let taken = max.staff(&known.delivery, "courier", &json!({ "courier_id": "max" })).await.expect("an answer");
    assert!(taken.is_problem(StatusCode::FORBIDDEN, "forbidden"), "nobody takes parcels by themselves: {taken:?}");
    pair.settles().await;
}
