//! The orders that are placed: made from a seed, so that two runs place the same.

use std::fmt::Write as _;

use super::dice::{Dice, mixed};

/// How many articles the shop has. An order takes up to three of them.
pub const ARTICLES: u64 = 100;
/// How many zones deliver.
pub const ZONES: u64 = 20;

const MOST_LINES: u64 = 3;
const LARGEST_QUANTITY: u64 = 3;
const CUSTOMERS: u64 = 1_000;

/// An article's name.
pub fn sku(article: u64) -> String {
    format!("ARTICLE-{article:03}")
}

/// The prefix of the postal codes that a zone serves.
pub fn postal_prefix(zone: u64) -> String {
    format!("{:02}", 10 + zone)
}

/// The body of the order with this number.
pub fn body(seed: u64, number: u64) -> String {
    let mut dice = Dice(mixed(seed).wrapping_add(number));
    let (customer, zone, lines) = (dice.below(CUSTOMERS), dice.below(ZONES), 1 + dice.below(MOST_LINES));
    let mut items = String::new();
    let mut taken = Vec::new();
    while taken.len() < usize::try_from(lines).unwrap_or(1) {
        let article = dice.below(ARTICLES);
        if taken.contains(&article) {
            continue;
        }
        taken.push(article);
        let comma = if items.is_empty() { "" } else { "," };
        let quantity = 1 + dice.below(LARGEST_QUANTITY);
        write!(items, r#"{comma}{{"sku":"{}","quantity":{quantity}}}"#, sku(article)).expect("a text takes any text");
    }
    let postal_code = format!("{}{:03}", postal_prefix(zone), dice.below(1_000));
    format!(
        r#"{{"customer_id":"customer-{customer}","currency":"EUR","items":[{items}],"delivery_address":{{"recipient":"Ada Lovelace","line1":"Harbour Street 1","city":"Hamburg","postal_code":"{postal_code}","country":"DE"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_orders_and_another_one_others() {
        assert_eq!(body(1, 7), body(1, 7));
        assert_ne!(body(1, 7), body(1, 8));
        assert_ne!(body(1, 7), body(2, 7));
    }

    #[test]
    fn orders_have_one_to_three_different_articles_and_reach_every_zone() {
        let (mut lines_seen, mut zones, mut articles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for number in 0..5_000 {
            let order: serde_json::Value = serde_json::from_str(&body(1, number)).expect("JSON");
            let items = order["items"].as_array().expect("items");
            let skus: BTreeSet<&str> = items.iter().map(|item| item["sku"].as_str().expect("a sku")).collect();
            assert_eq!(skus.len(), items.len(), "an article twice in {order}");
            lines_seen.insert(items.len());
            articles.extend(skus.iter().map(|sku| (*sku).to_owned()));
            zones.insert(order["delivery_address"]["postal_code"].as_str().expect("a code")[..2].to_owned());
        }
        assert_eq!(lines_seen, BTreeSet::from([1, 2, 3]));
        assert_eq!((zones.len() as u64, articles.len() as u64), (ZONES, ARTICLES));
    }
}
