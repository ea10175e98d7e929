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
        let mut faults = Drawing { dice: &mut dice, profile }.faults();
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
}

impl Drawing<'_> {
    fn faults(&mut self) -> Vec<Fault> {
        let of = *self.profile;
        let mut faults = Vec::new();
        let mut times = |count: u64, draw: &mut dyn FnMut(&mut Dice) -> Fault| {
            faults.extend((0..count).map(|_| draw(self.dice)));
        };
        times(of.services_killed, &mut |dice| Fault::ServiceKilled {
            side: dice.one_of(&Side::BOTH),
            instance: instance(dice),
            down_ms: dice.between(50, 1_500),
        });
        times(of.leaders_killed, &mut |dice| Fault::LeaderKilled {
            side: dice.one_of(&Side::BOTH),
            down_ms: dice.between(50, 1_500),
        });
        times(of.killed_while_cut_off, &mut |dice| Fault::KilledWhileCutOff {
            side: dice.one_of(&Side::BOTH),
            instance: instance(dice),
            cut_off_ms: dice.between(2_500, 4_500),
        });
        times(of.leaders_killed_while_cut_off, &mut |dice| Fault::LeaderKilledWhileCutOff {
            side: dice.one_of(&Side::BOTH),
            cut_off_ms: dice.between(1_500, 3_000),
        });
        times(of.services_paused, &mut |dice| Fault::ServicePaused {
            side: dice.one_of(&Side::BOTH),
            instance: instance(dice),
            for_ms: dice.one_of(&[1_500, 4_000, 12_000]),
        });
        times(of.services_stopped, &mut |dice| Fault::ServiceStopped {
            side: dice.one_of(&Side::BOTH),
            instance: instance(dice),
        });
        faults.extend(self.servers());
        faults.extend(self.hostile());
        faults
    }

    /// What is done to the brokers, to PostgreSQL, and to the ways to them.
    fn servers(&mut self) -> Vec<Fault> {
        let of = *self.profile;
        let mut faults = Vec::new();
        let mut times = |count: u64, draw: &mut dyn FnMut(&mut Dice) -> Fault| {
            faults.extend((0..count).map(|_| draw(self.dice)));
        };
        times(of.brokers_killed, &mut |dice| Fault::BrokerKilled {
            first: broker(dice, of),
            count: 1,
            down_ms: dice.between(100, 2_000),
        });
        times(of.brokers_killed_together, &mut |dice| Fault::BrokerKilled {
            first: broker(dice, of),
            // Also all of them.
            count: dice.one_of(&[of.brokers - 1, of.brokers]),
            down_ms: dice.between(100, 2_000),
        });
        times(of.brokers_paused, &mut |dice| Fault::BrokerPaused {
            node: broker(dice, of),
            for_ms: dice.between(3_000, 8_000),
        });
        times(of.brokers_restarted, &mut |_| Fault::BrokerRestarted);
        times(of.brokers_wiped, &mut |_| Fault::BrokerWiped);
        times(of.databases_killed, &mut |dice| Fault::DatabaseKilled { down_ms: dice.between(100, 1_500) });
        times(of.backends_cut, &mut |_| Fault::BackendsCut);
        times(of.disks_filled, &mut |dice| Fault::DiskFull { for_ms: dice.between(2_000, 4_000) });
        times(of.partitions_from_broker, &mut |dice| cut_off(dice, From::Broker));
        times(of.partitions_from_database, &mut |dice| cut_off(dice, From::Database));
        times(of.commits_lost, &mut |dice| Fault::CutOff {
            side: dice.one_of(&Side::BOTH),
            from: From::Database,
            how: How::LosesCommits { answers: usize::try_from(dice.between(5, 20)).unwrap_or(5) },
            for_ms: dice.between(1_500, 3_000),
        });
        faults
    }

    /// What somebody does to the topics and the groups.
    fn hostile(&mut self) -> Vec<Fault> {
        let of = *self.profile;
        let mut faults = Vec::new();
        // Each side in turn: one of each is little.
        let mut times = |count: u64, draw: &mut dyn FnMut(&mut Dice, Side) -> Fault| {
            faults.extend((0..count).zip(Side::BOTH.into_iter().cycle()).map(|(_, side)| draw(self.dice, side)));
        };
        times(of.commits_swallowed, &mut |dice, side| Fault::CutOff {
            side,
            from: From::Database,
            how: How::SwallowsCommits { questions: usize::try_from(dice.between(20, 40)).unwrap_or(20) },
            for_ms: dice.between(1_500, 3_000),
        });
        for (count, how) in [(of.repeats, Repeated::AsItWas), (of.repeats_backwards, Repeated::Backwards)] {
            times(count, &mut |dice, side| Fault::Repeats {
                side,
                how,
                records: dice.between(100, 400),
                drawn: dice.below(u64::MAX),
            });
        }
        times(of.poisonings, &mut |dice, side| Fault::Poison { side, records: of.poison, drawn: dice.below(u64::MAX) });
        for (count, how) in [(of.unread_dropped, Unread::Dropped), (of.unread_overtaken, Unread::Overtaken)] {
            times(count, &mut |dice, side| Fault::Unread { side, how, for_ms: dice.between(1_000, 3_000) });
        }
        times(of.offsets_deleted, &mut |_, side| Fault::OffsetsDeleted { side });
        for (side, point) in Side::BOTH.into_iter().flat_map(|side| Point::ALL.map(|point| (side, point))) {
            // Some are passed only once.
            let last = if matches!(point, Point::Revoked | Point::Stopping) { 1 } else { 12 };
            times(of.crashes, &mut |dice, _| Fault::CrashAt { side, point, pass: dice.between(1, last) });
        }
        times(of.clock_jumps, &mut |dice, side| Fault::ClockJumps {
            side,
            by_s: dice.one_of(&[-72_000, -1_800, 1_800, 72_000]),
            for_ms: dice.between(3_000, 6_000),
        });
        times(of.killed_while_migrating, &mut |dice, side| Fault::KilledWhileMigrating {
            side,
            steps: i64::try_from(dice.between(1, 9)).unwrap_or(1),
        });
        times(of.storms, &mut |_, side| Fault::Rebalances { side, instances: of.guests });
        faults
    }
}

fn instance(dice: &mut Dice) -> usize {
    usize::try_from(dice.below(INSTANCES as u64)).unwrap_or(0)
}

fn broker(dice: &mut Dice, of: Profile) -> usize {
    usize::try_from(dice.below(of.brokers as u64)).unwrap_or(0)
}

fn cut_off(dice: &mut Dice, from: From) -> Fault {
    let how = match dice.below(4) {
        0 => How::Vanishes,
        1 => How::IsRefused,
        2 => How::Dawdles { ms: dice.between(20, 120) },
        _ => How::BreaksOff { bytes: usize::try_from(dice.between(2_000, 60_000)).unwrap_or(2_000) },
    };
    Fault::CutOff { side: dice.one_of(&Side::BOTH), from, how, for_ms: dice.between(2_500, 6_000) }
}

#[cfg(test)]
mod tests {
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
}
