//! The share of requests within a threshold that the user selects.
use crate::data::graph::card_state::CardData;
use crate::data::graph::frame::BucketShare;
use crate::state::navigation::Navigation;
use crate::state::threshold::Threshold;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use catalogue::Unit;
use leptos::prelude::*;

/// The percentile that the default threshold is above.
const DEFAULT_ABOVE: &str = "p95";

/// The bucket ends that can be thresholds. The infinite one is excluded: the share within it is always 100 %.
fn ends(data: &CardData) -> impl Iterator<Item = f64> {
    data.bucket_ends.iter().copied().filter(|end| end.is_finite() && *end > 0.0)
}

/// The default threshold: the first bucket end above most requests, where the share is exact, or one unit without buckets.
pub(crate) fn default_threshold(data: &CardData) -> Option<Threshold> {
    let percentile = data.summary.iter().find(|(name, _)| name == DEFAULT_ABOVE).map_or(0.0, |(_, value)| *value);
    let end = ends(data).find(|end| *end >= percentile).or_else(|| ends(data).last());
    Threshold::new(end.unwrap_or(1.0))
}

/// The share within a threshold. It is exact at a bucket end and interpolated between two.
fn share_within(shares: &[BucketShare], threshold: f64) -> Option<f64> {
    let at = shares.partition_point(|bucket| bucket.end < threshold * (1.0 - 1e-9));
    let BucketShare { end, share } = *shares.get(at)?;
    let previous = at.checked_sub(1).and_then(|previous| shares.get(previous));
    let (start, below) = previous.map_or((0.0, 0.0), |previous| (previous.end, previous.share));
    if end.is_infinite() {
        return None;
    }
    Some(below + (share - below) * ((threshold - start) / (end - start)).clamp(0.0, 1.0))
}

/// The share below the summary, with a control to select the threshold; nothing without a threshold.
#[component]
pub(crate) fn ThresholdShare() -> impl IntoView {
    let card @ CardContext { graph, data, options, .. } = expect_context();
    let navigation = expect_context::<Navigation>();
    let threshold = Memo::new(move |_| options.with(|options| options.threshold));
    let share = move || {
        let share = data.with(|data| share_within(&data.as_ref()?.shares, threshold.get()?.value()));
        share.map_or("–".to_owned(), |share| Unit::Share.format(share))
    };
    let choices = Memo::new(move |_| {
        let ends = data.with(|data| data.as_ref().map(|data| ends(data).collect::<Vec<_>>())).unwrap_or_default();
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
        let selected = value.parse().ok().and_then(Threshold::new);
        navigation.adjust(|view| view.card_options.change(graph, &mut |options| options.threshold = selected));
    };
    view! {
        <Show when=move || threshold.with(Option::is_some)>
            <p class="target" data-testid="target-share">
                <b>{share}</b>
                " within "
                <Select name="Threshold" id="target-value" choices chosen choose is_bare=true />
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;

    #[test]
    fn a_share_is_exact_at_a_bucket_end_and_interpolated_between() {
        let shares = [(0.5, 0.25), (2.0, 0.75), (f64::INFINITY, 1.0)].map(|(end, share)| BucketShare { end, share });
        for (threshold, share) in [(0.5, 0.25), (2.0, 0.75), (0.25, 0.125), (1.25, 0.5)] {
            assert_eq!(share_within(&shares, threshold), Some(share), "{threshold}");
        }
        assert_eq!(share_within(&shares, 2.5), None, "the last bucket has no end");
        assert_eq!(share_within(&[], 1.0), None);
    }

    #[test]
    fn the_default_threshold_is_the_first_end_above_most_requests() {
        let with = |summary: &[(&str, f64)]| CardData {
            bucket_ends: vec![0.3, 1.0, 60.0, f64::INFINITY],
            summary: summary.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            ..CardData::blank(TimeRange::new(0, 1))
        };
        let default = |data: &CardData| default_threshold(data).map(Threshold::value);
        assert_eq!(default(&with(&[("p50", 0.2), ("p95", 0.7)])), Some(1.0));
        assert_eq!(default(&with(&[("p95", 70.0)])), Some(60.0));
        assert_eq!(default(&with(&[])), Some(0.3));
        assert_eq!(default(&CardData::blank(TimeRange::new(0, 1))), Some(1.0));
    }
}
