//! A reproducible fleet of replicas with metrics like vLLM's, for tests and benchmarks.
use crate::Rng;

/// The labels of a series: names and values in any order.
pub type Labels = Vec<(String, String)>;

/// How the values of one family are generated.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Buckets, sum and count of log-normal observations.
    Histogram { bounds: &'static [f64], mean: f64, deviation: f64, per_request: f64 },
    /// An integer counter.
    Count { per_request: f64 },
    /// A counter with two decimals.
    Seconds { per_second: f64 },
    /// An integer random walk.
    Level { scale: f64 },
    /// A random walk between 0 and 1.
    Share,
    /// A random walk with three decimals.
    Reading { around: f64, span: f64 },
    /// A constant.
    Fixed(f64),
}

const TIMES: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
const LONG_TIMES: &[f64] = &[
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];
const TOKEN_TIMES: &[f64] =
    &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];
const TOKENS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0, 20000.0, 50000.0, 100_000.0,
];
const BATCHES: &[f64] = &[1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0];
const RESPONSE_TIMES: &[f64] = &[0.1, 0.5, 1.0];

/// A fleet, which must be scraped in order of time.
#[derive(Debug)]
pub struct Fleet {
    /// Label sets, replica by replica.
    pub labels: Vec<Labels>,
    /// The scrape interval in milliseconds.
    pub interval_ms: i64,
    start_ms: i64,
    shapes: Vec<Shape>,
    replicas: Vec<Replica>,
}

#[derive(Debug)]
struct Replica {
    rng: Rng,
    values: Vec<f64>,
    hidden: Vec<f64>,
}

impl Fleet {
    /// Creates `replicas` replicas with `series` series each, scraped every `interval_ms` from `start_ms` on.
    pub fn new(replicas: usize, series: usize, interval_ms: i64, start_ms: i64) -> Self {
        let templates = templates(series);
        let labels = (0..replicas).flat_map(|replica| templates.iter().map(move |template| template.labels(replica)));
        let mut shapes: Vec<Shape> = templates.iter().filter_map(|template| template.shape).collect();
        let mut width = 0;
        shapes.retain(|shape| {
            width += shape.width();
            width <= series
        });
        let replica = |n| Replica { rng: Rng::new(n), values: vec![0.0; series], hidden: vec![0.5; series] };
        Self {
            labels: labels.collect(),
            interval_ms,
            start_ms,
            shapes,
            replicas: (1..=replicas as u64).map(replica).collect(),
        }
    }

    /// The time of scrape `row` of `replica`, in Unix milliseconds, with up to three milliseconds of jitter.
    pub fn time_ms(&mut self, replica: usize, row: usize) -> i64 {
        let jitter_ms = self.replicas[replica].rng.below(4) as i64;
        self.start_ms + replica as i64 * 7919 % (self.interval_ms - 4) + row as i64 * self.interval_ms + jitter_ms
    }

    /// The next values of `replica`, in the order of its labels; `row` counts its scrapes.
    pub fn scrape(&mut self, replica: usize, row: usize) -> &[f64] {
        let interval = self.interval_ms as f64 / 1000.0;
        let Replica { rng, values, hidden } = &mut self.replicas[replica];
        let day = row as f64 * interval / 86_400.0;
        let load = 1.5 * (0.6 + 0.4 * (day * std::f64::consts::TAU + replica as f64).sin());
        let requests = rng.events(load * interval);
        let second = row as i64 * self.interval_ms / 1000 + replica as i64 * 977;
        if row > 0 && second % 32_400 < self.interval_ms / 1000 {
            // The replica restarts.
            values.fill(0.0);
        }
        let mut at = 0;
        for shape in &self.shapes {
            let until = at + shape.width();
            shape.advance(rng, interval, (load, requests), &mut values[at..until], &mut hidden[at]);
            at = until;
        }
        values
    }
}

impl Shape {
    fn width(self) -> usize {
        match self {
            Self::Histogram { bounds, .. } => bounds.len() + 3,
            _ => 1,
        }
    }

