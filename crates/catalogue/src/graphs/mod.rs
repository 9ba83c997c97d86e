//! The catalogue itself: every graph, in the page's order.
mod engine;
mod hardware;
mod replicas;
mod requests;

use crate::Graph;

/// Every graph, in the order of the page.
pub static GRAPHS: &[&Graph] = &[
    &requests::VOLUME,
    &requests::END_TO_END_LATENCY,
    &requests::TIME_TO_FIRST_TOKEN,
    &requests::INTER_TOKEN_LATENCY,
    &requests::TOKENS_PER_SECOND,
    &requests::RUNNING_AND_WAITING,
    &engine::KV_CACHE_USE,
    &engine::QUEUE_TIME,
    &engine::PREFILL_TIME,
    &engine::DECODE_TIME,
    &engine::PREFIX_CACHE_HIT_SHARE,
    &engine::PREEMPTIONS,
    &engine::FINISH_REASONS,
    &hardware::CPU,
    &hardware::MEMORY,
    &replicas::ANSWERING,
];
