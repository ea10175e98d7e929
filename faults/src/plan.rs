//! What is done when: drawn from the seed, before anything runs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::dice::Dice;
use crate::fault::{Fault, From, How, Point, Repeated, Side, Unread};
use crate::profile::Profile;

/// How many instances each service has.
pub const INSTANCES: usize = 2;
/// One purpose of the dice.
const PLANNING: u64 = 1;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// How long all is well before it, in milliseconds.
    pub after_ms: u64,
    #[serde(flatten)]
    pub fault: Fault,
}

/// All faults, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a profile, or of one of its parts, which are counted from 1.
    pub fn drawn(profile: &Profile, seed: u64, part: u64) -> Self {
        let mut dice = Dice::of(seed, PLANNING + ((part - 1) << 32));
        // Of some there is one in each part: then the other side's turn is in the next one.
        let turn = usize::try_from(part - 1).unwrap_or(0);
        let mut faults = Drawing { dice: &mut dice, profile, part, turn, faults: Vec::new() }.all();
        dice.shuffle(&mut faults);
        let (least, most) = profile.between_ms;
        let steps = faults.into_iter().map(|fault| Step { after_ms: dice.between(least, most), fault });
        Self { steps: steps.collect() }
    }

    /// One line for each step.
    pub fn shown(&self) -> String {
        self.steps.iter().enumerate().fold(String::new(), |mut lines, (at, step)| {
            writeln!(lines, "{:>4}. after {:>5} ms: {:?}", at + 1, step.after_ms, step.fault).expect("text");
            lines
        })
    }
}

struct Drawing<'a> {
    dice: &'a mut Dice,
    profile: &'a Profile,
    part: u64,
    /// Whose turn it is.
    turn: usize,
    faults: Vec<Fault>,
}

