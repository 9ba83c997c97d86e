//! The companion's numbers against the recording: every stored sample, and what PromQL says about the session.
use inferboard_tests::{Api, Companion, Play, Recording, Replay, Result, SeriesKey, now_ms, until};
use std::{collections::BTreeMap, time::Duration};

/// Labels that the companion adds to what it scrapes.
const SCOPE: [&str; 6] = ["job", "instance", "model", "environment", "deployment", "replica"];
/// More than all of a replay, with a busy machine's delays.
const LIMIT: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_stored_as_recorded() -> Result<()> {
    let stage = Stage::stamped().await?;
    let stored = stage.stored().await?;
    for (series, recorded) in &stage.recorded {
        assert_eq!(stored.get(series), Some(recorded), "{series:?}");
    }
    let own = |series: &SeriesKey| {
        let name = series.label("__name__");
        name == "up" || name.starts_with("scrape_") || name.starts_with("inferboard_")
    };
    let more: Vec<_> = stored.keys().filter(|series| !own(series) && !stage.recorded.contains_key(series)).collect();
    assert!(more.is_empty(), "series that the page does not have: {more:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn promql_tells_the_story_of_the_session() -> Result<()> {
    let stage = Stage::stamped().await?;
    let (end_ms, ago) = (Some(stage.last_ms), "[15m]");

    let by_status = stage.final_by("status", "http_requests_total");
    assert!(by_status["2xx"] > 200.0 && by_status["4xx"] > 10.0, "{by_status:?}");
    assert_eq!(stage.asked_by("status", "sum by (status) (http_requests_total)").await?, by_status);
    let before_ms = stage.last_before_restart_ms();
    for (status, count) in stage.at_by(before_ms, "status", "http_requests_total") {
        let query = format!("http_requests_total{{status=\"{status}\"}}");
        assert_eq!(stage.api.value(&query, Some(before_ms)).await?, count, "{status} before the restart");
    }

    for name in ["vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:request_success_total"] {
        let recorded: f64 = stage.peaks(name).into_iter().sum();
        // The counters restart with the engine, so a peak is that of the first run.
        let query = format!("sum(max_over_time({name}{ago}))");
        assert_eq!(stage.api.value(&query, end_ms).await?, recorded, "{name}");
    }
    for (name, least) in [("vllm:num_requests_waiting", 1.0), ("vllm:num_requests_running", 4.0)] {
        let recorded: f64 = stage.peaks(name).into_iter().sum();
        assert!(recorded >= least, "the burst queues: {name} {recorded}");
        assert_eq!(stage.api.value(&format!("max_over_time({name}{ago})"), end_ms).await?, recorded, "{name}");
    }

    assert_eq!(stage.api.value(&format!("changes(process_start_time_seconds{ago})"), end_ms).await?, 1.0);
    assert_eq!(stage.api.value(&format!("resets(vllm:generation_tokens_total{ago})"), end_ms).await?, 1.0);
    stage.errors_rise_when_recorded().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_target_goes_down_comes_back_and_restarts() -> Result<()> {
    const SPEED: f64 = 20.0;
    // So near to a change, a scrape may be of either side.
    const EDGE_MS: f64 = 600.0;
    let recording = Recording::vllm()?;
    let starts_s: Vec<f64> = distinct(
        recording
            .samples()
            .iter()
            .filter(|(s, _)| s.label("__name__") == "process_start_time_seconds")
            .flat_map(|(_, points)| points.iter().map(|(_, value)| *value)),
    );
    assert_eq!(starts_s.len(), 2);
    let span = Duration::from_millis((recording.last_ms() - recording.first_ms()).unsigned_abs()).div_f64(SPEED);
    // From the last page before the restart to the first after it, in the middle: well within the silence.
    let (before_ms, after_ms) = recording.restart();
    let silence_from_start = Duration::from_millis(((before_ms + after_ms) / 2 - recording.first_ms()).unsigned_abs());

    let since_first = |at_ms: i64| (at_ms - recording.first_ms()) as f64;
    let first_page_ms = recording.pages().next().map_or(0, |(at_ms, _)| at_ms);
    let changes = [recording.first_ms(), first_page_ms, before_ms, after_ms, recording.last_ms()].map(since_first);
    let recorded_phases = changes.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>();

    let replay = Replay::start(recording, Play::Live { speed: SPEED }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &replay.url()]).await?;
    let api = companion.api();
    until("first scrape", LIMIT, async || Ok(replay.scrapes()), |scrapes| *scrapes > 0).await?;
    let began_ms = now_ms();
    tokio::time::sleep(span + Duration::from_secs(1)).await;

    let up = api.samples(&format!("up{{instance=\"{}\"}}[5m]", replay.instance()), None).await?;
    // Until its first page has told its model, a target is without one, and `up` another series.
    let samples = up.iter().flat_map(|series| &series.samples.values);
    let samples: Vec<(f64, f64)> = samples.map(|(at_s, up)| (at_s * 1000.0 - began_ms as f64, up.0)).collect();
    let mut phases = [(0, 0); 4];
    for (phase, (start_ms, end_ms)) in phases.iter_mut().zip(recorded_phases) {
        let within = |at_ms: f64| start_ms / SPEED + EDGE_MS < at_ms && at_ms < end_ms / SPEED - EDGE_MS;
        let states = samples.iter().filter(|(at_ms, _)| within(*at_ms)).map(|(_, up)| *up);
        *phase = states.fold((0, 0), |(down, up), state| if state == 0.0 { (down + 1, up) } else { (down, up + 1) });
    }
    // A busy machine may be late for a page, but there is none where the engine was down.
    let [start, first, restart, second] = phases;
    assert!(start.0 > 0 && start.1 == 0 && restart.0 > 0 && restart.1 == 0, "{phases:?}");
    assert!(first.1 > first.0 && second.1 > second.0, "{phases:?}");

    let silent_ms = began_ms + i64::try_from(silence_from_start.div_f64(SPEED).as_millis()).unwrap_or(0);
    let running = "vllm:num_requests_running";
    assert_eq!(api.vector(running, Some(silent_ms)).await?.len(), 0, "a target that is down shows no last value");
    assert_eq!(api.value("up{model=\"tiny-llama\"}", Some(silent_ms)).await?, 0.0);
    let refused = "inferboard_scrape_failed{model=\"tiny-llama\", reason=\"connect\"}";
    assert_eq!(api.value(refused, Some(silent_ms)).await?, 1.0, "the page can say why the graphs are missing");
    until(running, LIMIT, async || api.value(running, None).await, |running| *running == 0.0).await?;
    let now = api.vector(&format!("up{{instance=\"{}\"}}", replay.instance()), None).await?;
    let [now] = now.as_slice() else { panic!("one target, one series: {now:?}") };
    assert_eq!(now.metric.get("model").map(String::as_str), Some("tiny-llama"), "the page names its model");

    let stored = api.samples("process_start_time_seconds{model=\"tiny-llama\"}[5m]", None).await?;
    let stored_s = distinct(stored.iter().flat_map(|series| series.samples.values.iter().map(|(_, value)| value.0)));
    let [first_s, second_s] = stored_s.as_slice() else { panic!("two starts: {stored_s:?}") };
    assert!((second_s - first_s - (starts_s[1] - starts_s[0]) / SPEED).abs() < 1e-3, "{stored_s:?}");
    Ok(())
}

/// A companion that has scraped the whole recording, stamped to have ended just now.
struct Stage {
    recording: Recording,
    /// What was recorded, with the stamps that it was served with.
    recorded: BTreeMap<SeriesKey, Vec<(i64, f64)>>,
    api: Api,
    last_ms: i64,
    instance: String,
    _companion: Companion,
    _replay: Replay,
}

impl Stage {
    async fn stamped() -> Result<Self> {
        let recording = Recording::vllm()?;
        let last_ms = now_ms();
        let replay = Replay::start(recording.clone(), Play::Stamped { last_ms }, 0)?;
        let companion =
            Companion::start(&["--no-discovery", "--scrape-interval", "200ms", "--target", &replay.url()]).await?;
        Replay::turn_through(&[(&replay, companion.api())]).await?;
        let mut recorded = recording.samples();
        recorded.values_mut().flatten().for_each(|(at_ms, _)| *at_ms += last_ms - recording.last_ms());
        let (api, instance) = (companion.api(), replay.instance());
        Ok(Self { recording, recorded, api, last_ms, instance, _companion: companion, _replay: replay })
    }

    /// When a recorded scrape stands on the companion's clock.
    fn stamp_ms(&self, at_ms: i64) -> i64 {
        at_ms - self.recording.last_ms() + self.last_ms
    }

    /// What the companion keeps of the target, without the labels that it added.
    async fn stored(&self) -> Result<BTreeMap<SeriesKey, Vec<(i64, f64)>>> {
        let everything = format!("{{instance=\"{}\"}}[30m]", self.instance);
        let series = self.api.samples(&everything, Some(now_ms())).await?;
        Ok(series
            .into_iter()
            .map(|mut series| {
                series.metric.retain(|name, _| !SCOPE.contains(&name.as_str()));
                let points = series.samples.values.iter();
                (
                    SeriesKey(series.metric),
                    points.map(|(at_s, value)| ((at_s * 1000.0).round() as i64, value.0)).collect(),
                )
            })
            .collect())
    }

    /// The recorded series of a metric.
    fn of(&self, name: &str) -> impl Iterator<Item = (&SeriesKey, &Vec<(i64, f64)>)> {
        self.recorded.iter().filter(move |(series, _)| series.label("__name__") == name)
    }

    /// The recorded values of a metric at a stamp, by one of its labels.
    fn at_by(&self, stamp_ms: i64, label: &str, name: &str) -> BTreeMap<String, f64> {
        self.of(name)
            .filter_map(|(series, points)| {
                let (_, value) = points.iter().find(|(at_ms, _)| *at_ms == stamp_ms)?;
                Some((series.label(label).to_owned(), *value))
            })
            .collect()
    }

    fn final_by(&self, label: &str, name: &str) -> BTreeMap<String, f64> {
        self.at_by(self.last_ms, label, name)
    }

    async fn asked_by(&self, label: &str, query: &str) -> Result<BTreeMap<String, f64>> {
        let answer = self.api.vector(query, Some(self.last_ms)).await?;
        Ok(answer
            .into_iter()
            .map(|series| (series.metric.get(label).cloned().unwrap_or_default(), series.samples.value.1.0))
            .collect())
    }

    /// The highest recorded value of each series of a metric.
    fn peaks(&self, name: &str) -> Vec<f64> {
        self.of(name).map(|(_, points)| points.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max)).collect()
    }

    fn last_before_restart_ms(&self) -> i64 {
        self.stamp_ms(self.recording.restart().0)
    }

    /// The errors of the client have their phase: a rate above nothing exactly where the recorded counter rose within
    /// the window.
    async fn errors_rise_when_recorded(&self) -> Result<()> {
        let errors = self.of("http_requests_total").find(|(series, _)| series.label("status") == "4xx");
        let errors: &[(i64, f64)] = errors.map_or(&[], |(_, points)| points);
        let (start_ms, end_ms) = (self.stamp_ms(self.recording.first_ms()), self.last_ms);
        let query = "rate(http_requests_total{status=\"4xx\"}[30s])";
        let answer = self.api.range(query, start_ms, end_ms, 5000).await?;
        let rates = answer.into_iter().flat_map(|series| series.samples.values);
        let asked: BTreeMap<i64, bool> =
            rates.map(|(at_s, rate)| ((at_s * 1000.0).round() as i64, rate.0 > 0.0)).collect();
        let mut rose = 0;
        for at_ms in (start_ms..=end_ms).step_by(5000) {
            let window: Vec<f64> =
                errors.iter().filter(|(stamp, _)| at_ms - 30_000 < *stamp && *stamp <= at_ms).map(|p| p.1).collect();
            let recorded = (window.len() > 1).then(|| window.windows(2).any(|pair| pair[0] != pair[1]));
            assert_eq!(asked.get(&at_ms).copied(), recorded, "{} s before the end", (end_ms - at_ms) / 1000);
            rose += usize::from(recorded == Some(true));
        }
        assert!(rose > 10, "the recording has a phase of errors");
        Ok(())
    }
}

fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}
