//! Graphs of the engine's caches and of the transfers between them.
use super::templates::{EVENTS, LINES, PERCENTILES, SHARE, STACK, data, limit};
use crate::{DrawStyle, Graph, Section, Unit};

const ENGINE: Section = Section::Engine;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "kv-cache-tokens",
        title: "KV cache tokens",
        help: "Tokens, or blocks of tokens where the engine counts those, in the key-value cache: used by running \
               requests, kept from finished ones and free to be reused (evictable), and free. The dashed line is the \
               capacity. A large evictable part is the prefix cache at work and not a shortage.",
        section: ENGINE,
        lines: &[data("used"), data("evictable"), data("available"), data("most so far"), limit("capacity")],
        ..LINES
    },
    Graph {
        id: "kv-budget",
        title: "KV budget",
        help: "What fits into the key-value caches of the selected replicas: tokens, and requests of the model's full \
               context length. Requests that run above the second number rely on most being shorter: when they are not, \
               preemptions follow.",
        section: ENGINE,
        lines: &[data("tokens"), data("requests at full length")],
        ..LINES
    },
    Graph {
        id: "cache-tiers",
        title: "Cache by tier",
        help: "Bytes that an offloaded cache holds in each tier. A tier that stays small has nothing to keep, or too \
               little room; compare with hits before giving it more.",
        unit: Unit::Bytes,
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[data("host"), data("disk"), data("remote"), data("")],
        ..LINES
    },
    Graph {
        id: "cache-pays",
        title: "Does the tier pay",
        help: "Time to bring back one cached token against the time to compute one. The tier pays while load is well below \
               prefill; above it, recomputing would be faster: use a faster tier or none.",
        unit: Unit::Seconds,
        section: ENGINE,
        lines: &[data("load"), data("prefill")],
        ..LINES
    },
    Graph {
        id: "other-cache-hits",
        title: "Other cache hits",
        help: "Hits of the caches other than the prefix cache, as a share of lookups within each window. Any cache: \
               prompt tokens that some cache supplied. External: key-value blocks of other instances or of an \
               offloading tier. Multimodal: images and audio already encoded. LMCache: tokens found in its store. \
               Responses: whole answers. A share near zero with lookups going on costs memory and brings nothing.",
        section: ENGINE,
        lines: &[
            data("any cache"),
            data("external"),
            data("multimodal"),
            data("LMCache"),
            data("LMCache in memory"),
            data("LMCache beyond"),
            data("responses"),
            data("offload tier"),
            data("HiSparse"),
            data("provider"),
        ],
        ..SHARE
    },
    Graph {
        id: "cached-tokens",
        title: "Cached tokens by tier",
        help: "Prompt tokens that needed no prefill, per second, by where they were found: on the device, in host \
               memory, on disk, at another instance, or somewhere outside. The nearer the better: tokens from disk can \
               cost as much time as computing them.",
        unit: Unit::TokensPerSecond,
        section: ENGINE,
        ..STACK
    },
    Graph {
        id: "prompt-tokens-by-source",
        title: "Tokens by source",
        help: "Tokens worked on per second, by where they came from: computed, found in the cache, received from \
               another instance, or decoded. The computed part is what prefill costs the GPU.",
        unit: Unit::TokensPerSecond,
        section: ENGINE,
        ..STACK
    },
    Graph {
        id: "computed-prompt-tokens",
        title: "Prompt tokens computed",
        help: "Of each request's prompt, the tokens that had to be computed because no cache had them. Compare with \
               prompt length: the difference was saved. When only the lower percentiles fall, some conversations hit \
               the cache and others never do.",
        unit: Unit::Tokens,
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-fetch-stages",
        title: "Waiting for KV loads",
        help: "Waiting requests whose key-value blocks are fetched from elsewhere, by stage: load not begun, under \
               way, or complete. A pile that stays not begun means that the connector is at its limit.",
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        ..LINES
    },
    Graph {
        id: "kv-transfer-bytes",
        title: "KV transfer",
        help: "Key-value data moved per second between instances, between GPU and offloaded cache (loaded, stored), \
               or between its tiers (promoted towards the GPU, demoted away). It follows prompt tokens in a split of \
               prefill and decode. At the network's or the bus's limit it bounds time to first token.",
        unit: Unit::BytesPerSecond,
        section: ENGINE,
        lines: &[data("transferred"), data("loaded"), data("stored"), data("promoted"), data("demoted"), data("")],
        ..LINES
    },
    Graph {
        id: "kv-transfer-time",
        title: "KV transfer time",
        help: "Time of one transfer of key-value blocks between instances. It is part of time to first token when \
               prefill and decode are split. A p99 far above the median hints at a network shared with others.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-transfer-speed",
        title: "KV transfer speed",
        help: "Speed of single transfers of key-value blocks between instances. Far below what the network can do: \
               transfers are small, or share it with others. Compare the lowest percentiles over time; a step down \
               after a deployment is usually a wrong network interface.",
        unit: Unit::BytesPerSecond,
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-transfer-phases",
        title: "KV transfer by phase",
        help: "Mean time of a transfer of key-value blocks, by phase: the two sides finding each other (bootstrap), \
               waiting for room at the receiver (allocation), and the transfer. Much allocation means that the decode \
               side is full: add replicas there.",
        unit: Unit::Seconds,
        section: ENGINE,
        draw_style: DrawStyle::Bars,
        lines: &[data("bootstrap"), data("allocation"), data("transfer"), data("")],
        ..LINES
    },
    Graph {
        id: "cache-load-time",
        title: "Cache load time",
        help: "Time to bring key-value blocks back from the host's memory to the device. It is part of prefill for \
               requests that hit the host's cache: worth it as long as it is shorter than computing the tokens.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "cache-eviction-time",
        title: "Cache eviction time",
        help: "Time of one pass that frees room in the device's cache, writing to the host included where it must be \
               written first. Requests wait meanwhile: long passes under load ask for a larger host cache, or for \
               writing through early.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-offload-use",
        title: "Offloaded cache use",
        help: "Share of the host's memory for offloaded key-value blocks that is in use. Full is normal once warm, as \
               old blocks make room. Full with many failed stores means that all of it is pinned by transfers.",
        section: ENGINE,
        lines: &[data("in use"), data("host"), data("local")],
        ..SHARE
    },
    Graph {
        id: "kv-block-lifetime",
        title: "KV block lifetime",
        help: "Time from a cache block's allocation to its eviction. Short lifetimes mean that the cache turns over \
               before anyone can come back to a conversation: give it more memory or offload to the host.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-block-idle",
        title: "KV block idle time",
        help: "Time that a cache block was unused before it was evicted. Long idle times mean that blocks are kept \
               needlessly; short ones that blocks are evicted soon after they were needed.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "kv-block-reuse-gap",
        title: "KV block reuse gap",
        help: "Time between two uses of the same cache block. A cache that keeps blocks at least as long as the p90 of \
               this catches nine reuses in ten: compare with KV block lifetime.",
        section: ENGINE,
        ..PERCENTILES
    },
    Graph {
        id: "cache-evictions",
        title: "Cache movements",
        help: "Tokens that left the device's cache, per second, and tokens that were brought back from host or \
               storage. Evictions are normal in a full cache. Many loaded back soon after show that the device's cache \
               is small for the traffic; dropped ones were lost, as the host's had no room.",
        unit: Unit::TokensPerSecond,
        section: ENGINE,
        lines: &[data("evicted"), data("loaded back"), data("backed up"), data("prefetched"), data("dropped")],
        ..EVENTS
    },
];
