//! The share of requests within a threshold that the user selects.
use crate::data::graph::buckets::{BucketCount, BucketEnds, common_ends};
use crate::data::graph::card_state::CardData;
use crate::state::navigation::Navigation;
use crate::state::threshold::Threshold;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use crate::wasm_size::sort::sort_by;
use catalogue::{Unit, is_same_bound, line_name};
use leptos::prelude::*;
use prometheus_api::parse_decimal;

/// The percentile that the default threshold is above.
const DEFAULT_ABOVE: &str = "p95";

/// The bucket ends that can be thresholds, ascending. The infinite one is excluded: the share within it is always 100 %.
fn ends(data: &CardData) -> Vec<f64> {
    let grids = data.bucket_ends.iter().filter(|ends| ends.is_outermost).flat_map(|ends| &ends.grids);
    let mut ends: Vec<f64> = grids.flatten().copied().filter(|end| end.is_finite() && *end > 0.0).collect();
    sort_by(&mut ends, f64::total_cmp);
    ends.dedup_by(|next, first| is_same_bound(*first, *next));
    ends
}

/// The default threshold: the first bucket end above most requests, where the share is exact, or one unit without buckets.
pub(crate) fn default_threshold(data: &CardData) -> Option<Threshold> {
    let most = data.summary.iter().filter(|(name, _)| line_name(name) == DEFAULT_ABOVE);
    let percentile = most.fold(0.0_f64, |highest, (_, value)| highest.max(*value));
    let all = ends(data);
    let common = common_ends(&data.bucket_ends).unwrap_or_default();
    let exact = all.iter().filter(|end| common.iter().any(|other| is_same_bound(*other, **end)));
    let end = exact.copied().find(|end| *end >= percentile).or_else(|| all.last().copied());
    Threshold::new(end.unwrap_or(1.0))
}

/// The least and the greatest possible share of requests within a threshold. They are equal at an end that the buckets of
/// all replicas have all the time; otherwise the ends around it are the bounds. None without requests.
fn share_within(engines: &[Vec<BucketCount>], threshold: f64) -> Option<(f64, f64)> {
    let (mut least, mut greatest, mut all) = (0.0, 0.0, 0.0);
    for counts in engines {
        let total = counts.last().map_or(0.0, |last| last.count);
        let is_at = |one: &&BucketCount| is_same_bound(one.end, threshold);
        let below = counts.iter().filter(|one| one.end < threshold || is_at(one));
        let above = counts.iter().filter(|one| one.is_complete && (one.end > threshold || is_at(one)));
        least += below.fold(0.0, |most, one| one.count.max(most));
        greatest += above.fold(total, |fewest, one| one.count.min(fewest));
        all += total;
    }
    (all > 0.0).then(|| {
        let least = (least / all).min(1.0);
        (least, (greatest / all).clamp(least, 1.0))
    })
}

/// The share as text, such as `98.7 %` or `between 70.0 and 80.0 %`.
fn share_text((least, greatest): (f64, f64)) -> String {
    let [least, greatest] = [least, greatest].map(|share| Unit::Share.format(share));
    if least == greatest { least } else { format!("between {} and {greatest}", least.trim_end_matches(" %")) }
}

/// The engines whose requests are counted, if they are only some of those on the card.
fn counted_engines(data: &CardData) -> String {
    let (counted, others): (Vec<&BucketEnds>, Vec<&BucketEnds>) =
        data.bucket_ends.iter().partition(|ends| ends.is_outermost);
    let names: Vec<&str> = counted.iter().map(|ends| ends.engine.as_str()).collect();
    if others.is_empty() { String::new() } else { names.join(", ") }
}

