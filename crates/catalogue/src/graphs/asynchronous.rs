//! Graphs of requests whose results are delivered later, by a webhook.
use super::templates::{EVENTS, LINES, PERCENTILES, data};
use crate::{Graph, Section, Unit};

const ASYNC: Section = Section::Async;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "time-in-async-queue",
        title: "Time in async queue",
        help: "Time that asynchronous requests waited before a replica took them. Waiting is what the queue is for, so \
               only a steady rise is a problem: more arrives than is processed. Raise the maximum of replicas or the \
               concurrency of each. Requests that wait longer than their time limit are dropped.",
        section: ASYNC,
        is_shown: true,
        ..PERCENTILES
    },
    Graph {
        id: "async-queue-size",
        title: "Async queue size",
        help: "Asynchronous requests in the queue at the moment of each scrape. Zero under steady load is normal: each \
               is taken before the next sample. A queue that grows needs more replicas or more concurrency; one that \
               empties in steps shows how fast a batch is worked off.",
        section: ASYNC,
        is_shown: true,
        lines: &[data("queued")],
        ..LINES
    },
    Graph {
        id: "webhook-requests",
        title: "Webhook requests",
        help: "Deliveries of results to webhooks, per second; the summary counts them over the range. It should \
               follow the rate at which asynchronous requests finish. Failed deliveries are tried again: many of them \
               mean that the receiving side is down, slow, or refuses the signature.",
        unit: Unit::RequestsPerSecond,
        section: ASYNC,
        is_shown: true,
        lines: &[data("deliveries"), data("")],
        ..EVENTS
    },
    Graph {
        id: "webhook-latency",
        title: "Webhook latency",
        help: "Time until the receiver of a webhook answered. It is the receiver's own speed: answer at once and do \
               the work afterwards. Values near the time limit of the sender become failures and second attempts.",
        section: ASYNC,
        is_shown: true,
        ..PERCENTILES
    },
];
