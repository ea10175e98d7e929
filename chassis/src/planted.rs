//! Mistakes made on purpose, to see whether the fault runs notice (`cargo faults -- --bug NAME`, docs/faults.md). Each stands where
//! somebody could make it. Without the feature `planted-bugs`, [`planted`] is a constant that says no; a release can't be built with it.

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
    pub const ALL: [Self; 12] = [
        Self::OffsetBeforeCommit,
        Self::OffsetOffByOne,
        Self::DeleteBeforeAck,
        Self::CursorRelay,
        Self::TwoInFlight,
        Self::NoClaim,
        Self::NoVersionGate,
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
            Self::PoisonSwallowed => "poison-swallowed",
            Self::RefundWithoutKey => "refund-without-key",
            Self::FailureIgnored => "failure-ignored",
            Self::StockReleasedTwice => "stock-released-twice",
            Self::RefundBeforeAnswer => "refund-before-answer",
        }
    }
}

/// The bug that this process was started with.
#[cfg(feature = "planted-bugs")]
static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();

/// Takes the bug that `PLANTED_BUG` names, if it names one.
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
