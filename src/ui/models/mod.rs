//! The table of models, which the page shows where several models are in scope. A press on a row opens the model.
//!
//! Rows are written as HTML: hundreds of them change with every refresh, and a view of each cell would cost more.
mod row;
mod sparkline;

use crate::data::feed::Feed;
use crate::data::overview::models::ModelRow;
use crate::state::model_table::{ModelSort, ModelTableOptions};
use crate::state::navigation::Navigation;
use crate::ui::kit::conditional::Show;
use crate::ui::models::row::write_row;
use crate::wasm_size::effect::effect;
use crate::wasm_size::sort::order;
use leptos::html;
use leptos::prelude::*;
use std::cmp::Ordering;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

/// The limit of rows on the page; the filter finds the others.
const MAX_ROWS: usize = 300;

/// The filter and the table.
#[component]
pub(crate) fn Models() -> impl IntoView {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    feed.watch_models(true);
    on_cleanup(move || feed.watch_models(false));
    let options = Memo::new(move |_| navigation.view.with(|view| view.model_table.clone()));
    let is_loaded = Memo::new(move |_| feed.models.with(Option::is_some));
    let shown = Memo::new(move |_| {
        let options = options.get();
        feed.models.with(|models| models.as_ref().map(|models| ordered(models, &options)).unwrap_or_default())
    });
    let body = NodeRef::<html::Tbody>::new();
    effect(move || {
        let Some(body) = body.get() else { return };
        let view = navigation.view.get();
        let mut html = String::new();
        feed.models.with(|models| {
            for at in shown.get().into_iter().take(MAX_ROWS) {
                if let Some(row) = models.as_ref().and_then(|models| models.get(at)) {
                    write_row(&mut html, row, &view);
                }
            }
        });
        replace(&body, &html);
    });
    let count = move || {
        let all = feed.models.with(|models| models.as_ref().map_or(0, |models| models.len()));
        match shown.with(Vec::len) {
            0 => "No model matches.".to_owned(),
            shown if shown > MAX_ROWS => format!("The first {MAX_ROWS} of {shown} models; filter to find others."),
            shown if shown == all => format!("{all} models"),
            shown => format!("{shown} of {all} models"),
        }
    };
    view! {
        <section class="models" data-testid="models" aria-labelledby="heading-models">
            <header>
                <h2 id="heading-models">"All models"</h2>
                <input
                    type="search"
                    class="control"
                    placeholder="Filter models"
                    aria-label="Filter models"
                    data-testid="filter-models"
                    prop:value=move || options.with(|options| options.text.clone())
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        navigation.adjust(|view| view.model_table.text.clone_from(&text));
                    }
                />
                <span class="count" role="status">{move || is_loaded.get().then(count)}</span>
            </header>
            <div class="scroller" tabindex="0" role="region" aria-label="Table of models">
                <table>
                    <thead>
                        <tr>{ModelSort::ALL.map(|sort| heading(sort, options, navigation)).into_iter().collect_view()}</tr>
                    </thead>
                    <tbody node_ref=body on:click=move |event| open_model(&event, navigation)></tbody>
                </table>
            </div>
            <Show when=move || !is_loaded.get()>
                <div class="skeleton" aria-hidden="true"></div>
            </Show>
        </section>
    }
}

/// A column heading, which sorts by the column.
fn heading(sort: ModelSort, options: Memo<ModelTableOptions>, navigation: Navigation) -> impl IntoView {
    let direction = move || {
        options.with(|options| match (options.sort == sort, options.is_reversed, sort) {
            (false, ..) => "none",
            (true, false, ModelSort::Name) => "ascending",
            (true, true, ModelSort::Name) | (true, false, _) => "descending",
            (true, true, _) => "ascending",
        })
    };
    view! {
        <th scope="col" aria-sort=direction>
            <button
                type="button"
                data-sort=sort.id()
                title=hint(sort)
                on:click=move |_| navigation.adjust(|view| view.model_table.toggle_sort(sort))
            >
                {sort.title()}
            </button>
        </th>
    }
}

/// What a column shows, as the tooltip of its heading.
fn hint(sort: ModelSort) -> &'static str {
    match sort {
        ModelSort::Name => "A press on a model opens its page",
        ModelSort::Status => "What needs a look first: replicas down, errors, slow times, full caches",
        ModelSort::Requests => "At the end of the time range, with its course over the range",
        ModelSort::Errors => {
            "Share of requests over the time range that failed (5xx, or failed where there is no status)"
        }
        ModelSort::Latency => "Over the time range, with its course; × is the change against the range before",
        ModelSort::FirstToken => "Time to first token over the time range",
        ModelSort::Tokens => "Tokens generated per second at the end of the time range",
        ModelSort::Cache => "Mean use of the KV cache at the end of the time range",
        ModelSort::Gpu => "Mean GPU utilization at the end of the time range",
        ModelSort::Replicas => "Replicas that serve, of the maximum if it is known, or else of those that are known",
    }
}

