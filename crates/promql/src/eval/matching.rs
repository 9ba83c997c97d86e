//! Arithmetic and comparisons between two vectors. Source: `promql/engine.go` of Prometheus 3, `VectorBinop`.
use super::label_map::{Groups, names};
use super::{Evaluator, Frame, Line, Steps};
use crate::ast::{Binary, Cardinality, Matching};
use crate::labels::Pair;
use crate::{Error, Labels, METRIC_NAME, is_stale, stale_marker};

/// The labels by which a series finds its match.
pub(super) fn signature<'m>(matching: &'m Matching, labels: &'m Labels) -> impl Iterator<Item = &'m Pair> + Clone {
    let counts = |name: &str| names(&matching.labels, name) == matching.on && (matching.on || name != METRIC_NAME);
    labels.pairs().iter().filter(move |(name, _)| counts(name))
}

/// The series with one signature: of the side that may have one at a time, and of the other.
#[derive(Default)]
struct MatchGroup<'f> {
    one: Vec<&'f Line>,
    many: Vec<&'f Line>,
}

impl Evaluator<'_> {
    /// An operation that is no set operation, between two vectors.
    pub(super) fn match_vectors(&self, binary: &Binary, steps: Steps) -> Result<Frame, Error> {
        let (left, right) = (self.frame(&binary.left, steps)?, self.frame(&binary.right, steps)?);
        let matching = &binary.matching;
        let swapped = matches!(matching.cardinality, Cardinality::OneToMany(_));
        let (many, one) = if swapped { (&right, &left) } else { (&left, &right) };
        let mut groups: Groups<MatchGroup<'_>> = Groups::new();
        for line in &one.lines {
            groups.entry(signature(matching, &line.labels), |_| Ok(MatchGroup::default()))?.one.push(line);
        }
        for line in &many.lines {
            groups.entry(signature(matching, &line.labels), |_| Ok(MatchGroup::default()))?.many.push(line);
        }
        let join = Join { evaluator: self, binary, swapped, steps };
        let considered = join.considered(&one.lines, &many.lines);
        let mut frame = Frame::new(&self.meter);
        // Between single series the signature tells the results apart.
        let mut may_repeat = matching.cardinality != Cardinality::OneToOne;
        for (signature, group) in groups {
            may_repeat |= group.one.len() > 1 || group.many.len() > 1;
            join.group(&signature, &group, &considered, &mut frame)?;
        }
        if may_repeat {
            frame.merge_equal_labels()?;
        }
        Ok(frame)
    }
}

struct Join<'j, 'a> {
    evaluator: &'j Evaluator<'a>,
    binary: &'j Binary,
    /// Whether the left side is the one side.
    swapped: bool,
    steps: Steps,
}

impl Join<'_, '_> {
    /// Values for missing series of the one and of the many side.
    fn fills(&self) -> (Option<f64>, Option<f64>) {
        let (left, right) = (self.binary.matching.fill_left, self.binary.matching.fill_right);
        if self.swapped { (left, right) } else { (right, left) }
    }

    /// The steps at which there is anything to match: without fill values, both sides have to have a value.
    fn considered(&self, one: &[Line], many: &[Line]) -> Vec<bool> {
        if self.fills() != (None, None) {
            return vec![true; self.steps.count];
        }
        let (one, many) = (presence(one, self.steps), presence(many, self.steps));
        one.into_iter().zip(many).map(|(one, many)| one > 0 && many > 0).collect()
    }

    fn group(
        &self,
        signature: &Labels,
        group: &MatchGroup<'_>,
        considered: &[bool],
        frame: &mut Frame,
    ) -> Result<(), Error> {
        let (ones, manys) =
            (presence(group.one.iter().copied(), self.steps), presence(group.many.iter().copied(), self.steps));
        let repeated = ones.iter().zip(considered).position(|(count, considered)| *count > 1 && *considered);
        if let Some(step) = repeated {
            return Err(self.duplicate(signature, group, step));
        }
        let (fill_one, fill_many) = self.fills();
        let is_one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        if is_one_to_one && (0..self.steps.count).any(|step| manys[step] > 1 && self.kept(group, step, fill_one) > 1) {
            let advice = "many-to-one matching must be explicit (group_left/group_right)";
            return Err(Error::Execution(format!("multiple matches for labels: {advice}")));
        }
        // A fill value stands in where the other side has a value and this one has none.
        let stand_in = |fill: Option<f64>, own: &[u32], other: &[u32]| {
            let values = |fill| {
                own.iter()
                    .zip(other)
                    .map(move |(own, other)| if *own == 0 && *other > 0 { fill } else { stale_marker() })
            };
            fill.map(|fill| Line { labels: signature.clone(), values: values(fill).collect() })
        };
        let (extra_one, extra_many) = (stand_in(fill_one, &ones, &manys), stand_in(fill_many, &manys, &ones));
        let mut taken: Groups<Vec<bool>> = Groups::new();
        let is_only_pair = fill_one.is_none() && fill_many.is_none() && group.one.len() == 1 && group.many.len() == 1;
        for many in group.many.iter().copied().chain(&extra_many) {
            for one in group.one.iter().copied().chain(&extra_one) {
                self.pair(many, one, (!is_only_pair).then_some(&mut taken), frame)?;
            }
        }
        Ok(())
    }

