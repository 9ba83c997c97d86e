//! Hundreds of random queries must have the same results in the companion, Prometheus and VictoriaMetrics, which hold
//! the same generated history.
mod families;
mod fleet;
mod queries;
mod results;

use fleet::Fleet;
use inferboard_tests::{Api, Companion, FixtureError, Prometheus, Result, VictoriaMetrics, skipped};
use queries::{TestQuery, generated_queries, page_queries};
use results::{Outcome, evaluate};
use std::io::Write;
use std::path::Path;
use std::{env, fs};
use test_kit::Rng;

/// The default number of rounds of page queries.
const DEFAULT_ROUNDS: usize = 2;
/// The default number of generated queries.
const DEFAULT_QUERIES: usize = 400;
/// The largest number of differences that are printed.
const MAX_DIFFERENCES: usize = 40;

/// A number from an environment variable, for runs that are longer than the suite's.
fn number_from_env(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_queries_have_the_same_results() -> Result<()> {
    let seed = number_from_env("DIFFERENTIAL_SEED", 1);
    let fleet = Fleet::new(seed as u64);
    let folder = tempfile::tempdir().map_err(|source| FixtureError::Io { what: "no folder".into(), source })?;
    let dump = folder.path().join("history.om");
    fs::write(&dump, fleet.openmetrics()).map_err(|source| FixtureError::Io { what: "no dump".into(), source })?;
    let prometheus = match Prometheus::holding(&dump).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so results cannot be compared with it"));
            return Ok(());
        }
        started => started?,
    };
    let companion = companion(&dump, &folder.path().join("data")).await?;

    let mut rng = Rng::new(seed as u64 + 1);
    let mut queries = page_queries(&fleet, &mut rng, number_from_env("DIFFERENTIAL_ROUNDS", DEFAULT_ROUNDS));
    let page_count = queries.len();
    queries.extend(generated_queries(&fleet, &mut rng, number_from_env("DIFFERENTIAL_QUERIES", DEFAULT_QUERIES)));
    let comparison = compare(&companion.api(), ("Prometheus", &prometheus.api()), &queries).await?;
    report(format_args!(
        "{} series with {} samples; {page_count} queries of the page and {} generated ones beside Prometheus: {} differ, \
         {} values compared, {} results empty, {} refused by both",
        fleet.series.len(),
        fleet.sample_count(),
        queries.len() - page_count,
        comparison.differences.len(),
        comparison.values,
        comparison.empty,
        comparison.refused
    ));
    let shown = comparison.differences.iter().take(MAX_DIFFERENCES).cloned().collect::<Vec<_>>().join("\n");
    assert!(comparison.differences.is_empty(), "{} queries differ:\n{shown}", comparison.differences.len());
    assert!(comparison.empty + comparison.refused < queries.len() / 2, "most results are empty, which proves little");

    match VictoriaMetrics::holding(fleet.prometheus_text()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so results cannot be compared with it"));
        }
        started => {
            let victoria_metrics = started?;
            // It computes rates differently, but must accept all queries of the page.
            for query in &queries[..page_count] {
                let outcome = evaluate(&victoria_metrics.api(), query).await?;
                let is_refused = matches!(outcome, Outcome::Refused(_));
                assert!(!is_refused, "VictoriaMetrics on {}: {outcome:?}", query.promql);
            }
            let portable: Vec<TestQuery> = queries.into_iter().filter(|query| query.is_portable).collect();
            let comparison = compare(&companion.api(), ("VictoriaMetrics", &victoria_metrics.api()), &portable).await?;
            report(format_args!(
                "{} of these queries are defined in the same way in VictoriaMetrics; {} have the same result there",
                portable.len(),
                portable.len() - comparison.differences.len()
            ));
        }
    }
    Ok(())
}

/// Prints directly to standard error, because the test harness hides the output of passing tests.
fn report(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

async fn companion(dump: &Path, data: &Path) -> Result<Companion> {
    let (dump, data) = (dump.display().to_string(), data.display().to_string());
    Companion::printed(&["import", &dump, "--data-dir", &data])?;
    Companion::start(&["--no-discovery", "--data-dir", &data, "--retention", "100y"]).await
}

#[derive(Debug, Default)]
struct Comparison {
    differences: Vec<String>,
    values: usize,
    empty: usize,
    refused: usize,
}

async fn compare(ours: &Api, (name, theirs): (&str, &Api), queries: &[TestQuery]) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    for query in queries {
        let (difference, their_outcome) = difference(ours, (name, theirs), query).await?;
        comparison.values += their_outcome.value_count();
        match &their_outcome {
            Outcome::Refused(_) => comparison.refused += 1,
            Outcome::Values(series) => comparison.empty += usize::from(series.is_empty()),
        }
        let Some(mut difference) = difference else { continue };
        if let Some(neighbours) = query.neighbours() {
            let mut differences = Vec::new();
            for neighbour in &neighbours {
                differences.extend(self::difference(ours, (name, theirs), neighbour).await?.0);
            }
            match differences.pop() {
                Some(last) => difference = last,
                None => continue,
            }
        }
        comparison.differences.push(format!("{}\n    {:?}\n    {difference}", query.promql, query.evaluation));
    }
    Ok(comparison)
}

/// The first difference between the results of a query, and the result of the other server, called `name`.
async fn difference(ours: &Api, (name, theirs): (&str, &Api), query: &TestQuery) -> Result<(Option<String>, Outcome)> {
    let (ours, theirs) = (evaluate(ours, query).await?, evaluate(theirs, query).await?);
    Ok((ours.difference(&theirs, name), theirs))
}
