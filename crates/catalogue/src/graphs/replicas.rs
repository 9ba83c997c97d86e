//! How many copies run.
use crate::{
    Colours::Order,
    Engine::Scrape,
    Graph, Line, Look, Recipe,
    Role::{Data, Limit},
    Section::Replicas,
    Shape::Raw,
    Summary, Unit,
};

pub(super) const ANSWERING: Graph = Graph {
    id: "replicas-answering",
    title: "Replicas answering",
    help: "Replicas whose metrics endpoint answered at each scrape, and how many are known. Below the dashed line some \
           are starting, failed or cut off from the network.",
    unit: Unit::Count,
    section: Replicas,
    look: Look::Lines,
    colours: Order,
    summary: Summary::None,
    lines: &[
        Line {
            name: "answering",
            role: Data,
            recipes: &[Recipe {
                engine: Scrape,
                shape: Raw { promql: r#"sum(up{$scope$replica!=""})"#, names: &["up"] },
            }],
        },
        Line {
            name: "known",
            role: Limit,
            recipes: &[Recipe {
                engine: Scrape,
                shape: Raw { promql: r#"count(up{$scope$replica!=""})"#, names: &["up"] },
            }],
        },
    ],
};