/// The share below the summary, with a control to select the threshold; nothing without a threshold.
#[component]
pub(crate) fn ThresholdShare() -> impl IntoView {
    let card @ CardContext { graph, data, options, .. } = expect_context();
    let navigation = expect_context::<Navigation>();
    let threshold = Memo::new(move |_| options.with(|options| options.threshold));
    let share = move || {
        let share = data.with(|data| share_within(&data.as_ref()?.shares, threshold.get()?.value()));
        share.map_or("–".to_owned(), share_text)
    };
    let counted = move || data.with(|data| data.as_ref().map(|data| counted_engines(data)));
    let choices = Memo::new(move |_| {
        let ends = data.with(|data| data.as_ref().map(|data| ends(data))).unwrap_or_default();
        let mut thresholds: Vec<Threshold> = ends.into_iter().filter_map(Threshold::new).collect();
        // The threshold of a link may be no bucket end.
        if let Some(selected) = threshold.get()
            && let Err(at) = thresholds.binary_search(&selected)
        {
            thresholds.insert(at, selected);
        }
        let choice = |threshold: Threshold| {
            let value = threshold.value();
            Choice { value: value.to_string(), text: card.unit().format(value) }
        };
        thresholds.into_iter().map(choice).collect::<Vec<_>>()
    });
    let chosen = Memo::new(move |_| threshold.get().map(|threshold| threshold.value().to_string()).unwrap_or_default());
    let choose = move |value: String| {
        let selected = parse_decimal(&value).and_then(Threshold::new);
        navigation.adjust(|view| view.card_options.change(graph, &mut |options| options.threshold = selected));
    };
    view! {
        <Show when=move || threshold.with(Option::is_some)>
            <p class="target" data-testid="target-share">
                <b>{share}</b>
                " within "
                <Select name="Threshold" id="target-value" choices chosen choose is_bare=true />
                <span>{counted}</span>
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;

    fn count(end: f64, count: f64, is_complete: bool) -> BucketCount {
        BucketCount { end, count, is_complete }
    }

    #[test]
    fn a_share_is_exact_at_a_bucket_end_and_lies_between_two_elsewhere() {
        let counts = vec![count(0.5, 1.0, true), count(2.0, 3.0, true), count(f64::INFINITY, 4.0, true)];
        let engines = [counts.clone()];
        for (threshold, expected) in
            [(0.5, (0.25, 0.25)), (2.0, (0.75, 0.75)), (0.1, (0.0, 0.25)), (1.0, (0.25, 0.75)), (9.0, (0.75, 1.0))]
        {
            assert_eq!(share_within(&engines, threshold), Some(expected), "{threshold}");
        }
        assert_eq!(share_within(&[], 1.0), None);
        let slower = vec![count(0.5, 0.0, true), count(f64::INFINITY, 4.0, true)];
        assert_eq!(share_within(&[counts, slower], 0.5), Some((0.125, 0.125)), "of both engines");
    }

    #[test]
    fn ends_that_only_some_replicas_have_are_bounds_from_below() {
        // One replica has the ends 1 and 5, another one 2 and 5; each has 10 requests.
        let counts =
            [count(1.0, 6.0, false), count(2.0, 9.0, false), count(5.0, 18.0, true), count(f64::INFINITY, 20.0, true)];
        let share = |threshold| share_within(&[counts.to_vec()], threshold).map(share_text);
        assert_eq!(share(1.0).as_deref(), Some("between 30.0 and 90.0 %"));
        assert_eq!(share(2.0).as_deref(), Some("between 45.0 and 90.0 %"));
        assert_eq!(share(5.0).as_deref(), Some("90.0 %"));
    }

    #[test]
    fn only_some_engines_are_named_beside_the_share() {
        let engine =
            |engine: &str, is_outermost| BucketEnds { engine: engine.into(), is_outermost, ..BucketEnds::default() };
        let counted = |bucket_ends| counted_engines(&CardData { bucket_ends, ..CardData::blank(TimeRange::new(0, 1)) });
        assert_eq!(counted(vec![engine("LiteLLM", true), engine("vLLM", false)]), "LiteLLM");
        assert_eq!(counted(vec![engine("SGLang", true), engine("vLLM", true)]), "");
    }

    #[test]
    fn the_default_threshold_is_the_first_end_above_most_requests() {
        let with = |grids: &[&[f64]], summary: &[(&str, f64)]| {
            let grids = grids.iter().map(|grid| grid.to_vec()).collect();
            CardData {
                bucket_ends: vec![BucketEnds { is_outermost: true, grids, ..BucketEnds::default() }],
                summary: summary.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
                ..CardData::blank(TimeRange::new(0, 1))
            }
        };
        let default = |data: &CardData| default_threshold(data).map(Threshold::value);
        let grid: &[f64] = &[0.3, 1.0, 60.0, f64::INFINITY];
        assert_eq!(default(&with(&[grid], &[("p50", 0.2), ("p95", 0.7)])), Some(1.0));
        assert_eq!(default(&with(&[grid], &[("p95 · A", 0.1), ("p95 · B", 0.7)])), Some(1.0));
        assert_eq!(default(&with(&[grid], &[("p95", 70.0)])), Some(60.0));
        assert_eq!(default(&with(&[grid], &[])), Some(0.3));
        assert_eq!(default(&with(&[grid, &[0.3, 2.0, 60.0]], &[("p95", 0.7)])), Some(60.0), "where the share is exact");
        assert_eq!(default(&CardData::blank(TimeRange::new(0, 1))), Some(1.0));
    }
}