    /// How many results there are of one group at one step: what a comparison filters out does not count.
    fn kept(&self, group: &MatchGroup<'_>, step: usize, fill_one: Option<f64>) -> usize {
        let one = group.one.iter().map(|line| line.values[step]).find(|value| !is_stale(*value)).or(fill_one);
        let manys = group.many.iter().map(|line| line.values[step]).filter(|value| !is_stale(*value));
        one.map_or(0, |one| manys.filter(|many| !is_stale(self.result(*many, one))).count())
    }

    /// The result of a value of the many side and one of the one side; the stale marker where it is filtered out.
    fn result(&self, many: f64, one: f64) -> f64 {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        self.binary.apply(left, right, left)
    }

    /// Adds the results of one pair of series.
    fn pair(
        &self,
        many: &Line,
        one: &Line,
        taken: Option<&mut Groups<Vec<bool>>>,
        frame: &mut Frame,
    ) -> Result<(), Error> {
        self.evaluator.meter.work(2 * self.steps.count)?;
        let met = |step: usize| !is_stale(many.values[step]) && !is_stale(one.values[step]);
        if !(0..self.steps.count).any(met) {
            return Ok(());
        }
        let labels = self.result_labels(&many.labels, &one.labels);
        let mut taken =
            taken.map(|taken| taken.entry(labels.pairs().iter(), |_| Ok(vec![false; self.steps.count]))).transpose()?;
        let mut values = vec![stale_marker(); self.steps.count];
        for (step, value) in values.iter_mut().enumerate() {
            if !met(step) {
                continue;
            }
            *value = self.result(many.values[step], one.values[step]);
            let is_kept = !is_stale(*value);
            if is_kept && taken.as_mut().is_some_and(|taken| std::mem::replace(&mut taken[step], true)) {
                let advice = "grouping labels must ensure unique matches";
                return Err(Error::Execution(format!("multiple matches for labels: {advice}")));
            }
        }
        frame.push(labels, values)
    }

    /// The labels of a result: those of the many side, less what the operation takes away, with what `group_left` or
    /// `group_right` names from the one side.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let drops_name = self.binary.drops_name();
        let included = match &matching.cardinality {
            Cardinality::OneToOne => {
                return many.filtered(|name| {
                    !(drops_name && name == METRIC_NAME) && names(&matching.labels, name) == matching.on
                });
            }
            Cardinality::ManyToOne(included) | Cardinality::OneToMany(included) => included,
        };
        let base = many.filtered(|name| !(drops_name && name == METRIC_NAME));
        let labels = included.iter().fold(base, |labels, name| labels.with(name, one.get(name).unwrap_or_default()));
        if self.binary.return_bool { labels.without_metric_name() } else { labels }
    }

    fn duplicate(&self, signature: &Labels, group: &MatchGroup<'_>, step: usize) -> Error {
        let side = if self.swapped { "left" } else { "right" };
        let present: Vec<String> = group
            .one
            .iter()
            .filter(|line| !is_stale(line.values[step]))
            .take(2)
            .map(|line| line.labels.to_string())
            .collect();
        Error::Execution(format!(
            "found duplicate series for the match group {signature} on the {side} hand-side of the operation: [{}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            present.join(", ")
        ))
    }
}

/// How many of `lines` have a value at each step.
fn presence<'l>(lines: impl IntoIterator<Item = &'l Line>, steps: Steps) -> Vec<u32> {
    let mut counts = vec![0; steps.count];
    for line in lines {
        for (count, value) in counts.iter_mut().zip(&line.values) {
            *count += u32::from(!is_stale(*value));
        }
    }
    counts
}
