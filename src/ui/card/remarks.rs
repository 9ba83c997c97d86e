//! Remarks on what the graph of a card shows.
use crate::data::graph::buckets::BucketEnds;
use crate::state::card_options::Comparison;
use crate::ui::graph::context::CardContext;
use crate::ui::graph::visible::VisibleLines;
use leptos::prelude::*;
use plot::ChartType;

/// What a reader could miss or misread on the graph.
pub(super) fn remarks(card: CardContext) -> Option<String> {
    let left_out = card.axis.with(|axis| axis.left_out);
    let remarks = card.lines.with(|lines| {
        let left_out =
            (left_out > 0).then(|| format!("Not shown on a logarithmic axis: {left_out} values at or below zero."));
        let remaining = lines.remaining.as_ref().map(|remaining| {
            let is_layer = lines.chart_type != Some(ChartType::Lines) && !lines.is_heat_map();
            let count = lines.own_count - usize::from(is_layer);
            let others = match (lines.is_heat_map(), is_layer) {
                (true, _) => "",
                (_, true) => "; the grey layer is the sum of the others",
                (_, false) => "; the grey band covers the others",
            };
            format!("The {count} highest of {} lines{others}.", count + remaining.count)
        });
        let is_stacked = lines.chart_type == Some(ChartType::Areas);
        let stacked = is_stacked.then(|| "Stacked: the top edge is the sum.".to_owned());
        let is_hatched = lines.chart_type == Some(ChartType::Lines) && !lines.hatched.is_empty();
        let hatched = is_hatched.then(|| "Hatched: in the first or last bucket, so only a bound is known.".to_owned());
        let all = [left_out, remaining, comparison_remark(card, lines), stacked, hatched, buckets_remark(card)];
        all.into_iter().flatten().collect::<Vec<_>>()
    });
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

/// That percentiles and shares come from buckets that are not the same everywhere.
fn buckets_remark(card: CardContext) -> Option<String> {
    let differ = card.data.with(|data| {
        data.as_ref().is_some_and(|data| {
            let has_partial = data.shares.iter().flatten().any(|count| !count.is_complete);
            has_partial || data.bucket_ends.iter().any(BucketEnds::differ)
        })
    });
    differ.then(|| "Buckets differ between replicas or changed in this range: percentiles are estimates.".to_owned())
}

/// What the card is compared with, once the data have arrived.
fn comparison_remark(card: CardContext, lines: &VisibleLines) -> Option<String> {
    let with = card.data.with(|data| Some(data.as_ref()?.comparison.as_ref()?.with.clone()))?;
    if card.is_heat_map() || card.options.with(|options| options.comparison.as_ref() != Some(&with)) {
        return None;
    }
    let title = match &with {
        Comparison::PreviousPeriod => "previous period".to_owned(),
        Comparison::Deployment(name) => format!("deployment {name}"),
    };
    Some(match lines.comparison_of.is_empty() {
        true => format!("No data to compare with: {title}."),
        false => format!("Pale dashed lines: {title}."),
    })
}
