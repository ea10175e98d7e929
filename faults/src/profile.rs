//! How much is broken, and how much is ordered meanwhile.

mod named;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::named::{CI, CLUSTER, CRASHES, FULL, SMOKE};

/// Which profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// About a minute and a half: for every push.
    Smoke,
    /// At most ten minutes.
    Ci,
    /// More than an hour: in parts (`--part`).
    Full,
    /// Two to three minutes: both services end at each of the named points, clocks jump, migrations are cut off.
    Crashes,
    /// Two minutes: three brokers.
    Cluster,
}

impl Name {
    pub fn text(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Ci => "ci",
            Self::Full => "full",
            Self::Crashes => "crashes",
            Self::Cluster => "cluster",
        }
    }

    pub fn profile(self) -> Profile {
        match self {
            Self::Smoke => SMOKE,
            Self::Ci => CI,
            Self::Full => FULL,
            Self::Crashes => CRASHES,
            Self::Cluster => CLUSTER,
        }
    }
}

/// The numbers of one part. How much time it takes follows from them.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// With three, each record has three copies, of which two have to be in sync.
    pub brokers: usize,
    /// Orders a second, whether the pair keeps up or not.
    pub orders_per_s: u64,
    /// Orders go on coming until there were so many.
    pub orders: u64,
    /// Between one heal and the next strike, in milliseconds: at least, at most.
    pub between_ms: (u64, u64),
    pub services_killed: u64,
    pub leaders_killed: u64,
    pub killed_while_cut_off: u64,
    pub leaders_killed_while_cut_off: u64,
    pub services_paused: u64,
    pub services_stopped: u64,
    pub brokers_killed: u64,
    pub brokers_killed_together: u64,
    pub brokers_paused: u64,
    pub brokers_restarted: u64,
    pub brokers_wiped: u64,
    pub databases_killed: u64,
    pub backends_cut: u64,
    pub disks_filled: u64,
    pub partitions_from_broker: u64,
    pub partitions_from_database: u64,
    pub commits_lost: u64,
    pub commits_swallowed: u64,
    pub repeats: u64,
    pub repeats_backwards: u64,
    /// How often somebody writes what nobody can read, and how many records each time.
    pub poisonings: u64,
    pub poison: u64,
    /// How often somebody writes very many of them at once, and how many that are.
    pub floods: u64,
    pub flood: u64,
    /// How often what a side announces is gone before it is read, and how often it comes backwards.
    pub unread_dropped: u64,
    pub unread_overtaken: u64,
    pub offsets_deleted: u64,
    /// How often instances come and go, and how many each time.
    pub storms: u64,
    pub guests: usize,
    /// How often partitions are given out anew because of that, at least: as counted, not as planned.
    pub rebalances: u64,
    /// How often each service ends at each named point.
    pub crashes: u64,
    pub clock_jumps: u64,
    pub killed_while_migrating: u64,
}

impl Profile {
    /// One of so many parts, counted from 1. All of them together are what it is: no more, and no less.
    pub fn part(self, which: u64, of: u64) -> Self {
        let share = |count: u64| count / of + u64::from(which <= count % of);
        Self {
            orders: share(self.orders),
            services_killed: share(self.services_killed),
            leaders_killed: share(self.leaders_killed),
            killed_while_cut_off: share(self.killed_while_cut_off),
            leaders_killed_while_cut_off: share(self.leaders_killed_while_cut_off),
            services_paused: share(self.services_paused),
            services_stopped: share(self.services_stopped),
            brokers_killed: share(self.brokers_killed),
            brokers_killed_together: share(self.brokers_killed_together),
            brokers_paused: share(self.brokers_paused),
            brokers_restarted: share(self.brokers_restarted),
            brokers_wiped: share(self.brokers_wiped),
            databases_killed: share(self.databases_killed),
            backends_cut: share(self.backends_cut),
            disks_filled: share(self.disks_filled),
            partitions_from_broker: share(self.partitions_from_broker),
            partitions_from_database: share(self.partitions_from_database),
            commits_lost: share(self.commits_lost),
            commits_swallowed: share(self.commits_swallowed),
            repeats: share(self.repeats),
            repeats_backwards: share(self.repeats_backwards),
            poisonings: share(self.poisonings),
            floods: share(self.floods),
            unread_dropped: share(self.unread_dropped),
            unread_overtaken: share(self.unread_overtaken),
            offsets_deleted: share(self.offsets_deleted),
            storms: share(self.storms),
            rebalances: share(self.rebalances),
            crashes: share(self.crashes),
            clock_jumps: share(self.clock_jumps),
            killed_while_migrating: share(self.killed_while_migrating),
            ..self
        }
    }
}
