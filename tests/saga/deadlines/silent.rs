//! The delivery side is not there for its whole deadline.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{Env, PATIENCE, eventually};

use super::Stage;

const ORDERS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_delivery_service_that_stays_down_are_put_off_cancelled_and_compensated_when_it_returns()
-> Result<()> {
    let env = Env::new("silent").await;
    let patient = env.order_service().start().await;
    let mut stage = Stage::with(env, patient).await;
    // It has spoken before: long ago, as far as the orders to come are concerned.
    let before = stage.places().await;
    stage.becomes(&before, "confirmed").await;
    stage.pair.deliveries.kill().await?;
    stage.pair.orders.kill().await?;
    let impatient = ["--outcome-deadline-ms=300", "--outcome-extensions=2", "--cancellation-deadline-ms=50"];
    let launch = impatient.into_iter().fold(stage.pair.env.order_service(), tests::Launch::arg);
    stage.pair.orders = launch.arg("--sweep-every-ms=20").start().await;
    stage.shop = stage.pair.shop();

    let mut ids = Vec::new();
    for _ in 0..ORDERS {
        ids.push(stage.places().await);
    }
    for id in &ids {
        let order = eventually("somebody has to look", PATIENCE, async || {
            let order = stage.shop.order(id).await?;
            ensure!(order["attention"] == "cancellation_unanswered", "{order}");
            Ok(order)
        })
        .await;
        assert_eq!((&order["status"], &order["payment"]), (&json!("cancelling"), &json!("held")), "never on a guess");
        assert_eq!(order["cancellation"], json!({ "reason": "no_delivery_outcome", "rejected": false }));
        let waits = &order["waiting_for"];
        assert_eq!((&waits["what"], &waits["extended"]), (&json!("cancellation_answer"), &json!(0)));
        assert!(waits["until"].is_string(), "it goes on asking: {order}");
        let history = stage.history(id).await;
        let put_off = ["deadline_extended", "completed"];
        let begins: Vec<_> = history[1..4].iter().map(|(what, status, _)| [what.as_str(), status.as_str()]).collect();
        assert_eq!(begins, [put_off, put_off, ["deadline_passed", "cancelling"]]);
        // On a slow machine the order may not even have gone out at its first deadline.
        let because: Vec<_> = history[1..3].iter().map(|(_, _, cause)| cause.as_str()).collect();
        assert!(because.iter().all(|cause| ["peer_silent", "event_unsent"].contains(cause)), "{because:?}");
        assert!(history.len() >= 4 + 5, "asked six times: {history:?}");
    }
    assert_eq!(stage.order(&before).await["status"], "confirmed", "what is confirmed has a day to wait for");

    stage.pair.deliveries.restart().await?;
    for id in &ids {
        let order = stage.becomes(id, "cancelled").await;
        assert_eq!((&order["payment"], &order["stock"]), (&json!("voided"), &json!("released")));
        assert_eq!((&order["attention"], &order["waiting_for"]), (&json!(null), &json!(null)));
    }
    stage.pair.settles().await;
    assert_eq!(stage.shop.product("A").await?["reserved"], json!(1));
    let extended = "deadlines_extended_total";
    let silent = format!("{extended}{{because=\"peer_silent\"}}");
    let all = stage.shop.counter(&stage.shop.orders, extended).await?;
    let silent = stage.shop.counter(&stage.shop.orders, &silent).await?;
    // A cancellation may wait for its turn to go out as well, and is put off then.
    assert!(all >= 2.0 * ORDERS as f64 && silent > 0.0, "{all}, {silent} of them because nothing was heard");
    Ok(())
}
