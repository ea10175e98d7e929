//! What a profile promises, and what was done of it.

use comfy_table::Table;

use super::{Profile, Report};
use crate::fault::{Fault, How};
use crate::strike::Bite;

/// So much of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub orders: u64,
    pub services_killed: u64,
    pub brokers_killed: u64,
    pub databases_killed: u64,
    pub partitions: u64,
    pub rebalances: u64,
    pub poison: u64,
}

impl Totals {
    pub fn promised_by(profile: &Profile) -> Self {
        Self {
            orders: profile.orders,
            services_killed: profile.services_killed
                + profile.leaders_killed
                + profile.killed_while_cut_off
                + profile.leaders_killed_while_cut_off,
            brokers_killed: profile.brokers_killed + profile.brokers_killed_together,
            databases_killed: profile.databases_killed,
            partitions: profile.partitions_from_broker + profile.partitions_from_database,
            rebalances: profile.rebalances,
            poison: profile.poisonings * profile.poison + profile.floods * profile.flood,
        }
    }

    /// As it was counted, not as it was planned.
    pub fn met_by(report: &Report) -> Self {
        let orders = report.seen.acknowledged as u64;
        report.bites.iter().fold(Self { orders, ..Self::default() }, Self::and)
    }

    fn and(mut self, bite: &Bite) -> Self {
        let hits = bite.hits.unwrap_or(0);
        match bite.fault {
            Fault::ServiceKilled { .. }
            | Fault::LeaderKilled { .. }
            | Fault::KilledWhileCutOff { .. }
            | Fault::LeaderKilledWhileCutOff { .. } => self.services_killed += 1,
            Fault::BrokerKilled { .. } => self.brokers_killed += 1,
            Fault::DatabaseKilled { .. } => self.databases_killed += 1,
            Fault::CutOff { how: How::SwallowsCommits { .. } | How::LosesCommits { .. }, .. } => {}
            Fault::CutOff { .. } => self.partitions += 1,
            Fault::Rebalances { .. } => self.rebalances += hits,
            Fault::Poison { .. } | Fault::Flood { .. } => self.poison += hits,
            Fault::ServicePaused { .. }
            | Fault::ServiceStopped { .. }
            | Fault::BrokerPaused { .. }
            | Fault::BrokerWiped
            | Fault::BrokerRestarted
            | Fault::BackendsCut
            | Fault::DiskFull { .. }
            | Fault::Repeats { .. }
            | Fault::Unread { .. }
            | Fault::OffsetsDeleted { .. }
            | Fault::CrashAt { .. }
            | Fault::ClockJumps { .. }
            | Fault::KilledWhileMigrating { .. } => {}
        }
        self
    }

    /// Whether nothing of this is less than that.
    pub fn covers(&self, promised: &Self) -> bool {
        self.named().into_iter().zip(promised.named()).all(|((_, met), (_, promised))| met >= promised)
    }

    pub fn against(&self, promised: &Self) -> Table {
        let mut table = Table::new();
        table.set_header(["what the profile promises", "at least", "counted"]);
        for ((name, met), (_, promised)) in self.named().into_iter().zip(promised.named()) {
            table.add_row([name, &promised.to_string(), &met.to_string()]);
        }
        table
    }

    fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("orders acknowledged", self.orders),
            ("services killed", self.services_killed),
            ("times a broker killed", self.brokers_killed),
            ("times PostgreSQL killed", self.databases_killed),
            ("partitions", self.partitions),
            ("rebalances", self.rebalances),
            ("poison records", self.poison),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::plan::Plan;
    use crate::profile::Name;

    /// What a plan comes to when each of its faults hits what it has to hit.
    fn carried_out(plan: &Plan, orders: u64) -> Totals {
        let hits = |fault: &Fault| {
            let (Fault::Poison { records, .. } | Fault::Flood { records, .. }) = fault else { return 2 };
            *records
        };
        let bites = plan.steps.iter().map(|step| Bite::of(step.fault.clone(), Some(hits(&step.fault))));
        bites.fold(Totals { orders, ..Totals::default() }, |totals, bite| totals.and(&bite))
    }

    #[test]
    fn a_plan_that_is_carried_out_is_what_its_profile_promises() {
        for profile in Name::value_variants().iter().map(|name| name.profile()) {
            let plan = Plan::drawn(&profile, 7, 1);
            let promised = Totals::promised_by(&profile);
            assert!(carried_out(&plan, profile.orders).covers(&promised), "{promised:?}");
            assert!(!carried_out(&plan, profile.orders - 1).covers(&promised), "an order too few");
        }
    }

    #[test]
    fn one_of_anything_too_few_is_noticed() {
        let profile = Name::Full.profile();
        let plan = Plan::drawn(&profile, 7, 1);
        for kind in ["relay leader killed", "broker killed", "PostgreSQL killed", "partition from the broker", "poison"]
        {
            let mut less = plan.clone();
            let at = less.steps.iter().position(|step| step.fault.kind() == kind).expect("there is one");
            less.steps.remove(at);
            assert!(!carried_out(&less, profile.orders).covers(&Totals::promised_by(&profile)), "{kind}");
        }
    }
}