    fn advance(self, rng: &mut Rng, interval: f64, (load, requests): (f64, f64), values: &mut [f64], hidden: &mut f64) {
        let mut random_walk = |rng: &mut Rng, step: f64, max: f64| {
            *hidden = (*hidden + step * rng.normal()).clamp(0.0, max);
            *hidden
        };
        match self {
            Self::Histogram { bounds, mean, deviation, per_request } => {
                let observed = requests * per_request;
                let draws = observed.ceil().min(24.0);
                let weight = (observed / draws).round().max(1.0);
                for _ in 0..draws as usize {
                    let value = (mean + deviation * rng.normal()).exp();
                    let bucket = bounds.partition_point(|bound| *bound < value);
                    values[bucket..=bounds.len()].iter_mut().for_each(|count| *count += weight);
                    values[bounds.len() + 1] += value * weight;
                    values[bounds.len() + 2] += weight;
                }
            }
            Self::Count { per_request } if per_request > 10.0 => {
                values[0] += (requests * per_request * (0.7 + 0.6 * rng.unit())).round();
            }
            Self::Count { per_request } => values[0] += rng.events(requests * per_request),
            Self::Seconds { per_second } => {
                let hundredths = (per_second * interval * (80.0 + 40.0 * rng.unit())).round();
                values[0] = ((values[0] * 100.0).round() + hundredths) / 100.0;
            }
            Self::Level { scale } => values[0] = (load * random_walk(rng, 0.05, 1.5) * 40.0 * scale).round(),
            Self::Share => values[0] = random_walk(rng, 0.02, 1.0),
            Self::Reading { around, span } => {
                let value = around + span * (random_walk(rng, 0.1, 1.0) - 0.5);
                values[0] = (value * 1000.0).round() / 1000.0;
            }
            Self::Fixed(value) => values[0] = value,
        }
    }
}

