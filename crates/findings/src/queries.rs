//! What to ask for: the queries of the graphs that the rules read.
use crate::entries::ENTRIES;
use crate::entry::Need;
use catalogue::{QueryContext, detailed_query, drawn_query, graph};

/// A range query whose answer is evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The id of the graph.
    pub graph: &'static str,
    /// Whether it is for the graph's details.
    pub is_detailed: bool,
    /// PromQL.
    pub promql: String,
}

/// The range queries for a scope, made as the graphs' own are. Each series has its name in the label `line`. Graphs
/// without metrics among those present are left out.
pub fn queries(present: &dyn Fn(&str) -> bool, context: &QueryContext<'_>) -> Vec<Query> {
    let mut needs: Vec<Need> = Vec::new();
    for need in ENTRIES.iter().flat_map(|entry| entry.needs) {
        if !needs.iter().any(|known| (known.graph, known.is_detailed) == (need.graph, need.is_detailed)) {
            needs.push(*need);
        }
    }
    let query = |Need { graph: id, is_detailed, .. }| {
        let own = graph(id)?;
        let promql = match is_detailed {
            true => detailed_query(own, present, context),
            false => drawn_query(own, present, context),
        };
        Some(Query { graph: id, is_detailed, promql: promql? })
    };
    needs.into_iter().filter_map(query).collect()
}
