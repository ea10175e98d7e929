//! What no topic tells, because it was put there after the copy was made: `--recall` names it, and goes through once it is there again.

use serde_json::{Value, json};
use tests::{PATIENCE, Pair, Shop, eventually, order_of};

use super::super::{becomes, places};
use super::{
    APPLY, DELIVERIES, ORDERS, acts, copies, database, launch, pair_apart, recalled, recalls, restores, rows, side,
    starts_again, tries_to_recall, verifies,
};

/// What was added.
const ARTICLE: &str = "NEW";
const ZONE: &str = "castle";

async fn adds(shop: &Shop, is_order_side: bool) -> anyhow::Result<()> {
    match is_order_side {
        true => shop.sells(ARTICLE, 5).await,
        false => shop.serves(ZONE, "9", 5).await,
    }
}

/// An order that takes it.
fn order(is_order_side: bool) -> Value {
    if is_order_side { order_of(&[(ARTICLE, 1)], "20457") } else { order_of(&[(super::SKU, 1)], "90402") }
}

/// By an instance that reads nothing meanwhile: on a delivery side that reads, what could not be rebuilt would be decided anew.
async fn adds_where_nothing_is_read(pair: &Pair, is_order_side: bool) {
    let mut alone = launch(&pair.env, is_order_side).without_kafka().spawn().await;
    let shop = match is_order_side {
        true => Shop::new(alone.url(), pair.deliveries.url()),
        false => Shop::new(pair.orders.url(), alone.url()),
    };
    eventually("it is put there", PATIENCE, async || adds(&shop, is_order_side).await).await;
    alone.terminate(PATIENCE).await.expect("it stops");
}

async fn is_named_and_asked_for(name: &str, is_order_side: bool, sentence: &str) {
    let (mut pair, shop) = pair_apart(name).await;
    let url = database(&pair.env, is_order_side).to_owned();
    side(&mut pair, is_order_side).terminate(PATIENCE).await.expect("it stops");
    copies(&pair.env, &url).await;
    starts_again(&mut pair, is_order_side).await;
    adds(&shop, is_order_side).await.expect("it is put there");
    let placed = places(&shop, &order(is_order_side)).await;
    becomes(&shop, &placed, "confirmed").await;
    pair.settles().await;
    let before =
        (rows(pair.env.orders_database(), ORDERS).await, rows(pair.env.deliveries_database(), DELIVERIES).await);
    side(&mut pair, is_order_side).terminate(PATIENCE).await.expect("it stops");
    restores(&pair.env, &url).await;

    let named = format!("order {placed} could not be rebuilt: {sentence}");
    eventually("it is named what has to be put there", PATIENCE, async || {
        let (well, said) = tries_to_recall(&pair.env, is_order_side, APPLY).await;
        if !well && said.contains(&named) { Ok(()) } else { Err(said) }
    })
    .await;
    adds_where_nothing_is_read(&pair, is_order_side).await;
    let applied = recalls(&pair.env, is_order_side, APPLY).await;
    assert!(applied.contains(": 1 orders were rebuilt"), "{applied}");
    assert_eq!(acts(&pair.env, is_order_side).await, [recalled(is_order_side, 1), recalled(is_order_side, 1)]);

    starts_again(&mut pair, is_order_side).await;
    eventually("all is as it was", PATIENCE, async || {
        let now =
            (rows(pair.env.orders_database(), ORDERS).await, rows(pair.env.deliveries_database(), DELIVERIES).await);
        if now == before { Ok(()) } else { Err(json!([now.0, now.1]).to_string()) }
    })
    .await;
    verifies(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_that_the_copy_does_not_have_is_asked_for() {
    is_named_and_asked_for("articlemissing", true, "there are too few pieces of NEW").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_the_copy_does_not_have_is_asked_for() {
    is_named_and_asked_for("zonemissing", false, "there is no zone castle: put it there first").await;
}
