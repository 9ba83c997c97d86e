//! The summary of a card: counts with shares, or percentiles, over the whole range.
use crate::data::graph::card_state::CardData;
use crate::ui::graph::context::CardContext;
use crate::ui::graph::percentile_bounds::format_bounded;
use crate::ui::kit::conditional::Show;
use catalogue::{Summary, Unit};
use leptos::prelude::*;
use std::sync::Arc;

/// A value of the summary as text, with its share of the total if it is one of several counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SummaryText {
    pub(super) value: String,
    pub(super) share: String,
}

/// The summary in boxes, where the legend is no table that has it; nothing for a graph without one.
#[component]
pub(crate) fn SummaryValues() -> impl IntoView {
    let card @ CardContext { graph, data, .. } = expect_context();
    if graph.summary == Summary::None {
        return ().into_any();
    }
    let is_apart = Memo::new(move |_| !is_in_legend(card));
    let values = Memo::new(move |_| {
        let with_names = |data: &Arc<CardData>| {
            let one = |(name, value): &(String, f64)| (name.clone(), summary_text(card, data, name, *value));
            data.summary.iter().map(one).collect::<Vec<_>>()
        };
        data.with(|data| data.as_ref().map(with_names).unwrap_or_default())
    });
    let value = |(name, SummaryText { value, share }): (String, SummaryText)| {
        view! {
            <div>
                <dt>{name.clone()}</dt>
                <dd data-box=name>
                    <b>{value}</b>
                    <small>{share}</small>
                </dd>
            </div>
        }
    };
    view! {
        <Show when=move || is_apart.get()>
            <dl class="boxes" data-testid="boxes">
                {move || values.get().into_iter().map(value).collect_view()}
            </dl>
        </Show>
    }
    .into_any()
}

/// Whether the legend has the summary: details are other lines, and a heat map has none.
pub(super) fn is_in_legend(card: CardContext) -> bool {
    let is_detailed = card.data.with(|data| data.as_ref().is_some_and(|data| data.is_detailed));
    !is_detailed && !card.is_heat_map() && !card.options.with(|options| options.has_statistics)
}

/// A value of the summary as text.
pub(super) fn summary_text(card: CardContext, data: &CardData, name: &str, value: f64) -> SummaryText {
    let graph = card.graph;
    let total: f64 = data.summary.iter().map(|(_, value)| value).filter(|value| value.is_finite()).sum();
    match graph.summary {
        Summary::Counts => SummaryText {
            value: marked(count(value), data.is_estimated),
            share: if data.summary.len() > 1 {
                marked(percent(value, total), data.is_estimated)
            } else {
                String::new()
            },
        },
        Summary::Percentiles | Summary::None => {
            SummaryText { value: format_bounded(graph, graph.unit, data, name, value), share: String::new() }
        }
    }
}

/// The text of a count or a share, with the mark of an estimate. Also nothing may be an estimate: a server that cannot
/// count does not see the first event of a kind.
pub(crate) fn marked(text: String, is_estimated: bool) -> String {
    if is_estimated && text.starts_with(|c: char| c.is_ascii_digit()) { format!("≈ {text}") } else { text }
}

/// A count with all its digits: `412,806`.
pub(crate) fn count(value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(value: f64, total: f64) -> String {
    if total > 0.0 && value.is_finite() { Unit::Share.format(value / total) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_all_digits() {
        for (value, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (412_806.0, "412,806"), (f64::NAN, "–")]
        {
            assert_eq!(count(value), text);
        }
        assert_eq!([131.4, 0.0, f64::NAN].map(|value| marked(count(value), true)), ["≈ 131", "≈ 0", "–"]);
        assert_eq!(percent(1.0, 0.0), "");
    }
}
