//! Query results of two servers and their comparison.
use super::queries::{Evaluation, TestQuery};
use inferboard_tests::{Api, FixtureError, Result};
use prometheus_api::Data;
use std::collections::BTreeMap;

/// The largest difference of equal values, relative to the larger one.
const TOLERANCE: f64 = 1e-6;
/// The largest absolute difference of equal values; the subtraction of equal numbers may leave that much.
const ABSOLUTE_TOLERANCE: f64 = 1e-9;

type Labels = BTreeMap<String, String>;

/// The result of a query.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// Values by series and time in Unix milliseconds.
    Values(BTreeMap<Labels, BTreeMap<i64, f64>>),
    /// The server refused the query with this message.
    Refused(String),
}

/// Evaluates a query on one server.
///
/// # Errors
/// When the server returns neither a result nor a refusal.
pub(crate) async fn evaluate(api: &Api, query: &TestQuery) -> Result<Outcome> {
    let promql = &query.promql;
    let data = match query.evaluation {
        Evaluation::At(at_ms) => api.instant(promql, Some(at_ms)).await,
        Evaluation::Range { start_ms, end_ms, step_ms } => {
            api.range(promql, start_ms, end_ms, step_ms).await.map(Data::Matrix)
        }
    };
    let at_ms = |at_s: f64| (at_s * 1000.0).round() as i64;
    match data {
        Ok(Data::Matrix(series)) => Ok(Outcome::Values(
            series
                .into_iter()
                .map(|series| {
                    let values = series.samples.values.iter().map(|(at_s, value)| (at_ms(*at_s), value.0));
                    (series.metric, values.collect())
                })
                .collect(),
        )),
        Ok(Data::Vector(series)) => Ok(Outcome::Values(
            series
                .into_iter()
                .map(|series| {
                    let (at_s, value) = series.samples.value;
                    (series.metric, BTreeMap::from([(at_ms(at_s), value.0)]))
                })
                .collect(),
        )),
        Ok(Data::Scalar((at_s, value))) => {
            Ok(Outcome::Values(BTreeMap::from([(Labels::new(), BTreeMap::from([(at_ms(at_s), value.0)]))])))
        }
        Ok(Data::String((_, text))) => Ok(Outcome::Refused(text)),
        Err(FixtureError::Query { source, .. }) => Ok(Outcome::Refused(source.message)),
        Err(error) => Err(error),
    }
}

impl Outcome {
    /// The number of values.
    pub(crate) fn value_count(&self) -> usize {
        match self {
            Self::Values(series) => series.values().map(BTreeMap::len).sum(),
            Self::Refused(_) => 0,
        }
    }

    /// The first difference from the result of another server, called `name`.
    pub(crate) fn difference(&self, theirs: &Self, name: &str) -> Option<String> {
        let (ours, theirs) = match (self, theirs) {
            (Self::Values(ours), Self::Values(theirs)) => (ours, theirs),
            (Self::Refused(_), Self::Refused(_)) => return None,
            (Self::Refused(message), Self::Values(_)) => return Some(format!("only the companion refuses: {message}")),
            (Self::Values(_), Self::Refused(message)) => return Some(format!("only {name} refuses: {message}")),
        };
        if let Some((series, values)) = ours.iter().find(|(series, _)| !theirs.contains_key(*series)) {
            return Some(format!("only the companion returns {series:?}: {:?}", values.first_key_value()));
        }
        theirs.iter().find_map(|(series, theirs)| {
            let Some(ours) = ours.get(series) else {
                return Some(format!("only {name} returns {series:?}: {:?}", theirs.first_key_value()));
            };
            let times = ours.keys().chain(theirs.keys());
            let differs = |at_ms: &&i64| !same(ours.get(*at_ms), theirs.get(*at_ms));
            let at_ms = times.filter(differs).min()?;
            let (ours, theirs) = (ours.get(at_ms), theirs.get(at_ms));
            Some(format!("{series:?} at {at_ms}: {ours:?} in the companion, {theirs:?} in {name}"))
        })
    }
}

fn same(ours: Option<&f64>, theirs: Option<&f64>) -> bool {
    match (ours, theirs) {
        (Some(a), Some(b)) => {
            let difference = (a - b).abs();
            a == b
                || a.is_nan() && b.is_nan()
                || difference <= ABSOLUTE_TOLERANCE
                || difference <= TOLERANCE * a.abs().max(b.abs())
        }
        (None, None) => true,
        _ => false,
    }
}
