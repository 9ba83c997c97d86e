//! Graphs of how work is divided: over stages, pools, replicas and experts.
use super::templates::{LINES, SHARE, STACK, data};
use crate::{Graph, Section, Unit};

const ENGINE: Section = Section::Engine;

pub(super) const GRAPHS: &[Graph] = &[
    Graph {
        id: "first-token-stages",
        title: "First token by stage",
        help: "Mean time of what comes before a first token, wherever it is spent: choosing an endpoint, the router's \
               queue, encoding of images, the engine's queue, prefill, and the transfer of key-value blocks to the \
               decode side. Their sum falls short of time to first token by the network and the first decode step. \
               Work on the longest.",
        unit: Unit::Seconds,
        section: ENGINE,
        lines: &[
            data("router"),
            data("queue at the router"),
            data("encode"),
            data("queue"),
            data("prefill"),
            data("transfer"),
            data(""),
        ],
        ..LINES
    },
    Graph {
        id: "pools",
        title: "Prefill and decode",
        help: "Requests in prefill and in decode, where the two are split over pools or counted apart. Prompts pile up \
               in prefill, long answers in decode: the pool that grows alone is the one that needs more replicas.",
        section: ENGINE,
        lines: &[data("encode"), data("prefill"), data("decode"), data("")],
        ..LINES
    },
    Graph {
        id: "pool-saturation",
        title: "Pool saturation",
        help: "How full a router believes the pools of prefill and decode to be, the fuller one as effective: at 100 % it \
               holds requests back. One near it with the other low: move replicas from one pool to the other.",
        section: ENGINE,
        ceiling: None,
        ..SHARE
    },
    Graph {
        id: "router-decisions",
        title: "Routing decisions",
        help: "Decisions of a router per second, by kind: such as prefill and decode at different replicas or at one, the \
               reason for which it chose a model, fallbacks to another model, or deployments that it left out for a \
               while (cooled down). A kind that vanishes after a change shows that a rule no longer applies.",
        section: ENGINE,
        lines: &[data("fallback"), data("fallback failed"), data("cooled down"), data("")],
        ..STACK
    },
    Graph {
        id: "evenness",
        title: "Evenness",
        help: "The most loaded replica over the mean of all: 1 is even, 2 means that one has twice its share. Lasting \
               values above about 1.5: long conversations stick to one replica, or the balancer counts connections \
               and not work. Deviation: the spread of running requests over their mean, as a router computes it; 0 is \
               even.",
        unit: Unit::Number,
        section: ENGINE,
        lines: &[data("running"), data("deviation"), data("KV cache"), data("tokens over ranks")],
        ..LINES
    },
    Graph {
        id: "expert-balance",
        title: "Expert balance",
        help: "Tokens of the busiest expert over the mean of all, in models with experts: 1 is even. The busiest sets the \
               pace of each step. High for long: turn on rebalancing, or replicate the hot experts.",
        unit: Unit::Number,
        section: ENGINE,
        lines: &[data("busiest over mean")],
        ..LINES
    },
];
