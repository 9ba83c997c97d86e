//! Every graph of the catalogue, in the page's order.
mod asynchronous;
mod balance;
mod caches;
mod engine;
mod hardware;
mod replicas;
mod requests;
mod templates;

use crate::Graph;

const SECTIONS: [&[Graph]; 7] = [
    requests::GRAPHS,
    engine::GRAPHS,
    balance::GRAPHS,
    caches::GRAPHS,
    hardware::GRAPHS,
    replicas::GRAPHS,
    asynchronous::GRAPHS,
];

const COUNT: usize = {
    let (mut count, mut section) = (0, 0);
    while section < SECTIONS.len() {
        count += SECTIONS[section].len();
        section += 1;
    }
    count
};

static ALL: [&Graph; COUNT] = {
    let mut all = [&SECTIONS[0][0]; COUNT];
    let (mut next, mut section) = (0, 0);
    while section < SECTIONS.len() {
        let mut at = 0;
        while at < SECTIONS[section].len() {
            all[next] = &SECTIONS[section][at];
            next += 1;
            at += 1;
        }
        section += 1;
    }
    all
};

/// Every graph, in the order of the page.
pub static GRAPHS: &[&Graph] = &ALL;

/// The graph with this id.
pub fn graph(id: &str) -> Option<&'static Graph> {
    GRAPHS.iter().copied().find(|graph| graph.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_every_graph_has_help() {
        let ids: BTreeSet<&str> = GRAPHS.iter().map(|graph| graph.id).collect();
        assert_eq!(ids.len(), GRAPHS.len());
        for graph in GRAPHS {
            assert!(graph.help.len() > 120 && graph.help.ends_with('.'), "{}", graph.id);
            assert!(!graph.help.contains("  "), "{}", graph.id);
            assert!(!graph.lines.is_empty(), "{}", graph.id);
        }
    }
}
