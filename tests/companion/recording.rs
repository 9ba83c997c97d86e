//! Compares the companion with the recorded session: every stored sample, and the results of PromQL.
use inferboard_tests::{Api, Companion, PATIENCE, Play, Recording, Replay, Result, SeriesKey, now_ms, until};
use std::collections::BTreeMap;

/// Labels that the companion adds to what it scrapes.
const SCOPE: [&str; 6] = ["job", "instance", "model", "environment", "deployment", "replica"];

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_stored_as_recorded() -> Result<()> {
    let session = ReplayedSession::start().await?;
    let stored = session.stored().await?;
    for (series, recorded) in &session.recorded {
        assert_eq!(stored.get(series), Some(recorded), "{series:?}");
    }
    let is_own = |series: &SeriesKey| {
        let name = series.label("__name__");
        name == "up" || name.starts_with("scrape_") || name.starts_with("inferboard_")
    };
    let extra: Vec<_> =
        stored.keys().filter(|series| !is_own(series) && !session.recorded.contains_key(series)).collect();
    assert!(extra.is_empty(), "series that the metrics page does not have: {extra:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn promql_agrees_with_the_recorded_session() -> Result<()> {
    let session = ReplayedSession::start().await?;
    let (end_ms, window) = (Some(session.last_ms), "[15m]");

    let by_status = session.last_values("status", "http_requests_total");
    assert!(by_status["2xx"] > 200.0 && by_status["4xx"] > 10.0, "{by_status:?}");
    assert_eq!(session.values_by("status", "sum by (status) (http_requests_total)").await?, by_status);
    let before_ms = session.last_before_restart_ms();
    for (status, count) in session.values_at(before_ms, "status", "http_requests_total") {
        let query = format!("http_requests_total{{status=\"{status}\"}}");
        assert_eq!(session.api.value(&query, Some(before_ms)).await?, count, "{status} before the restart");
    }

    for name in ["vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:request_success_total"] {
        let recorded: f64 = session.peaks(name).into_iter().sum();
        // The counters reset with the engine, so a peak is that of the first run.
        let query = format!("sum(max_over_time({name}{window}))");
        assert_eq!(session.api.value(&query, end_ms).await?, recorded, "{name}");
    }
    for (name, min) in [("vllm:num_requests_waiting", 1.0), ("vllm:num_requests_running", 4.0)] {
        let recorded: f64 = session.peaks(name).into_iter().sum();
        assert!(recorded >= min, "the burst fills the queue: {name} {recorded}");
        assert_eq!(session.api.value(&format!("max_over_time({name}{window})"), end_ms).await?, recorded, "{name}");
    }

    assert_eq!(session.api.value(&format!("changes(process_start_time_seconds{window})"), end_ms).await?, 1.0);
    assert_eq!(session.api.value(&format!("resets(vllm:generation_tokens_total{window})"), end_ms).await?, 1.0);
    session.errors_rise_when_recorded().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_target_goes_down_comes_back_and_restarts() -> Result<()> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s", "--target", &replay.url()]).await?;
    let api = companion.api();
    let starts_s = replay.two_runs(&api, 2).await?;
    let served = replay.served();

    // The labels of a target do not depend on what its metrics pages name.
    let up = api.samples(&format!("up{{instance=\"{}\"}}[5m]", replay.instance()), None).await?;
    assert_eq!(up.len(), 1, "one target, one series: {up:?}");
    let mut up: Vec<(f64, f64)> =
        up.iter().flat_map(|series| &series.samples.values).map(|(at_s, up)| (*at_s, up.0)).collect();
    up.sort_by(|a, b| a.0.total_cmp(&b.0));
    // The last scrape may not be stored yet. All of its requests were scrapes that it answered.
    let up_count = up.iter().filter(|(_, up)| *up == 1.0).count();
    assert!((served.len() - 1..=served.len()).contains(&up_count), "{up:?} of {served:?}");

    let is_last_down = |at: &usize| up[*at].1 == 0.0 && up[..*at].iter().any(|(_, up)| *up == 1.0);
    let down_ms = (0..up.len()).rfind(is_last_down).map_or(0, |at| (up[at].0 * 1000.0).round() as i64);
    let running = "vllm:num_requests_running";
    assert_eq!(api.vector(running, Some(down_ms)).await?.len(), 0, "a target that is down has no value");
    assert_eq!(api.value("up{replica!=\"\"}", Some(down_ms)).await?, 0.0);
    let refused = "inferboard_scrape_failed{reason=\"connect\"}";
    assert_eq!(api.value(refused, Some(down_ms)).await?, 1.0, "the page can say why the graphs are missing");
    until(running, PATIENCE, async || api.vector(running, None).await, |series| series.len() == 1).await?;
    let now = api.vector("inferboard_replica_model", None).await?;
    let [now] = now.as_slice() else { panic!("one replica, one model: {now:?}") };
    assert_eq!(now.metric.get("model").map(String::as_str), Some("tiny-llama"), "the metrics page names the model");

    let stored = api.samples("process_start_time_seconds{model=\"tiny-llama\"}[5m]", None).await?;
    let stored_s = distinct(stored.iter().flat_map(|series| series.samples.values.iter().map(|(_, value)| value.0)));
    assert_eq!(stored_s, starts_s, "both starts");
    Ok(())
}

/// A companion that has scraped the whole recording, shifted in time to end now.
struct ReplayedSession {
    recording: Recording,
    /// What was recorded, with the shifted times.
    recorded: BTreeMap<SeriesKey, Vec<(i64, f64)>>,
    api: Api,
    last_ms: i64,
    instance: String,
    _companion: Companion,
    _replay: Replay,
}

impl ReplayedSession {
    async fn start() -> Result<Self> {
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

    /// The shifted time of a recorded scrape.
    fn shifted_ms(&self, at_ms: i64) -> i64 {
        at_ms - self.recording.last_ms() + self.last_ms
    }

    /// What the companion stores of the target, without the labels that it adds.
    async fn stored(&self) -> Result<BTreeMap<SeriesKey, Vec<(i64, f64)>>> {
        let everything = format!("{{instance=\"{}\"}}[30m]", self.instance);
        let series = self.api.samples(&everything, Some(now_ms())).await?;
        Ok(series
            .into_iter()
            .map(|mut series| {
                series.metric.retain(|name, _| !SCOPE.contains(&name.as_str()));
                let samples = series.samples.values.iter();
                (
                    SeriesKey(series.metric),
                    samples.map(|(at_s, value)| ((at_s * 1000.0).round() as i64, value.0)).collect(),
                )
            })
            .collect())
    }

    /// The recorded series of a metric.
    fn series_of(&self, name: &str) -> impl Iterator<Item = (&SeriesKey, &Vec<(i64, f64)>)> {
        self.recorded.iter().filter(move |(series, _)| series.label("__name__") == name)
    }

    /// The recorded values of a metric at a shifted time, by one of its labels.
    fn values_at(&self, time_ms: i64, label: &str, name: &str) -> BTreeMap<String, f64> {
        self.series_of(name)
            .filter_map(|(series, samples)| {
                let (_, value) = samples.iter().find(|(at_ms, _)| *at_ms == time_ms)?;
                Some((series.label(label).to_owned(), *value))
            })
            .collect()
    }

    fn last_values(&self, label: &str, name: &str) -> BTreeMap<String, f64> {
        self.values_at(self.last_ms, label, name)
    }

    async fn values_by(&self, label: &str, query: &str) -> Result<BTreeMap<String, f64>> {
        let answer = self.api.vector(query, Some(self.last_ms)).await?;
        Ok(answer
            .into_iter()
            .map(|series| (series.metric.get(label).cloned().unwrap_or_default(), series.samples.value.1.0))
            .collect())
    }

    /// The highest recorded value of each series of a metric.
    fn peaks(&self, name: &str) -> Vec<f64> {
        self.series_of(name)
            .map(|(_, samples)| samples.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max))
            .collect()
    }

    fn last_before_restart_ms(&self) -> i64 {
        self.shifted_ms(self.recording.restart().0)
    }

    /// Asserts that the rate of client errors is above zero exactly where the recorded counter rose within the window.
    async fn errors_rise_when_recorded(&self) -> Result<()> {
        let errors = self.series_of("http_requests_total").find(|(series, _)| series.label("status") == "4xx");
        let errors: &[(i64, f64)] = errors.map_or(&[], |(_, samples)| samples);
        let (start_ms, end_ms) = (self.shifted_ms(self.recording.first_ms()), self.last_ms);
        let query = "rate(http_requests_total{status=\"4xx\"}[30s])";
        let answer = self.api.range(query, start_ms, end_ms, 5000).await?;
        let rates = answer.into_iter().flat_map(|series| series.samples.values);
        let queried: BTreeMap<i64, bool> =
            rates.map(|(at_s, rate)| ((at_s * 1000.0).round() as i64, rate.0 > 0.0)).collect();
        let mut rose = 0;
        for at_ms in (start_ms..=end_ms).step_by(5000) {
            let window: Vec<f64> =
                errors.iter().filter(|(time, _)| at_ms - 30_000 < *time && *time <= at_ms).map(|p| p.1).collect();
            let recorded = (window.len() > 1).then(|| window.windows(2).any(|pair| pair[0] != pair[1]));
            assert_eq!(queried.get(&at_ms).copied(), recorded, "{} s before the end", (end_ms - at_ms) / 1000);
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
