//! The metrics page of a target at any time, in the dialect of its engine.
use super::{BUCKET_ENDS_S, Dialect, Event, Run, Target};
use std::fmt::Write;

/// A sample of a metrics page: the series as the page writes it, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    /// The labels as text: `a="b",c="d"`.
    pub(crate) labels: String,
    pub(crate) value: f64,
}

/// The statuses that worlds use. A series for one appears with its first request.
const STATUSES: [u16; 4] = [200, 400, 429, 500];
/// vLLM's reasons, whose series exist from the start.
const FINISH_REASONS: [&str; 4] = ["stop", "length", "abort", "error"];

/// The samples on a target's metrics page; none while it is down.
pub(crate) fn samples(target: &Target, time_ms: i64) -> Vec<Sample> {
    let Some(run) = target.run_at(time_ms) else { return Vec::new() };
    let mut page = MetricsPage { target, run, time_ms, samples: Vec::new() };
    match target.dialect {
        Dialect::Vllm { has_http } => page.vllm(has_http),
        Dialect::Tgi => page.tgi(),
        Dialect::LlamaCpp => page.llama_cpp(),
        Dialect::Baseten => page.baseten(),
    }
    page.samples
}

/// The metrics page as text, with types.
pub(crate) fn text(target: &Target, time_ms: i64) -> String {
    let mut text = String::new();
    let mut last_family = "";
    for Sample { name, labels, value } in samples(target, time_ms) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        if family != last_family {
            last_family = family;
            let kind = match name {
                _ if name.ends_with("_bucket") => "histogram",
                _ if name.ends_with("_total") || name.starts_with("tgi_request_") => "counter",
                _ => "gauge",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# TYPE {family} {kind}");
        }
        let _ = if labels.is_empty() {
            writeln!(text, "{name} {value}")
        } else {
            writeln!(text, "{name}{{{labels}}} {value}")
        };
    }
    text
}

struct MetricsPage<'a> {
    target: &'a Target,
    run: Run,
    time_ms: i64,
    samples: Vec<Sample>,
}

