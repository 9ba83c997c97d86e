//! A target: the share of requests within a value that somebody chose, and that value on the graph.
use crate::data::graph::card_state::CardData;
use crate::data::graph::frame::BucketShare;
use crate::state::navigation::Navigation;
use crate::state::threshold::Threshold;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use catalogue::Unit;
use leptos::prelude::*;

/// The percentile that a first target is above.
const FIRST_ABOVE: &str = "p95";

/// Ends that a target can be: the share within the last one is always all.
fn ends(drawn: &CardData) -> impl Iterator<Item = f64> {
    drawn.bucket_ends.iter().copied().filter(|end| end.is_finite() && *end > 0.0)
}

/// What is proposed at first: the end of a bucket next above most requests, of which the share is known exactly; one of
/// the unit where no buckets are known.
pub(crate) fn first_target(drawn: &CardData) -> Option<Threshold> {
    let most = drawn.summary.iter().find(|(name, _)| name == FIRST_ABOVE).map_or(0.0, |(_, value)| *value);
    let end = ends(drawn).find(|end| *end >= most).or_else(|| ends(drawn).last());
    Threshold::new(end.unwrap_or(1.0))
}

/// The share within a target: exact at the end of a bucket, and between two of them as if all in there lay evenly.
fn share_within(shares: &[BucketShare], target: f64) -> Option<f64> {
    let at = shares.partition_point(|one| one.end < target * (1.0 - 1e-9));
    let BucketShare { end, share } = *shares.get(at)?;
    let before = at.checked_sub(1).and_then(|before| shares.get(before));
    let (start, below) = before.map_or((0.0, 0.0), |before| (before.end, before.share));
    if end.is_infinite() {
        return None;
    }
    Some(below + (share - below) * ((target - start) / (end - start)).clamp(0.0, 1.0))
}

/// The sentence below the boxes, with the value to choose; nothing without a target.
#[component]
pub(crate) fn WithinTarget() -> impl IntoView {
    let card @ CardContext { graph, drawn, choices, .. } = expect_context();
    let navigation = expect_context::<Navigation>();
    let target = Memo::new(move |_| choices.with(|choices| choices.threshold));
    let text = move || {
        let share = drawn.with(|drawn| share_within(&drawn.as_ref()?.shares, target.get()?.value()));
        share.map_or("–".to_owned(), |share| Unit::Share.format(share))
    };
    let offered = Memo::new(move |_| {
        let ends = drawn.with(|drawn| drawn.as_ref().map(|drawn| ends(drawn).collect::<Vec<_>>())).unwrap_or_default();
        let mut offered: Vec<Threshold> = ends.into_iter().filter_map(Threshold::new).collect();
        // One that came with a link need not be the end of a bucket.
        if let Some(own) = target.get()
            && let Err(at) = offered.binary_search(&own)
        {
            offered.insert(at, own);
        }
        let choice =
            |target: Threshold| Choice { value: target.value().to_string(), text: card.unit().format(target.value()) };
        offered.into_iter().map(choice).collect::<Vec<_>>()
    });
    let choose = move |value: String| {
        let chosen = value.parse().ok().and_then(Threshold::new);
        navigation.adjust(|view| view.card_options.change(graph, &mut |choices| choices.threshold = chosen));
    };
    view! {
        <Show when=move || target.with(Option::is_some)>
            <p class="target" data-testid="target-share">
                <b>{text}</b>
                " within "
                <Select
                    name="Target"
                    id="target-value"
                    choices=offered
                    chosen=Memo::new(move |_| target.get().map(|target| target.value().to_string()).unwrap_or_default())
                    choose
                    is_bare=true
                />
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::time_range::TimeRange;

    #[test]
    fn a_share_is_exact_at_an_end_and_between_two_as_if_even() {
        let shares = [(0.5, 0.25), (2.0, 0.75), (f64::INFINITY, 1.0)].map(|(end, share)| BucketShare { end, share });
        for (target, share) in [(0.5, 0.25), (2.0, 0.75), (0.25, 0.125), (1.25, 0.5)] {
            assert_eq!(share_within(&shares, target), Some(share), "{target}");
        }
        assert_eq!(share_within(&shares, 2.5), None, "nobody knows how far beyond they are");
        assert_eq!(share_within(&[], 1.0), None);
    }

    #[test]
    fn the_first_target_is_next_above_most_requests() {
        let with = |summary: &[(&str, f64)]| CardData {
            bucket_ends: vec![0.3, 1.0, 60.0, f64::INFINITY],
            summary: summary.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            ..CardData::blank(TimeRange::new(0, 1))
        };
        let first = |drawn: &CardData| first_target(drawn).map(Threshold::value);
        assert_eq!(first(&with(&[("p50", 0.2), ("p95", 0.7)])), Some(1.0));
        assert_eq!(first(&with(&[("p95", 70.0)])), Some(60.0));
        assert_eq!(first(&with(&[])), Some(0.3));
        assert_eq!(first(&CardData::blank(TimeRange::new(0, 1))), Some(1.0));
    }
}
