//! Mistakes made on purpose, to see whether the fault runs notice (`cargo faults -- --bug NAME`, docs/faults.md), and places at which a
//! process can be made to end in the middle of something, and a clock that can be moved (`--profile crashes`). Each mistake stands where
//! somebody could make it. Without the feature `planted-bugs`, [`planted`] is a constant that says no, [`crash_at`] is empty and the clock
//! is that of the machine; a release can't be built with it.

use chrono::TimeDelta;
use uuid::Uuid;

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("bugs are planted for fault runs: a release has none of them");

/// A mistake, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The consumer stores the offsets of a batch before its outcome is committed: a crash in between costs the events.
    OffsetBeforeCommit,
    /// The consumer stores an offset that is one too far: whoever goes on from there passes a record over.
    OffsetOffByOne,
    /// The relay deletes a pointer when Kafka's client has taken the event, not when the broker has.
    DeleteBeforeAck,
    /// The relay reads on behind the last pointer that it has seen, and never again what lies before it.
    CursorRelay,
    /// The relay sends an order's next event while the one before it is unacknowledged.
    TwoInFlight,
    /// What a claim tells is not looked at: a batch is applied although somebody else has moved one of its lanes.
    NoClaim,
    /// Whatever arrives is applied, whichever version it has.
    NoVersionGate,
    /// An event is applied although one before it is missing.
    GapApplied,
    /// What nobody can read is passed over instead of parked.
    PoisonSwallowed,
    /// A refund is paid before the transaction that decides it is committed, and with nothing to know it by when it is tried again.
    RefundWithoutKey,
    /// An order that waits for the answer to its cancellation takes no notice of a delivery that failed.
    FailureIgnored,
    /// Stock that is released is released twice.
    StockReleasedTwice,
    /// A cancellation gives money and stock back at once, without waiting for the answer.
    RefundBeforeAnswer,
}

#[cfg(feature = "planted-bugs")]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OffsetBeforeCommit,
        Self::OffsetOffByOne,
        Self::DeleteBeforeAck,
        Self::CursorRelay,
        Self::TwoInFlight,
        Self::NoClaim,
        Self::NoVersionGate,
        Self::GapApplied,
        Self::PoisonSwallowed,
        Self::RefundWithoutKey,
        Self::FailureIgnored,
        Self::StockReleasedTwice,
        Self::RefundBeforeAnswer,
    ];

    /// As it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OffsetBeforeCommit => "offset-before-commit",
            Self::OffsetOffByOne => "offset-off-by-one",
            Self::DeleteBeforeAck => "delete-before-ack",
            Self::CursorRelay => "cursor-relay",
            Self::TwoInFlight => "two-in-flight",
            Self::NoClaim => "no-claim",
            Self::NoVersionGate => "no-version-gate",
            Self::GapApplied => "gap-applied",
            Self::PoisonSwallowed => "poison-swallowed",
            Self::RefundWithoutKey => "refund-without-key",
            Self::FailureIgnored => "failure-ignored",
            Self::StockReleasedTwice => "stock-released-twice",
            Self::RefundBeforeAnswer => "refund-before-answer",
        }
    }
}

/// Between two things that a process does, where ending would show whether the one can be without the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The lanes of a batch are locked, and nothing is written.
    LanesLocked,
    /// A batch is claimed, and nothing of it is applied.
    Claimed,
    /// All is written, and not committed: what is asked, what is applied, what is announced.
    BeforeCommit,
    /// It is committed, and nobody has been told.
    AfterCommit,
    /// What a batch did is committed, and its offsets are not stored.
    BeforeOffsets,
    /// Its offsets are stored, and not committed at the broker.
    AfterOffsets,
    /// Kafka's client has an event, and the broker may have.
    Given,
    /// The broker has acknowledged an event, and its pointer is there.
    Acknowledged,
    /// The pointer is gone, and the relay does not know it.
    Deleted,
    /// The partitions are about to be given up.
    Revoked,
    /// Somebody has asked the process to stop.
    Stopping,
}

