//! The summary of a card: counts with shares, or percentiles, over the whole range.
use crate::data::graph::card_state::CardData;
use crate::ui::graph::colours::css;
use crate::ui::graph::context::CardContext;
use crate::ui::graph::percentile_bounds::format_bounded;
use catalogue::{Summary, Unit};
use leptos::prelude::*;

/// A value of the summary.
#[derive(Clone, PartialEq)]
struct SummaryValue {
    name: String,
    /// The colour of the line; empty for a value without a line.
    colour: String,
    text: String,
    /// The share of the total, of several counts.
    share: String,
}

/// The summary; nothing for a graph without one.
#[component]
pub(crate) fn SummaryValues() -> impl IntoView {
    let card @ CardContext { graph, data, .. } = expect_context();
    if graph.summary == Summary::None {
        return ().into_any();
    }
    let values = Memo::new(move |_| data.with(|data| data.as_ref().map(|data| values(card, data)).unwrap_or_default()));
    let value = |SummaryValue { name, colour, text, share }| {
        view! {
            <div>
                <dt>
                    {(!colour.is_empty()).then(|| view! { <i class="dot" style:background=colour></i> })}
                    {name.clone()}
                </dt>
                <dd data-box=name>
                    <b>{text}</b>
                    <small>{share}</small>
                </dd>
            </div>
        }
    };
    view! {
        <dl class="boxes" data-testid="boxes">
            {move || values.get().into_iter().map(value).collect_view()}
        </dl>
    }
    .into_any()
}

fn values(card: CardContext, data: &CardData) -> Vec<SummaryValue> {
    let CardContext { graph, lines, styles, .. } = card;
    let total: f64 = data.summary.iter().map(|(_, value)| value).filter(|value| value.is_finite()).sum();
    let styles = styles.get();
    let value = |(name, value): &(String, f64)| {
        let at = lines.with(|lines| lines.frame.columns.iter().position(|column| column.name == *name));
        let colour = at.and_then(|at| styles.get(at)).map(|style| css(style.rgb)).unwrap_or_default();
        let (text, share) = match graph.summary {
            Summary::Counts if data.summary.len() > 1 => (count(*value, data.is_estimated), percent(*value, total)),
            Summary::Counts => (count(*value, data.is_estimated), String::new()),
            Summary::Percentiles | Summary::None => {
                (format_bounded(graph, graph.unit, data, name, *value), String::new())
            }
        };
        SummaryValue { name: name.clone(), colour, text, share }
    };
    data.summary.iter().map(value).collect()
}

/// A count with all its digits: `412,806`, or `≈ 412,806` if it is an estimate.
fn count(value: f64, is_estimated: bool) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if is_estimated && value > 0.0 {
        return format!("≈ {}", count(value, false));
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
            assert_eq!(count(value, false), text);
        }
        assert_eq!([count(131.4, true), count(0.0, true)], ["≈ 131", "0"], "nothing needs no estimate");
        assert_eq!(percent(1.0, 0.0), "");
    }
}
