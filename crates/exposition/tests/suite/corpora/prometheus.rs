//! What Prometheus accepts when it scrapes, and what `expfmt` of prometheus/common accepts by the letter.
use crate::cases;
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
            (page, differs.then(|| format!("{format:?}, {}: {outcome:?}", case["test"])))
        })
        .collect();
    cases::judge("textparse", &outcomes);
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
            (page, differs.then(|| format!("{}: {outcome:?}", case["line"])))
        })
        .collect();
    cases::judge("expfmt", &outcomes);
}
