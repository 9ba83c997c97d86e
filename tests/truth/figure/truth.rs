//! The truth of a figure, from the event lists: between which bounds its value must lie.
use super::list::{Gauge, Pick};
use crate::world::events::Extent;
use crate::world::{BUCKET_ENDS_S, Event, Target, World};

/// Rates and means may differ from the truth by this share.
pub(crate) const TOLERANCE: f64 = 0.01;

/// The bounds of a true value. Where they differ, the page can only know that it lies between them: a scrape is as old as
/// an interval, and a percentile lies somewhere in its bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    /// Exactly this value.
    pub(crate) fn exactly(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// Wider by a share at each end.
    fn widened(self, share: f64) -> Self {
        Self { low: self.low - share * self.low.abs(), high: self.high + share * self.high.abs() }
    }

    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut bounds = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        for value in values {
            bounds = Self { low: bounds.low.min(value), high: bounds.high.max(value) };
        }
        bounds
    }
}

/// What the page shows, and when it is loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Unix milliseconds.
    pub(crate) now_ms: i64,
    /// When everything was read, if the clock is not held: until then more may have happened.
    pub(crate) until_ms: i64,
    /// When a companion began to scrape live targets whose history it has; the scrapes on both sides are not evenly spaced.
    pub(crate) joined_ms: Option<i64>,
    /// The length of the visible range.
    pub(crate) range_ms: i64,
    /// The distance between the times of the graph.
    pub(crate) step_ms: i64,
}

impl Moment {
    fn start_ms(&self) -> i64 {
        self.now_ms - self.range_ms
    }
}

impl World {
    /// Whether there need not be a value at a time of the graph: the history had not begun, or has one scrape.
    pub(crate) fn may_be_empty(&self, time_ms: i64) -> bool {
        time_ms < self.began_ms() + 2 * self.max_interval_ms()
    }

    /// When the first target was scraped first.
    fn began_ms(&self) -> i64 {
        self.targets.iter().map(Target::first_scrape_ms).min().unwrap_or(0)
    }

    fn max_interval_ms(&self) -> i64 {
        self.targets.iter().map(|target| target.interval_ms).max().unwrap_or(0)
    }

    fn min_interval_ms(&self) -> i64 {
        self.targets.iter().map(|target| target.interval_ms).min().unwrap_or(0)
    }

    /// Events in the range: at either end those since the last scrape may be missing.
    pub(crate) fn count(&self, pick: Pick, moment: Moment) -> Bounds {
        let sum = |after: &dyn Fn(&Target) -> i64, until: &dyn Fn(&Target) -> i64| -> f64 {
            let own = |target: &Target| {
                // What happened before the first scrape is not known.
                let after_ms = after(target).max(target.first_scrape_ms());
                target.sum_between(|event| pick.amount(target.dialect, event), after_ms, until(target))
            };
            self.targets.iter().map(own).sum()
        };
        let (start_ms, end_ms) = (moment.start_ms(), moment.now_ms);
        let start_until_ms = moment.until_ms - moment.range_ms;
        Bounds {
            low: sum(&|_| start_until_ms, &|target| end_ms - target.interval_ms),
            high: sum(&|target| start_ms - target.interval_ms, &|_| moment.until_ms),
        }
    }

    /// The share of events among all requests of the range.
    pub(crate) fn share(&self, pick: Pick, moment: Moment) -> Option<Bounds> {
        let (part, all) = (self.count(pick, moment), self.count(Pick::Requests, moment));
        let is_exact = all.low == all.high && part.low == part.high;
        let bounds = Bounds { low: part.low / all.high, high: (part.high / all.low).min(1.0) };
        (all.low > 0.0).then(|| if is_exact { bounds } else { bounds.widened(TOLERANCE) })
    }

    /// Whether the window of a value at a time may contain the moment at which live scrapes began.
    pub(crate) fn is_joint(&self, moment: Moment, time_ms: i64) -> bool {
        let longest_ms = moment.step_ms.max(4 * self.max_interval_ms()) + self.max_interval_ms();
        moment.joined_ms.is_some_and(|joined_ms| {
            (joined_ms - longest_ms..=joined_ms + moment.step_ms + 2 * longest_ms).contains(&time_ms)
        })
    }

