//! What is selected: model, environment, deployment and replica, and how many of them answer.
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::feed::{Connection, Feed};
use crate::state::navigation::Navigation;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use crate::wasm_size::sort::set;
use catalogue::Scope;
use leptos::prelude::*;
use std::collections::BTreeSet;

/// Model, environment, deployment and replica; a control shows when there is something to choose.
#[component]
pub(crate) fn ScopeControls() -> impl IntoView {
    type Part = fn(&mut Scope) -> &mut Option<String>;
    type Values = for<'a> fn(&'a Inventory, &Scope) -> BTreeSet<&'a str>;
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let control = move |name: &'static str, id: &'static str, part: Part, values: Values, least: usize| {
        let chosen =
            Memo::new(move |_| navigation.view.with(|view| part(&mut view.scope.clone()).clone().unwrap_or_default()));
        let choices = Memo::new(move |_| {
            let scope = navigation.view.with(|view| view.scope.clone());
            let found = feed.inventory.with(|inventory| {
                let found = inventory.as_ref().map(|inventory| values(inventory, &scope)).unwrap_or_default();
                set(found.into_iter().map(str::to_owned))
            });
            // A link may name something that is not there now; it stays selected and can be left.
            let all = found.into_iter().chain(Some(chosen.get()).filter(|chosen| !chosen.is_empty()));
            set(all).into_iter().collect::<Vec<_>>()
        });
        let is_shown = move || choices.with(Vec::len) >= least;
        let choices = Memo::new(move |_| {
            let values = choices.get();
            let all = |text: &str| Choice { value: String::new(), text: text.to_owned() };
            // All of one is that one.
            if let ([only], true) = (values.as_slice(), chosen.with(String::is_empty)) {
                return vec![all(only)];
            }
            let each = values.into_iter().map(|value| Choice { text: value.clone(), value });
            std::iter::once(all("All")).chain(each).collect::<Vec<_>>()
        });
        view! {
            <Show when=is_shown>
                <Select
                    name
                    id
                    choices
                    chosen
                    choose=move |value| {
                        navigation.go(|view| *part(&mut view.scope) = (!value.is_empty()).then_some(value));
                    }
                />
            </Show>
        }
    };
    view! {
        <div class="group">
            <h1 class="brand">"Inferboard"</h1>
            {control("Model", "model", |scope| &mut scope.model, |inventory, _| inventory.models(), 1)}
            <StatusPill />
            {control("Environment", "environment", |scope| &mut scope.environment, Inventory::environments, 1)}
            {control("Deployment", "deployment", |scope| &mut scope.deployment, Inventory::deployments, 1)}
            {control("Replica", "replica", |scope| &mut scope.replica, Inventory::replicas, 1)}
        </div>
    }
}

/// How many of the selected replicas answer; how many did when the server was last heard.
#[component]
fn StatusPill() -> impl IntoView {
    let Feed { replica_count, connection, .. } = expect_context();
    let is_lost = Memo::new(move |_| connection.with(|connection| matches!(connection, Connection::Down { .. })));
    let class = move || match replica_count.get() {
        _ if is_lost.get() => "pill",
        ReplicaCount { answering: 0, .. } => "pill bad",
        count if count.answering < count.total => "pill warn",
        _ => "pill ok",
    };
    view! {
        <Show when=move || { replica_count.get().total > 0 }>
            <span class=class data-testid="status">
                {move || {
                    let ReplicaCount { answering: up, total: all } = replica_count.get();
                    format!("{up} of {all} {}", if is_lost.get() { "answered" } else { "answering" })
                }}
            </span>
        </Show>
    }
}
