//! Inside the inference engine.
use crate::{
    Colours::{Order, Percentiles},
    Engine::Vllm,
    Graph, Line, Look, Recipe,
    Role::Data,
    Section::Engine,
    Shape::{Level, Rate, RateBy, Share, Spread},
    Summary, Unit,
};

pub(super) const KV_CACHE_USE: Graph = Graph {
    id: "kv-cache-use",
    title: "KV cache use",
    help: "Share of the key-value cache that running requests occupy, averaged over the selected replicas. Near 100 % \
           the engine must hold requests back or preempt them: shorten the context, lower the number of sequences, or \
           give the cache more memory. Low while requests wait: another limit binds, such as the number of sequences.",
    unit: Unit::Share,
    section: Engine,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[Line {
        name: "in use",
        role: Data,
        recipes: &[Recipe {
            engine: Vllm,
            shape: Level { names: &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"] },
        }],
    }],
};

pub(super) const QUEUE_TIME: Graph = Graph {
    id: "queue-time",
    title: "Queue time",
    help: "Time that requests wait before the engine first works on them. It is pure loss: near zero while there is \
           capacity, and the first to rise when there is not. Add replicas when it does.",
    unit: Unit::Seconds,
    section: Engine,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Spread { names: &["vllm:request_queue_time_seconds"] } }],
    }],
};

pub(super) const PREFILL_TIME: Graph = Graph {
    id: "prefill-time",
    title: "Prefill time",
    help: "Time to read the prompt, before the first token can be made. It grows with the length of prompts and \
           shrinks when their beginnings are found in the prefix cache.",
    unit: Unit::Seconds,
    section: Engine,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Spread { names: &["vllm:request_prefill_time_seconds"] } }],
    }],
};

pub(super) const DECODE_TIME: Graph = Graph {
    id: "decode-time",
    title: "Decode time",
    help: "Time from a request's first token to its last. It grows with the length of the answer and with the time \
           between tokens; compare with inter-token latency to tell the two apart.",
    unit: Unit::Seconds,
    section: Engine,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Spread { names: &["vllm:request_decode_time_seconds"] } }],
    }],
};

pub(super) const PREFIX_CACHE_HIT_SHARE: Graph = Graph {
    id: "prefix-cache-hit-share",
    title: "Prefix-cache hits",
    help: "Share of the prompt tokens looked up that were already in the prefix cache, within each step and not since \
           the start. High is good: those tokens cost no prefill. Low with prompts that share a beginning: caching is \
           off, the cache is too small, or requests of one conversation go to different replicas.",
    unit: Unit::Share,
    section: Engine,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[Line {
        name: "hits",
        role: Data,
        recipes: &[Recipe {
            engine: Vllm,
            shape: Share {
                part: &["vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"],
                whole: &["vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"],
            },
        }],
    }],
};

pub(super) const PREEMPTIONS: Graph = Graph {
    id: "preemptions",
    title: "Preemptions",
    help: "Running requests that the engine put back because the KV cache was full; their work is done again later. \
           Anything above zero for long wastes compute and lengthens the slowest answers: lower the number of \
           sequences, or give the cache more memory.",
    unit: Unit::PerSecond,
    section: Engine,
    look: Look::Lines,
    colours: Order,
    summary: Summary::Counts,
    lines: &[Line {
        name: "preemptions",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Rate { names: &["vllm:num_preemptions_total"] } }],
    }],
};

pub(super) const FINISH_REASONS: Graph = Graph {
    id: "finish-reasons",
    title: "Finish reasons",
    help: "Why answers ended, per second. Stop: the model was done. Length: it hit the limit on tokens; many of these \
           mean that answers are cut off. Abort: the client left before the end, often because it was too slow. Error: \
           the engine failed. Repetition: the engine ended a loop.",
    unit: Unit::RequestsPerSecond,
    section: Engine,
    look: Look::Bars,
    colours: Order,
    summary: Summary::Counts,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe {
            engine: Vllm,
            shape: RateBy { names: &["vllm:request_success_total"], label: "finished_reason" },
        }],
    }],
};
