//! Somebody asks for days before they order, and gets the one they choose.

use serde_json::{Value, json};

use super::story::Story;

/// What a parcel with one piece weighs.
const ONE_PIECE_G: i64 = 500;

impl Story {
    async fn quoted(&self, limit: usize) -> Vec<Value> {
        let quote = self.shop.options(&self.postal_code, ONE_PIECE_G, limit).await.expect("there is an answer");
        assert_eq!((&quote["zone"], &quote["reason"]), (&json!(self.zone), &json!(null)), "{quote}");
        quote["options"].as_array().expect("a list").clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_quoted_day_can_be_had_and_is_no_longer_quoted_once_it_is_full() {
    let story = Story::begins(1).await;
    let quoted = story.quoted(4).await;
    assert_eq!((quoted.len(), story.quoted(14).await.len()), (4, 14));
    // The last first: what is taken is the day that was wished, not the earliest.
    for slot in quoted.iter().rev() {
        let mut order = story.order(1);
        order["slot"] = slot["date"].clone();
        let id = story.places(&order).await;
        let order = story.becomes(&id, "confirmed").await;
        assert_eq!(&order["delivery"]["slot"], slot);
        assert!(!story.quoted(14).await.contains(slot), "{slot} is full");
    }
    let left = story.quoted(14).await;
    assert_eq!(left.len(), 10);
    assert!(left.iter().all(|slot| !quoted.contains(slot)), "{left:?}");
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
