//! What rests is told to other tools, byte for byte, and stays where it is.

use bytes::Bytes;
use chassis::messaging::{DeadLetters, KafkaSettings};
use shared_events::Topic;
use tests::{Env, PATIENCE, envelope, eventually, fresh_order, golden, record};

use super::{Operator, pair};

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_event_that_rests_goes_to_the_topic_of_dead_letters_once_and_byte_for_byte() {
    let (pair, _) = pair("deadletters").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    let mut broken = record(&pair.env.topic(Topic::Orders), &envelope(fresh_order(), 1, golden("OrderCompleted.v1")));
    broken.payload = Some(Bytes::from_static(b"{\xff not JSON"));
    broken.headers.push(("twice".to_owned(), Some(Bytes::from_static(b"\x00\xfe"))));
    broken.headers.push(("twice".to_owned(), None));
    pair.env.produce(std::slice::from_ref(&broken)).await;
    let parked = operator.sees_parked("undecodable").await;

    let topic = format!("{}delivery-service.dead-letters", pair.env.prefix());
    let settings = pair.env.kafka("tests");
    // It is parked all the same.
    eventually("the dead letter is noted", PATIENCE, async || match &operator.parked("resting").await[..] {
        [one] if one["dead_letter_sent_at"].is_string() => Ok(()),
        others => Err(format!("{others:?}")),
    })
    .await;
    let letters = tests::read_all(&settings, &topic).await;
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((&letter.key, &letter.payload), (&broken.key, &broken.payload));
    assert_eq!(letter.headers[..broken.headers.len()], broken.headers[..]);
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(header, _)| header == name).and_then(|(_, value)| value.clone());
        String::from_utf8(found.expect("the header").to_vec()).expect("text")
    };
    assert_eq!(header("dead-letter-cause"), "undecodable");
    assert_eq!(header("dead-letter-service"), "delivery-service");
    assert_eq!(header("dead-letter-id"), parked["id"].as_str().expect("an id"));
    assert_eq!(header("dead-letter-offset"), parked["offset"].to_string());
    assert!(!header("dead-letter-error").is_empty());

    // A replay that fails again sends no second one.
    let again =
        operator.does("/replays", &serde_json::json!({ "events": [parked["id"]], "reason": "once more" })).await;
    let replayed = operator.starts(&again).await;
    assert_eq!(replayed["outcomes"], serde_json::json!({ "still_failing": 1 }));
    let pointers: i64 =
        sqlx::query_scalar("select count(*) from dead_letters").fetch_one(&deliveries).await.expect("a count");
    assert_eq!((pointers, tests::read_all(&settings, &topic).await.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_used_up_its_tries_rests_and_is_told_of() {
    let (pair, shop) = pair("usedup").await;
    let (_, deliveries) = pair.pools();
    let operator = Operator::of(&pair.deliveries);
    super::breaks(&deliveries, "insert on deliveries").await;
    super::places(&shop, &super::order_for("Ada Lovelace")).await;
    operator.sees_parked("rejected").await;
    assert_eq!(operator.parked("resting").await.len(), 0, "it is still tried");
    let last = "update parked_events set attempts = 7, next_attempt_at = now()";
    sqlx::query(last).execute(&deliveries).await.expect("one try is left");
    let topic = format!("{}delivery-service.dead-letters", pair.env.prefix());
    let settings = pair.env.kafka("tests");
    let resting =
        eventually("the dead letter is noted", PATIENCE, async || match &operator.parked("resting").await[..] {
            [one] if one["dead_letter_sent_at"].is_string() => Ok(one.clone()),
            others => Err(format!("{others:?}")),
        })
        .await;
    assert_eq!(resting["attempts"], 8);
    assert_eq!(tests::read_all(&settings, &topic).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_no_broker_has_acknowledged_is_not_forgotten() {
    let env = Env::new("deadletterunsent").await;
    let pool = env.chassis_tables(env.orders_database()).await;
    let parked = "with parked as (
                      insert into parked_events (id, topic, \"partition\", \"offset\", header_names, header_values, cause, error, parked_at)
                      values (gen_random_uuid(), 'deliveries', 0, 1, '{}', '{}', 'undecodable', 'a test', now()) returning id)
                  insert into dead_letters (parked_id) select id from parked";
    sqlx::query(parked).execute(&pool).await.expect("one rests");
    let away = KafkaSettings { bootstrap_servers: "127.0.0.1:1".to_owned(), ..env.kafka("tests") };
    DeadLetters::new(&away, "order-service", pool.clone()).step().await.expect_err("no broker answers");
    let left = "select (select count(*) from dead_letters), (select count(dead_letter_sent_at) from parked_events)";
    let left: (i64, i64) = sqlx::query_as(left).fetch_one(&pool).await.expect("two numbers");
    assert_eq!(left, (1, 0), "it is still to be sent");
}
