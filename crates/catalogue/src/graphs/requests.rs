//! Traffic and how fast it is served.
use crate::{
    Colours::{Order, Percentiles, StatusClasses},
    Engine::Vllm,
    Graph, Line, Look, Recipe,
    Role::Data,
    Section::Requests,
    Shape::{Rate, RateByClass, Spread, Total},
    Summary, Unit,
};

pub(super) const VOLUME: Graph = Graph {
    id: "volume",
    title: "Inference volume",
    help: "Requests answered per second, by class of HTTP status; the boxes count them over the whole range. \
           2xx were served. 4xx were refused because of what the client sent: look at the client, or at limits such \
           as the context length. 5xx are the server's own failures: compare with restarts and memory. \
           A fall to zero without a fall in demand means that replicas do not answer.",
    unit: Unit::RequestsPerSecond,
    section: Requests,
    look: Look::Bars,
    colours: StatusClasses,
    summary: Summary::Counts,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: RateByClass { names: &["http_requests_total"], label: "status" } }],
    }],
};

pub(super) const END_TO_END_LATENCY: Graph = Graph {
    id: "end-to-end-latency",
    title: "End-to-end latency",
    help: "Time from a request's arrival to its last token: half of the requests took less than p50, one in a hundred \
           longer than p99. It grows with the length of the answers as well as with load. When p50 and p99 rise \
           together, the replicas are busy: compare with waiting requests and add replicas. When only p99 rises, look \
           for long prompts or answers, or for preemptions. Values are interpolated within the engine's buckets.",
    unit: Unit::Seconds,
    section: Requests,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Spread { names: &["vllm:e2e_request_latency_seconds"] } }],
    }],
};

pub(super) const TIME_TO_FIRST_TOKEN: Graph = Graph {
    id: "time-to-first-token",
    title: "Time to first token",
    help: "Time from a request's arrival to its first token: what a person waits before anything appears. It is queue \
           time plus prefill. High with requests waiting: too few replicas. High without a queue: long prompts; \
           prefix caching or chunked prefill can help.",
    unit: Unit::Seconds,
    section: Requests,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe { engine: Vllm, shape: Spread { names: &["vllm:time_to_first_token_seconds"] } }],
    }],
};

pub(super) const INTER_TOKEN_LATENCY: Graph = Graph {
    id: "inter-token-latency",
    title: "Inter-token latency",
    help: "Time between one token and the next while an answer streams. Readers notice above about 100 ms. It grows \
           with the number of requests that share a batch, and jumps when long prompts are prefilled between decode \
           steps: a smaller batch or chunked prefill evens it out.",
    unit: Unit::Seconds,
    section: Requests,
    look: Look::Lines,
    colours: Percentiles,
    summary: Summary::Percentiles,
    lines: &[Line {
        name: "",
        role: Data,
        recipes: &[Recipe {
            engine: Vllm,
            shape: Spread { names: &["vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"] },
        }],
    }],
};

pub(super) const TOKENS_PER_SECOND: Graph = Graph {
    id: "tokens-per-second",
    title: "Tokens per second",
    help: "Tokens read from prompts and tokens generated, per second, over all selected replicas. Generation is what \
           the hardware is bought for. When requests wait and generation no longer rises with them, the replicas are \
           at their limit. Prompt tokens far above generation mean that prefill dominates.",
    unit: Unit::TokensPerSecond,
    section: Requests,
    look: Look::Lines,
    colours: Order,
    summary: Summary::Counts,
    lines: &[
        Line {
            name: "generation",
            role: Data,
            recipes: &[Recipe { engine: Vllm, shape: Rate { names: &["vllm:generation_tokens_total"] } }],
        },
        Line {
            name: "prompt",
            role: Data,
            recipes: &[Recipe { engine: Vllm, shape: Rate { names: &["vllm:prompt_tokens_total"] } }],
        },
    ],
};

pub(super) const RUNNING_AND_WAITING: Graph = Graph {
    id: "running-and-waiting",
    title: "Running and waiting",
    help: "Requests in the engines' batches, and requests that wait for a place in one, at the moment of each scrape. \
           On average, requests in flight are arrivals per second times seconds each takes (Little's law), so running \
           rises with traffic or with latency. Waiting above zero for longer than a burst means too little capacity: \
           add replicas, or raise the engine's limit on sequences if its KV cache has room.",
    unit: Unit::Count,
    section: Requests,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[
        Line {
            name: "running",
            role: Data,
            recipes: &[Recipe { engine: Vllm, shape: Total { names: &["vllm:num_requests_running"] } }],
        },
        Line {
            name: "waiting",
            role: Data,
            recipes: &[Recipe { engine: Vllm, shape: Total { names: &["vllm:num_requests_waiting"] } }],
        },
    ],
};
