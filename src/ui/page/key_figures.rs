//! The strip of key numbers of the scope over the range, with the change against the range before. Each opens its card.
use crate::data::feed::Feed;
use crate::data::overview::figures::{Figure, data_length_ms, has_range_before, max_replicas};
use crate::data::overview::{Overview, When};
use crate::state::navigation::Navigation;
use crate::ui::card::summary::{count, marked};
use crate::ui::kit::conditional::Show;
use crate::ui::page::open_card::CardOpener;
use catalogue::Unit;
use leptos::prelude::*;

/// A change below this share of the value before is none.
const MIN_CHANGE: f64 = 0.02;

/// Requests are written with all their digits up to this number.
const MAX_COUNTED: f64 = 1e7;

/// From this factor on, a change is written as one.
const MIN_FACTOR: f64 = 2.0;

/// A key number as texts.
#[derive(Clone, PartialEq)]
struct Shown {
    figure: Figure,
    value: String,
    /// What follows the value: the rate, or the maximum.
    beside: String,
    /// The change against the range before.
    change: String,
    is_worse: bool,
}

/// The strip; nothing while nothing of it is measured.
#[component]
pub(crate) fn KeyFigures() -> impl IntoView {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    feed.watch_figures(true);
    on_cleanup(move || feed.watch_figures(false));
    let is_per_minute = Memo::new(move |_| navigation.view.with(|view| view.is_per_minute));
    let shown = Memo::new(move |_| {
        let is_per_minute = is_per_minute.get();
        feed.figures.with(|overview| {
            let of = |overview: &Overview| {
                Figure::ALL
                    .into_iter()
                    .filter_map(|figure| text(figure, overview, (is_per_minute, feed.counts_estimate())))
                    .collect::<Vec<_>>()
            };
            overview.as_deref().map(of).unwrap_or_default()
        })
    });
    let opener = CardOpener::new(feed);
    let item = move |Shown { figure, value, beside, change, is_worse }: Shown| {
        view! {
            <button type="button" data-figure=figure.graph() on:click=move |_| opener.open(figure.graph())>
                <span class="title">{figure.title()}</span>
                <b>{value}</b>
                <span class="below">
                    {(!beside.is_empty()).then(|| view! { <small>{beside}</small> })}
                    <small class="change" class:worse=is_worse title="Against the range before">{change}</small>
                </span>
            </button>
        }
    };
    // Cards keep their place when the figures arrive.
    let is_loading = Memo::new(move |_| feed.figures.with(Option::is_none));
    view! {
        <Show when=move || is_loading.get()>
            <div class="figures skeleton" aria-hidden="true"></div>
        </Show>
        <Show when=move || !shown.with(Vec::is_empty)>
            <div class="figures" role="group" aria-label="Key numbers of the time range" data-testid="figures">
                {move || shown.get().into_iter().map(item).collect_view()}
            </div>
        </Show>
    }
}

/// A figure as texts; none if it is not measured.
fn text(figure: Figure, overview: &Overview, (is_per_minute, is_estimated): (bool, bool)) -> Option<Shown> {
    let value = figure.value(overview, When::Range)?;
    let before = figure.value(overview, When::Before).filter(|_| has_range_before(overview));
    let seconds = data_length_ms(overview) as f64 / 1000.0;
    let beside = match figure {
        Figure::Requests => {
            let unit = if is_per_minute { Unit::RequestsPerSecond.per_minute() } else { Unit::RequestsPerSecond };
            unit.format(value / seconds)
        }
        Figure::Tokens => Unit::TokensPerSecond.format(value / seconds),
        Figure::Replicas => {
            max_replicas(overview).map(|max| format!("of max {}", Unit::Count.format(max))).unwrap_or_default()
        }
        _ => String::new(),
    };
    let unit = match figure {
        Figure::Requests | Figure::Tokens | Figure::Replicas => Unit::Count,
        Figure::Success | Figure::Cached => Unit::Share,
        Figure::FirstToken | Figure::EndToEnd => Unit::Seconds,
    };
    let is_worse = match figure {
        Figure::FirstToken | Figure::EndToEnd => before.is_some_and(|before| value > before),
        Figure::Success => before.is_some_and(|before| value < before),
        _ => false,
    };
    let change = before.map(|before| change(value, before, unit)).unwrap_or_default();
    let value_text = match figure {
        Figure::Requests if value < MAX_COUNTED => count(value),
        _ => unit.format(value),
    };
    let is_estimated =
        is_estimated && matches!(figure, Figure::Requests | Figure::Tokens | Figure::Success | Figure::Cached);
    let value_text = marked(value_text, is_estimated);
    Some(Shown { figure, value: value_text, beside, is_worse: is_worse && !change.is_empty(), change })
}

/// The change as text: points of a share, a factor, or percent; empty if there is none.
fn change(value: f64, before: f64, unit: Unit) -> String {
    let signed = |amount: f64, text: String| format!("{}{text}", if amount < 0.0 { "−" } else { "+" });
    if unit == Unit::Share {
        let points = (value - before) * 100.0;
        return if points.abs() < 0.1 { String::new() } else { signed(points, format!("{:.1}", points.abs())) };
    }
    let factor = value / before;
    match factor {
        _ if !factor.is_finite() || (factor - 1.0).abs() < MIN_CHANGE => String::new(),
        MIN_FACTOR.. => format!("×{}", Unit::Number.format(factor)),
        _ => signed(factor - 1.0, format!("{:.0} %", (factor - 1.0).abs() * 100.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_points_percent_or_a_factor() {
        for (value, before, unit, text) in [
            (0.976, 0.985, Unit::Share, "−0.9"),
            (0.9760, 0.9763, Unit::Share, ""),
            (110.0, 100.0, Unit::Count, "+10 %"),
            (60.0, 100.0, Unit::Count, "−40 %"),
            (72.0, 0.6, Unit::Seconds, "×120"),
            (101.0, 100.0, Unit::Count, ""),
            (5.0, 0.0, Unit::Count, ""),
        ] {
            assert_eq!(change(value, before, unit), text, "{value} {before}");
        }
    }
}
