//! The scope controls: model, environment, deployment and replica, with the number of replicas that are up.
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

/// One label of the scope.
#[derive(Clone, Copy)]
struct ScopeLabel {
    name: &'static str,
    /// The name for tests.
    id: &'static str,
    part: fn(&mut Scope) -> &mut Option<String>,
    values: for<'a> fn(&'a Inventory, &Scope) -> BTreeSet<&'a str>,
}

const LABELS: [ScopeLabel; 4] = [
    ScopeLabel {
        name: "Model",
        id: "model",
        part: |scope| &mut scope.model,
        values: |inventory, _| inventory.models(),
    },
    ScopeLabel {
        name: "Environment",
        id: "environment",
        part: |scope| &mut scope.environment,
        values: Inventory::environments,
    },
    ScopeLabel {
        name: "Deployment",
        id: "deployment",
        part: |scope| &mut scope.deployment,
        values: Inventory::deployments,
    },
    ScopeLabel { name: "Replica", id: "replica", part: |scope| &mut scope.replica, values: Inventory::replicas },
];

/// The controls. One without any value is hidden.
#[component]
pub(crate) fn ScopeControls() -> impl IntoView {
    let [model, others @ ..] = LABELS;
    view! {
        <div class="group">
            <h1 class="brand">"Inferboard"</h1>
            <ScopeControl label=model />
            <StatusPill />
            {others.map(|label| view! { <ScopeControl label /> }).into_iter().collect_view()}
        </div>
    }
}

#[component]
fn ScopeControl(label: ScopeLabel) -> impl IntoView {
    let ScopeLabel { name, id, part, values } = label;
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let chosen =
        Memo::new(move |_| navigation.view.with(|view| part(&mut view.scope.clone()).clone().unwrap_or_default()));
    let names = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        let names = feed.inventory.with(|inventory| {
            let names = inventory.as_ref().map(|inventory| values(inventory, &scope)).unwrap_or_default();
            set(names.into_iter().map(str::to_owned))
        });
        // A link may select a name that has no data now; it stays selected until the user selects another.
        let all = names.into_iter().chain(Some(chosen.get()).filter(|chosen| !chosen.is_empty()));
        set(all).into_iter().collect::<Vec<_>>()
    });
    let choices = Memo::new(move |_| {
        let names = names.get();
        let all = |text: &str| Choice { value: String::new(), text: text.to_owned() };
        // If there is only one, it stands for all.
        if let ([only], true) = (names.as_slice(), chosen.with(String::is_empty)) {
            return vec![all(only)];
        }
        let each = names.into_iter().map(|name| Choice { text: name.clone(), value: name });
        std::iter::once(all("All")).chain(each).collect::<Vec<_>>()
    });
    let choose = move |value: String| {
        navigation.go(|view| *part(&mut view.scope) = (!value.is_empty()).then_some(value));
    };
    view! {
        <Show when=move || !names.with(Vec::is_empty)>
            <Select name id choices chosen choose />
        </Show>
    }
}

/// The number of replicas in the scope that are up or, without a connection, were up at the last answer.
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
                    let ReplicaCount { answering, total } = replica_count.get();
                    format!("{answering} of {total} {}", if is_lost.get() { "were up" } else { "up" })
                }}
            </span>
        </Show>
    }
}
