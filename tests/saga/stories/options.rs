//! Somebody asks for days before they order, and gets the one they choose.

use serde_json::json;

use super::story::{ONE_PIECE_G, Story, on_one_day};

#[tokio::test(flavor = "multi_thread")]
async fn every_quoted_day_can_be_had_and_is_no_longer_quoted_once_it_is_full() {
    on_one_day(async || {
        let story = Story::begins(1).await;
        let quoted = story.quoted(4).await;
        assert_eq!((quoted.len(), story.quoted(14).await.len()), (4, 14));
        // The last first: what is taken is the day that was wished, not the earliest.
        for slot in quoted.iter().rev() {
            let id = story.places(&story.order_for(1, slot)).await;
            let order = story.becomes(&id, "confirmed").await;
            assert_eq!(&order["delivery"]["slot"], slot);
            assert!(!story.quoted(14).await.contains(slot), "{slot} is full");
        }
        let left = story.quoted(14).await;
        assert_eq!(left.len(), 10);
        assert!(left.iter().all(|slot| !quoted.contains(slot)), "{left:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_had_the_reason_is_quoted_that_an_order_would_get() {
    let story = Story::begins(1).await;
    let full = Story::begins(0).await;
    for (postal_code, weight_g, zone, reason) in [
        ("99999", ONE_PIECE_G, json!(null), "zone_unserved"),
        ("10?15", ONE_PIECE_G, json!(null), "address_invalid"),
        (&story.postal_code, 30_001, json!(story.zone), "overweight"),
        (&full.postal_code, ONE_PIECE_G, json!(full.zone), "slot_full"),
    ] {
        let quote = story.shop.options(postal_code, weight_g, 5).await.expect("there is an answer");
        assert_eq!(quote, json!({ "zone": zone, "options": [], "reason": reason }));
    }
    let exactly = story.shop.options(&story.postal_code, 30_000, 1).await.expect("there is an answer");
    assert_eq!(exactly["options"].as_array().map(Vec::len), Some(1));
}
