//! The legend: a press hides a line or shows it again, a double press leaves it alone on its graph.
use super::{card::CardContext, colours::css, pointer::index_at};
use crate::state::cursor::Pointer;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The legend with the values at the cursor, or the newest ones.
#[component]
pub(super) fn Legend() -> impl IntoView {
    let card @ CardContext { graph, drawn, styles, hidden } = expect_context();
    let pointer = expect_context::<Pointer>();
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
    let at_cursor = Memo::new(move |_| pointer.cursor.get().and_then(|cursor| index_at(card, cursor.time_ms)));
    let item = move |(at, name): (usize, String)| {
        let value = {
            move || {
                drawn.with(|drawn| {
                    let frame = &drawn.as_ref()?.frame;
                    let value = match at_cursor.get() {
                        Some(index) => frame.columns.get(at)?.values.get(index).copied()?,
                        None => frame.last(at)?,
                    };
                    Some(graph.unit.format_short(value))
                })
            }
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