    /// The windows that a value at a time may be a mean over: after one time and not after another.
    fn windows(&self, moment: Moment, time_ms: i64) -> Vec<(i64, i64)> {
        let (step_ms, longest_ms) = (moment.step_ms, self.max_interval_ms());
        // An unfinished bar of a few scrapes stands for what has passed since the one before.
        let passed_ms = Some(time_ms.rem_euclid(step_ms.max(1))).filter(|passed_ms| *passed_ms >= 3 * longest_ms);
        let lengths_ms = [
            self.min_interval_ms(),
            step_ms,
            step_ms + self.min_interval_ms(),
            step_ms + longest_ms,
            4 * longest_ms,
            passed_ms.unwrap_or(step_ms),
        ];
        // A count needs no more than two scrapes; of mixed intervals the page takes longer windows.
        let is_mixed = self.min_interval_ms() < longest_ms;
        let shortest_ms = self.min_interval_ms() * if is_mixed { 2 } else { 1 };
        // Which events are in a window depends on how old the last scrape is.
        let ends_ms = std::array::from_fn::<_, 17, _>(|part| time_ms - longest_ms * part as i64 / 16);
        let windows = lengths_ms.into_iter().filter(|length_ms| *length_ms >= shortest_ms);
        windows.flat_map(|length_ms| ends_ms.map(|end_ms| (end_ms - length_ms, end_ms))).collect()
    }

    /// Events per second at a time of the graph; none before the history begins.
    pub(crate) fn rate(&self, pick: Pick, moment: Moment, time_ms: i64) -> Option<Bounds> {
        let began_ms = self.began_ms();
        let rate = |(after_ms, until_ms): (i64, i64)| {
            // What happened before the first scrape is not known.
            let after_ms = after_ms.max(began_ms);
            let sum = |first_ms: &dyn Fn(&Target) -> i64| -> f64 {
                let own = |target: &Target| {
                    let after_ms = after_ms.max(first_ms(target)).min(until_ms);
                    target.sum_between(|event| pick.amount(target.dialect, event), after_ms, until_ms)
                };
                self.targets.iter().map(own).sum::<f64>()
            };
            // Whether what the first scrape has is of the time before it is not known either.
            let unknown_ms = if after_ms == began_ms { self.max_interval_ms() / 2 } else { 0 };
            let per_s = |sum: f64| [0, unknown_ms].map(|more_ms| sum * 1000.0 / (until_ms - after_ms + more_ms) as f64);
            // A target that comes later may or may not have had events before.
            let later_ms = |target: &Target| if target.first_ms > began_ms { target.first_ms } else { i64::MIN };
            let sums = [sum(&|target| later_ms(target).saturating_add(target.interval_ms)), sum(&|_| i64::MIN)];
            sums.into_iter().flat_map(per_s).collect::<Vec<_>>()
        };
        // A bar may stand for the step that begins at its time.
        let times_ms = [time_ms, (time_ms + moment.step_ms).min(moment.until_ms)];
        let windows = times_ms.into_iter().flat_map(|time_ms| self.windows(moment, time_ms));
        let windows = windows.filter(|(_, until_ms)| *until_ms > began_ms + self.min_interval_ms());
        let bounds = Bounds::of(windows.flat_map(rate));
        bounds.low.is_finite().then(|| bounds.widened(TOLERANCE))
    }

    /// Events per second now: at the end of the newest window, which may be that of the last whole step.
    pub(crate) fn rate_now(&self, pick: Pick, moment: Moment) -> Bounds {
        let last_ms = moment.now_ms.div_euclid(moment.step_ms) * moment.step_ms;
        let times = [moment.now_ms, last_ms, last_ms - moment.step_ms];
        let bounds = times.map(|time_ms| self.rate(pick, moment, time_ms));
        Bounds::of(bounds.into_iter().flatten().flat_map(|bounds| [bounds.low, bounds.high]))
    }

    /// Events per second at every time of the range.
    pub(crate) fn rate_in_range(&self, pick: Pick, moment: Moment) -> Bounds {
        let rate = self.rate_now(pick, moment);
        let is_later = |time_ms: i64| time_ms > moment.start_ms() - 4 * moment.step_ms;
        let is_born = self.targets.iter().any(|target| {
            let first_event_ms = target.streams.iter().filter_map(|own| own.list.next_after(i64::MIN)).max();
            let joins = target.first_scrape_ms() > self.began_ms() && is_later(target.first_ms);
            joins || first_event_ms.is_some_and(is_later)
        });
        // In the step in which events begin there are fewer.
        if is_born { Bounds { low: 0.0, ..rate } } else { rate }
    }

    /// A gauge from one time to another: the least and the greatest sum over the targets.
    fn gauge_between(&self, gauge: Gauge, start_ms: i64, end_ms: i64) -> Bounds {
        let own = |target: &Target| {
            let Extent { least, greatest, .. } = gauge.of(target).extent(start_ms, end_ms);
            let is_whole =
                target.run_at(end_ms).is_some_and(|run| run.start_ms <= start_ms) && target.first_ms <= start_ms;
            let exists = target.first_ms <= end_ms
                && target.runs.iter().any(|run| run.start_ms <= end_ms && run.end_ms > start_ms);
            (if is_whole { least } else { 0.0 }, if exists { greatest } else { 0.0 })
        };
        let replicas = self.targets.iter().filter(|target| target.dialect.is_replica());
        let sums = replicas.map(own).fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        Bounds { low: sums.0, high: sums.1 }
    }