impl Drawing<'_> {
    fn all(mut self) -> Vec<Fault> {
        self.services();
        self.servers();
        self.ways();
        self.hostile();
        self.points();
        self.faults
    }

    fn times(&mut self, count: u64, mut draw: impl FnMut(&mut Dice) -> Fault) {
        self.faults.extend((0..count).map(|_| draw(self.dice)));
    }

    /// Each side in turn, also from one kind to the next: of some there is only one.
    fn in_turn(&mut self, count: u64, mut draw: impl FnMut(&mut Dice, Side) -> Fault) {
        for _ in 0..count {
            self.faults.push(draw(self.dice, Side::BOTH[self.turn % 2]));
            self.turn += 1;
        }
    }

    /// What is done to one instance of a service.
    fn services(&mut self) {
        let of = *self.profile;
        self.in_turn(of.services_killed, |dice, side| Fault::ServiceKilled {
            side,
            instance: instance(dice),
            down_ms: dice.between(50, 1_500),
        });
        self.in_turn(of.leaders_killed, |dice, side| Fault::LeaderKilled { side, down_ms: dice.between(50, 1_500) });
        self.in_turn(of.killed_while_cut_off, |dice, side| Fault::KilledWhileCutOff {
            side,
            instance: instance(dice),
            cut_off_ms: dice.between(2_500, 4_500),
        });
        self.in_turn(of.leaders_killed_while_cut_off, |dice, side| Fault::LeaderKilledWhileCutOff {
            side,
            cut_off_ms: dice.between(1_500, 3_000),
        });
        self.in_turn(of.services_paused, |dice, side| Fault::ServicePaused {
            side,
            instance: instance(dice),
            for_ms: dice.one_of(&[1_500, 4_000, 12_000]),
        });
        self.in_turn(of.services_stopped, |dice, side| Fault::ServiceStopped { side, instance: instance(dice) });
    }

    /// What is done to the brokers, to PostgreSQL, and to the ways to them.
    fn servers(&mut self) {
        let of = *self.profile;
        self.times(of.brokers_killed, |dice| Fault::BrokerKilled {
            first: broker(dice, of),
            count: 1,
            down_ms: dice.between(100, 2_000),
        });
        self.times(of.brokers_killed_together, |dice| Fault::BrokerKilled {
            first: broker(dice, of),
            // Also all of them.
            count: dice.one_of(&[of.brokers - 1, of.brokers]),
            down_ms: dice.between(100, 2_000),
        });
        self.times(of.brokers_paused, |dice| Fault::BrokerPaused {
            node: broker(dice, of),
            for_ms: dice.between(3_000, 8_000),
        });
        self.times(of.brokers_restarted, |_| Fault::BrokerRestarted);
        self.times(of.brokers_wiped, |_| Fault::BrokerWiped);
        self.times(of.databases_killed, |dice| Fault::DatabaseKilled { down_ms: dice.between(100, 1_500) });
        self.times(of.backends_cut, |_| Fault::BackendsCut);
        self.times(of.disks_filled, |dice| Fault::DiskFull { for_ms: dice.between(2_000, 4_000) });
    }

    /// What is done to the ways between the services and these.
    fn ways(&mut self) {
        let of = *self.profile;
        self.cut_off(From::Broker, of.partitions_from_broker);
        self.cut_off(From::Database, of.partitions_from_database);
        self.in_turn(of.commits_lost, |dice, side| Fault::CutOff {
            side,
            from: From::Database,
            how: How::LosesCommits { answers: usize::try_from(dice.between(5, 20)).unwrap_or(5) },
            for_ms: dice.between(1_500, 3_000),
        });
        self.in_turn(of.commits_swallowed, |dice, side| Fault::CutOff {
            side,
            from: From::Database,
            how: How::SwallowsCommits { questions: usize::try_from(dice.between(20, 40)).unwrap_or(20) },
            for_ms: dice.between(1_500, 3_000),
        });
    }

    /// Each way of cutting in turn, and each side: what one is cut off from in one manner, the other is cut off from in the next.
    fn cut_off(&mut self, from: From, count: u64) {
        let ways = WAYS_OF_CUTTING;
        // What one side meets on its way to the broker, the other one meets on its way to its database.
        let (first, other) = match from {
            From::Broker => (0, 0),
            From::Database => (3, 1),
        };
        for at in (self.part - 1) * count..self.part * count {
            let way = (first + at) % ways;
            let side = if (way + at / ways + other).is_multiple_of(2) { Side::Orders } else { Side::Deliveries };
            let how = how(way, self.dice);
            self.faults.push(Fault::CutOff { side, from, how, for_ms: self.dice.between(2_500, 6_000) });
        }
    }

    /// What somebody does to the topics and the groups.
    fn hostile(&mut self) {
        let of = *self.profile;
        for (count, how) in [(of.repeats, Repeated::AsItWas), (of.repeats_backwards, Repeated::Backwards)] {
            self.in_turn(count, |dice, side| Fault::Repeats {
                side,
                how,
                records: dice.between(100, 400),
                drawn: dice.below(u64::MAX),
            });
        }
        self.in_turn(of.floods, |dice, side| Fault::Flood { side, records: of.flood, drawn: dice.below(u64::MAX) });
        self.in_turn(of.poisonings, |dice, side| Fault::Poison {
            side,
            records: of.poison,
            drawn: dice.below(u64::MAX),
        });
        for (count, how) in [(of.unread_dropped, Unread::Dropped), (of.unread_overtaken, Unread::Overtaken)] {
            self.in_turn(count, |dice, side| Fault::Unread { side, how, for_ms: dice.between(1_000, 3_000) });
        }
        self.in_turn(of.offsets_deleted, |_, side| Fault::OffsetsDeleted { side });
        self.in_turn(of.storms, |_, side| Fault::Rebalances { side, instances: of.guests });
    }

    /// Where all instances of a service end, what their clock says, and what they find when they begin.
    fn points(&mut self) {
        let of = *self.profile;
        for (side, point) in Side::BOTH.into_iter().flat_map(|side| Point::ALL.map(|point| (side, point))) {
            // Some are passed only once.
            let last = if matches!(point, Point::Revoked | Point::Stopping) { 1 } else { 12 };
            self.times(of.crashes, |dice| Fault::CrashAt { side, point, pass: dice.between(1, last) });
        }
        self.in_turn(of.clock_jumps, |dice, side| Fault::ClockJumps {
            side,
            by_s: dice.one_of(&[-72_000, -1_800, 1_800, 72_000]),
            for_ms: dice.between(3_000, 6_000),
        });
        self.in_turn(of.killed_while_migrating, |dice, side| Fault::KilledWhileMigrating {
            side,
            steps: i64::try_from(dice.between(1, 9)).unwrap_or(1),
        });
    }
}

