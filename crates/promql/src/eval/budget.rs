//! What a running query has used, and whether it may go on.
use crate::limits::{Interrupt, Interruption, Limits, MemoryPool, Options, Reservation};
use crate::{Error, Labels};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Units of work between two looks at the interrupt; a unit is about a nanosecond.
const WORK_BETWEEN_CHECKS: usize = 1 << 16;

/// What is taken out of the shared memory at once.
const RESERVED_AT_ONCE: u64 = 1 << 20;

/// Counts against the limits of one query.
pub(crate) struct Meter<'a> {
    limits: &'a Limits,
    interrupt: Interrupt<'a>,
    samples: Cell<u64>,
    work: Cell<usize>,
    memory: Rc<Memory>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(options: &'a Options, interrupt: Interrupt<'a>) -> Self {
        let limits = &options.limits;
        let memory = Memory {
            limit: limits.memory_bytes,
            live_bytes: Cell::new(0),
            pool: options.pool.clone(),
            reserved: RefCell::default(),
        };
        Self { limits, interrupt, samples: Cell::new(0), work: Cell::new(0), memory: Rc::new(memory) }
    }

    /// Fails if the caller wants the query to stop.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match (self.interrupt)() {
            None => Ok(()),
            Some(Interruption::Timeout) => Err(Error::Timeout),
            Some(Interruption::Cancelled) => Err(Error::Cancelled),
        }
    }

    /// Notes `units` of work, and checks from time to time.
    pub(crate) fn work(&self, units: usize) -> Result<(), Error> {
        let done = self.work.get().saturating_add(units);
        if done < WORK_BETWEEN_CHECKS {
            self.work.set(done);
            return Ok(());
        }
        self.work.set(0);
        self.check()
    }

    /// Notes samples read.
    pub(crate) fn samples(&self, count: usize) -> Result<(), Error> {
        let read = self.samples.get().saturating_add(count as u64);
        self.samples.set(read);
        if read > self.limits.samples {
            return Err(Error::TooManySamples { limit: self.limits.samples });
        }
        // A series costs far more than its samples, above all in its labels.
        self.work(count + 256)
    }

    /// An account of memory, empty.
    pub(crate) fn charge(&self) -> Charge {
        Charge { memory: Rc::clone(&self.memory), bytes: 0 }
    }
}

/// Memory that the query's intermediate results hold.
struct Memory {
    limit: u64,
    live_bytes: Cell<u64>,
    pool: Option<Arc<MemoryPool>>,
    /// Taken out of the pool so far; kept until the end.
    reserved: RefCell<Option<Reservation>>,
}

impl Memory {
    fn take(&self, bytes: u64) -> Result<(), Error> {
        let live = self.live_bytes.get().saturating_add(bytes);
        self.live_bytes.set(live);
        if live > self.limit {
            return Err(Error::TooMuchMemory { limit: self.limit });
        }
        let Some(pool) = &self.pool else { return Ok(()) };
        let mut reserved = self.reserved.borrow_mut();
        let missing = live.saturating_sub(reserved.as_ref().map_or(0, Reservation::bytes));
        if missing == 0 {
            return Ok(());
        }
        let more = missing.next_multiple_of(RESERVED_AT_ONCE);
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

/// Memory held by one intermediate result; given back on drop.
pub(crate) struct Charge {
    memory: Rc<Memory>,
    bytes: u64,
}

impl Charge {
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.memory.take(bytes as u64)
    }

    /// Charges for `count` values.
    pub(crate) fn values(&mut self, count: usize) -> Result<(), Error> {
        self.bytes(count.saturating_mul(size_of::<f64>()))
    }

    /// Charges for a label set of our own and what is kept with it.
    pub(crate) fn labels(&mut self, labels: &Labels) -> Result<(), Error> {
        self.bytes(96 + 32 * labels.len())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let live = &self.memory.live_bytes;
        live.set(live.get().saturating_sub(self.bytes));
    }
}
