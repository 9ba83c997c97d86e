//! Why graphs are not there, by what the page knows of the targets.
use crate::data::graph::frame::named_values;
use crate::data::graph::request::Round;
use crate::data::refresh_loop::Feed;
use catalogue::{GRAPHS, Graph, QueryContext, ScopeStatus, Section, detect, drawn_query, graph, missing_reason};
use leptos::prelude::*;
use prometheus_api::Data;
use std::collections::BTreeSet;

/// The graph whose lines are the reasons of failed scrapes.
const FAILURES: &str = "scrape-failures";

impl Feed {
    /// Why a graph has nothing to draw; none when its metrics are there.
    pub(crate) fn absence(self, graph: &Graph, round: &Round) -> Option<String> {
        let names = round.inventory.present(&round.scope);
        let (failed, gpu_faults) = (self.failed.get_untracked(), self.gpu_faults.get_untracked());
        why(graph, &names, self.answering.get_untracked(), (&failed, &gpu_faults))
    }

    /// The graphs of a section that have nothing to draw, each with why; nothing before the first answer.
    pub fn absent(self, section: Section) -> Vec<(&'static Graph, String)> {
        let scope = self.view.with(|view| view.scope.clone());
        let (answering, failed, gpu_faults) = (self.answering.get(), self.failed.get(), self.gpu_faults.get());
        self.inventory.with(|inventory| {
            let Some(inventory) = inventory else { return Vec::new() };
            let present = inventory.present(&scope);
            let own = GRAPHS.iter().copied().filter(|graph| graph.section == section);
            own.filter_map(|graph| Some((graph, why(graph, &present, answering, (&failed, &gpu_faults))?))).collect()
        })
    }

    /// Remembers why GPUs are not measured. Without an answer the page says less.
    pub(crate) fn learn_gpu_faults(self, answer: Option<Data>) {
        let Some(Data::Vector(vector)) = answer else { return };
        let faults: Vec<String> = vector.iter().filter_map(|series| series.metric.get("reason").cloned()).collect();
        if self.gpu_faults.with_untracked(|old| *old != faults) {
            self.gpu_faults.set(faults);
        }
    }

    /// Asks for the reasons of failed scrapes while some target does not answer.
    pub(crate) async fn learn_failures(self, round: &Round) {
        let (up, all) = self.answering.get_untracked();
        let names = round.inventory.present(&round.scope);
        let present = |name: &str| names.contains(name);
        let ask = QueryContext { scope: &round.scope, labels: &round.backend.labels, window_ms: round.interval_ms };
        let query = graph(FAILURES).and_then(|graph| drawn_query(graph, &present, &ask));
        let mut failed = Vec::new();
        if up < all
            && let Some(query) = query
        {
            // Reasons are an extra: without them the page still says that nobody answers.
            let values = round.backend.instant(query, round.end_ms()).await.map(named_values).unwrap_or_default();
            failed = values.into_iter().filter(|(_, count)| *count > 0.0).map(|(reason, _)| reason).collect();
        }
        if self.failed.with_untracked(|old| *old != failed) {
            self.failed.set(failed);
        }
    }
}

fn why(
    graph: &Graph,
    names: &BTreeSet<&str>,
    (up, all): (usize, usize),
    (failed, gpu_faults): (&[String], &[String]),
) -> Option<String> {
    let engines = detect(names.iter().copied());
    let [failures, gpu_faults] =
        [failed, gpu_faults].map(|reasons| reasons.iter().map(String::as_str).collect::<Vec<_>>());
    let status = ScopeStatus {
        targets: all,
        targets_up: up,
        failures: &failures,
        gpu_faults: &gpu_faults,
        engines: &engines,
        present: &|name: &str| names.contains(name),
    };
    missing_reason(graph, &status).map(|reason| reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_follows_what_is_known() {
        let volume = graph("volume").expect("a graph");
        let names = BTreeSet::from(["up", "node_memory_MemTotal_bytes"]);
        let told = |answering, failed: &[&str]| {
            let failed: Vec<String> = failed.iter().map(|reason| (*reason).to_owned()).collect();
            why(volume, &names, answering, (&failed, &[])).expect("absent")
        };
        assert!(told((0, 0), &[]).starts_with("Nothing is scraped"));
        assert!(told((0, 1), &["connect"]).contains("(connect)"));
        assert!(!told((1, 1), &[]).contains("No target is responding"));
        let vllm = BTreeSet::from(["vllm:request_success_total"]);
        assert_eq!(why(volume, &vllm, (1, 1), (&[], &[])), None);
    }
}
