//! All worlds. A new one is a function here and a line in [`worlds`].
use super::events::{EventList, StepFunction, Train};
use super::{Dialect, Event, Run, Stream, Target, World};
use crate::figure::list::{self, Pick};
use test_kit::Rng;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// When the worlds are.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// The moments at which the page is loaded, in order, Unix milliseconds.
    pub(crate) nows_ms: Vec<i64>,
    /// How long the history before the first one is at most.
    pub(crate) history_ms: i64,
}

impl Times {
    fn first_ms(&self) -> i64 {
        self.nows_ms.first().copied().unwrap_or(0)
    }

    /// When a target that has existed for `age_ms` at the first moment is scraped first.
    fn since(&self, age_ms: i64) -> i64 {
        self.first_ms() - age_ms.min(self.history_ms)
    }

    /// When events end: after the last moment, because live pages go on.
    fn end_ms(&self) -> i64 {
        self.nows_ms.last().copied().unwrap_or(0) + HOUR_MS
    }
}

/// All worlds at these times.
pub(crate) fn worlds(times: &Times) -> Vec<World> {
    vec![
        steady(times),
        young(times),
        fleet(times),
        bursts(times),
        changing(times),
        platform(times),
        tgi(times),
        llama_cpp(times),
    ]
}

/// The worlds together, as the page shows them without a scope. Of each model the outermost count is drawn.
pub(crate) fn everything(worlds: &[World]) -> World {
    let figures = [
        list::counts("volume", "finished", Pick::Finished),
        list::counts("volume", "succeeded", Pick::Succeeded),
        list::counts("volume", "2xx", Pick::Class(2)),
        list::counts("volume", "4xx", Pick::Class(4)),
        list::counts("volume", "5xx", Pick::Class(5)),
        list::rates("tokens-per-second", "generation", Pick::Generated),
        list::rates("tokens-per-second", "prompt", Pick::Prompt),
        list::key_number("Tokens out", "tokens-per-second", Pick::Generated),
        list::gauge("running-and-waiting", "running", list::Gauge::Running),
        list::replicas(),
    ];
    let targets = worlds.iter().flat_map(|world| world.targets.clone()).collect();
    World { scope: String::new(), ..World::new("everything", targets, figures.concat()) }
}

fn request(status: u16, latency_ms: u32) -> Event {
    let finish = if status >= 500 { "error" } else { "stop" };
    Event::Request { status, finish, latency_ms }
}

/// A target that has run since shortly before its first scrape, without events.
fn idle(times: &Times, model: &'static str, replica: &'static str, interval_ms: i64, age_ms: i64) -> Target {
    let first_ms = times.since(age_ms);
    // Far from the times of evenly spaced events, and different for each interval.
    let offset_ms = interval_ms / 3 + 60;
    Target {
        model,
        replica,
        instance: format!("{replica}:8000"),
        dialect: Dialect::Vllm { has_http: false },
        interval_ms,
        offset_ms: offset_ms % interval_ms,
        first_ms,
        runs: vec![Run { start_ms: first_ms - 3000, end_ms: times.end_ms() }],
        streams: Vec::new(),
        running: StepFunction::constant(0.0),
        waiting: StepFunction::constant(0.0),
    }
}

/// Events at a constant rate from shortly after a target's first scrape on.
fn steadily(target: &mut Target, times: &Times, event: Event, per_s: f64) {
    let start_ms = (target.first_ms / MINUTE_MS + 2) * MINUTE_MS;
    let list = EventList::new([Train::steady(start_ms, times.end_ms(), per_s)]);
    target.streams.push(Stream { event, list });
}

/// 4.00 requests and 200 tokens per second, whatever is shown, whenever it is loaded.
fn steady(times: &Times) -> World {
    steady_from("steady", idle(times, "steady", "steady-0", 5000, 49 * HOUR_MS), times)
}

/// The same, by a process that had run for a day when it was scraped first.
fn young(times: &Times) -> World {
    let mut target = idle(times, "young", "young-0", 5000, 23 * MINUTE_MS + 7000);
    let scraped_ms = target.first_ms;
    target.runs[0].start_ms -= DAY_MS;
    target.first_ms -= DAY_MS;
    let mut world = steady_from("young", target, times);
    world.targets[0].first_ms = scraped_ms;
    world
}

