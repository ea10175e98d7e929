//! The model finds each planted bug, or it would prove nothing.

use stateright::{Checker, HasDiscoveries, Model};

use super::{
    bounds::{Bounds, FAULT, TABLES},
    played::Played,
    threads,
};
use crate::pair::{bugs::Bug, invariants::NAMES};

/// Which invariants are broken first.
fn broken(bounds: Bounds) -> Vec<&'static str> {
    let checker = Played::new(bounds).checker().threads(threads()).finish_when(HasDiscoveries::AnyFailures);
    let discoveries = checker.spawn_dfs().join().discoveries();
    NAMES.into_iter().filter(|name| discoveries.contains_key(name)).collect()
}

#[test]
fn each_planted_bug_breaks_an_invariant() {
    for bug in Bug::ALL {
        let bounds = if bug == Bug::ClockDecides { TABLES } else { FAULT };
        let broken = broken(Bounds { bug: Some(bug), ..bounds });
        println!("{bug:?}: {}", broken.join(", "));
        assert!(!broken.is_empty(), "nobody notices {bug:?}");
    }
}