/// The indices of the rows that match the filter, in order. Figures are sorted from the highest; missing ones come last.
fn ordered(models: &[ModelRow], options: &ModelTableOptions) -> Vec<usize> {
    let text = options.text.trim().to_ascii_lowercase();
    let matching: Vec<usize> =
        (0..models.len()).filter(|at| row::name(&models[*at]).to_ascii_lowercase().contains(&text)).collect();
    let figure = |row: &ModelRow| match options.sort {
        ModelSort::Errors => row.errors,
        ModelSort::Latency => row.latency,
        ModelSort::FirstToken => row.first_token,
        ModelSort::Tokens => row.tokens,
        ModelSort::Cache => row.cache,
        ModelSort::Gpu => row.gpu,
        ModelSort::Replicas => row.replicas(),
        ModelSort::Name | ModelSort::Status | ModelSort::Requests => row.requests,
    };
    let compare = |one: usize, other: usize| {
        let (one, other) = (&models[matching[one]], &models[matching[other]]);
        let direction = |order: Ordering| if options.is_reversed { order.reverse() } else { order };
        let by_name = one.model.cmp(&other.model);
        if options.sort == ModelSort::Name {
            return direction(by_name);
        }
        let urgency = match options.sort {
            ModelSort::Status => direction(other.urgency().cmp(&one.urgency())),
            _ => Ordering::Equal,
        };
        let (first, second) = (figure(one), figure(other));
        let figures = match (first.is_nan(), second.is_nan()) {
            (false, false) => direction(second.total_cmp(&first)),
            (is_missing, other) => is_missing.cmp(&other),
        };
        urgency.then(figures).then(by_name)
    };
    order(matching.len(), &compare).into_iter().map(|at| matching[at]).collect()
}

/// Replaces the rows. The focused link keeps the focus.
fn replace(body: &Element, html: &str) {
    let focused = document().active_element().filter(|element| body.contains(Some(element)));
    let model = focused.and_then(|element| element.get_attribute("data-open"));
    body.set_inner_html(html);
    let links = body.get_elements_by_class_name("open");
    let link =
        (0..links.length()).filter_map(|at| links.item(at)).find(|link| link.get_attribute("data-open") == model);
    if let Some(link) = link.filter(|_| model.is_some()).and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        let _ = link.focus();
    }
}

/// Opens the model of a row. With a modifier key, the browser opens the link in a new tab or window.
fn open_model(event: &MouseEvent, navigation: Navigation) {
    if event.ctrl_key() || event.meta_key() || event.shift_key() {
        return;
    }
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let row = element.and_then(|element| element.closest("tr[data-model]").ok().flatten());
    if let Some(model) = row.and_then(|row| row.get_attribute("data-model")) {
        event.prevent_default();
        navigation.go(|view| view.scope.model = Some(model));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::models::row::tests::row;

    fn names(models: &[ModelRow], options: &ModelTableOptions) -> Vec<String> {
        ordered(models, options).into_iter().map(|at| models[at].model.clone()).collect()
    }

    #[test]
    fn figures_are_sorted_from_the_highest_and_missing_ones_come_last() {
        let with = |name: &str, requests: f64, errors: f64| ModelRow { requests, errors, ..row(name) };
        let models = [with("a", 1.0, f64::NAN), with("b", 9.0, 0.0), with("c", f64::NAN, 0.5), with("d", 2.0, 0.001)];
        let by = |sort, is_reversed| names(&models, &ModelTableOptions { sort, is_reversed, text: String::new() });
        assert_eq!(by(ModelSort::Requests, false), ["b", "d", "a", "c"]);
        assert_eq!(by(ModelSort::Requests, true), ["a", "d", "b", "c"]);
        assert_eq!(by(ModelSort::Errors, false), ["c", "d", "b", "a"]);
        assert_eq!(by(ModelSort::Name, true), ["d", "c", "b", "a"]);
        assert_eq!(by(ModelSort::Status, false), ["c", "b", "d", "a"], "errors first, then requests");
    }

    #[test]
    fn the_filter_ignores_case_and_finds_what_names_no_model() {
        let models = [row("Llama-70b"), row("qwen"), row("")];
        let of = |text: &str| names(&models, &ModelTableOptions { text: text.into(), ..ModelTableOptions::default() });
        assert_eq!((of(" llama"), of("no model")), (vec!["Llama-70b".to_owned()], vec![String::new()]));
    }
}
