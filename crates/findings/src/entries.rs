//! All findings.
use crate::entry::{Entry, Need, Severity, Threshold};
use crate::rules;

const fn threshold(name: &'static str, default: f64, meaning: &'static str) -> Threshold {
    Threshold { name, default, meaning }
}

const MINUTES: &str = "how long it lasts at least, in minutes";

/// Every finding, in the order in which the documentation lists them.
pub const ENTRIES: &[Entry] = &[
    Entry {
        id: "kv-cache-full",
        severity: Severity::Critical,
        title: "The KV cache is full",
        cause: "Prompts or answers are longer, or more of them run at a time, than the memory holds.",
        remedy: "Add replicas, shorten prompts, lower the longest answer, or store the cache in FP8.",
        graph: "kv-cache-use",
        needs: &[
            Need::of("kv-cache-use", &["fullest"]),
            Need::of("running-and-waiting", &["waiting"]),
            Need::of("preemptions", &["preemptions"]),
        ],
        thresholds: &[threshold("share", 0.9, "the share of the fullest cache"), threshold("minutes", 3.0, MINUTES)],
        explains: &[],
        alert: "max by ($by) ({{kv-cache-use/fullest}}) >= $share and on ($by) (sum by ($by) \
                ({{running-and-waiting/waiting}}) >= 1 or sum by ($by) ({{preemptions/preemptions}}) > 0)",
        rule: rules::kv_cache_full,
    },
    Entry {
        id: "at-maximum",
        severity: Severity::Critical,
        title: "At the maximum of replicas and still waiting",
        cause: "More requests arrive than the allowed replicas can serve.",
        remedy: "Raise the maximum, make replicas faster, or limit requests.",
        graph: "running-and-waiting",
        needs: &[
            Need::of("replicas", &["active"]),
            Need::of("replicas", &["max"]),
            Need::of("running-and-waiting", &["waiting"]),
        ],
        thresholds: &[
            threshold("waiting", 2.0, "waiting requests for each replica"),
            threshold("minutes", 3.0, MINUTES),
        ],
        explains: &[],
        alert: "sum by ($by) ({{replicas/active}}) >= on ($by) sum by ($by) ({{replicas/max}}) and on ($by) sum \
                by ($by) ({{running-and-waiting/waiting}}) >= on ($by) $waiting * sum by ($by) \
                ({{replicas/active}})",
        rule: rules::at_maximum,
    },
    Entry {
        id: "errors",
        severity: Severity::Critical,
        title: "Requests fail",
        cause: "The server fails: a crash, a time limit, or a change that was just deployed.",
        remedy: "Read the log of the time, and go back to the deployment before.",
        graph: "error-share",
        needs: &[Need::of("error-share", &["server errors", "failed"]), Need::of("volume", &[])],
        thresholds: &[
            threshold("share", 0.05, "the share of requests that fail"),
            threshold("requests", 20.0, "failed requests in all"),
            threshold("minutes", 2.0, MINUTES),
        ],
        explains: &[],
        alert: "max by ($by) ({{error-share/server errors|failed}}) >= $share and on ($by) sum by ($by) \
                ({{volume}}) * 60 * $minutes * $share >= $requests / 10",
        rule: rules::error_burst,
    },
    Entry {
        id: "restart-loop",
        severity: Severity::Critical,
        title: "A replica restarts again and again",
        cause: "OOMKilled: it exceeds its memory limit. Error: it crashes. Otherwise a probe ends it.",
        remedy: "Raise the limit, or lower what it takes; give probes more time while it starts.",
        graph: "restart-reasons",
        needs: &[Need::of("restart-reasons", &[])],
        thresholds: &[
            threshold("restarts", 3.0, "restarts within the time"),
            threshold("minutes", 30.0, "the time, in minutes"),
        ],
        explains: &[],
        alert: "sum by ($by) (sum_over_time({{restart-reasons}}[30m:1m])) * 60 >= $restarts - 0.3",
        rule: rules::restart_loop,
    },
    Entry {
        id: "replica-stuck",
        severity: Severity::Critical,
        title: "A replica has requests and generates nothing",
        cause: "Its engine hangs, though its metrics page still answers.",
        remedy: "Restart it, and let a probe send a short prompt.",
        graph: "tokens-per-second",
        needs: &[
            Need::details("running-and-waiting", &["waiting"]),
            Need::details("tokens-per-second", &["generation"]),
        ],
        thresholds: &[threshold("minutes", 3.0, MINUTES)],
        explains: &["at-maximum", "cold-start"],
        alert: "",
        rule: rules::replica_stuck,
    },
    Entry {
        id: "cold-start",
        severity: Severity::Warning,
        title: "Requests wait for replicas that start",
        cause: "Traffic grows faster than replicas become ready.",
        remedy: "Keep one more replica, scale up earlier, or make starts shorter: cached images and weights.",
        graph: "replicas",
        needs: &[Need::of("replicas", &["starting"]), Need::of("running-and-waiting", &["waiting"])],
        thresholds: &[threshold("waiting", 5.0, "waiting requests"), threshold("minutes", 2.0, MINUTES)],
        explains: &[],
        alert: "sum by ($by) ({{replicas/starting}}) >= 1 and on ($by) sum by ($by) \
                ({{running-and-waiting/waiting}}) >= $waiting",
        rule: rules::cold_start,
    },
    Entry {
        id: "replica-unlike-peers",
        severity: Severity::Warning,
        title: "One replica is slower than the others",
        cause: "Its GPUs are throttled or shared, or it has another version.",
        remedy: "Compare its GPUs with those of the others, and replace it.",
        graph: "inter-token-latency",
        needs: &[
            Need::details("running-and-waiting", &["running"]),
            Need::details("tokens-per-second", &["generation"]),
        ],
        thresholds: &[
            threshold("factor", 1.4, "its time for a token, over that of the others"),
            threshold("minutes", 8.0, MINUTES),
        ],
        explains: &[],
        alert: "",
        rule: rules::replica_unlike_peers,
    },
    Entry {
        id: "gpu-throttled",
        severity: Severity::Warning,
        title: "GPUs are slowed down",
        cause: "They are too hot, or the power supply limits them.",
        remedy: "Check cooling and power of the machine.",
        graph: "gpu-throttling",
        needs: &[Need::of("gpu-throttling", &["thermal", "hardware slowdown", "power brake"])],
        thresholds: &[threshold("minutes", 3.0, MINUTES)],
        explains: &[],
        alert: "max by ($by) ({{gpu-throttling/thermal|hardware slowdown|power brake}}) >= 0.5",
        rule: rules::gpu_throttled,
    },
    Entry {
        id: "prefix-cache-lost",
        severity: Severity::Warning,
        title: "Prompts find little in the prefix cache",
        cause: "The beginning of prompts has changed: a new template, or a time or name in front.",
        remedy: "Put what is the same in all prompts first.",
        graph: "prefix-cache-hit-share",
        needs: &[Need::of("prefix-cache-hit-share", &["hits", "as reported"])],
        thresholds: &[
            threshold("before", 0.2, "the share of hits in the hour before"),
            threshold("kept", 0.5, "how much of it is left at most"),
            threshold("minutes", 10.0, MINUTES),
        ],
        explains: &["cold-start"],
        alert: "max by ($by) (avg_over_time({{prefix-cache-hit-share/hits|as reported}}[10m])) <= on ($by) \
                $kept * (max by ($by) (avg_over_time({{prefix-cache-hit-share/hits|as reported}}[1h] offset \
                10m)) >= $before)",
        rule: rules::prefix_cache_lost,
    },
    Entry {
        id: "flapping",
        severity: Severity::Warning,
        title: "The autoscaler goes up and down",
        cause: "It follows every change of the load.",
        remedy: "Let it wait longer before it removes replicas, and average the load over minutes.",
        graph: "replicas",
        needs: &[Need::of("replicas", &["desired"])],
        thresholds: &[threshold("turns", 6.0, "turns within half an hour")],
        explains: &["cold-start"],
        alert: "sum by ($by) (changes({{replicas/desired}}[30m])) >= 2 * $turns",
        rule: rules::flapping,
    },
];
