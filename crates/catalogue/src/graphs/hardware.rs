//! The machines below the engines.
use crate::{
    Colours::Order,
    Engine::Host,
    Graph, Line, Look, Recipe,
    Role::{Data, Limit},
    Section::Hardware,
    Shape::{Raw, Total},
    Summary, Unit,
};

pub(super) const CPU: Graph = Graph {
    id: "cpu",
    title: "CPU",
    help: "Share of the processors' time that was spent working, averaged over all cores of the hosts. An engine keeps \
           one core busy per GPU with scheduling and tokenizing; when all cores are near 100 %, requests queue before \
           they reach the GPU. Give the host more cores or fewer replicas.",
    unit: Unit::Share,
    section: Hardware,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[Line {
        name: "average",
        role: Data,
        recipes: &[Recipe {
            engine: Host,
            shape: Raw {
                promql: r#"1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$window]))"#,
                names: &["node_cpu_seconds_total"],
            },
        }],
    }],
};

pub(super) const MEMORY: Graph = Graph {
    id: "memory",
    title: "Memory",
    help: "Memory in use on the hosts, caches that can be given back not counted, and how much there is. Close to the \
           capacity line the kernel ends processes, engines first: lower swap space or cache offloading, or move a \
           replica to another host.",
    unit: Unit::Bytes,
    section: Hardware,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[
        Line {
            name: "in use",
            role: Data,
            recipes: &[Recipe {
                engine: Host,
                shape: Raw {
                    promql: "sum(node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes)",
                    names: &["node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"],
                },
            }],
        },
        Line {
            name: "capacity",
            role: Limit,
            recipes: &[Recipe { engine: Host, shape: Total { names: &["node_memory_MemTotal_bytes"] } }],
        },
    ],
};