    /// A gauge at a time of the graph: one of its values since the time before.
    pub(crate) fn gauge(&self, gauge: Gauge, moment: Moment, time_ms: i64) -> Bounds {
        let start_ms = time_ms - moment.step_ms - 2 * self.max_interval_ms();
        let end_ms = (time_ms + moment.step_ms).min(moment.until_ms);
        self.gauge_between(gauge, start_ms, end_ms.max(start_ms))
    }

    /// The extent of a gauge over the range, of a world whose other gauges are zero: the mean may miss an interval at
    /// each end of a peak, and the steps at both ends of the range may be partly empty.
    pub(crate) fn gauge_in_range(&self, gauge: Gauge, moment: Moment) -> (Bounds, Bounds, Bounds) {
        let (start_ms, end_ms) = (moment.start_ms(), moment.now_ms);
        let extents = || {
            let known = self.targets.iter().filter(|target| target.first_ms < end_ms);
            known.map(|target| (target, gauge.of(target).extent(start_ms.max(target.first_ms), end_ms)))
        };
        let mean: f64 = extents().map(|(_, extent)| extent.mean).sum();
        let unseen: f64 = extents()
            .map(|(target, extent)| {
                let length_ms = (end_ms - start_ms.max(target.first_ms)) as f64;
                let peaks = (extent.greatest - extent.least) * target.interval_ms as f64;
                2.0 * (peaks + extent.mean * moment.step_ms as f64) / length_ms
            })
            .sum();
        let greatest = extents().map(|(_, extent)| extent.greatest).sum();
        let least = extents().map(|(_, extent)| extent.least).sum();
        let mean = Bounds { low: mean - unseen, high: mean + unseen }.widened(TOLERANCE);
        (Bounds::exactly(least), mean, Bounds::exactly(greatest))
    }

    /// The bucket that contains a percentile of the latency of requests after one time and not after another; None
    /// without requests.
    fn percentile_between(&self, quantile: f64, after_ms: i64, until_ms: i64) -> Option<Bounds> {
        let mut latencies: Vec<(u32, u64)> = Vec::new();
        for stream in self.targets.iter().flat_map(|target| &target.streams) {
            if let Event::Request { status, latency_ms, .. } = stream.event
                && status / 100 != 4
            {
                latencies.push((latency_ms, stream.list.count_between(after_ms, until_ms)));
            }
        }
        latencies.sort_unstable();
        let rank = quantile * latencies.iter().map(|(_, count)| count).sum::<u64>() as f64;
        let mut below = 0;
        let latency_ms = latencies.iter().find_map(|(latency_ms, count)| {
            below += count;
            (*count > 0 && below as f64 >= rank).then_some(*latency_ms)
        })?;
        let latency_s = f64::from(latency_ms) / 1000.0;
        let at = BUCKET_ENDS_S.partition_point(|end_s| *end_s < latency_s);
        let low = if at == 0 { 0.0 } else { BUCKET_ENDS_S[at - 1] };
        Some(Bounds { low, high: BUCKET_ENDS_S.get(at).copied().unwrap_or(f64::INFINITY) })
    }

    /// A percentile of the range.
    pub(crate) fn percentile(&self, quantile: f64, moment: Moment) -> Option<Bounds> {
        let interval_ms = self.max_interval_ms();
        let (start_ms, end_ms) = (moment.start_ms(), moment.now_ms);
        let windows =
            [(start_ms, end_ms), (start_ms - interval_ms, end_ms - interval_ms), (start_ms, end_ms - interval_ms)];
        self.percentile_over(quantile, windows)
    }

    /// A percentile at a time of the graph.
    pub(crate) fn percentile_at(&self, quantile: f64, moment: Moment, time_ms: i64) -> Option<Bounds> {
        self.percentile_over(quantile, self.windows(moment, time_ms))
    }

    fn percentile_over(&self, quantile: f64, windows: impl IntoIterator<Item = (i64, i64)>) -> Option<Bounds> {
        let all = windows.into_iter().filter_map(|(after, until)| self.percentile_between(quantile, after, until));
        let bounds = Bounds::of(all.flat_map(|bounds| [bounds.low, bounds.high]));
        bounds.low.is_finite().then_some(bounds)
    }
}
