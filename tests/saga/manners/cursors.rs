//! Pages of a list that others change in between: nothing comes twice, and nothing that was there is passed over.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;
use tests::{Env, Pair, Shop, order_of};

use super::{ids, page, pages};

const ORDERS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn no_entry_comes_twice_and_none_is_passed_over_while_others_come_and_change() {
    let pair = Pair::start(Env::new("cursors").await).await;
    let shop = pair.shop();
    shop.sells("A", 1_000_000).await.expect("enough");
    shop.serves("berlin", "1", 1_000_000).await.expect("Berlin is served");
    let mut open = Vec::new();
    for number in 0..ORDERS {
        let order = order_of(&[("A", 1)], if number % 3 == 0 { "99999" } else { "10115" });
        let placed = shop.place_and_wait(30, &order).await.expect("there is an answer");
        if placed.text("/status") == "confirmed" {
            open.push(placed.text("/id"));
        }
    }
    pair.settles().await;

    let lists = [format!("{}/orders", shop.orders), format!("{}/deliveries", shop.deliveries)];
    for list in lists.iter().flat_map(|list| [list.clone(), format!("{list}?status=cancelled,refused")]) {
        // The order side has no `refused`, the delivery side no refusal that is `cancelled`: each is asked for what it has.
        let list = if list.contains("/orders?") { list.replace(",refused", "") } else { list };
        let before: BTreeSet<_> = ids(&pages(&shop, &list, 100).await.expect("the list")).into_iter().collect();
        assert!(before.len() >= 9, "{list}: {before:?}");
        let seen = ids(&read_while_busy(&shop, &list, &mut open).await);
        let different: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(different.len(), seen.len(), "{list}: an entry came twice");
        let passed_over: Vec<_> = before.difference(&different).collect();
        assert!(passed_over.is_empty(), "{list}: {passed_over:?}");
        assert!(seen.is_sorted_by(|newer, older| newer > older), "{list}: {seen:?}");
    }
    pair.settles().await;
}

/// All pages of a list. Between any two of them, orders come and others are cancelled.
async fn read_while_busy(shop: &Shop, list: &str, open: &mut Vec<String>) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(shop, list, 4, &cursor).await.expect("a page");
        entries.extend(page["items"].as_array().expect("it has items").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return entries };
        next.clone_into(&mut cursor);
        let (served, not_served) = (order_of(&[("A", 1)], "10115"), order_of(&[("A", 1)], "99999"));
        let (one, other) = tokio::join!(shop.place_and_wait(30, &served), shop.place_and_wait(30, &not_served));
        let (one, other) = (one.expect("there is an answer"), other.expect("there is an answer"));
        assert_eq!((one.text("/status"), other.text("/status")), ("confirmed".to_owned(), "cancelled".to_owned()));
        // The oldest that is open: an entry of the pages to come.
        open.push(one.text("/id"));
        let cancelled = shop.cancel(&open.remove(0)).await.expect("there is an answer");
        cancelled.require(StatusCode::ACCEPTED).expect("it was confirmed");
    }
}