#[cfg(feature = "planted-bugs")]
impl Point {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LanesLocked,
        Self::Claimed,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeOffsets,
        Self::AfterOffsets,
        Self::Given,
        Self::Acknowledged,
        Self::Deleted,
        Self::Revoked,
        Self::Stopping,
    ];

    /// As it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LanesLocked => "lanes-locked",
            Self::Claimed => "claimed",
            Self::BeforeCommit => "before-commit",
            Self::AfterCommit => "after-commit",
            Self::BeforeOffsets => "before-offsets",
            Self::AfterOffsets => "after-offsets",
            Self::Given => "given",
            Self::Acknowledged => "acknowledged",
            Self::Deleted => "deleted",
            Self::Revoked => "revoked",
            Self::Stopping => "stopping",
        }
    }
}

/// Where this process is to end, and how often it may still pass there.
#[cfg(feature = "planted-bugs")]
static CRASH: std::sync::OnceLock<(Point, std::sync::atomic::AtomicI64)> = std::sync::OnceLock::new();

/// The bug that this process was started with.
#[cfg(feature = "planted-bugs")]
static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();

/// The file that says by how many seconds this process' clock is off.
#[cfg(feature = "planted-bugs")]
static CLOCK_FILE: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Takes the bug that `PLANTED_BUG` names, if it names one, and the point of `CRASH_AT`, which is written as `after-commit:20`: the
/// process ends when it comes there for the 20th time. `CLOCK_FILE` names a file that says by how many seconds the clock is off; it is
/// read whenever somebody asks for the time, so that the clock jumps when somebody writes there.
#[cfg(feature = "planted-bugs")]
pub(crate) fn choose() -> anyhow::Result<()> {
    let chosen = match std::env::var("PLANTED_BUG") {
        Ok(name) => {
            let names = || Bug::ALL.map(Bug::name).join(", ");
            let bug = Bug::ALL.into_iter().find(|bug| bug.name() == name);
            Some(bug.ok_or_else(|| anyhow::anyhow!("there is no planted bug {name:?}, only {}", names()))?)
        }
        Err(_) => None,
    };
    CHOSEN.get_or_init(|| chosen);
    if let Ok(text) = std::env::var("CRASH_AT") {
        let (name, passes) = text.split_once(':').unwrap_or((&text, "1"));
        let point = Point::ALL.into_iter().find(|point| point.name() == name);
        let point = point.ok_or_else(|| anyhow::anyhow!("there is no point {name:?} to crash at"))?;
        CRASH.get_or_init(|| (point, passes.parse().unwrap_or(1).into()));
    }
    if let Ok(file) = std::env::var("CLOCK_FILE") {
        CLOCK_FILE.get_or_init(|| file);
    }
    tracing::warn!("this program can have bugs on purpose, and has {chosen:?}");
    Ok(())
}

/// Whether this bug is there.
#[cfg(feature = "planted-bugs")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    CHOSEN.get().copied().flatten() == Some(bug)
}

/// Whether this bug is there: none is.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
#[inline(always)]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Ends the process here, with nothing tidied up, if it was asked to.
#[cfg(feature = "planted-bugs")]
pub(crate) fn crash_at(point: Point) {
    if let Some((chosen, left)) = CRASH.get()
        && *chosen == point
        && left.fetch_sub(1, std::sync::atomic::Ordering::AcqRel) == 1
    {
        eprintln!("ends at {}, as it was asked to", point.name());
        std::process::abort();
    }
}

/// Ends the process here, if it was asked to: it was not.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub(crate) const fn crash_at(_: Point) {}

/// By how much the clock is off.
#[cfg(feature = "planted-bugs")]
pub(crate) fn clock_is_off_by() -> TimeDelta {
    let said = CLOCK_FILE.get().and_then(|file| std::fs::read_to_string(file).ok());
    TimeDelta::seconds(said.and_then(|said| said.trim().parse().ok()).unwrap_or(0))
}

/// By how much the clock is off: not at all.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub(crate) const fn clock_is_off_by() -> TimeDelta {
    TimeDelta::zero()
}

/// An id as it would be by the clock that is off: its first 48 bits are milliseconds.
#[cfg(feature = "planted-bugs")]
pub(crate) fn moved(id: Uuid) -> Uuid {
    const BEHIND_THE_TIME: u32 = 80;
    let off_by_ms = i128::from(clock_is_off_by().num_milliseconds());
    Uuid::from_u128(id.as_u128().wrapping_add_signed(off_by_ms << BEHIND_THE_TIME))
}

/// An id as it would be by the clock that is off: as it is.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub(crate) const fn moved(id: Uuid) -> Uuid {
    id
}
