//! What is parked has to be what nobody could read, all of it, and nothing else.

use std::collections::HashSet;

use super::Finding;
use crate::hostile::Place;

/// A parked record, and why it is.
pub type Parked = (String, i32, i64, String, String);

/// The places of what is parked against those of the poison.
pub fn only_poison(poison: &HashSet<Place>, parked: &[Parked]) -> Finding {
    let there: HashSet<Place> = parked.iter().map(|(topic, at, offset, ..)| (topic.clone(), *at, *offset)).collect();
    let swallowed = poison.difference(&there).map(|place| format!("{place:?} is poison, and not parked"));
    let others = parked.iter().filter(|(topic, at, offset, ..)| !poison.contains(&(topic.clone(), *at, *offset)));
    let others = others.map(|one| format!("{one:?} is parked, and no poison"));
    let violations = swallowed.chain(others).collect();
    Finding { name: "parked", says: "what nobody can read is parked, all of it, and nothing else", violations }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poison_that_is_not_parked_is_found_and_so_is_what_is_parked_and_no_poison() {
        let poison = HashSet::from([("orders".to_owned(), 1, 7)]);
        let parked = |offset| ("orders".to_owned(), 1, offset, "undecodable".to_owned(), String::new());
        assert!(only_poison(&poison, &[parked(7)]).violations.is_empty());
        assert_eq!(only_poison(&poison, &[]).violations.len(), 1);
        assert_eq!(only_poison(&poison, &[parked(7), parked(8)]).violations.len(), 1);
    }
}
