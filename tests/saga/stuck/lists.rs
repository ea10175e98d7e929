//! The lists behind it: in pages, narrowed, and as far as one instance knows.

use anyhow::{Result, ensure};
use http::StatusCode;
use sagactl::{
    services::Side,
    stuck::{Cause, Options},
};
use serde_json::{Value, json};
use tests::{PATIENCE, eventually};

use super::Stage;

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().into_iter().flatten();
    items.map(|item| item["order_id"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_comes_in_pages_the_oldest_first_and_can_be_narrowed() -> Result<()> {
    let stage = Stage::opens("stucklists").await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(stage.places().await);
    }
    for id in &placed {
        stage.becomes(id, "confirmed").await;
    }
    stage.pair.settles().await;
    for address in [&stage.shop.orders, &stage.shop.deliveries] {
        let list = format!("{address}/stuck");
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage.shop.read(&format!("{list}?limit=2{cursor}")).await?;
            seen.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, placed, "{list}");
        let two = stage.shop.read(&format!("{list}?order_id={},{}", placed[3], placed[1])).await?;
        assert_eq!(ids(&two), [placed[1].clone(), placed[3].clone()]);
        assert_eq!(ids(&stage.shop.read(&format!("{list}?older_than_s=3600")).await?), Vec::<String>::new());
        assert_eq!(ids(&stage.shop.read(&format!("{list}?older_than_s=0")).await?), placed);
    }
    let options = Options { most: 3, ..Options::default() };
    let report = stage.report(&options).await?;
    assert!(report.notes.iter().any(|note| note.contains("--most")), "{report}");
    let options = Options { older_than_s: Some(3_600), ..Options::default() };
    assert_eq!(stage.report(&options).await?.to_string(), "Nothing waits.\n");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_are_told_of_each_order_that_is_asked_for_and_of_no_more_than_two_hundred() -> Result<()> {
    let stage = Stage::opens("stucklanes").await;
    let id = stage.places().await;
    stage.becomes(&id, "confirmed").await;
    let stranger = uuid::Uuid::now_v7();
    for address in [&stage.shop.orders, &stage.shop.deliveries] {
        let lanes = stage.shop.read(&format!("{address}/lanes?order_id={stranger},{id}")).await?;
        let blank = json!({ "order_id": stranger, "announced": [], "seen": null, "parked": [], "held": [] });
        assert_eq!(lanes["items"][0], blank);
        assert_eq!((&lanes["items"][1]["order_id"], &lanes["items"][1]["seen"]), (&json!(id), &json!(1)));
        let most: Vec<_> = (0..200).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        let lanes = stage.shop.read(&format!("{address}/lanes?order_id={}", most.join(","))).await?;
        assert_eq!(ids(&lanes), most);
        let too_many = format!("{address}/lanes?order_id={},{id}", most.join(","));
        let reply = tests::Reply::to(reqwest::Client::new().get(too_many)).await?;
        assert!(reply.is_problem(StatusCode::BAD_REQUEST, "invalid_query"), "{reply:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_tells_how_far_it_has_come_and_knows_of_its_own_partitions_only() -> Result<()> {
    let stage = Stage::opens("consumerview").await;
    let id = stage.places().await;
    stage.becomes(&id, "confirmed").await;
    let consumer = eventually("it has read all there is", PATIENCE, async || {
        let consumer = stage.shop.read(&format!("{}/consumer", stage.shop.deliveries)).await?;
        let partitions = consumer["partitions"].as_array().cloned().unwrap_or_default();
        ensure!(partitions.len() == 3 && partitions.iter().all(|one| one["lag"] == json!(0)), "{consumer}");
        ensure!(consumer["relay"]["acknowledged_at"].is_string(), "{consumer}");
        anyhow::Ok(consumer)
    })
    .await;
    let prefix = stage.pair.env.prefix();
    let told = ["topic", "group", "instance", "paused", "partitions_of_topic"].map(|name| consumer[name].clone());
    let (topic, group) = (format!("{prefix}orders"), format!("{prefix}delivery-service"));
    assert_eq!(told, [json!(topic), json!(group), json!("delivery-service-1"), json!(false), json!(3)]);
    assert_eq!((&consumer["relay"]["standing"], &consumer["relay"]["in_flight"]), (&json!("leading"), &json!(0)));
    let partitions = consumer["partitions"].as_array().expect("a list");
    let applied: i64 = partitions.iter().filter_map(|one| one["position"].as_i64()).sum();
    assert_eq!(applied, 1, "{consumer}");

    let second = stage.pair.env.delivery_service().instance("delivery-service-2").start().await;
    let standing_by = stage.shop.read(&format!("{}/consumer", second.url())).await?;
    assert_eq!(standing_by["relay"]["standing"], json!("standing_by"), "{standing_by}");
    eventually("they have shared the partitions", PATIENCE, async || {
        let one = stage.shop.read(&format!("{}/consumer", stage.shop.deliveries)).await?;
        let other = stage.shop.read(&format!("{}/consumer", second.url())).await?;
        let counts = [one, other].map(|view| view["partitions"].as_array().map_or(0, Vec::len));
        ensure!(counts.iter().sum::<usize>() == 3 && !counts.contains(&0), "{counts:?}");
        anyhow::Ok(())
    })
    .await;
    let report = stage.report(&Options::default()).await?;
    assert!(report.notes.iter().any(|note| note.contains("partitions: say --kafka")), "{report}");
    let kafka = Some(stage.pair.env.kafka("sagactl"));
    let report = stage.report(&Options { kafka, ..Options::default() }).await?;
    assert!(report.notes.is_empty(), "{report}");
    stage.is_named(&id, Cause::DeadlineNotReached, Side::OrderService).await;
    Ok(())
}
