//! How much is broken, and how much is ordered meanwhile.

use clap::ValueEnum;

/// Which profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// About a minute and a half: for every push.
    Smoke,
    /// At most ten minutes.
    Ci,
}

impl Name {
    pub fn text(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Ci => "ci",
        }
    }

    pub fn profile(self) -> Profile {
        match self {
            Self::Smoke => SMOKE,
            Self::Ci => CI,
        }
    }
}

/// The numbers of one part. How much time it takes follows from them.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
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
    pub brokers_paused: u64,
    pub brokers_restarted: u64,
    pub databases_killed: u64,
    pub backends_cut: u64,
    pub partitions_from_broker: u64,
    pub partitions_from_database: u64,
    pub commits_lost: u64,
    pub commits_swallowed: u64,
    pub repeats: u64,
    pub repeats_backwards: u64,
    /// How often somebody writes what nobody can read, and how many records each time.
    pub poisonings: u64,
    pub poison: u64,
    pub offsets_deleted: u64,
    /// How often instances come and go, and how many each time.
    pub storms: u64,
    pub guests: usize,
}

const SMOKE: Profile = Profile {
    orders_per_s: 40,
    orders: 1_500,
    between_ms: (300, 900),
    services_killed: 3,
    leaders_killed: 2,
    killed_while_cut_off: 2,
    leaders_killed_while_cut_off: 2,
    services_paused: 1,
    services_stopped: 1,
    brokers_killed: 1,
    brokers_paused: 0,
    brokers_restarted: 0,
    databases_killed: 1,
    backends_cut: 1,
    partitions_from_broker: 1,
    partitions_from_database: 1,
    commits_lost: 1,
    commits_swallowed: 2,
    repeats: 2,
    repeats_backwards: 2,
    poisonings: 2,
    poison: 150,
    offsets_deleted: 1,
    storms: 1,
    guests: 1,
};

const CI: Profile = Profile {
    orders_per_s: 55,
    orders: 16_000,
    between_ms: (400, 1_600),
    services_killed: 12,
    leaders_killed: 8,
    killed_while_cut_off: 4,
    leaders_killed_while_cut_off: 3,
    services_paused: 4,
    services_stopped: 3,
    brokers_killed: 2,
    brokers_paused: 1,
    brokers_restarted: 1,
    databases_killed: 3,
    backends_cut: 2,
    partitions_from_broker: 2,
    partitions_from_database: 2,
    commits_lost: 2,
    commits_swallowed: 3,
    repeats: 3,
    repeats_backwards: 3,
    poisonings: 4,
    poison: 150,
    offsets_deleted: 2,
    storms: 2,
    guests: 3,
};

// What the profile is said to be at least; the compiler looks.
const _: () = assert!(CI.orders >= 15_000);
const _: () = assert!(CI.services_killed + CI.leaders_killed + CI.killed_while_cut_off >= 20);
