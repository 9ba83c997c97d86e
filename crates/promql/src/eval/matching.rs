//! Arithmetic and comparisons between two vectors. Source: `promql/engine.go` of Prometheus 3, `VectorBinop`.
use super::evaluator::Evaluator;
use super::label_map::LabelMap;
use super::step_matrix::{StepMatrix, StepSeries};
use super::steps::Steps;
use crate::ast::{Binary, Cardinality, Matching, contains_label};
use crate::labels::Label;
use crate::{Error, Labels, METRIC_NAME, is_stale, stale_marker};

/// The labels by which a series is matched.
pub(super) fn signature<'m>(matching: &'m Matching, labels: &'m Labels) -> impl Iterator<Item = &'m Label> + Clone {
    let is_matched =
        |name: &str| contains_label(&matching.labels, name) == matching.on && (matching.on || name != METRIC_NAME);
    labels.labels().iter().filter(move |label| is_matched(label.name()))
}

/// The series with one signature. At each step the "one" side may have at most one of them.
#[derive(Default)]
struct MatchGroup<'m> {
    one: Vec<&'m StepSeries>,
    many: Vec<&'m StepSeries>,
}

impl Evaluator<'_> {
    /// An arithmetic operation or comparison between two vectors.
    pub(super) fn match_vectors(&self, binary: &Binary, steps: Steps) -> Result<StepMatrix, Error> {
        let (left, right) = (self.matrix(&binary.left, steps)?, self.matrix(&binary.right, steps)?);
        let matching = &binary.matching;
        let one_is_left = matches!(matching.cardinality, Cardinality::OneToMany(_));
        let (many, one) = if one_is_left { (&right, &left) } else { (&left, &right) };
        let mut groups: LabelMap<MatchGroup<'_>> = LabelMap::new();
        for series in &one.series {
            groups.entry(signature(matching, &series.labels), |_| Ok(MatchGroup::default()))?.one.push(series);
        }
        for series in &many.series {
            groups.entry(signature(matching, &series.labels), |_| Ok(MatchGroup::default()))?.many.push(series);
        }
        let join = Join { evaluator: self, binary, one_is_left, steps };
        let matchable_steps = join.matchable_steps(&one.series, &many.series);
        let mut result = StepMatrix::new(&self.budget);
        // Results of one-to-one groups differ by their signature.
        let mut may_have_duplicates = matching.cardinality != Cardinality::OneToOne;
        for (signature, group) in groups {
            may_have_duplicates |= group.one.len() > 1 || group.many.len() > 1;
            join.join_group(&signature, &group, &matchable_steps, &mut result)?;
        }
        if may_have_duplicates {
            result.merge_equal_labels()?;
        }
        Ok(result)
    }
}

struct Join<'j, 'a> {
    evaluator: &'j Evaluator<'a>,
    binary: &'j Binary,
    one_is_left: bool,
    steps: Steps,
}

/// The fill values of missing series.
struct FillValues {
    one: Option<f64>,
    many: Option<f64>,
}

impl Join<'_, '_> {
    fn fill_values(&self) -> FillValues {
        let (left, right) = (self.binary.matching.fill_left, self.binary.matching.fill_right);
        if self.one_is_left { FillValues { one: left, many: right } } else { FillValues { one: right, many: left } }
    }

    /// Whether each step can have results: without fill values, both sides need a value.
    fn matchable_steps(&self, one: &[StepSeries], many: &[StepSeries]) -> Vec<bool> {
        let fill = self.fill_values();
        if fill.one.is_some() || fill.many.is_some() {
            return vec![true; self.steps.count];
        }
        let (one, many) = (value_counts(one, self.steps), value_counts(many, self.steps));
        one.into_iter().zip(many).map(|(one, many)| one > 0 && many > 0).collect()
    }

