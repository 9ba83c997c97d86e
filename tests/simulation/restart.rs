//! How a simulated run ends, what the next one finds on the disk, and how a life ends.
use crate::checks::content;
use crate::disk::{Fate, Image, Operation, SimulatedDisk, Trouble};
use crate::faults::Fault;
use crate::model::Safety;
use crate::world::{World, open};
use tsdb::{OpenReport, Store};

/// How often a store may fail to open before the disk is well again.
const MAX_ATTEMPTS: u32 = 3;

impl World {
    /// Ends the run somehow, and begins the next one.
    pub(crate) fn restart(&mut self) {
        match self.rng.below(3) {
            0 => self.close(),
            1 => {
                // In the middle of a write to the log.
                self.disk.end_after(0);
                self.store.write();
                if self.disk.has_ended() {
                    self.coverage.reach(Fault::KillWithinWrite);
                }
                self.disk.cancel_end();
                self.crash();
            }
            _ => self.crash(),
        }
    }

    fn close(&mut self) {
        let outcome = self.store.close();
        self.note(format!("close: {outcome:?}"));
        if outcome.is_ok() {
            self.coverage.reach(Fault::Close);
            self.model.secure(Safety::Synced);
        } else {
            self.coverage.reach(Fault::CloseFails);
        }
        let fate = *self.rng.of(&[Fate::Kept, Fate::Lost, Fate::Torn, Fate::Reordered]);
        self.open_after(fate);
    }

    /// The machine or the process is gone; the next run finds what is left.
    pub(crate) fn crash(&mut self) {
        let Operation { name, file, has_read_block } = self.disk.last_operation();
        let changes = ["write", "sync", "rename", "create", "sync_dir", "remove"].contains(&name);
        let is_planned = self.disk.has_ended();
        match file.rsplit('.').next() {
            Some("wal") if is_planned && changes => self.coverage.reach(Fault::CrashDuringLogWrite),
            Some("chunks") if is_planned && changes => self.coverage.reach(Fault::CrashDuringChunks),
            Some("tmp" | "block") if is_planned && has_read_block => self.coverage.reach(Fault::CrashDuringMerge),
            Some("tmp" | "block") if is_planned => self.coverage.reach(Fault::CrashDuringFlush),
            _ => {}
        }
        self.disk.end();
        let fate = *self.rng.of(&[Fate::Kept, Fate::Kept, Fate::Lost, Fate::Torn, Fate::Reordered]);
        self.note(format!("the run ends in {name} of {file}: {fate:?}"));
        self.open_after(fate);
    }

    /// Opens what is left of the last run, and checks that nothing is missing that should have survived.
    fn open_after(&mut self, mut fate: Fate) {
        self.disk.end();
        self.was_reported |= self.store.stats().damaged > self.reported;
        self.note(format!("the files were {}", self.disk.file_names_with("").join(" ")));
        for fault in self.disk.take_injected() {
            self.coverage.reach(fault);
        }
        let mut weakest = fate;
        let mut is_troubled = self.rng.chance(0.2);
        for attempt in 0.. {
            self.coverage.reach(match fate {
                Fate::Kept => Fault::Kill,
                Fate::Lost => Fault::PowerLossDropsAll,
                Fate::Torn => Fault::PowerLossTears,
                Fate::Reordered => Fault::PowerLossReorders,
            });
            let image = self.damaged(self.disk.image(fate));
            self.disk = SimulatedDisk::new(image, self.rng.next_u64());
            if is_troubled {
                let mut probability = || *self.rng.of(&[0.0, 0.05, 0.3]);
                let (writes, syncs, names, reads) = (probability(), probability(), probability(), probability());
                self.disk.set_trouble(Trouble { writes, syncs, names, reads });
            }
            if self.rng.chance(0.1) && attempt < MAX_ATTEMPTS {
                self.disk.end_after(self.rng.below(30));
            }
            let opened = open(&self.disk, self.options);
            if let Err(error) = &opened {
                self.note(format!("does not open: {error}, ended: {}", self.disk.has_ended()));
            }
            match opened {
                Ok((store, report)) if !self.disk.has_ended() => {
                    self.disk.cancel_end();
                    return self.begin(store, &report, weakest);
                }
                Ok(_) => self.coverage.reach(Fault::CrashWhileOpening),
                Err(_) if self.disk.has_ended() => self.coverage.reach(Fault::CrashWhileOpening),
                Err(error) => {
                    assert!(is_troubled, "a store does not open: {error}");
                    self.coverage.reach(Fault::OpenFails);
                }
            }
            is_troubled &= attempt < MAX_ATTEMPTS;
            self.disk.end();
            for fault in self.disk.take_injected() {
                self.coverage.reach(fault);
            }
            fate = *self.rng.of(&[Fate::Kept, Fate::Lost, Fate::Torn, Fate::Reordered]);
            if fate != Fate::Kept {
                weakest = fate;
            }
        }
    }

