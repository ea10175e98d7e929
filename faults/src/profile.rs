//! How much is broken, and how much is ordered meanwhile.

use clap::ValueEnum;

/// Which profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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
    /// How often what a side announces is gone before it is read, and how often it comes backwards.
    pub unread_dropped: u64,
    pub unread_overtaken: u64,
    pub offsets_deleted: u64,
    /// How often instances come and go, and how many each time.
    pub storms: u64,
    pub guests: usize,
    /// How often each service ends at each named point.
    pub crashes: u64,
    pub clock_jumps: u64,
    pub killed_while_migrating: u64,
}

impl Profile {
    /// One of so many parts.
    pub fn part(self, parts: u64) -> Self {
        let share = |count: u64| count.div_ceil(parts);
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
            unread_dropped: share(self.unread_dropped),
            unread_overtaken: share(self.unread_overtaken),
            offsets_deleted: share(self.offsets_deleted),
            storms: share(self.storms),
            crashes: share(self.crashes),
            clock_jumps: share(self.clock_jumps),
            killed_while_migrating: share(self.killed_while_migrating),
            ..self
        }
    }
}

/// Customers come, and nothing is broken.
const CALM: Profile = Profile {
    brokers: 1,
    orders_per_s: 40,
    orders: 1_500,
    between_ms: (300, 900),
    services_killed: 0,
    leaders_killed: 0,
    killed_while_cut_off: 0,
    leaders_killed_while_cut_off: 0,
    services_paused: 0,
    services_stopped: 0,
    brokers_killed: 0,
    brokers_killed_together: 0,
    brokers_paused: 0,
    brokers_restarted: 0,
    brokers_wiped: 0,
    databases_killed: 0,
    backends_cut: 0,
    disks_filled: 0,
    partitions_from_broker: 0,
    partitions_from_database: 0,
    commits_lost: 0,
    commits_swallowed: 0,
    repeats: 0,
    repeats_backwards: 0,
    poisonings: 0,
    poison: 150,
    unread_dropped: 0,
    unread_overtaken: 0,
    offsets_deleted: 0,
    storms: 0,
    guests: 0,
    crashes: 0,
    clock_jumps: 0,
    killed_while_migrating: 0,
};

const SMOKE: Profile = Profile {
    services_killed: 3,
    leaders_killed: 2,
    killed_while_cut_off: 2,
    leaders_killed_while_cut_off: 2,
    services_paused: 1,
    services_stopped: 1,
    brokers_killed: 1,
    databases_killed: 1,
    backends_cut: 1,
    partitions_from_broker: 1,
    partitions_from_database: 1,
    commits_lost: 1,
    commits_swallowed: 2,
    repeats: 2,
    repeats_backwards: 2,
    poisonings: 2,
    unread_dropped: 1,
    unread_overtaken: 1,
    offsets_deleted: 1,
    storms: 1,
    guests: 1,
    ..CALM
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
    brokers_wiped: 1,
    databases_killed: 3,
    backends_cut: 2,
    disks_filled: 2,
    partitions_from_broker: 2,
    partitions_from_database: 2,
    commits_lost: 2,
    commits_swallowed: 3,
    repeats: 3,
    repeats_backwards: 3,
    poisonings: 4,
    unread_dropped: 2,
    unread_overtaken: 2,
    offsets_deleted: 2,
    storms: 2,
    guests: 3,
    ..CALM
};

const FULL: Profile = Profile {
    orders_per_s: 55,
    orders: 102_000,
    between_ms: (400, 1_600),
    services_killed: 120,
    leaders_killed: 60,
    killed_while_cut_off: 24,
    leaders_killed_while_cut_off: 12,
    services_paused: 18,
    services_stopped: 18,
    brokers_killed: 30,
    brokers_paused: 6,
    brokers_restarted: 6,
    brokers_wiped: 6,
    databases_killed: 54,
    backends_cut: 12,
    disks_filled: 6,
    partitions_from_broker: 12,
    partitions_from_database: 12,
    commits_lost: 12,
    commits_swallowed: 12,
    repeats: 18,
    repeats_backwards: 18,
    poisonings: 30,
    poison: 340,
    unread_dropped: 12,
    unread_overtaken: 12,
    offsets_deleted: 6,
    storms: 12,
    guests: 3,
    ..CALM
};

const CRASHES: Profile = Profile { crashes: 1, clock_jumps: 8, killed_while_migrating: 6, ..CALM };

const CLUSTER: Profile = Profile {
    brokers: 3,
    orders: 3_000,
    services_killed: 4,
    leaders_killed: 2,
    services_stopped: 1,
    brokers_killed: 6,
    brokers_killed_together: 4,
    brokers_paused: 2,
    brokers_restarted: 2,
    databases_killed: 1,
    repeats: 2,
    offsets_deleted: 1,
    storms: 1,
    guests: 1,
    ..CALM
};

// What the profiles are said to be at least; the compiler looks.
const _: () = assert!(CI.orders >= 15_000);
const _: () = assert!(CI.services_killed + CI.leaders_killed + CI.killed_while_cut_off >= 20);

const _: () = assert!(FULL.orders >= 100_000 && FULL.poisonings * FULL.poison >= 10_000);
const _: () = assert!(FULL.services_killed + FULL.leaders_killed + FULL.killed_while_cut_off >= 200);
const _: () = assert!(FULL.brokers_killed >= 30 && FULL.databases_killed >= 50);
const _: () = assert!(FULL.partitions_from_broker + FULL.partitions_from_database >= 24);
// A guest that comes moves partitions, and one that has gone does so again.
const _: () = assert!(FULL.storms * FULL.guests as u64 * 2 >= 60);