    fn join_group(
        &self,
        signature: &Labels,
        group: &MatchGroup<'_>,
        matchable_steps: &[bool],
        result: &mut StepMatrix,
    ) -> Result<(), Error> {
        let one_counts = value_counts(group.one.iter().copied(), self.steps);
        let many_counts = value_counts(group.many.iter().copied(), self.steps);
        let duplicate = one_counts.iter().zip(matchable_steps).position(|(count, matchable)| *count > 1 && *matchable);
        if let Some(step) = duplicate {
            return Err(self.duplicate_series(signature, group, step));
        }
        let fill = self.fill_values();
        let is_one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        // Matches that a comparison filters out count too.
        let has_several = |(many, one): (&u32, &u32)| *many > 1 && (*one > 0 || fill.one.is_some());
        if is_one_to_one && many_counts.iter().zip(&one_counts).any(has_several) {
            return Err(multiple_matches("many-to-one matching must be explicit (group_left/group_right)"));
        }
        let filled = |fill: Option<f64>, own: &[u32], other: &[u32]| {
            fill.map(|fill| StepSeries { labels: signature.clone(), values: filled_values(fill, own, other) })
        };
        let filled_one = filled(fill.one, &one_counts, &many_counts);
        let filled_many = filled(fill.many, &many_counts, &one_counts);
        let is_only_pair =
            filled_one.is_none() && filled_many.is_none() && group.one.len() == 1 && group.many.len() == 1;
        let mut is_matched: LabelMap<Vec<bool>> = LabelMap::new();
        for many in group.many.iter().copied().chain(&filled_many) {
            for one in group.one.iter().copied().chain(&filled_one) {
                self.join_pair(many, one, (!is_only_pair).then_some(&mut is_matched), result)?;
            }
        }
        Ok(())
    }

    /// The result for a value of each side; the stale marker if a comparison filters it out.
    fn result(&self, many: f64, one: f64) -> f64 {
        let (left, right) = if self.one_is_left { (one, many) } else { (many, one) };
        self.binary.apply(left, right, left)
    }

    /// Adds the results of one pair of series. `is_matched` records the steps at which each label set has a match, be it
    /// filtered out or not.
    fn join_pair(
        &self,
        many: &StepSeries,
        one: &StepSeries,
        is_matched: Option<&mut LabelMap<Vec<bool>>>,
        result: &mut StepMatrix,
    ) -> Result<(), Error> {
        self.evaluator.budget.count_work(2 * self.steps.count)?;
        let both_present = |step: usize| !is_stale(many.values[step]) && !is_stale(one.values[step]);
        if !(0..self.steps.count).any(both_present) {
            return Ok(());
        }
        let labels = self.result_labels(&many.labels, &one.labels);
        let create = |_: &Labels| Ok(vec![false; self.steps.count]);
        let mut is_matched = is_matched.map(|map| map.entry(labels.labels().iter(), create)).transpose()?;
        let mut values = vec![stale_marker(); self.steps.count];
        for (step, value) in values.iter_mut().enumerate() {
            if !both_present(step) {
                continue;
            }
            *value = self.result(many.values[step], one.values[step]);
            if is_matched.as_mut().is_some_and(|steps| std::mem::replace(&mut steps[step], true)) {
                return Err(multiple_matches("grouping labels must ensure unique matches"));
            }
        }
        result.push(labels, values)
    }

    /// The labels of a result: those of the "many" side that the operation keeps, with those that `group_left` or
    /// `group_right` copies from the "one" side.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let drops_name = self.binary.drops_name();
        let copied = match &matching.cardinality {
            Cardinality::OneToOne => {
                return many.filtered(|name| {
                    !(drops_name && name == METRIC_NAME) && contains_label(&matching.labels, name) == matching.on
                });
            }
            Cardinality::ManyToOne(copied) | Cardinality::OneToMany(copied) => copied,
        };
        let base = many.filtered(|name| !(drops_name && name == METRIC_NAME));
        let labels = copied.iter().fold(base, |labels, name| labels.with(name, one.get(name).unwrap_or_default()));
        if self.binary.return_bool { labels.without_metric_name() } else { labels }
    }

    fn duplicate_series(&self, signature: &Labels, group: &MatchGroup<'_>, step: usize) -> Error {
        let side = if self.one_is_left { "left" } else { "right" };
        let present = group.one.iter().filter(|series| !is_stale(series.values[step]));
        let labels: Vec<String> = present.take(2).map(|series| series.labels.to_string()).collect();
        Error::Execution(format!(
            "found duplicate series for the match group {signature} on the {side} hand-side of the operation: [{}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            labels.join(", ")
        ))
    }
}

fn multiple_matches(advice: &str) -> Error {
    Error::Execution(format!("multiple matches for labels: {advice}"))
}

/// The fill value at each step at which the own side has no value and the other side has one.
fn filled_values(fill: f64, own_counts: &[u32], other_counts: &[u32]) -> Vec<f64> {
    let fills = own_counts.iter().zip(other_counts).map(|(own, other)| *own == 0 && *other > 0);
    fills.map(|fills| if fills { fill } else { stale_marker() }).collect()
}

/// The number of values among `series` at each step.
fn value_counts<'s>(series: impl IntoIterator<Item = &'s StepSeries>, steps: Steps) -> Vec<u32> {
    let mut counts = vec![0; steps.count];
    for series in series {
        for (count, value) in counts.iter_mut().zip(&series.values) {
            *count += u32::from(!is_stale(*value));
        }
    }
    counts
}
