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

/// The smallest ones that it shows in.
fn bounds(bug: Bug) -> Bounds {
    match bug {
        Bug::ClockDecides => TABLES,
        Bug::GapsApplied | Bug::FailureIgnoredWhileCancelling => FAULT,
        Bug::CursorRelay
        | Bug::DeleteBeforeAck
        | Bug::TwoInFlight
        | Bug::OffsetBeforeCommit
        | Bug::OffsetOffByOne
        | Bug::NoClaim
        | Bug::NoVersionGate(_)
        | Bug::PoisonSwallowed
        | Bug::RefundWithoutKey
        | Bug::ReleasedTwice
        | Bug::RefundBeforeAnswer => Bounds { has_staff: false, ..FAULT },
    }
}

#[test]
fn each_planted_bug_breaks_an_invariant() {
    for bug in Bug::ALL {
        let broken = broken(Bounds { bug: Some(bug), ..bounds(bug) });
        println!("{bug:?}: {}", broken.join(", "));
        assert!(!broken.is_empty(), "nobody notices {bug:?}");
    }
}
