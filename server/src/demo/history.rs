//! The history that the demo begins with: simulated days, written through the store's import.
use crate::demo::INTERVAL_MS;
use crate::demo::recorder::Recorder;
use crate::scrape::newborn::LOOKBACK_MS;
use fleet_simulation::{Fleet, Scenario, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use tsdb::{ImportSeries, Store, WriteError};

const DAY_MS: i64 = 86_400_000;

/// A part of the fleet, and the recorders of its targets.
struct Part {
    fleet: Fleet,
    recorders: BTreeMap<Target, Recorder>,
    /// The last scrape at each address, Unix milliseconds. Addresses are used again.
    scraped_ms: HashMap<String, i64>,
}

/// Simulates `fleet` in the time range, in Unix milliseconds, and writes what scraping it would have stored. Returns the
/// fleet as it is at the end. Ends early, with a part of the history, once `is_stopped`.
///
/// Each model has a thread, and while one day is written the next one is simulated.
///
/// # Errors
/// If the history cannot be written.
pub(crate) fn write_history(
    store: &Store,
    fleet: Fleet,
    range_ms: Range<i64>,
    is_stopped: &AtomicBool,
) -> Result<Fleet, WriteError> {
    let mut parts: Vec<Part> = fleet
        .split()
        .into_iter()
        .map(|fleet| Part { fleet, recorders: BTreeMap::new(), scraped_ms: HashMap::new() })
        .collect();
    // One day is written, one is simulated, and none waits.
    let (send, batches) = sync_channel(0);
    thread::scope(|scope| {
        let writer = scope.spawn(move || import(store, &batches));
        for day in days(range_ms) {
            // The receiver is gone if writing failed; its error is returned below.
            if send.send(simulate(&mut parts, &day, is_stopped)).is_err() || is_stopped.load(Relaxed) {
                break;
            }
        }
        drop(send);
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let fleets: Vec<Fleet> = parts.into_iter().map(|part| part.fleet).collect();
    Ok(Fleet::join(fleets).unwrap_or_else(|| Fleet::new(0, 0, &Scenario::default())))
}

fn import(store: &Store, batches: &Receiver<Vec<ImportSeries>>) -> Result<(), WriteError> {
    batches.iter().try_for_each(|batch| store.import(batch).map(drop))
}

/// The days in UTC that the range touches, because a block holds samples of one day.
fn days(range_ms: Range<i64>) -> impl Iterator<Item = Range<i64>> {
    let first_day = range_ms.start.div_euclid(DAY_MS);
    (first_day..)
        .map(move |day| range_ms.start.max(day * DAY_MS)..range_ms.end.min((day + 1) * DAY_MS))
        .take_while(|day| day.start < day.end)
}

/// Simulates all parts for some time.
fn simulate(parts: &mut [Part], range_ms: &Range<i64>, is_stopped: &AtomicBool) -> Vec<ImportSeries> {
    thread::scope(|scope| {
        let of_part = |part| scope.spawn(|| Part::simulate(part, range_ms.clone(), is_stopped));
        let running: Vec<_> = parts.iter_mut().map(of_part).collect();
        let recorded =
            running.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        recorded.flatten().collect()
    })
}

impl Part {
    fn simulate(&mut self, range_ms: Range<i64>, is_stopped: &AtomicBool) -> Vec<ImportSeries> {
        let mut recorded = Vec::new();
        let first_ms = (range_ms.start + INTERVAL_MS - 1).div_euclid(INTERVAL_MS) * INTERVAL_MS;
        for time_ms in (first_ms..range_ms.end).step_by(INTERVAL_MS as usize) {
            if is_stopped.load(Relaxed) {
                break;
            }
            self.fleet.run_until(time_ms);
            let mut seen = BTreeSet::new();
            let Self { fleet, recorders, scraped_ms } = self;
            fleet.scrape(&mut |target, answer| {
                let last_ms = scraped_ms.insert(target.instance.clone(), time_ms);
                let last_ms = last_ms.filter(|last_ms| time_ms - last_ms <= LOOKBACK_MS);
                let recorder = recorders.entry(target.clone());
                recorder.or_insert_with_key(|target| Recorder::new(target, last_ms)).record(time_ms, &answer);
                seen.insert(target);
            });
            for (_, mut gone) in recorders.extract_if(.., |target, _| !seen.contains(target)) {
                gone.end(time_ms);
                recorded.extend(gone.take().collect::<Vec<_>>());
            }
        }
        recorded.extend(self.recorders.values_mut().flat_map(Recorder::take));
        recorded
    }
}
