//! The legend: a press hides a line or shows it again, a double press leaves it alone on its graph.
use super::{
    card::CardContext,
    colours::{Palette, css},
    show::Show,
    shown::{ALL_BEFORE, Shown},
    statistics::{Statistics, statistics},
};
use crate::order::set;
use catalogue::{Colours, Summary, Unit, line_name, status_name};
use leptos::prelude::*;
use plot::Look;
use std::{collections::BTreeSet, sync::Arc};

/// The legend with the newest values, or with statistics of the range, and a word on what else there is to know.
#[component]
pub(super) fn Legend() -> impl IntoView {
    let card @ CardContext { shown, choices, .. } = expect_context();
    let names = Memo::new(move |_| {
        shown.with(|shown| {
            let columns = shown.frame.columns.iter().enumerate();
            let pressed = columns.filter(|(at, column)| *at < shown.own_count || column.name == ALL_BEFORE);
            pressed.map(|(at, column)| (at, column.name.clone())).collect::<Vec<_>>()
        })
    });
    let has_statistics = Memo::new(move |_| choices.with(|choices| choices.has_statistics));
    let is_heat_map = Memo::new(move |_| card.is_heat_map());
    let remark = Memo::new(move |_| remark(card));
    let rows = move || {
        let row = |(at, name): (usize, String)| view! { <StatisticsRow at name names /> };
        names.get().into_iter().map(row).collect_view()
    };
    let items = move || {
        let item = |(at, name): (usize, String)| view! { <li><Entry at name names has_value=true /></li> };
        names.get().into_iter().map(item).collect_view()
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
                    <div class="statistics" data-testid="statistics" tabindex="0" role="region" aria-label="Statistics">
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
fn Entry(at: usize, name: String, names: Memo<Vec<(usize, String)>>, has_value: bool) -> impl IntoView {
    let card @ CardContext { graph, shown, styles, hidden, .. } = expect_context();
    // Percentiles have their boxes; what is under the cursor stands in the tooltip.
    let value = move || {
        (has_value && graph.summary != Summary::Percentiles)
            .then(|| shown.with(|shown| shown.frame.last(at)))
            .flatten()
            .map(|value| card.unit().format_short(value))
    };
    let is_shown = {
        let name = name.clone();
        Memo::new(move |_| hidden.with(|hidden| !hidden.contains(&name)))
    };
    let colour = move || styles.with(|styles| styles.get(at).map(|style| css(style.rgb)).unwrap_or_default());
    let is_dashed = move || styles.with(|styles| styles.get(at).is_some_and(|style| style.dash.is_some()));
    let isolate = {
        let name = name.clone();
        move |_| {
            let all = names.get_untracked().into_iter().map(|(_, name)| name);
            let others = set(all.filter(|other| *other != name));
            // Alone already: all come back.
            hidden.update(|hidden| *hidden = if *hidden == others { BTreeSet::new() } else { others });
        }
    };
    let toggled = name.clone();
    let toggle = move |_| {
        hidden.update(|hidden| {
            if !hidden.remove(&toggled) {
                hidden.insert(toggled.clone());
            }
        });
    };
    let meaning = (graph.colours == Colours::StatusClasses).then(|| status_name(line_name(&name))).flatten();
    let meaning = meaning.map(|meaning| format!("{name}: {meaning}. ")).unwrap_or_default();
    view! {
        <button
            type="button"
            data-line=name.clone()
            aria-pressed=move || is_shown.get().to_string()
            title=format!("{meaning}Press to hide or show; double-click to see it alone")
            on:click=toggle
            on:dblclick=isolate
        >
            <i class="swatch" class:dashed=is_dashed style:color=colour></i>
            <span class="name">{name.clone()}</span>
            <span class="value">{value}</span>
        </button>
    }
}

#[component]
fn StatisticsRow(at: usize, name: String, names: Memo<Vec<(usize, String)>>) -> impl IntoView {
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
                <Entry at name names has_value=false />
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
        let ramp = palette.with(|palette| palette.theme.ramp.clone());
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
        let rest = shown.rest.as_ref().map(|rest| {
            let all = shown.own_count + rest.count;
            format!("The {} highest of {all} lines; the grey band holds the others.", shown.own_count)
        });
        let before = (shown.own_count < shown.frame.columns.len()).then(|| "Pale dashes: the range before.".to_owned());
        let stacked = shown.look == Some(Look::Areas);
        let total = stacked.then(|| "Stacked: the top edge is the sum.".to_owned());
        let out = (left_out > 0).then(|| format!("{left_out} values at or below zero have no place on this axis."));
        [out, rest, before, total].into_iter().flatten().collect::<Vec<_>>()
    });
    (!remark.is_empty()).then(|| remark.join(" "))
}