fn steady_from(name: &'static str, mut target: Target, times: &Times) -> World {
    target.running = StepFunction::constant(3.0);
    for (latency_ms, per_s) in [(400, 1.6), (900, 1.2), (1800, 0.4), (4000, 0.8)] {
        steadily(&mut target, times, request(200, latency_ms), per_s);
    }
    steadily(&mut target, times, Event::Generated(1), 200.0);
    steadily(&mut target, times, Event::Prompt(4), 200.0);
    let figures = [
        list::head("volume", Pick::Requests),
        list::head("tokens-per-second", Pick::Generated),
        list::steady_rates("volume", "finished", Pick::Requests),
        list::steady_key_number("Requests", "volume", Pick::Requests),
        list::steady_key_number("Tokens out", "tokens-per-second", Pick::Generated),
        list::steady_rates("tokens-per-second", "generation", Pick::Generated),
        list::steady_rates("tokens-per-second", "prompt", Pick::Prompt),
        list::percentiles("end-to-end-latency"),
        list::first_gauge("running-and-waiting", "running", list::Gauge::Running),
        list::replicas(),
    ];
    World::new(name, vec![target], figures.concat())
}

/// Replicas that are scraped every 1, 5, 15 and 60 s, in one fleet to which they came one after another.
fn fleet(times: &Times) -> World {
    let ages =
        [("fleet-60s", 60_000, 31 * DAY_MS), ("fleet-15s", 15_000, 8 * DAY_MS), ("fleet-5s", 5000, 25 * HOUR_MS)];
    let target = |(replica, interval_ms, age_ms)| {
        let mut target = idle(times, "fleet", replica, interval_ms, age_ms);
        target.running = StepFunction::constant(2.0);
        steadily(&mut target, times, request(200, 900), 1.0);
        steadily(&mut target, times, Event::Generated(1), 50.0);
        steadily(&mut target, times, Event::Prompt(1), 100.0);
        target
    };
    let targets = ages.into_iter().chain([("fleet-1s", 1000, 2 * HOUR_MS)]).map(target).collect();
    let figures = [
        list::head("volume", Pick::Requests),
        list::head("tokens-per-second", Pick::Generated),
        list::rates("volume", "finished", Pick::Requests),
        list::rates("tokens-per-second", "generation", Pick::Generated),
        list::rates("tokens-per-second", "prompt", Pick::Prompt),
        list::percentiles("end-to-end-latency"),
        list::first_gauge("running-and-waiting", "running", list::Gauge::Running),
        list::replicas(),
    ];
    World::new("fleet", targets, figures.concat())
}

/// What happens before each moment at which the page is loaded: the distance in seconds, the status, how many, and the
/// distance between two in microseconds. No event is near the start of a range.
const BURSTS: [(i64, u16, u64, i64); 8] = [
    (72_000, 200, 5000, 20_000),
    (14_400, 200, 1250, 8000),
    (2400, 400, 7, 400_000),
    (2000, 200, 120, 250_000),
    (600, 200, 425, 70_000),
    (120, 200, 120, 100_000),
    (90, 429, 3, 100_000),
    (60, 500, 1, 1),
];

/// Bursts with nothing between them, a first error of each kind, restarts, and a peak of 17 minutes.
fn bursts(times: &Times) -> World {
    let mut targets =
        ["bursts-0", "bursts-1", "bursts-2"].map(|replica| idle(times, "bursts", replica, 15_000, 3 * DAY_MS));
    let count = targets.len();
    for (at, target) in targets.iter_mut().enumerate() {
        target.dialect = Dialect::Vllm { has_http: true };
        target.running = StepFunction::constant(1.0);
        for status in [200, 400, 429, 500] {
            let trains = times.nows_ms.iter().enumerate().flat_map(|(phase, now_ms)| {
                let here = BURSTS.iter().enumerate().filter(move |(burst, own)| {
                    // Each burst goes to one replica, and at each moment to another one: so every kind is born there.
                    own.1 == status && (burst + phase) % count == at
                });
                here.map(move |(_, (before_s, _, count, spacing_us))| Train {
                    first_ms: now_ms - before_s * 1000 + 17,
                    spacing_us: *spacing_us,
                    count: *count,
                })
            });
            let mut trains: Vec<Train> = trains.filter(|train| train.first_ms > target.first_ms + MINUTE_MS).collect();
            trains.sort_by_key(|train| train.first_ms);
            let latency_ms = if at == 0 { 900 } else { 4000 };
            target.streams.push(Stream { event: request(status, latency_ms), list: EventList::new(trains) });
        }
    }
    // The last replica is down for a minute, 25 minutes before each moment, when nothing happens.
    let downtimes: Vec<Run> = times
        .nows_ms
        .iter()
        .map(|now_ms| Run { start_ms: now_ms - 1_560_000 + 17, end_ms: now_ms - 1_500_000 + 17 })
        .collect();
    targets[count - 1].runs = around(targets[count - 1].runs[0], &downtimes);
    let peak_ms = times.first_ms() - 2 * DAY_MS - 5 * HOUR_MS;
    targets[0].waiting = StepFunction::constant(0.0).with_peak(peak_ms, peak_ms + 17 * MINUTE_MS, 1000.0).with_peak(
        times.first_ms() - 8 * HOUR_MS,
        times.first_ms() - 8 * HOUR_MS + 3 * MINUTE_MS,
        40.0,
    );
    let figures = [
        list::counts("volume", "2xx", Pick::Class(2)),
        list::counts("volume", "4xx", Pick::Class(4)),
        list::counts("volume", "5xx", Pick::Class(5)),
        list::key_number("Requests", "volume", Pick::Requests),
        list::percentiles_of_range("end-to-end-latency"),
        list::extents("running-and-waiting", "waiting", list::Gauge::Waiting),
        list::replicas(),
    ];
    World::new("bursts", targets.into(), figures.concat())
}