impl MetricsPage<'_> {
    /// The sum of what `amount` makes of each event of this run.
    fn sum(&self, amount: impl Fn(&Event) -> f64) -> f64 {
        self.target.sum_between(amount, self.run.start_ms - 1, self.time_ms)
    }

    fn requests(&self, counts: impl Fn(u16, &str, f64) -> bool) -> f64 {
        self.sum(|event| match event {
            Event::Request { status, finish, latency_ms } => {
                f64::from(u8::from(counts(*status, finish, f64::from(*latency_ms) / 1000.0)))
            }
            _ => 0.0,
        })
    }

    fn generated(&self) -> f64 {
        self.sum(|event| if let Event::Generated(tokens) = event { f64::from(*tokens) } else { 0.0 })
    }

    fn prompt(&self) -> f64 {
        self.sum(|event| if let Event::Prompt(tokens) = event { f64::from(*tokens) } else { 0.0 })
    }

    fn add(&mut self, name: &'static str, labels: String, value: f64) {
        self.samples.push(Sample { name, labels, value });
    }

    /// A histogram of the latency of requests that `counts` accepts; its names are those of bucket, sum and count.
    fn latency(&mut self, names: [&'static str; 3], labels: &str, counts: impl Fn(u16) -> bool) {
        let comma = if labels.is_empty() { "" } else { "," };
        let total = self.requests(|status, _, _| counts(status));
        for end_s in BUCKET_ENDS_S {
            let within = self.requests(|status, _, latency_s| counts(status) && latency_s <= end_s);
            self.add(names[0], format!("{labels}{comma}le=\"{end_s:?}\""), within);
        }
        self.add(names[0], format!("{labels}{comma}le=\"+Inf\""), total);
        let sum = self.sum(|event| match event {
            Event::Request { status, latency_ms, .. } if counts(*status) => f64::from(*latency_ms) / 1000.0,
            _ => 0.0,
        });
        self.add(names[1], labels.to_owned(), sum);
        self.add(names[2], labels.to_owned(), total);
    }

    fn gauges(&mut self, names: [&'static str; 2], labels: &str) {
        self.add(names[0], labels.to_owned(), self.target.running.value_at(self.time_ms));
        self.add(names[1], labels.to_owned(), self.target.waiting.value_at(self.time_ms));
    }

    fn vllm(&mut self, has_http: bool) {
        let labels = format!("engine=\"0\",model_name=\"{}\"", self.target.model);
        self.gauges(["vllm:num_requests_running", "vllm:num_requests_waiting"], &labels);
        self.add("vllm:prompt_tokens_total", labels.clone(), self.prompt());
        self.add("vllm:generation_tokens_total", labels.clone(), self.generated());
        for reason in FINISH_REASONS {
            // A refused request never reaches the engine.
            let count = self.requests(|status, finish, _| finish == reason && status / 100 != 4);
            self.add("vllm:request_success_total", format!("{labels},finished_reason=\"{reason}\""), count);
        }
        let names = [
            "vllm:e2e_request_latency_seconds_bucket",
            "vllm:e2e_request_latency_seconds_sum",
            "vllm:e2e_request_latency_seconds_count",
        ];
        self.latency(names, &labels, |status| status / 100 != 4);
        for wanted in STATUSES.into_iter().filter(|_| has_http) {
            let count = self.requests(|status, _, _| status == wanted);
            if count > 0.0 {
                let labels = format!("handler=\"/v1/completions\",method=\"POST\",status=\"{wanted}\"");
                self.add("http_requests_total", labels, count);
            }
        }
        self.add("process_start_time_seconds", String::new(), self.run.start_ms as f64 / 1000.0);
    }

    fn tgi(&mut self) {
        self.gauges(["tgi_batch_current_size", "tgi_queue_size"], "");
        self.add("tgi_request_count", String::new(), self.requests(|_, _, _| true));
        self.add("tgi_request_success", String::new(), self.requests(|status, _, _| status == 200));
        let failed = self.requests(|status, _, _| status != 200);
        if failed > 0.0 {
            self.add("tgi_request_failure", "err=\"generation\"".into(), failed);
        }
        self.add("tgi_request_generated_tokens_sum", String::new(), self.generated());
        self.add("tgi_request_input_length_sum", String::new(), self.prompt());
        let names = ["tgi_request_duration_bucket", "tgi_request_duration_sum", "tgi_request_duration_count"];
        self.latency(names, "", |status| status == 200);
    }

    fn llama_cpp(&mut self) {
        self.gauges(["llamacpp:requests_processing", "llamacpp:requests_deferred"], "");
        self.add("llamacpp:prompt_tokens_total", String::new(), self.prompt());
        self.add("llamacpp:tokens_predicted_total", String::new(), self.generated());
    }

    fn baseten(&mut self) {
        let labels = format!(
            "model_id=\"abc123\",model_name=\"{}\",deployment_id=\"d1\",environment=\"production\"",
            self.target.model
        );
        for wanted in STATUSES {
            let count = self.requests(|status, _, _| status == wanted);
            if count > 0.0 {
                let labels = format!("{labels},status_code=\"{wanted}\",is_async=\"false\"");
                self.add("baseten_inference_requests_total", labels.clone(), count);
                let names = [
                    "baseten_end_to_end_response_time_seconds_bucket",
                    "baseten_end_to_end_response_time_seconds_sum",
                    "baseten_end_to_end_response_time_seconds_count",
                ];
                self.latency(names, &labels, |status| status == wanted);
            }
        }
        self.add("baseten_concurrent_requests", labels.clone(), self.target.running.value_at(self.time_ms));
        self.add("baseten_replicas_active", labels, 1.0);
    }
}
