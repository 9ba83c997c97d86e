//! The OpenMetrics test suite: pages that a parser must accept, and pages that it must reject.
use super::cases::CaseOutcome;
use super::{cases, folders};
use exposition::Format;
use serde_json::Value;
use std::fs;

#[test]
fn openmetrics_suite() {
    let Some(folder) = folders::folder("OPENMETRICS_DIR", "corpora/data/openmetrics-suite") else { return };
    let mut outcomes = Vec::new();
    for entry in fs::read_dir(folder.join("tests/testdata/parsers")).expect("the suite's cases") {
        let case = entry.expect("a case").path();
        let expected: Value =
            serde_json::from_slice(&fs::read(case.join("test.json")).expect("test.json")).expect("JSON");
        let page = fs::read(case.join("metrics")).expect("metrics");
        let should_parse = expected["shouldParse"].as_bool().expect("shouldParse");
        let outcome = cases::is_accepted(&page, Format::OpenMetrics);
        let difference = (outcome.is_ok() != should_parse).then(|| format!("{}: {outcome:?}", case.display()));
        outcomes.push(CaseOutcome { page, difference });
    }
    assert!(!outcomes.is_empty(), "the suite has no cases");
    cases::compare_with_listed("openmetrics", &outcomes);
}
