//! What is parked has to be what nobody could read, all of it, and nothing else.

use std::collections::BTreeMap;

use super::Finding;
use crate::archive::{Place, Times};

/// A parked record, and why it is.
pub type Parked = (String, i32, i64, String, String);

/// The places of what is parked against those of the poison.
pub fn only_poison(poison: &BTreeMap<Place, Times>, parked: &[Parked]) -> Finding {
    let mut there: BTreeMap<Place, Vec<&Parked>> = BTreeMap::new();
    for one in parked {
        there.entry((one.0.clone(), one.1, one.2)).or_default().push(one);
    }
    let mut violations = Vec::new();
    for (place, times) in poison {
        let parked = there.remove(place).unwrap_or_default();
        let count = parked.len() as u64;
        if count < times.at_least {
            violations.push(format!("{place:?} is poison, {} times, and parked {count} times", times.at_least));
        } else if count > times.at_most {
            violations.push(format!("{parked:?} is more than the poison there"));
        }
    }
    violations.extend(there.into_values().flatten().map(|one| format!("{one:?} is parked, and no poison")));
    Finding { name: "parked", says: "what nobody can read is parked, all of it, and nothing else", violations }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poison_that_is_not_parked_is_found_and_so_is_what_is_parked_and_no_poison() {
        let place = ("orders".to_owned(), 1, 7);
        let poison = |at_least, at_most| BTreeMap::from([(place.clone(), Times { at_least, at_most })]);
        let parked = |offset| ("orders".to_owned(), 1, offset, "undecodable".to_owned(), String::new());
        let violations = |poison, parked: &[Parked]| only_poison(&poison, parked).violations.len();
        assert_eq!(violations(poison(1, 1), &[parked(7)]), 0);
        assert_eq!(violations(poison(1, 1), &[]), 1);
        assert_eq!(violations(poison(1, 1), &[parked(7), parked(8)]), 1);
        assert_eq!(violations(poison(2, 2), &[parked(7)]), 1, "one of two lives swallowed it");
        assert_eq!(violations(poison(0, 1), &[]) + violations(poison(0, 1), &[parked(7)]), 0, "taken away unread");
        assert_eq!(violations(poison(0, 1), &[parked(7), parked(7)]), 1);
    }
}
