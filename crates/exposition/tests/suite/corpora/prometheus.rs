//! The cases of Prometheus's scrape parser, and those of the strict parser `expfmt` of prometheus/common.
use super::cases::{self, CaseOutcome};
use exposition::Format;

#[test]
fn textparse() {
    let Some(cases) = cases::read("prometheus_textparse_cases.json") else { return };
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let format = if case["format"] == "openmetrics" { Format::OpenMetrics } else { Format::Text };
            let page = cases::input(case);
            let outcome = cases::is_accepted(&page, format);
            let differs = outcome.is_ok() != case["should_parse"].as_bool().expect("should_parse");
            let difference = differs.then(|| format!("{format:?}, {}: {outcome:?}", case["test"]));
            CaseOutcome { page, difference }
        })
        .collect();
    cases::compare_with_listed("textparse", &outcomes);
}

#[test]
fn expfmt() {
    let Some(cases) = cases::read("prometheus_common_expfmt_cases.json") else { return };
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let page = cases::input(case);
            let outcome = cases::is_accepted(&page, Format::StrictText);
            let differs = outcome.is_ok() != case["should_parse_utf8"].as_bool().expect("should_parse_utf8");
            let difference = differs.then(|| format!("{}: {outcome:?}", case["line"]));
            CaseOutcome { page, difference }
        })
        .collect();
    cases::compare_with_listed("expfmt", &outcomes);
}