/// One series of a replica. The first series of a family has the family's shape.
struct SeriesTemplate {
    name: String,
    labels: Vec<(&'static str, String)>,
    shape: Option<Shape>,
}

impl SeriesTemplate {
    fn labels(&self, replica: usize) -> Labels {
        let instance = format!("10.0.{}.{}:8000", replica / 250, replica % 250 + 1);
        let model = if replica % 4 == 3 { "Qwen/Qwen3-32B" } else { "meta-llama/Llama-3.1-70B-Instruct" };
        let extra = self.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let shared = [("__name__", self.name.as_str()), ("engine", "0"), ("instance", &instance), ("job", "vllm")];
        let all = shared.into_iter().chain([("model_name", model)]).chain(extra);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The `series` series of a replica: those of vLLM, and mostly idle counters by route to fill up.
fn templates(series: usize) -> Vec<SeriesTemplate> {
    let mut templates = Vec::new();
    let histogram = |bounds, mean, deviation, per_request| Shape::Histogram { bounds, mean, deviation, per_request };
    for (name, shape) in [
        ("vllm:time_to_first_token_seconds", histogram(TIMES, -1.6, 0.9, 1.0)),
        ("vllm:time_per_output_token_seconds", histogram(TOKEN_TIMES, -3.6, 0.4, 180.0)),
        ("vllm:e2e_request_latency_seconds", histogram(LONG_TIMES, 1.8, 0.8, 1.0)),
        ("vllm:request_queue_time_seconds", histogram(LONG_TIMES, -2.5, 0.8, 1.0)),
        ("vllm:request_inference_time_seconds", histogram(LONG_TIMES, 1.8, 0.8, 1.0)),
        ("vllm:request_prefill_time_seconds", histogram(LONG_TIMES, -1.5, 0.8, 1.0)),
        ("vllm:request_decode_time_seconds", histogram(LONG_TIMES, 1.8, 0.8, 1.0)),
        ("vllm:request_prompt_tokens", histogram(TOKENS, 6.5, 1.0, 1.0)),
        ("vllm:request_generation_tokens", histogram(TOKENS, 5.3, 1.0, 1.0)),
        ("vllm:request_params_max_tokens", histogram(TOKENS, 6.9, 1.0, 1.0)),
        ("vllm:request_max_num_generation_tokens", histogram(TOKENS, 5.3, 1.0, 1.0)),
        ("vllm:iteration_tokens_total", histogram(BATCHES, 4.5, 1.2, 40.0)),
        ("vllm:request_params_n", histogram(&TOKENS[..5], 0.0, 0.1, 1.0)),
        ("http_request_duration_highr_seconds", histogram(LONG_TIMES, 1.0, 1.0, 1.1)),
    ] {
        add(&mut templates, name, &[], shape);
    }
    let handlers = ["/v1/chat/completions", "/v1/completions", "/v1/models", "/health", "/metrics", "/v1/embeddings"];
    for (handler, per_request) in handlers.into_iter().zip([0.9, 0.1, 0.0, 0.05, 0.07, 0.0]) {
        let labels = [("handler", handler.to_owned()), ("method", "POST".to_owned())];
        add(&mut templates, "http_request_duration_seconds", &labels, histogram(RESPONSE_TIMES, 1.0, 1.0, per_request));
    }
    for (name, shape) in [
        ("vllm:prompt_tokens_total", Shape::Count { per_request: 900.0 }),
        ("vllm:generation_tokens_total", Shape::Count { per_request: 250.0 }),
        ("vllm:prefix_cache_queries_total", Shape::Count { per_request: 900.0 }),
        ("vllm:prefix_cache_hits_total", Shape::Count { per_request: 400.0 }),
        ("vllm:num_preemptions_total", Shape::Count { per_request: 0.002 }),
        ("vllm:num_requests_running", Shape::Level { scale: 1.0 }),
        ("vllm:num_requests_waiting", Shape::Level { scale: 0.1 }),
        ("vllm:kv_cache_usage_perc", Shape::Share),
        ("process_resident_memory_bytes", Shape::Level { scale: 4e6 }),
        ("process_virtual_memory_bytes", Shape::Fixed(3.1e11)),
        ("process_cpu_seconds_total", Shape::Seconds { per_second: 2.3 }),
        ("process_start_time_seconds", Shape::Fixed(1_700_000_000.37)),
        ("process_open_fds", Shape::Level { scale: 0.5 }),
        ("process_max_fds", Shape::Fixed(1_048_576.0)),
        ("up", Shape::Fixed(1.0)),
        ("scrape_duration_seconds", Shape::Reading { around: 0.01, span: 0.004 }),
        ("scrape_samples_scraped", Shape::Fixed(487.0)),
    ] {
        add(&mut templates, name, &[], shape);
    }
    for (reason, per_request) in [("stop", 0.8), ("length", 0.15), ("abort", 0.05)] {
        let labels = [("finished_reason", reason.to_owned())];
        add(&mut templates, "vllm:request_success_total", &labels, Shape::Count { per_request });
    }
    for gpu in 0..8 {
        let labels = [("gpu", gpu.to_string())];
        for (name, shape) in [
            ("gpu_utilization_ratio", Shape::Share),
            ("gpu_memory_used_bytes", Shape::Level { scale: 1e6 }),
            ("gpu_memory_total_bytes", Shape::Fixed(85_899_345_920.0)),
            ("gpu_power_watts", Shape::Reading { around: 450.0, span: 120.0 }),
            ("gpu_temperature_celsius", Shape::Level { scale: 0.2 }),
            ("gpu_sm_clock_hertz", Shape::Fixed(1.98e9)),
        ] {
            add(&mut templates, name, &labels, shape);
        }
    }
    let mut route = 0;
    while templates.len() < series {
        let per_request = if route % 9 == 0 { 0.3 } else { 0.0 };
        let labels =
            [("handler", format!("/v1/route{}", route / 3)), ("status", ["2xx", "4xx", "5xx"][route % 3].to_owned())];
        add(&mut templates, "http_requests_total", &labels, Shape::Count { per_request });
        route += 1;
    }
    templates.truncate(series);
    templates
}

fn add(templates: &mut Vec<SeriesTemplate>, name: &str, labels: &[(&'static str, String)], shape: Shape) {
    let mut push = |name: String, extra: Option<(&'static str, String)>, shape| {
        templates.push(SeriesTemplate { name, labels: labels.iter().cloned().chain(extra).collect(), shape });
    };
    let Shape::Histogram { bounds, .. } = shape else {
        return push(name.to_owned(), None, Some(shape));
    };
    for (n, bound) in bounds.iter().chain([&f64::INFINITY]).enumerate() {
        let le = if bound.is_infinite() { "+Inf".to_owned() } else { format!("{bound:?}") };
        push(format!("{name}_bucket"), Some(("le", le)), (n == 0).then_some(shape));
    }
    push(format!("{name}_sum"), None, None);
    push(format!("{name}_count"), None, None);
}