    /// Damages files at rest, in lives that have such damage.
    fn damaged(&mut self, mut image: Image) -> Image {
        if !self.has_damage || !self.rng.chance(0.4) {
            return image;
        }
        let extension = *self.rng.of(&[".block", ".wal", ".chunks", "format"]);
        let mut files: Vec<&mut Vec<u8>> = image
            .iter_mut()
            .filter(|(name, content)| name.ends_with(extension) && !content.is_empty())
            .map(|(_, content)| content)
            .collect();
        if files.is_empty() {
            return image;
        }
        let at = self.rng.index(files.len());
        let content = &mut files[at];
        let byte = self.rng.index(content.len());
        if extension != "format" && self.rng.chance(0.3) {
            content.truncate(byte);
            self.coverage.reach(Fault::CutFile);
        } else {
            content[byte] ^= 1 << self.rng.below(8);
            self.coverage.reach(match extension {
                ".block" => Fault::FlippedBitInBlock,
                ".wal" => Fault::FlippedBitInLog,
                ".chunks" => Fault::FlippedBitInChunks,
                _ => Fault::FlippedBitInFormat,
            });
        }
        self.is_damaged |= extension != "format";
        self.note(format!("a {extension} is damaged at {byte}"));
        image
    }

    /// Begins a run with an opened store.
    fn begin(&mut self, store: Store, report: &OpenReport, fate: Fate) {
        let files = self.disk.file_names_with("").join(" ");
        self.note(format!("opened: {report:?}; {files}"));
        let trouble = self.disk.replace_trouble(Trouble::default());
        let injected = self.disk.take_injected();
        let is_unread = injected.iter().any(|fault| matches!(fault, Fault::FailedOpen | Fault::FailedRead));
        injected.into_iter().for_each(|fault| self.coverage.reach(fault));
        self.store = store;
        self.is_partial = is_unread;
        let found = content(&self.store, "", i64::MIN, i64::MAX);
        let needed = if fate == Fate::Kept { Safety::Written } else { Safety::Synced };
        let lost = self.model.compare(&found, needed, is_unread, "after opening");
        let damaged = self.store.stats().damaged;
        let is_reported = self.was_reported || damaged > 0 || !report.losses.is_empty() || report.torn_bytes > 0;
        if let Some((safety, key, time_ms)) = lost.safest {
            let is_excused = (self.is_damaged || is_unread) && is_reported || self.was_dropped(lost.newest_ms);
            assert!(
                is_excused,
                "{} samples are lost after {fate:?}, one of {key:?} at {time_ms} was {safety:?}; {report:?}",
                lost.count
            );
            self.coverage.reach(Fault::LossReported);
        }
        // What survived a crash is not lost by the next one.
        self.model.secure(if fate == Fate::Kept { Safety::Written } else { Safety::Synced });
        self.reported = damaged;
        self.was_reported &= is_unread;
        self.has_failed &= is_unread;
        self.is_clean = false;
        for target in &mut self.targets {
            target.resume(&self.store, self.now_ms);
        }
        self.disk.set_trouble(trouble);
    }

    /// Ends a life: once the disk is well, the store recovers, and everything survives a last restart.
    pub(crate) fn finish(&mut self) {
        self.disk.set_trouble(Trouble::default());
        if self.is_partial {
            self.crash_well();
        }
        self.recover();
        self.check_all();
        self.store.close().expect("a disk that is well");
        self.model.secure(Safety::Synced);
        self.disk.end();
        self.has_damage = false;
        let image = self.disk.image(Fate::Lost);
        self.disk = SimulatedDisk::new(image, 1);
        let (store, report) = open(&self.disk, self.options).expect("a store");
        let strays = self.disk.file_names_with(".tmp");
        assert!(strays.is_empty(), "unfinished files are left: {strays:?}");
        self.begin(store, &report, Fate::Lost);
        // Days later everything is merged.
        self.now_ms = self.now_ms.max(self.model.newest_ms().unwrap_or(self.now_ms)) + 3 * 86_400_000;
        for _ in 0..20 {
            self.now_ms += 61_000;
            self.store.maintain(self.now_ms).expect("a disk that is well");
        }
        self.check_all();
    }

    fn crash_well(&mut self) {
        self.disk.end();
        let image = self.disk.image(Fate::Kept);
        self.disk = SimulatedDisk::new(image, 1);
        let (store, report) = open(&self.disk, self.options).expect("a disk that is well");
        self.begin(store, &report, Fate::Kept);
    }

    /// A store recovers from failures by itself.
    fn recover(&mut self) {
        let mut outcome = Ok(());
        for _ in 0..20 {
            self.now_ms += 7000;
            outcome = self.store.maintain(self.now_ms);
        }
        assert!(outcome.is_ok(), "does not recover: {outcome:?}");
        assert_eq!(self.store.stats().failure, None, "does not recover");
    }
}
