//! The legend: a press hides a line or shows it again, a double press or Shift+Enter leaves it alone on its graph.
use crate::state::card_options::Comparison;
use crate::state::navigation::Navigation;
use crate::ui::graph::context::CardContext;
use crate::ui::card::last_value::{Newest, newest_at};
use crate::ui::card::statistics::{Statistics, statistics};
use crate::ui::graph::colours::{Palette, css};
use crate::ui::graph::visible::Shown;
use crate::ui::kit::conditional::Show;
use catalogue::{Colours, Summary, Unit, line_name, status_name};
use leptos::prelude::*;
use plot::ChartType;
use std::sync::Arc;

/// The legend with the newest values, or with statistics of the range, and a word on what else there is to know.
#[component]
pub(crate) fn Legend() -> impl IntoView {
    let card @ CardContext { shown, choices, .. } = expect_context();
    let named = Memo::new(move |_| shown.with(|shown| shown.named()));
    let has_statistics = Memo::new(move |_| choices.with(|choices| choices.has_statistics));
    let is_heat_map = Memo::new(move |_| card.is_heat_map());
    let remark = Memo::new(move |_| remark(card));
    let rows = move || {
        let row = |(at, name): (usize, String)| view! { <StatisticsRow at name /> };
        named.get().into_iter().enumerate().map(row).collect_view()
    };
    let items = move || {
        let item = |(at, name): (usize, String)| view! { <li><Entry at name has_value=true /></li> };
        named.get().into_iter().enumerate().map(item).collect_view()
    };
    view! {
        <Show when=move || remark.with(Option::is_some)>
            <p class="remark" data-testid="remark">{move || remark.get()}</p>
        </Show>
        {move || {
            if is_heat_map.get() {
                view! { <Ramp /> }.into_any()
            } else if has_statistics.get() {
                view! {
                    <div
                        class="statistics"
                        data-testid="statistics"
                        tabindex="0"
                        role="region"
                        aria-label=format!("Statistics of {}", card.graph.title)
                    >
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">"Line"</th>
                                    <th scope="col">"Min"</th>
                                    <th scope="col">"Mean"</th>
                                    <th scope="col">"Max"</th>
                                    <th scope="col">"Last"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            } else {
                view! { <ul class="legend" aria-label="Lines">{items}</ul> }.into_any()
            }
        }}
    }
}

/// The button of a line.
#[component]
fn Entry(at: usize, name: String, has_value: bool) -> impl IntoView {
    let card @ CardContext { graph, shown, styles, .. } = expect_context();
    let navigation = expect_context::<Navigation>();
    // Percentiles have their boxes; what is under the cursor stands in the tooltip.
    let value = move || (has_value && graph.summary != Summary::Percentiles).then(|| newest_at(card, at)).flatten();
    let text = move || value().map(|value| value.text(|value| card.unit().format_short(value)));
    let is_old = move || matches!(value(), Some(Newest::Old { .. }));
    let is_shown = {
        let name = name.clone();
        Memo::new(move |_| shown.with(|shown| !shown.lines.hides(&name)))
    };
    let colour = move || styles.with(|styles| styles.get(at).map(|style| css(style.rgb)).unwrap_or_default());
    let is_dashed = move || styles.with(|styles| styles.get(at).is_some_and(|style| style.dash.is_some()));
    let own = name.clone();
    let press = move |is_double: bool| {
        let mut lines = shown.with_untracked(|shown| shown.lines.clone());
        match is_double {
            true => lines.isolate(&own),
            false => lines.toggle(&own, &shown.with_untracked(|shown| shown.named())),
        }
        navigation.adjust(|view| view.card_options.change(graph, &mut |choices| choices.line_filter = lines.clone()));
    };
    let (isolate, by_key) = (press.clone(), press.clone());
    let key = move |event: web_sys::KeyboardEvent| {
        if event.shift_key() && event.key() == "Enter" {
            event.prevent_default();
            by_key(true);
        }
    };
    let meaning = (graph.colours == Colours::StatusClasses).then(|| status_name(line_name(&name))).flatten();
    let meaning = meaning.map(|meaning| format!("{name}: {meaning}. ")).unwrap_or_default();
    view! {
        <button
            type="button"
            data-line=name.clone()
            aria-pressed=move || is_shown.get().to_string()
            title=format!("{meaning}Press to hide or show; double-click or Shift+Enter to see it alone")
            on:click=move |_| press(false)
            on:dblclick=move |_| isolate(true)
            on:keydown=key
        >
            <i class="swatch" class:dashed=is_dashed style:color=colour></i>
            <span class="name">{name.clone()}</span>
            <span class="value" class:old=is_old>{text}</span>
        </button>
    }
}

#[component]
fn StatisticsRow(at: usize, name: String) -> impl IntoView {
    let card @ CardContext { shown, .. } = expect_context();
    let all = Memo::new(move |_| {
        shown.with(|shown| shown.frame.columns.get(at).and_then(|column| statistics(&column.values)))
    });
    let cell = {
        let name = name.clone();
        move |pick: fn(Statistics) -> f64| {
            let name = name.clone();
            view! { <td>{move || card.listed(&name, all.get().map_or(f64::NAN, pick))}</td> }
        }
    };
    view! {
        <tr>
            <th scope="row">
                <Entry at name has_value=false />
            </th>
            {cell(|all| all.least)}
            {cell(|all| all.mean)}
            {cell(|all| all.most)}
            {cell(|all| all.last)}
        </tr>
    }
}

/// What the colours of a heat map mean.
#[component]
fn Ramp() -> impl IntoView {
    let palette = expect_context::<Memo<Palette>>();
    let card @ CardContext { shown, .. } = expect_context();
    let ends = move || {
        if card.is_buckets() {
            let by = if card.shown_unit() == Unit::PerMinute { "minute" } else { "second" };
            return (format!("per {by} in each bucket: few "), " many".to_owned());
        }
        let values = |shown: &Arc<Shown>| {
            let values = shown.frame.columns.iter().flat_map(|column| column.values.iter().copied());
            values.filter(|value| value.is_finite()).fold(0.0, f64::max)
        };
        let most = shown.with(values);
        let unit = card.unit();
        (format!("each row a replica or GPU: {} ", unit.format(0.0)), format!(" {}", unit.format(most)))
    };
    let swatches = move || {
        let ramp = palette.with(|palette| palette.theme.colour_scale.clone());
        ramp.into_iter().map(|rgb| view! { <i class="swatch" style:color=css(rgb)></i> }).collect_view()
    };
    view! {
        <p class="ramp">
            {move || ends().0} <span aria-hidden="true">{swatches}</span> {move || ends().1}
        </p>
    }
}

/// What the picture alone does not say.
fn remark(card: CardContext) -> Option<String> {
    let left_out = card.axis.with(|axis| axis.left_out);
    let remark = card.shown.with(|shown| {
        let is_stacked = shown.look == Some(ChartType::Areas);
        let rest = shown.rest.as_ref().map(|rest| {
            let is_layer = rest.low.is_empty();
            let own = shown.own_count - usize::from(is_layer);
            let what = if is_layer { "layer is the sum of" } else { "band holds" };
            format!("The {own} highest of {} lines; the grey {what} the others.", own + rest.count)
        });
        let total = is_stacked.then(|| "Stacked: the top edge is the sum.".to_owned());
        let out = (left_out > 0).then(|| format!("{left_out} values at or below zero have no place on this axis."));
        [out, rest, compared(card, shown), total].into_iter().flatten().collect::<Vec<_>>()
    });
    (!remark.is_empty()).then(|| remark.join(" "))
}

/// What the card is compared with, once that has come.
fn compared(card: CardContext, shown: &Shown) -> Option<String> {
    let of = card.drawn.with(|drawn| Some(drawn.as_ref()?.comparison.as_ref()?.with.clone()))?;
    if card.is_heat_map() || card.choices.with(|choices| choices.comparison.as_ref() != Some(&of)) {
        return None;
    }
    let title = match &of {
        Comparison::PreviousPeriod => "the range before".to_owned(),
        Comparison::Deployment(name) => format!("deployment {name}"),
    };
    Some(match shown.beside.is_empty() {
        true => format!("Nothing to compare with: {title} has no values here."),
        false => format!("Pale dashes: {title}."),
    })
}
