//! The companion's numbers against the recording: every stored sample, and what PromQL says about the session.
use inferboard_tests::{Api, Companion, PATIENCE, Play, Recording, Replay, Result, SeriesKey, now_ms, until};
use std::collections::BTreeMap;

/// Labels that the companion adds to what it scrapes.
const SCOPE: [&str; 6] = ["job", "instance", "model", "environment", "deployment", "replica"];

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
    assert_eq!(stage.values_by("status", "sum by (status) (http_requests_total)").await?, by_status);
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
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s", "--target", &replay.url()]).await?;
    let starts_s = replay.two_runs(2).await?;
    let (api, served) = (companion.api(), replay.served());

    // Until its first page has named its model a target is without one, and `up` another series.
    let up = api.samples(&format!("up{{instance=\"{}\"}}[5m]", replay.instance()), None).await?;
    let mut up: Vec<(f64, f64)> =
        up.iter().flat_map(|series| &series.samples.values).map(|(at_s, up)| (*at_s, up.0)).collect();
    up.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(up.len() + 1 >= served.len(), "{} samples of {} scrapes", up.len(), served.len());
    for ((_, up), served) in up.iter().zip(&served) {
        assert_eq!(*up == 1.0, served.is_up, "{up:?} of {served:?}");
    }

    let is_last_down = |at: &usize| up[*at].1 == 0.0 && up[..*at].iter().any(|(_, up)| *up == 1.0);
    let silent_ms = (0..up.len()).rfind(is_last_down).map_or(0, |at| (up[at].0 * 1000.0).round() as i64);
    let running = "vllm:num_requests_running";
    assert_eq!(api.vector(running, Some(silent_ms)).await?.len(), 0, "a target that is down shows no last value");
    assert_eq!(api.value("up{model=\"tiny-llama\"}", Some(silent_ms)).await?, 0.0);
    let refused = "inferboard_scrape_failed{model=\"tiny-llama\", reason=\"connect\"}";
    assert_eq!(api.value(refused, Some(silent_ms)).await?, 1.0, "the page can say why the graphs are missing");
    until(running, PATIENCE, async || api.vector(running, None).await, |series| series.len() == 1).await?;
    let now = api.vector(&format!("up{{instance=\"{}\"}}", replay.instance()), None).await?;
    let [now] = now.as_slice() else { panic!("one target, one series: {now:?}") };
    assert_eq!(now.metric.get("model").map(String::as_str), Some("tiny-llama"), "the page names its model");

    let stored = api.samples("process_start_time_seconds{model=\"tiny-llama\"}[5m]", None).await?;
    let stored_s = distinct(stored.iter().flat_map(|series| series.samples.values.iter().map(|(_, value)| value.0)));
    assert_eq!(stored_s, starts_s, "both starts");
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

    async fn values_by(&self, label: &str, query: &str) -> Result<BTreeMap<String, f64>> {
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
