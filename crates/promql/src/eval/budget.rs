//! The resources that a query has used, checked against its limits.
use crate::limits::{Interrupt, Interruption, Limits, MemoryPool, Options, Reservation};
use crate::{Error, Labels, SampleCounts};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// The work between two checks of the interrupt; a unit takes about a nanosecond.
const WORK_BETWEEN_INTERRUPT_CHECKS: usize = 1 << 16;

/// Memory is reserved in the pool in multiples of this.
const RESERVATION_BYTES: u64 = 1 << 20;

/// The budget of one query.
pub(crate) struct Budget<'a> {
    limits: &'a Limits,
    interrupt: Interrupt<'a>,
    samples: Cell<u64>,
    counts: Cell<SampleCounts>,
    work: Cell<usize>,
    memory: Rc<Memory>,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(options: &'a Options, interrupt: Interrupt<'a>) -> Self {
        let limits = &options.limits;
        let memory = Memory {
            limit_bytes: limits.memory_bytes,
            live_bytes: Cell::new(0),
            pool: options.pool.clone(),
            reserved: RefCell::default(),
        };
        Self {
            limits,
            interrupt,
            samples: Cell::new(0),
            counts: Cell::default(),
            work: Cell::new(0),
            memory: Rc::new(memory),
        }
    }

    /// Fails if the caller wants the query to stop.
    pub(crate) fn check_interrupt(&self) -> Result<(), Error> {
        match (self.interrupt)() {
            None => Ok(()),
            Some(Interruption::Timeout) => Err(Error::Timeout),
            Some(Interruption::Cancelled) => Err(Error::Cancelled),
        }
    }

    /// Counts work, and checks the interrupt at intervals.
    pub(crate) fn count_work(&self, units: usize) -> Result<(), Error> {
        let done = self.work.get().saturating_add(units);
        if done < WORK_BETWEEN_INTERRUPT_CHECKS {
            self.work.set(done);
            return Ok(());
        }
        self.work.set(0);
        self.check_interrupt()
    }

    /// Counts samples that the storage read of one series.
    pub(crate) fn count_read(&self, count: usize) -> Result<(), Error> {
        let counts = self.counts.get();
        self.counts.set(SampleCounts { read: counts.read.saturating_add(count as u64), ..counts });
        self.count_samples(count)
    }

    /// Counts samples in the window of a step.
    pub(crate) fn count_loaded(&self, count: usize) {
        let counts = self.counts.get();
        self.counts.set(SampleCounts { loaded: counts.loaded.saturating_add(count as u64), ..counts });
    }

    /// How many samples the query took so far.
    pub(crate) fn sample_counts(&self) -> SampleCounts {
        self.counts.get()
    }

    /// Counts samples of one series towards the limit, whether the storage read them or a subquery produced them.
    pub(crate) fn count_samples(&self, count: usize) -> Result<(), Error> {
        let read = self.samples.get().saturating_add(count as u64);
        self.samples.set(read);
        if read > self.limits.samples {
            return Err(Error::TooManySamples { limit: self.limits.samples });
        }
        // A series costs far more than its samples, mostly because of its labels.
        self.count_work(count + 256)
    }

    /// An empty account of memory.
    pub(crate) fn memory_charge(&self) -> MemoryCharge {
        MemoryCharge { memory: Rc::clone(&self.memory), bytes: 0 }
    }
}

/// The memory that intermediate results of the query hold.
struct Memory {
    limit_bytes: u64,
    live_bytes: Cell<u64>,
    pool: Option<Arc<MemoryPool>>,
    /// The part of the pool reserved so far, which the query keeps until it ends.
    reserved: RefCell<Option<Reservation>>,
}

impl Memory {
    fn take(&self, bytes: u64) -> Result<(), Error> {
        let live = self.live_bytes.get().saturating_add(bytes);
        self.live_bytes.set(live);
        if live > self.limit_bytes {
            return Err(Error::TooMuchMemory { limit: self.limit_bytes });
        }
        let Some(pool) = &self.pool else { return Ok(()) };
        let mut reserved = self.reserved.borrow_mut();
        let missing = live.saturating_sub(reserved.as_ref().map_or(0, Reservation::bytes));
        if missing == 0 {
            return Ok(());
        }
        let more = missing.next_multiple_of(RESERVATION_BYTES);
        let taken = match &mut *reserved {
            Some(reserved) => reserved.grow(more),
            none => {
                *none = pool.reserve(more);
                none.is_some()
            }
        };
        if taken { Ok(()) } else { Err(Error::Busy { limit: pool.limit_bytes() }) }
    }
}

/// The memory of one intermediate result, released on drop.
pub(crate) struct MemoryCharge {
    memory: Rc<Memory>,
    bytes: u64,
}

impl MemoryCharge {
    pub(crate) fn add_bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.memory.take(bytes as u64)
    }

    /// Adds the memory of `count` values.
    pub(crate) fn add_values(&mut self, count: usize) -> Result<(), Error> {
        self.add_bytes(count.saturating_mul(size_of::<f64>()))
    }

    /// Adds the memory of a new label set and its entry.
    pub(crate) fn add_labels(&mut self, labels: &Labels) -> Result<(), Error> {
        self.add_bytes(96 + 32 * labels.len())
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        let live = &self.memory.live_bytes;
        live.set(live.get().saturating_sub(self.bytes));
    }
}