/// A run with gaps.
fn around(whole: Run, downtimes: &[Run]) -> Vec<Run> {
    let starts = std::iter::once(whole.start_ms).chain(downtimes.iter().map(|down| down.end_ms));
    let ends = downtimes.iter().map(|down| down.start_ms).chain([whole.end_ms]);
    starts.zip(ends).map(|(start_ms, end_ms)| Run { start_ms, end_ms }).collect()
}

/// A load that follows the time of day, with another rate in every minute.
fn changing(times: &Times) -> World {
    let mut target = idle(times, "changing", "changing-0", 15_000, 49 * HOUR_MS);
    let first_minute = target.first_ms / MINUTE_MS + 2;
    let rate = |minute: i64| {
        let mut rng = Rng::new(minute as u64);
        let day = (minute % 1440) as f64 / 1440.0 * std::f64::consts::TAU;
        (3.0 + 2.0 * day.sin()) * (0.8 + 0.4 * rng.unit())
    };
    for (event, factor) in [(request(200, 900), 1.0), (Event::Generated(1), 50.0), (Event::Prompt(1), 100.0)] {
        let trains = (first_minute..times.end_ms() / MINUTE_MS)
            .map(|minute| Train::steady(minute * MINUTE_MS, (minute + 1) * MINUTE_MS, factor * rate(minute)));
        target.streams.push(Stream { event, list: EventList::new(trains) });
    }
    let figures = [
        list::head("volume", Pick::Requests),
        list::head("tokens-per-second", Pick::Generated),
        list::rates("volume", "finished", Pick::Requests),
        list::rates("tokens-per-second", "generation", Pick::Generated),
        list::replicas(),
    ];
    World::new("changing", vec![target], figures.concat())
}

/// A platform's page, which is scraped every minute as documented.
fn platform(times: &Times) -> World {
    let mut target = idle(times, "platform", "app.baseten.co", 60_000, 31 * DAY_MS);
    target.dialect = Dialect::Baseten;
    target.running = StepFunction::constant(5.0);
    steadily(&mut target, times, request(200, 900), 2.0);
    steadily(&mut target, times, request(500, 4000), 0.1);
    let figures = [
        list::head("volume", Pick::Requests),
        list::steady_rates("volume", "2xx", Pick::Class(2)),
        list::rates("volume", "5xx", Pick::Class(5)),
        list::percentiles("end-to-end-latency"),
    ];
    World::new("platform", vec![target], figures.concat())
}

/// TGI, which has another layout.
fn tgi(times: &Times) -> World {
    let mut target = idle(times, "tgi", "tgi-0", 15_000, 25 * HOUR_MS);
    target.dialect = Dialect::Tgi;
    target.running = StepFunction::constant(4.0);
    steadily(&mut target, times, request(200, 900), 2.0);
    steadily(&mut target, times, Event::Generated(1), 100.0);
    steadily(&mut target, times, Event::Prompt(1), 200.0);
    let figures = [
        list::head("volume", Pick::Requests),
        list::head("tokens-per-second", Pick::Generated),
        list::steady_rates("volume", "succeeded", Pick::Requests),
        list::steady_rates("tokens-per-second", "generation", Pick::Generated),
        list::percentiles("end-to-end-latency"),
        list::first_gauge("running-and-waiting", "running", list::Gauge::Running),
        list::replicas(),
    ];
    World::new("tgi", vec![target], figures.concat())
}

/// llama.cpp, which counts tokens only.
fn llama_cpp(times: &Times) -> World {
    let mut target = idle(times, "llama-cpp", "llama-cpp-0", 5000, 25 * HOUR_MS);
    target.dialect = Dialect::LlamaCpp;
    target.running = StepFunction::constant(1.0);
    steadily(&mut target, times, Event::Generated(1), 40.0);
    steadily(&mut target, times, Event::Prompt(1), 100.0);
    let figures = [
        list::head("tokens-per-second", Pick::Generated),
        list::steady_rates("tokens-per-second", "generation", Pick::Generated),
        list::steady_rates("tokens-per-second", "prompt", Pick::Prompt),
        list::first_gauge("running-and-waiting", "running", list::Gauge::Running),
        list::replicas(),
    ];
    World::new("llama-cpp", vec![target], figures.concat())
}
