//! The profiles.

use super::Profile;

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
    floods: 0,
    flood: 10_000,
    unread_dropped: 0,
    unread_overtaken: 0,
    offsets_deleted: 0,
    storms: 0,
    guests: 0,
    rebalances: 0,
    crashes: 0,
    clock_jumps: 0,
    killed_while_migrating: 0,
};

pub const SMOKE: Profile = Profile {
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
    guests: 2,
    rebalances: 2,
    ..CALM
};

pub const CI: Profile = Profile {
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
    partitions_from_broker: 5,
    partitions_from_database: 5,
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
    rebalances: 4,
    ..CALM
};

pub const FULL: Profile = Profile {
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
    floods: 1,
    unread_dropped: 12,
    unread_overtaken: 12,
    offsets_deleted: 6,
    storms: 30,
    guests: 3,
    rebalances: 60,
    ..CALM
};

pub const CRASHES: Profile = Profile { crashes: 1, clock_jumps: 8, killed_while_migrating: 6, ..CALM };

pub const CLUSTER: Profile = Profile {
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
    guests: 2,
    rebalances: 2,
    ..CALM
};

// What the profiles are said to be at least; the compiler looks.
const _: () = assert!(CI.orders >= 15_000);
const _: () = assert!(CI.services_killed + CI.leaders_killed + CI.killed_while_cut_off >= 20);

const _: () = assert!(FULL.orders >= 100_000 && FULL.poisonings * FULL.poison >= 10_000);
const _: () = assert!(FULL.services_killed + FULL.leaders_killed + FULL.killed_while_cut_off >= 200);
const _: () = assert!(FULL.brokers_killed >= 30 && FULL.databases_killed >= 50);
const _: () = assert!(FULL.partitions_from_broker + FULL.partitions_from_database >= 24);
// Partitions are given out anew at least when guests have come, and again when they are missed (`strike/members.rs` fails otherwise).
const _: () = assert!(FULL.rebalances >= 60 && FULL.storms * 2 >= FULL.rebalances);
const _: () = assert!(CI.rebalances == CI.storms * 2 && SMOKE.rebalances == SMOKE.storms * 2);
