//! The points at which a simulation injects faults, and how often each was reached.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A fault, or a state that a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    // What a disk does.
    ShortWrite,
    NoSpace,
    WriteError,
    FailedSync,
    /// A failed sync after which the data is gone although later syncs succeed.
    SyncDropsData,
    FailedFolderSync,
    FailedCreate,
    FailedRename,
    FailedRemove,
    FailedOpen,
    FailedRead,
    FailedList,
    // How a run ends.
    Kill,
    KillWithinWrite,
    PowerLossDropsAll,
    PowerLossTears,
    PowerLossReorders,
    Close,
    CloseFails,
    OpenFails,
    CrashWhileOpening,
    // What an end meets.
    CrashDuringFlush,
    CrashDuringMerge,
    CrashDuringChunks,
    CrashDuringLogWrite,
    // What happens to files at rest or in use.
    FlippedBitInBlock,
    FlippedBitInLog,
    FlippedBitInChunks,
    FlippedBitInFormat,
    CutFile,
    FlippedBitWhileOpen,
    // What a clock does.
    ClockForward,
    ClockBack,
    // What targets do.
    TargetRestarts,
    TargetRelabels,
    TargetDies,
    TargetIsSlow,
    TargetTalksNonsense,
    TargetStops,
    TargetChurns,
    TargetRepeatsSeries,
    TargetHasOwnTimes,
    // What others do meanwhile.
    Import,
    ImportFails,
    FailedMaintenance,
    DroppedFromMemory,
    LossReported,
    // What is compared with the model.
    ComparedQuery,
    ComparedStore,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::ShortWrite,
        Self::NoSpace,
        Self::WriteError,
        Self::FailedSync,
        Self::SyncDropsData,
        Self::FailedFolderSync,
        Self::FailedCreate,
        Self::FailedRename,
        Self::FailedRemove,
        Self::FailedOpen,
        Self::FailedRead,
        Self::FailedList,
        Self::Kill,
        Self::KillWithinWrite,
        Self::PowerLossDropsAll,
        Self::PowerLossTears,
        Self::PowerLossReorders,
        Self::Close,
        Self::CloseFails,
        Self::OpenFails,
        Self::CrashWhileOpening,
        Self::CrashDuringFlush,
        Self::CrashDuringMerge,
        Self::CrashDuringChunks,
        Self::CrashDuringLogWrite,
        Self::FlippedBitInBlock,
        Self::FlippedBitInLog,
        Self::FlippedBitInChunks,
        Self::FlippedBitInFormat,
        Self::CutFile,
        Self::FlippedBitWhileOpen,
        Self::ClockForward,
        Self::ClockBack,
        Self::TargetRestarts,
        Self::TargetRelabels,
        Self::TargetDies,
        Self::TargetIsSlow,
        Self::TargetTalksNonsense,
        Self::TargetStops,
        Self::TargetChurns,
        Self::TargetRepeatsSeries,
        Self::TargetHasOwnTimes,
        Self::Import,
        Self::ImportFails,
        Self::FailedMaintenance,
        Self::DroppedFromMemory,
        Self::LossReported,
        Self::ComparedQuery,
        Self::ComparedStore,
    ];
}

/// How often each point was reached. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(Arc<Mutex<BTreeMap<Fault, u64>>>);

impl Coverage {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<Fault, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reach(&self, fault: Fault) {
        *self.counts().entry(fault).or_default() += 1;
    }

    /// The points that were never reached.
    pub(crate) fn missing(&self) -> Vec<Fault> {
        Fault::ALL.iter().copied().filter(|fault| !self.counts().contains_key(fault)).collect()
    }

    /// A table of the counts, some columns wide.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        for (at, fault) in Fault::ALL.iter().enumerate() {
            let count = self.counts().get(fault).copied().unwrap_or_default();
            let cell = format!("{fault:?} {count}");
            let _ = write!(table, "  {cell:<29}{}", if at % 4 == 3 { "\n" } else { "" });
        }
        table
    }
}
