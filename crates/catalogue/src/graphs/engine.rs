//! Graphs of the inside of an inference engine.
use super::templates::{EVENTS, LINES, PERCENTILES, SHARE, STACK, UNNAMED, data, limit};
use crate::{DrawStyle, Graph, Section, Summary, Unit};

const ENGINE: Section = Section::Engine;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "kv-cache-use",
        title: "KV cache use",
        help: "Share of the key-value cache that running requests occupy: on average over the selected replicas, and \
               of the fullest one. Near 100 % the engine must hold requests back or preempt them: shorten the context, \
               lower the number of sequences, or give the cache more memory. A fullest far above the average means \
               that requests are spread unevenly. Low while requests wait: another limit binds, such as the number of \
               sequences.",
        section: ENGINE,
        is_shown: true,
        lines: &[
            data("in use"),
            data("fullest"),
            data("full attention"),
            data("sliding window"),
            data("state space"),
            data("CPU"),
        ],
        ..SHARE
    },
    Graph {
        id: "queue-time",
        title: "Queue time",
        help: "Time that requests wait before the engine first works on them. It is pure loss: near zero while there \
               is capacity, and the first to rise when there is not. Add replicas when it does.",
        section: ENGINE,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "prefill-time",
        title: "Prefill time",
        help: "Time to read the prompt, before the first token can be made. It grows with the length of prompts and \
               shrinks when their beginnings are found in the prefix cache. In TGI it is the time of a batch, not of \
               one request.",
        section: ENGINE,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "decode-time",
        title: "Decode time",
        help: "Time from a request's first token to its last. It grows with the length of the answer and with the time \
               between tokens; compare with inter-token latency to tell the two apart. In TGI it is the time of one \
               decode step of a batch.",
        section: ENGINE,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "phase-times",
        title: "Mean time by phase",
        help: "Mean time of a request in each phase, stacked: waiting, prefill, decode, and whatever else the engine \
               reports. The thickest part is where to work: waiting asks for replicas, prefill for shorter prompts or \
               a better hit share of the prefix cache, decode for shorter answers or a faster GPU.",
        unit: Unit::Seconds,
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[
            data("validation"),
            data("tokenization"),
            data("queue"),
            data("input"),
            data("prefill"),
            data("inference"),
            data("decode"),
            data("output"),
            data(""),
        ],
        ..LINES
    },
    Graph {
        id: "prefix-cache-hit-share",
        title: "Prefix-cache hits",
        help: "Share of the prompt tokens looked up that were already in the prefix cache, within each window and not \
               since the start. High is good: those tokens cost no prefill. Low with prompts that share a beginning: \
               caching is off, the cache is too small, or requests of one conversation go to different replicas. The \
               line as reported is the engine's own figure, over a window of its own choosing, such as the last batch.",
        section: ENGINE,
        is_shown: true,
        lines: &[data("hits"), data("as reported"), data("CPU")],
        ..SHARE
    },
    Graph {
        id: "preemptions",
        title: "Preemptions",
        help: "Running requests that the engine preempted because the KV cache was full; their work is repeated later. \
               Anything above zero for long wastes compute and lengthens the slowest answers: lower the number of \
               sequences, or give the cache more memory. SGLang calls them retractions.",
        section: ENGINE,
        is_shown: true,
        lines: &[data("preemptions")],
        ..EVENTS
    },
    Graph {
        id: "preemptions-per-request",
        title: "Preemptions per request",
        help: "How often each finished request was preempted while it ran. A p99 above one means that some requests \
               are hit again and again: usually the longest ones, because they hold the most cache.",
        unit: Unit::Number,
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "finish-reasons",
        title: "Finish reasons",
        help: "Why answers ended, per second. Stop: the model was done. Length: it hit the limit on tokens; many of \
               these mean that answers are cut off. Abort: the client left before the end, often because it was too \
               slow. Error: the engine failed. Repetition: the engine ended a loop.",
        unit: Unit::RequestsPerSecond,
        section: ENGINE,
        is_shown: true,
        lines: &[data(""), data("abort")],
        ..STACK
    },
    Graph {
        id: "waiting-by-reason",
        title: "Waiting by reason",
        help: "Requests that wait inside the engine, by what for. Capacity: a place in the batch or room in the KV \
               cache, so add replicas. Deferred: something passing, such as a LoRA slot or a KV transfer. Grammar: the \
               compilation of a schema. Prefill and decode queues belong to replicas that split the two: the longer \
               one names the side that needs more replicas.",
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[
            data(""),
            data("grammar"),
            data("retracted"),
            data("prefill bootstrap"),
            data("prefill in flight"),
            data("decode allocation"),
            data("decode transfer"),
            data("API"),
        ],
        ..LINES
    },
    Graph {
        id: "batch-size",
        title: "Batch size",
        help: "Requests worked on together. Larger batches raise tokens per second for all and the time between tokens \
               for each. At its maximum with requests waiting: raise the maximum if memory allows. Near one under \
               load: something keeps requests apart, such as a limit on tokens in a batch.",
        unit: Unit::Number,
        section: ENGINE,
        lines: &[data(""), data("mean"), limit("limit")],
        ..PERCENTILES
    },
    Graph {
        id: "tokens-per-step",
        title: "Tokens per engine step",
        help: "Tokens that one step of the engine worked on. Decode adds one token for each running request, prefill \
               hundreds: steps near the engine's limit on batched tokens are full of prefill, and make the running \
               answers stutter.",
        unit: Unit::Tokens,
        section: ENGINE,
        lines: &[data(""), data("mean"), data("context")],
        ..PERCENTILES
    },
    Graph {
        id: "engine-steps",
        title: "Engine steps",
        help: "Steps of the engine per second: each decodes one token for every running request. One divided by it is \
               the time of a step, the floor of inter-token latency. It falls as batches grow. A fall at even load \
               means a slower GPU (clocks, temperature) or a busy CPU between steps.",
        section: ENGINE,
        lines: &[data("steps"), data("verifications"), data("")],
        ..EVENTS
    },
    Graph {
        id: "step-time",
        title: "Engine step time",
        help: "Time of one step of the engine, or of one forward pass through the model. With decode it is the floor \
               of inter-token latency. It grows with batch size and context; when it grows at even load, look at GPU \
               clocks.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "engine-load",
        title: "Engine load",
        help: "How busy the engine is, as share of time. Idle: without any work, so high is spare capacity. Prefill \
               and decode: working on the one or the other; mostly prefill means that prompts dominate. Utilisation: \
               running requests over what the engine may run. CUDA graphs: batches that ran as one, which is faster. \
               New-token ratio: what SGLang sets aside for answers still to come. Idle and utilisation both high: the \
               scheduler waits for something other than requests.",
        section: ENGINE,
        lines: &[
            data("idle"),
            data("prefill"),
            data("decode"),
            data("utilisation"),
            data("CUDA graphs"),
            data("new-token ratio"),
            data(""),
        ],
        ..SHARE
    },
    Graph {
        id: "tokens-in-flight",
        title: "Tokens in flight",
        help: "Tokens of all requests being worked on, prompt and answer so far. It is a truer measure of load than \
               requests, as one long context weighs as much as many short ones; platforms scale by it.",
        section: ENGINE,
        lines: &[data("in flight"), data("average"), data("reserved")],
        ..LINES
    },
    Graph {
        id: "speculative-acceptance",
        title: "Speculative acceptance",
        help: "Share of the drafted tokens that the model accepted, within each window. High is good: accepted tokens \
               come nearly for free. Below about a third, drafting costs more than it brings: draft fewer tokens, or \
               use a drafter closer to the model.",
        section: ENGINE,
        lines: &[data("accepted"), data("as reported"), data("efficiency")],
        ..SHARE
    },
    Graph {
        id: "speculative-length",
        title: "Speculative acceptance length",
        help: "Tokens that one pass of the model brings with speculative decoding: one of its own and the accepted \
               drafts. It is the factor by which decoding is faster, before the cost of drafting. One means that \
               nothing is accepted.",
        unit: Unit::Number,
        section: ENGINE,
        lines: &[data("tokens per pass"), data("as reported")],
        ..LINES
    },
    Graph {
        id: "speculative-tokens",
        title: "Speculative tokens",
        help: "Tokens drafted and drafts accepted per second. What lies between the two lines was computed and thrown \
               away. When both fall at even traffic, the engine has turned drafting down because batches are full.",
        unit: Unit::TokensPerSecond,
        section: ENGINE,
        lines: &[data("drafted"), data("accepted"), data("emitted")],
        ..EVENTS
    },
    Graph {
        id: "speculative-positions",
        title: "Acceptance by position",
        help: "For each place in a draft, the share of drafts accepted at least that far. It falls from place to \
               place: where it is near zero, drafting that far is waste, and the number of draft tokens should end \
               there.",
        section: ENGINE,
        ..SHARE
    },
    Graph {
        id: "lora",
        title: "LoRA adapters",
        help: "Adapters in GPU memory, and the slots for them. At the dashed line, a request for another adapter waits \
               until one is evicted: raise the number of slots, or send adapters to replicas of their own.",
        section: ENGINE,
        lines: &[data("loaded"), data("active"), limit("slots")],
        ..LINES
    },
    Graph {
        id: "engine-failures",
        title: "Engine failures",
        help: "Failures inside the engine per second, by kind: answers with NaN values (corrupted), \
               transfers of key-value blocks that failed or came too late, prefill and decode sides that did not find \
               each other, phases of requests that a router ran in vain, moves between tiers of an offloaded cache (up: \
               promotion), grammars that could not be compiled. Zero is the only good value; the engine's log has the \
               details.",
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[
            data("corrupted"),
            data("transfer failed"),
            data("notification failed"),
            data("KV expired"),
            data("bootstrap failed"),
            data("phase failed"),
            data("receive failed"),
            data("promotion failed"),
            data("demotion failed"),
            data("grammar aborted"),
            data("grammar timed out"),
            data("store refused"),
            data("aborted"),
        ],
        summary: Summary::Counts,
        ..EVENTS
    },
    Graph {
        id: "structured-output",
        title: "Structured output",
        help: "Requests per second that ask for a grammar or JSON schema, and those whose grammar was already \
               compiled. Compiling delays the first token: many requests with few hits mean that schemas differ each \
               time.",
        unit: Unit::RequestsPerSecond,
        section: ENGINE,
        lines: &[data("requests"), data("grammars"), data("cache hits")],
        ..EVENTS
    },
    Graph {
        id: "grammar-compilation",
        title: "Grammar compilation",
        help: "Time to compile the grammar or schema of a request for structured output. It adds to time to first \
               token. Seconds mean very large schemas: simplify them, or warm the cache.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "memory-split",
        title: "GPU memory by use",
        help: "GPU memory of one process by what it is used for: weights, key-value cache, captured graphs, and what \
               else the engine reports. The cache gets what the weights leave: quantized weights are the simplest \
               way to a larger one.",
        unit: Unit::Bytes,
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[data("weights"), data("KV cache"), data("graphs"), data("GPU"), data("CPU"), data("pinned"), data("")],
        ..LINES
    },
    Graph {
        id: "compute-use",
        title: "Compute per GPU",
        help: "Floating-point operations per second that the engine estimates for each GPU. Divided by the card's peak \
               it is model FLOPs utilisation (MFU): 30 to 50 % is good for prefill, decode stays far below as it waits \
               for memory.",
        unit: Unit::FlopsPerSecond,
        section: ENGINE,
        lines: &[data("per GPU")],
        ..LINES
    },
    Graph {
        id: "memory-traffic",
        title: "Memory traffic per GPU",
        help: "Bytes per second that the engine estimates each GPU to read from and write to its memory. Divided by \
               the card's bandwidth it says how close decoding is to its limit; larger batches use each byte of \
               weights for more tokens.",
        unit: Unit::BytesPerSecond,
        section: ENGINE,
        lines: &[data("read"), data("written")],
        ..LINES
    },
    Graph {
        id: "sleep-state",
        title: "Sleep state",
        help: "Engines by state: awake, weights offloaded (sleep level 1), or all discarded (level 2). A sleeping \
               engine gives its memory to others and must wake before it serves. Requests waiting on a sleeping engine \
               mean that it was never woken.",
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: UNNAMED,
        ..LINES
    },
];
