//! One invented history in the companion, in Prometheus and in VictoriaMetrics: hundreds of random queries must have
//! the same answers.
mod answers;
mod families;
mod fleet;
mod questions;

use answers::{Answered, answer};
use fleet::Fleet;
use inferboard_tests::{Api, Companion, FixtureError, Prometheus, Result, VictoriaMetrics, skipped};
use questions::{Question, of_any_form, of_the_page};
use std::io::Write;
use std::path::Path;
use std::{env, fs};
use test_kit::Rng;

/// Times that each graph is asked for when nobody says.
const ROUNDS: usize = 2;
/// Queries of any form when nobody says.
const ANY_FORM: usize = 400;
/// Differences that are printed.
const SHOWN: usize = 40;

/// A number that an environment variable holds, so that a person can look further than the suite does.
fn given(name: &str, otherwise: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_queries_have_the_same_answers() -> Result<()> {
    let seed = given("DIFFERENTIAL_SEED", 1);
    let fleet = Fleet::new(seed as u64);
    let folder = tempfile::tempdir().map_err(|source| FixtureError::Io { what: "no folder".into(), source })?;
    let dump = folder.path().join("history.om");
    fs::write(&dump, fleet.openmetrics()).map_err(|source| FixtureError::Io { what: "no dump".into(), source })?;
    let prometheus = match Prometheus::holding(&dump).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so there is nothing to compare answers with"));
            return Ok(());
        }
        held => held?,
    };
    let companion = companion(&dump, &folder.path().join("data")).await?;

    let mut rng = Rng::new(seed as u64 + 1);
    let mut asked = of_the_page(&fleet, &mut rng, given("DIFFERENTIAL_ROUNDS", ROUNDS));
    let of_the_page = asked.len();
    asked.extend(of_any_form(&fleet, &mut rng, given("DIFFERENTIAL_QUERIES", ANY_FORM)));
    let compared = compare(&companion.api(), ("Prometheus", &prometheus.api()), &asked).await?;
    report(format_args!(
        "{} series with {} samples; {of_the_page} queries of the page and {} of any form beside Prometheus: {} differ, \
         {} values compared, {} without a value, {} refused by both",
        fleet.series.len(),
        fleet.samples(),
        asked.len() - of_the_page,
        compared.differences.len(),
        compared.points,
        compared.empty,
        compared.refused
    ));
    let shown = compared.differences.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(compared.differences.is_empty(), "{} queries differ:\n{shown}", compared.differences.len());
    assert!(compared.empty + compared.refused < asked.len() / 2, "most queries find nothing, which proves little");

    match VictoriaMetrics::holding(fleet.prometheus_text()).await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so there is nothing to compare answers with"));
        }
        held => {
            let held = held?;
            // Whatever it makes of rates, there is no query of the page that it cannot read.
            for question in &asked[..of_the_page] {
                let said = answer(&held.api(), question).await?;
                assert!(!matches!(said, Answered::Refused(_)), "VictoriaMetrics on {}: {said:?}", question.query);
            }
            let alike: Vec<Question> = asked.into_iter().filter(|question| question.is_alike).collect();
            let compared = compare(&companion.api(), ("VictoriaMetrics", &held.api()), &alike).await?;
            report(format_args!(
                "{} of these that VictoriaMetrics defines alike: {} have the same answer there, too",
                alike.len(),
                alike.len() - compared.differences.len()
            ));
        }
    }
    Ok(())
}

/// Past the test harness, which would keep the words of a passing test to itself.
fn report(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

async fn companion(dump: &Path, data: &Path) -> Result<Companion> {
    let (dump, data) = (dump.display().to_string(), data.display().to_string());
    Companion::printed(&["import", &dump, "--data-dir", &data])?;
    Companion::start(&["--no-discovery", "--data-dir", &data, "--retention", "100y"]).await
}

#[derive(Debug, Default)]
struct Compared {
    differences: Vec<String>,
    points: usize,
    empty: usize,
    refused: usize,
}

async fn compare(ours: &Api, (name, theirs): (&str, &Api), asked: &[Question]) -> Result<Compared> {
    let mut compared = Compared::default();
    for question in asked {
        let (difference, theirs_said) = difference(ours, (name, theirs), question).await?;
        compared.points += theirs_said.points();
        match &theirs_said {
            Answered::Refused(_) => compared.refused += 1,
            Answered::Points(series) => compared.empty += usize::from(series.is_empty()),
        }
        let Some(mut difference) = difference else { continue };
        if let Some(questions) = question.neighbours() {
            let mut beside = Vec::new();
            for question in &questions {
                beside.extend(self::difference(ours, (name, theirs), question).await?.0);
            }
            match beside.pop() {
                Some(there) => difference = there,
                None => continue,
            }
        }
        compared.differences.push(format!("{}\n    {:?}\n    {difference}", question.query, question.when));
    }
    Ok(compared)
}

/// Where the answers to a question differ, and what the other server, called `name`, said.
async fn difference(
    ours: &Api,
    (name, theirs): (&str, &Api),
    question: &Question,
) -> Result<(Option<String>, Answered)> {
    let (ours, theirs) = (answer(ours, question).await?, answer(theirs, question).await?);
    Ok((ours.difference(&theirs, name), theirs))
}
