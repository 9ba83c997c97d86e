//! The legend: a press hides a line or shows it again, a double press leaves it alone on its graph.
use super::{card::CardContext, colours::css};
use catalogue::Summary;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The legend with the newest values.
#[component]
pub(super) fn Legend() -> impl IntoView {
    let CardContext { graph, drawn, styles, hidden } = expect_context();
    let names = Memo::new(move |_| {
        drawn.with(|drawn| {
            let columns = drawn.iter().flat_map(|drawn| &drawn.frame.columns);
            columns.map(|column| column.name.clone()).collect::<Vec<_>>()
        })
    });
    let isolate = move |name: &str| {
        let others: BTreeSet<String> = names.get_untracked().into_iter().filter(|other| other != name).collect();
        // Alone already: all come back.
        hidden.update(|hidden| *hidden = if *hidden == others { BTreeSet::new() } else { others });
    };
    let item = move |(at, name): (usize, String)| {
        // Percentiles have their boxes; what is under the cursor stands in the tooltip.
        let value = move || {
            (graph.summary != Summary::Percentiles)
                .then(|| drawn.with(|drawn| drawn.as_ref()?.frame.last(at)))
                .flatten()
                .map(|value| graph.unit.format_short(value))
        };
        let is_shown = {
            let name = name.clone();
            Memo::new(move |_| hidden.with(|hidden| !hidden.contains(&name)))
        };
        let colour = move || styles.with(|styles| styles.get(at).map(|style| css(style.rgb)).unwrap_or_default());
        let is_dashed = move || styles.with(|styles| styles.get(at).is_some_and(|style| style.dash.is_some()));
        let (toggled, isolated) = (name.clone(), name.clone());
        view! {
            <li>
                <button
                    type="button"
                    data-line=name
                    aria-pressed=move || is_shown.get().to_string()
                    title="Hide or show; double-click to see it alone"
                    on:click=move |_| {
                        hidden.update(|hidden| {
                            if !hidden.remove(&toggled) {
                                hidden.insert(toggled.clone());
                            }
                        });
                    }
                    on:dblclick=move |_| isolate(&isolated)
                >
                    <i class="swatch" class:dashed=is_dashed style:color=colour></i>
                    {name.clone()}
                    <span class="value">{value}</span>
                </button>
            </li>
        }
    };
    view! {
        <ul class="legend" aria-label="Lines">
            {move || names.get().into_iter().enumerate().map(item).collect_view()}
        </ul>
    }
}