fn instance(dice: &mut Dice) -> usize {
    usize::try_from(dice.below(INSTANCES as u64)).unwrap_or(0)
}

fn broker(dice: &mut Dice, of: Profile) -> usize {
    usize::try_from(dice.below(of.brokers as u64)).unwrap_or(0)
}

/// How many there are below.
const WAYS_OF_CUTTING: u64 = 5;

fn how(way: u64, dice: &mut Dice) -> How {
    let mut bytes = || usize::try_from(dice.between(2_000, 60_000)).unwrap_or(2_000);
    match way {
        0 => How::Vanishes,
        1 => How::IsRefused,
        2 => How::Dawdles { ms: dice.between(20, 120) },
        3 => How::AnswersBreakOff { bytes: bytes() },
        _ => How::QuestionsBreakOff { bytes: bytes() },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::mem::discriminant;

    use super::*;
    use crate::profile::Name;

    #[test]
    fn the_same_seed_makes_the_same_plan_and_another_one_another() {
        let drawn = |seed, part| Plan::drawn(&Name::Ci.profile(), seed, part);
        assert_eq!(drawn(7, 1), drawn(7, 1));
        assert_ne!(drawn(7, 1), drawn(8, 1));
        assert_ne!(drawn(7, 1), drawn(7, 2));
    }

    #[test]
    fn the_plan_has_what_the_profile_says() {
        let profile = Name::Ci.profile();
        let plan = Plan::drawn(&profile, 1, 1);
        let count = |kind: &str| plan.steps.iter().filter(|step| step.fault.kind() == kind).count() as u64;
        let kills = count("service killed")
            + count("relay leader killed")
            + count("service killed while cut off from its database");
        assert_eq!(
            (kills, count("broker killed")),
            (profile.services_killed + profile.leaders_killed + profile.killed_while_cut_off, profile.brokers_killed)
        );
        assert_eq!(count("PostgreSQL killed"), profile.databases_killed);
    }

    #[test]
    fn ci_has_each_kind_of_fault_on_each_side_and_each_way_of_cutting_on_each_side_and_from_each_server() {
        for seed in 1..20 {
            let plan = Plan::drawn(&Name::Ci.profile(), seed, 1);
            let met: HashSet<_> = plan.steps.iter().map(|step| (step.fault.kind(), step.fault.side())).collect();
            for (kind, side) in met.iter().filter_map(|(kind, side)| Some((kind, (*side)?))) {
                assert!(met.contains(&(*kind, Some(side.other()))), "seed {seed}: {kind} hits {side:?} only");
            }
            let mut ways = HashSet::new();
            for step in &plan.steps {
                if let Fault::CutOff { side, from, how, .. } = &step.fault {
                    let way = discriminant(how);
                    ways.extend([(way, None, Some(*side)), (way, Some(*from == From::Broker), None)]);
                }
            }
            // Five ways of cutting, two servers, two sides; two ways of losing COMMITs, one server, two sides.
            assert_eq!(ways.len(), 5 * (2 + 2) + 2 * (1 + 2), "seed {seed}");
        }
    }

    #[test]
    fn the_parts_of_a_profile_are_together_what_it_is() {
        let whole = Plan::drawn(&Name::Full.profile(), 1, 1);
        let parts = (1..=6).flat_map(|part| Plan::drawn(&Name::Full.profile().part(part, 6), 1, part).steps);
        let kinds = |steps: &mut dyn Iterator<Item = Step>| {
            steps.fold(BTreeMap::<_, u64>::new(), |mut kinds, step| {
                *kinds.entry(step.fault.kind()).or_default() += 1;
                kinds
            })
        };
        assert_eq!(kinds(&mut parts.into_iter()), kinds(&mut whole.steps.into_iter()));
    }
}
