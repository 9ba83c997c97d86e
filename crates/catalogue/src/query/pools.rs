//! Servers that only prefill: a request is counted there, and again by the server that decodes it.
use super::PAGE_LABEL;
use super::shape::Expression;
use crate::Detail;

/// How the servers of an engine are told that prefill for others.
struct Pool {
    /// Metrics of which one is present where servers hand their caches on.
    gates: &'static [&'static str],
    /// The series of servers that prefill, where `$rate(…)` is a rate and `$by` the grouping.
    prefill: &'static str,
    /// The series of servers that go on with what others have prefilled.
    decode: &'static str,
}

const POOLS: [Pool; 2] = [
    // Routers ask the server that prefills for a single token, whatever the client asked for; servers that decode take
    // prompt tokens from another's cache. Sources: llm-d-router's pkg/sidecar/proxy; vLLM's disaggregated examples; the
    // gate is exported by consumers of caches only, see vllm/v1/metrics/loggers.py of 0.33.0.
    Pool {
        gates: &["vllm:num_requests_kv_fetch_by_stage"],
        prefill: "sum by ($by) ($rate(vllm:request_params_max_tokens_sum{$matchers})) <= \
                  1.001 * sum by ($by) ($rate(vllm:request_params_max_tokens_count{$matchers})) > 0",
        decode: "$rate(vllm:prompt_tokens_by_source_total{$commasource=\"external_kv_transfer\"}) > 0",
    },
    // Both servers of a pair get the request. Source: sglang/srt/observability/metrics_collector.py of 0.5.23.
    Pool {
        gates: &["sglang:kv_transfer_speed_gb_s_count", "sglang:kv_transfer_speed_gb_s"],
        prefill: "sglang:num_running_reqs{$commaengine_type=\"prefill\"}",
        decode: "sglang:num_running_reqs{$commaengine_type=\"decode\"}",
    },
];

impl Expression<'_> {
    /// What leaves out the series of servers that prefill for others of the same model; empty where there are none. A
    /// scope without the others, and details by replica, have them all.
    pub(super) fn prefill_mask(&self) -> String {
        let context = self.context;
        if !self.recipe.is_without_prefill || context.detail == Some(Detail::Replicas) {
            return String::new();
        }
        let present = |pool: &&Pool| pool.gates.iter().any(|gate| (context.present)(gate));
        // The servers of a pair are not one page.
        let kept = context.kept_labels.iter().copied().filter(|label| *label != PAGE_LABEL);
        let mut models: Vec<&str> = kept.collect();
        models.extend(context.model_label.filter(|label| !context.kept_labels.contains(label)));
        let by = models.join(", ");
        let of_pool = |pool: &Pool| {
            let page = if by.is_empty() { PAGE_LABEL.to_owned() } else { format!("{PAGE_LABEL}, {by}") };
            let filled = |text: &str| {
                let comma = if context.matchers.is_empty() { String::new() } else { format!("{},", context.matchers) };
                let text = text.replace("$by", &page).replace("$matchers", &context.matchers);
                self.with_rates(&text.replace("$comma", &comma))
            };
            format!("({}) and on ({by}) ({})", filled(pool.prefill), filled(pool.decode))
        };
        POOLS.iter().filter(present).map(|pool| format!(" unless on ({PAGE_LABEL}) ({})", of_pool(pool))).collect()
    }
}
