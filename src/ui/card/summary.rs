//! The boxes above a graph: counts with shares, or percentiles, over the whole range.
use crate::ui::graph::context::CardContext;
use crate::ui::graph::colours::css;
use crate::ui::graph::percentile_bounds::written;
use catalogue::{Summary, Unit};
use leptos::prelude::*;

/// The boxes; nothing for a graph without.
#[component]
pub(crate) fn Boxes() -> impl IntoView {
    let CardContext { graph, drawn, shown, styles, .. } = expect_context();
    if graph.summary == Summary::None {
        return ().into_any();
    }
    let boxes = Memo::new(move |_| {
        drawn.with(|drawn| {
            let Some(drawn) = drawn else { return Vec::new() };
            let total: f64 = drawn.summary.iter().map(|(_, value)| value).filter(|value| value.is_finite()).sum();
            let styles = styles.get();
            let one = |(name, value): &(String, f64)| {
                let at = shown.with(|shown| shown.frame.columns.iter().position(|column| column.name == *name));
                let colour = at.and_then(|at| styles.get(at)).map(|style| css(style.rgb)).unwrap_or_default();
                let (text, share) = match graph.summary {
                    Summary::Counts if drawn.summary.len() > 1 => (count(*value), percent(*value, total)),
                    Summary::Counts => (count(*value), String::new()),
                    Summary::Percentiles | Summary::None => {
                        (written(graph, graph.unit, drawn, name, *value), String::new())
                    }
                };
                (name.clone(), colour, text, share)
            };
            drawn.summary.iter().map(one).collect()
        })
    });
    view! {
        <dl class="boxes" data-testid="boxes">
            {move || {
                boxes
                    .get()
                    .into_iter()
                    .map(|(name, colour, text, share)| {
                        view! {
                            <div>
                                <dt>
                                    {(!colour.is_empty())
                                        .then(|| view! { <i class="dot" style:background=colour></i> })}
                                    {name.clone()}
                                </dt>
                                <dd data-box=name>
                                    <b>{text}</b>
                                    <small>{share}</small>
                                </dd>
                            </div>
                        }
                    })
                    .collect_view()
            }}
        </dl>
    }
    .into_any()
}

/// A count in full: `412,806`.
fn count(value: f64) -> String {
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
    fn counts_are_written_in_full() {
        for (value, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (412_806.0, "412,806"), (f64::NAN, "–")]
        {
            assert_eq!(count(value), text);
        }
        assert_eq!(percent(1.0, 0.0), "");
    }
}
