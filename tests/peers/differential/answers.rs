//! Answers of several servers to one question, side by side.
use super::questions::{Question, When};
use inferboard_tests::{Api, FixtureError, Result};
use prometheus_api::Data;
use std::collections::BTreeMap;

/// Values agree to this, relative to the larger.
const TOLERANCE: f64 = 1e-6;
/// Differences below this are what is left where equal numbers were subtracted.
const NOTHING: f64 = 1e-9;

type Labels = BTreeMap<String, String>;

/// What a server said.
#[derive(Clone, Debug)]
pub(crate) enum Answered {
    /// Values by series and time in milliseconds.
    Points(BTreeMap<Labels, BTreeMap<i64, f64>>),
    /// It refused, with its words.
    Refused(String),
}

/// The answer of one server.
///
/// # Errors
/// When it gives none, not even a refusal.
pub(crate) async fn answer(api: &Api, question: &Question) -> Result<Answered> {
    let query = &question.query;
    let data = match question.when {
        When::At(at_ms) => api.instant(query, Some(at_ms)).await,
        When::Range { start_ms, end_ms, step_ms } => {
            api.range(query, start_ms, end_ms, step_ms).await.map(Data::Matrix)
        }
    };
    let at_ms = |at_s: f64| (at_s * 1000.0).round() as i64;
    match data {
        Ok(Data::Matrix(series)) => Ok(Answered::Points(
            series
                .into_iter()
                .map(|series| {
                    let points = series.samples.values.iter().map(|(at_s, value)| (at_ms(*at_s), value.0));
                    (series.metric, points.collect())
                })
                .collect(),
        )),
        Ok(Data::Vector(series)) => Ok(Answered::Points(
            series
                .into_iter()
                .map(|series| {
                    let (at_s, value) = series.samples.value;
                    (series.metric, BTreeMap::from([(at_ms(at_s), value.0)]))
                })
                .collect(),
        )),
        Ok(Data::Scalar((at_s, value))) => {
            Ok(Answered::Points(BTreeMap::from([(Labels::new(), BTreeMap::from([(at_ms(at_s), value.0)]))])))
        }
        Ok(Data::String((_, text))) => Ok(Answered::Refused(text)),
        Err(FixtureError::Query { source, .. }) => Ok(Answered::Refused(source.message)),
        Err(error) => Err(error),
    }
}

impl Answered {
    /// How many values it holds.
    pub(crate) fn points(&self) -> usize {
        match self {
            Self::Points(series) => series.values().map(BTreeMap::len).sum(),
            Self::Refused(_) => 0,
        }
    }

    /// Where it differs first from what another server, called `name`, said.
    pub(crate) fn difference(&self, theirs: &Self, name: &str) -> Option<String> {
        let (ours, theirs) = match (self, theirs) {
            (Self::Points(ours), Self::Points(theirs)) => (ours, theirs),
            (Self::Refused(_), Self::Refused(_)) => return None,
            (Self::Refused(words), Self::Points(_)) => return Some(format!("only the companion refuses: {words}")),
            (Self::Points(_), Self::Refused(words)) => return Some(format!("only {name} refuses: {words}")),
        };
        if let Some((series, points)) = ours.iter().find(|(series, _)| !theirs.contains_key(*series)) {
            return Some(format!("only the companion gives {series:?}: {:?}", points.first_key_value()));
        }
        theirs.iter().find_map(|(series, theirs)| {
            let Some(ours) = ours.get(series) else {
                return Some(format!("only {name} gives {series:?}: {:?}", theirs.first_key_value()));
            };
            let times = ours.keys().chain(theirs.keys());
            let differs = |at_ms: &&i64| !same(ours.get(*at_ms), theirs.get(*at_ms));
            let at_ms = times.filter(differs).min()?;
            let (ours, theirs) = (ours.get(at_ms), theirs.get(at_ms));
            Some(format!("{series:?} at {at_ms}: the companion {ours:?}, {name} {theirs:?}"))
        })
    }
}

fn same(ours: Option<&f64>, theirs: Option<&f64>) -> bool {
    match (ours, theirs) {
        (Some(a), Some(b)) => {
            let apart = (a - b).abs();
            a == b || a.is_nan() && b.is_nan() || apart <= NOTHING || apart <= TOLERANCE * a.abs().max(b.abs())
        }
        (None, None) => true,
        _ => false,
    }
}
