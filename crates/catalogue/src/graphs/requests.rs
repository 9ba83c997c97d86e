//! Graphs of traffic and latency.
use super::templates::{EVENTS, LINES, PERCENTILES, SHARE, STACK, UNNAMED, data, limit};
use crate::Colours::StatusClasses;
use crate::{Detail, Graph, Section, Unit};

const REQUESTS: Section = Section::Requests;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "volume",
        title: "Inference volume",
        help: "Requests answered per second, by class of HTTP status; the summary counts them over the whole range, \
               and the details show individual codes. 1xx: the server switched protocols or is still working. 2xx: \
               served. 3xx: redirected, which is rare for inference. 4xx: refused because of what the client sent, \
               such as a wrong key, an unknown model, a prompt too long, or 429 for too many requests. 5xx: the \
               server's own failures, exceptions in the model included; 502, 503 and 504 come from the way to it: \
               compare with restarts and replicas. WebSocket connections are counted when they close, by close code: \
               1000 and 1001 are normal ends, 1006 means that the connection broke, 1011 that the server failed, 1013 \
               that it asks to come back later. gRPC has its own codes: 0 is OK, 8 RESOURCE_EXHAUSTED, 14 UNAVAILABLE. \
               Engines without a status say finished, succeeded or failed. Where a platform or gateway and the engine \
               behind it count the same requests, the one that counted more is drawn, for each model; a general-purpose \
               proxy, such as Envoy, NGINX or Traefik, is drawn only where nothing else counts. A fall to zero without \
               a fall in demand means that replicas do not answer.",
        unit: Unit::RequestsPerSecond,
        section: REQUESTS,
        is_shown: true,
        colours: StatusClasses,
        detail: Detail::Codes,
        lines: &[
            data("1xx"),
            data("2xx"),
            data("3xx"),
            data("4xx"),
            data("5xx"),
            data(""),
            data("finished"),
            data("succeeded"),
            data("failed"),
        ],
        ..STACK
    },
    Graph {
        id: "error-share",
        title: "Errors",
        help: "Share of the answered requests that failed, within each window. Server errors (5xx) are yours to fix: \
               one in a thousand deserves a look, one in a hundred immediate attention. Client errors (4xx) are the \
               callers' requests, but a jump after a deployment usually means that the deployment changed what is \
               accepted. Where an engine gives no status, failed is what it counts as failures of its own. Nothing is \
               drawn while nothing is answered.",
        section: REQUESTS,
        colours: StatusClasses,
        // One error in a hundred must be seen.
        ceiling: None,
        lines: &[data("server errors"), data("client errors"), data("failed")],
        ..SHARE
    },
    Graph {
        id: "errors-by-cause",
        title: "Errors by cause",
        help: "Failed and refused requests per second, by the cause that the server names. Validation: the request was \
               malformed or too long. Overloaded, queue full or max_num_queued: admission was refused, so add replicas \
               or lengthen the queue. Cancelled: the client left, often because it waited too long. Internal or \
               inference: the server failed, and its log says where.",
        section: REQUESTS,
        unit: Unit::RequestsPerSecond,
        lines: &[data(""), data("rejected"), data("cancelled")],
        ..STACK
    },
    Graph {
        id: "requests-by-mode",
        title: "Requests by mode",
        help: "Requests per second by how the answer is delivered: streamed, at once, or later by a webhook. First tokens \
               matter to the streamed ones only, so read time to first token with their share in mind.",
        section: REQUESTS,
        unit: Unit::RequestsPerSecond,
        lines: &[data("streamed"), data("at once"), data("")],
        ..STACK
    },
    Graph {
        id: "tenants",
        title: "Requests by tenant",
        help: "Requests per second of the parties that share a gateway: teams, keys or flows, as it names them. The \
               highest at each moment are drawn one by one, and the rest as one line. One that outgrows all others \
               explains queues that everyone feels: give it a limit, or replicas of its own.",
        section: REQUESTS,
        unit: Unit::RequestsPerSecond,
        ..STACK
    },
    Graph {
        id: "requests-by-route",
        title: "Requests by route",
        help: "Requests per second by the route that was called, as the server names it. It separates chat, embeddings \
               and health checks, and shows what an unexpected load is made of. Routes that no handler knows count as \
               none, which is often a client with a wrong base URL.",
        section: REQUESTS,
        unit: Unit::RequestsPerSecond,
        ..STACK
    },
    Graph {
        id: "end-to-end-latency",
        title: "End-to-end latency",
        help: "Time from a request's arrival to its last token or byte, the wait for a replica and in the queue \
               included: half of the requests took less than p50, one in a hundred longer than p99. It grows with the \
               length of the answers as well as with load. When p50 and p99 rise together, the replicas are busy: \
               compare with waiting requests and add replicas. When only p99 moves away from the median, a few \
               requests suffer: long prompts or answers, preemptions, or cold starts. Percentiles are interpolated \
               within buckets, so below the first bucket and above the last they are only bounds; the mean is exact. \
               Percentiles that a server computes itself cannot be averaged: of several replicas the highest is drawn.",
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "inference-time",
        title: "Inference time",
        help: "Time that the model worked on a request, without the wait before it: prefill and decode, or the model's \
               own code with what it does before and after. The difference to end-to-end latency is waiting, which \
               more replicas shorten; inference time itself they do not. It grows with longer answers and larger \
               batches: a faster GPU, quantization or a smaller batch brings it down.",
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "time-to-first-byte",
        title: "Time to first byte",
        help: "Time from a request's arrival at the gateway to the first byte of the answer, queueing and routing \
               included. For answers that stream it is what the user waits before anything happens; for others it is \
               nearly the whole response time. High with an engine that starts at once: look at the path to it: \
               cold starts, routing and authentication.",
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "time-to-first-token",
        title: "Time to first token",
        help: "Time from a request's arrival to its first token: what a person waits before anything appears. It is \
               queue time plus prefill. High with requests waiting: too few replicas. High without a queue: long \
               prompts; prefix caching or chunked prefill can help. TGI does not measure it: the line derived is the \
               sum of its mean times for validation, queue and prefill.",
        section: REQUESTS,
        is_shown: true,
        lines: &[data(""), data("mean"), data("derived")],
        ..PERCENTILES
    },
    Graph {
        id: "inter-token-latency",
        title: "Inter-token latency",
        help: "Time between one token and the next while an answer streams. Readers notice above about 100 ms. It \
               grows with the number of requests that share a batch, and jumps when long prompts are prefilled between \
               decode steps: a smaller batch or chunked prefill evens it out.",
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "time-per-output-token",
        title: "Time per output token",
        help: "For each request, the mean time of its tokens after the first: decode time divided by the tokens made. \
               Inter-token latency counts every gap alike, so long answers dominate it; here each request counts once. \
               Above the speed at which people read, about 100 ms, streaming feels slow. It falls with smaller \
               batches, speculative decoding and faster memory.",
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "latency-by-route",
        title: "Mean latency by route",
        help: "Mean time to answer, for each route, or for each backend of a gateway. One route that is slow alone \
               points at what is special about it: its model, its prompts, its backend. All slow together point at \
               the machine.",
        unit: Unit::Seconds,
        section: REQUESTS,
        ..LINES
    },
    Graph {
        id: "upstream-latency",
        title: "Upstream latency",
        help: "Time that a gateway waited for the server behind it. What end-to-end latency has beyond this was spent \
               in the gateway: limits, authentication, logging, retries. When this rises with the gateway's own time \
               steady, look at the engine.",
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "gateway-overhead",
        title: "Gateway overhead",
        help: "Time that the gateway itself added to a request: reading it, checking the key, choosing a replica, \
               writing logs. A few milliseconds are usual. When it grows with traffic the gateway is short of CPU; \
               when it jumps, look at the database or cache that it asks.",
        section: REQUESTS,
        lines: &[data(""), data("mean"), data("with guardrails")],
        ..PERCENTILES
    },
    Graph {
        id: "http-latency",
        title: "HTTP latency",
        help: "Time from a request's arrival at the server's HTTP side until the answer began to leave, for all routes \
               together, so cheap calls such as the list of models pull it down. With streaming it ends at the first \
               chunk. When it is far above the engine's own times, requests wait in the web server: give it more \
               processes.",
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "tokens-per-second",
        title: "Tokens per second",
        help: "Tokens read from prompts and tokens generated, per second, over all selected replicas; the summary \
               counts them over the range. Generation is what the hardware is bought for. When requests wait and \
               generation no longer rises with them, the replicas are at their limit. Prompt tokens far above \
               generation mean that prefill dominates. Engines that count a request's tokens only when it ends (TGI, \
               and the prompt of Dynamo) draw them in bursts.",
        unit: Unit::TokensPerSecond,
        section: REQUESTS,
        is_shown: true,
        lines: &[data("generation"), data("prompt")],
        ..EVENTS
    },
    Graph {
        id: "tokens-per-second-per-request",
        title: "Tokens per second, per request",
        help: "How fast single answers were generated: the speed that one user sees, where tokens per second is what \
               all share. The lower percentiles of this graph are the slow answers. It falls as batches grow; when it \
               falls without more traffic, look at clocks, temperature and preemptions.",
        unit: Unit::TokensPerSecond,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "running-and-waiting",
        title: "Running and waiting",
        help: "Requests in the engines' batches, and requests that wait for a place in one, at the moment of each \
               scrape. On average, requests in flight are arrivals per second times seconds each takes (Little's law), \
               so running rises with traffic or with latency. Waiting above zero for longer than a burst means too \
               little capacity: add replicas, or raise the engine's limit on sequences if its KV cache has room. \
               Paused requests had to give up their place. The dashed line is the maximum that the engines run at \
               once.",
        section: REQUESTS,
        is_shown: true,
        lines: &[data("running"), data("waiting"), data("paused"), limit("limit")],
        ..LINES
    },
    Graph {
        id: "concurrent-requests",
        title: "Concurrent requests",
        help: "Requests in flight: those being served and those waiting for it, over all selected replicas; \
               asynchronous requests do not count. It is a sample at the moment of each scrape, so short requests fall \
               between two samples: by Little's law the mean number in flight is requests per second times seconds \
               each takes, and 10 per second of 80 ms make 0.8, which a gauge mostly shows as 0 or 1. Platforms scale \
               by it: above the concurrency target times the replicas, more replicas are started. The dashed line is \
               what the replicas take at once.",
        section: REQUESTS,
        is_shown: true,
        lines: &[data("in flight"), limit("capacity")],
        ..LINES
    },
    Graph {
        id: "pending-requests",
        title: "Pending requests",
        help: "Requests that have arrived and have no answer yet because nothing could take them, at the moment of \
               each scrape: they wait before the engine, in a proxy, router or scheduler. Zero is healthy. Above about \
               1.5 for each replica for more than 20 s, hosted platforms start another one. When it stays high at the \
               maximum of replicas, raise the maximum, make each replica faster, or refuse earlier.",
        section: REQUESTS,
        is_shown: true,
        lines: &[data("pending"), data("at the engines")],
        ..LINES
    },
    Graph {
        id: "oldest-waiting",
        title: "Oldest waiting request",
        help: "How long the oldest request in the queue has waited, of all selected replicas. Percentiles of queue time \
               count a request only when it leaves the queue, so one that is stuck shows here first. A line that rises \
               by a second each second: nothing leaves the queue.",
        unit: Unit::Seconds,
        section: REQUESTS,
        lines: &[data("oldest")],
        ..LINES
    },
    Graph {
        id: "request-size",
        title: "Request size",
        help: "Bytes of the requests' bodies, a stand-in for prompt tokens where the engine does not count them: about \
               four bytes make a token of English text, images many more. When latency rises with it, prompts have \
               grown and prefill with them. Servers that give only a sum and a count have a mean and no percentiles.",
        unit: Unit::Bytes,
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "response-size",
        title: "Response size",
        help: "Bytes of the answers, a stand-in for generated tokens. When end-to-end latency rises with it, answers \
               have become longer, and the replicas are not slower. vLLM's HTTP side counts streamed answers as empty.",
        unit: Unit::Bytes,
        section: REQUESTS,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "prompt-length",
        title: "Prompt length",
        help: "Tokens in the prompts of finished requests. Prefill time and KV cache use grow with it. A p99 far above \
               the median means that few long prompts can hold up many short ones: chunked prefill, or a pool of \
               replicas for long contexts, keeps them apart.",
        unit: Unit::Tokens,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "output-length",
        title: "Output length",
        help: "Tokens generated for each finished request. Decode time grows in proportion. When it is at the limit of \
               tokens for many requests, answers are cut off: see finish reasons. A sudden rise can mean a model that \
               repeats itself.",
        unit: Unit::Tokens,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "requested-tokens",
        title: "Requested max tokens",
        help: "The max_tokens that clients ask for. Engines reserve or plan by it, so values far above the true output \
               length cost batch size in some of them. When it equals output length, answers are being cut off.",
        unit: Unit::Tokens,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "largest-answer",
        title: "Longest completion per request",
        help: "Tokens of the longest completion of each finished request. It differs from output length only where \
               clients ask for several completions at once: then it says how long the request stayed in the batch.",
        unit: Unit::Tokens,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "requested-answers",
        title: "Completions per request (n)",
        help: "How many completions clients ask for in one request (the parameter n). Each is generated on its own and \
               takes a place in the batch, so one request with n of 8 weighs like eight.",
        unit: Unit::Number,
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "websocket-connections",
        title: "WebSocket connections",
        help: "WebSocket connections open at the moment of each scrape. Each holds a place at a replica for as long as \
               it lives, so capacity is counted in connections. They are counted in inference volume only when they \
               close, by close code.",
        section: REQUESTS,
        lines: &[data("open")],
        ..LINES
    },
    Graph {
        id: "websocket-duration",
        title: "WebSocket duration",
        help: "How long WebSocket connections lived, of those that closed in the window. Many that end after the same \
               time hint at a time-out on the way. Restarts and scaling down close long ones early: drain replicas \
               before they stop.",
        section: REQUESTS,
        ..PERCENTILES
    },
    Graph {
        id: "tool-calls",
        title: "Tool calls",
        help: "Calls of tools that the engine found in answers, per second by the outcome of parsing them. Failures \
               mean that model, chat template and tool parser do not fit each other, or that answers were cut off.",
        section: REQUESTS,
        lines: UNNAMED,
        ..STACK
    },
];
