//! What a running query has used, and whether it may go on.
use crate::limits::{Interrupt, Interruption, Limits};
use crate::{Error, Labels};
use std::cell::Cell;
use std::rc::Rc;

/// Units of work between two looks at the interrupt; a unit is about a nanosecond.
const WORK_BETWEEN_CHECKS: usize = 1 << 16;

/// Counts against the limits of one query.
pub(crate) struct Meter<'a> {
    limits: &'a Limits,
    interrupt: Interrupt<'a>,
    samples: Cell<u64>,
    work: Cell<usize>,
    live_bytes: Rc<Cell<u64>>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(limits: &'a Limits, interrupt: Interrupt<'a>) -> Self {
        Self { limits, interrupt, samples: Cell::new(0), work: Cell::new(0), live_bytes: Rc::default() }
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
        Charge { limit: self.limits.memory_bytes, live_bytes: Rc::clone(&self.live_bytes), bytes: 0 }
    }
}

/// Memory held by one intermediate result; given back on drop.
pub(crate) struct Charge {
    limit: u64,
    live_bytes: Rc<Cell<u64>>,
    bytes: u64,
}

impl Charge {
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let live = self.live_bytes.get().saturating_add(bytes as u64);
        self.live_bytes.set(live);
        if live > self.limit { Err(Error::TooMuchMemory { limit: self.limit }) } else { Ok(()) }
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
        self.live_bytes.set(self.live_bytes.get().saturating_sub(self.bytes));
    }
}
