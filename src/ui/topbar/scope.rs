//! The scope controls: model, environment, deployment and replica, with the number of replicas that are up.
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::scope_key::PARTS;
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::feed::{Connection, Feed};
use crate::state::navigation::Navigation;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use crate::wasm_size::sort::set;
use catalogue::Scope;
use leptos::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// One label of the scope.
#[derive(Clone, Copy)]
pub(crate) struct ScopeLabel {
    pub(crate) name: &'static str,
    /// The name for tests.
    id: &'static str,
    /// Its number among the parts of a scope.
    pub(crate) part: usize,
    pub(crate) values: for<'a> fn(&'a Inventory, &Scope) -> BTreeSet<&'a str>,
}

pub(crate) const LABELS: [ScopeLabel; 4] = [
    ScopeLabel { name: "Model", id: "model", part: 0, values: |inventory, _| inventory.models() },
    ScopeLabel { name: "Environment", id: "environment", part: 1, values: Inventory::environments },
    ScopeLabel { name: "Deployment", id: "deployment", part: 2, values: Inventory::deployments },
    ScopeLabel { name: "Replica", id: "replica", part: 3, values: Inventory::replicas },
];

/// What stands for series that name no model.
pub(crate) const UNNAMED: &str = "no model name";

/// The value of that choice in a drop-down, where the empty text is all models: a control character, which is no name.
const UNNAMED_VALUE: &str = "\u{7f}";

/// The scope as a path. A part without any value is hidden.
#[component]
pub(crate) fn ScopePath() -> impl IntoView {
    let [model, others @ ..] = LABELS;
    let is_demo = expect_context::<Feed>().is_demo;
    view! {
        <div class="path">
            <h1 class="brand">
                <span>"Inferboard"</span>
                <em class="demo" data-testid="demo" hidden=move || !is_demo.get()>
                    "Demo"
                </em>
            </h1>
            <ServerControl />
            <ScopeControl label=model />
            <StatusPill />
            {others.map(|label| view! { <ScopeControl label /> }).into_iter().collect_view()}
        </div>
    }
}

/// Where the page is, beside itself.
const OWN_PAGE: &str = "./";

/// The choice of a server, if several have a page. Each page has its server's history only.
#[component]
fn ServerControl() -> impl IntoView {
    let Feed { state, connection, .. } = expect_context();
    // The configuration is known before the server has answered, or not answered.
    let choices = Memo::new(move |_| {
        connection.track();
        let choice = |pair: &Value| {
            let text = |at: usize| pair[at].as_str().unwrap_or_default().to_owned();
            Choice { value: text(1), text: text(0) }
        };
        state.with_value(|state| state.servers.as_array().into_iter().flatten().map(choice).collect::<Vec<_>>())
    });
    let chosen = Signal::derive(|| OWN_PAGE.to_owned());
    let choose = |page: String| {
        let location = window().location();
        let _ = location.assign(&(page + &location.search().unwrap_or_default()));
    };
    view! {
        <Show when=move || { choices.with(Vec::len) > 1 }>
            <Select name="Server" id="server" choices chosen choose is_bare=true />
        </Show>
    }
}

/// The values of a label within a scope. What names no model is an empty text.
pub(crate) fn values_of(label: ScopeLabel, inventory: &Inventory, scope: &Scope) -> Vec<String> {
    let mut values: Vec<String> = (label.values)(inventory, scope).into_iter().map(str::to_owned).collect();
    if label.part == 0 && inventory.has_unnamed() {
        values.push(String::new());
    }
    values
}

#[component]
fn ScopeControl(label: ScopeLabel) -> impl IntoView {
    let ScopeLabel { name, id, part, .. } = label;
    let part_of = PARTS[part];
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let selected = Memo::new(move |_| navigation.view.with(|view| part_of(&mut view.scope.clone()).clone()));
    let choice = |value: String| match value.is_empty() {
        true => Choice { value: UNNAMED_VALUE.to_owned(), text: UNNAMED.to_owned() },
        false => Choice { text: value.clone(), value },
    };
    let choices = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        let (values, stands_for_all) = feed.inventory.with(|inventory| {
            let Some(inventory) = inventory else { return (Vec::new(), false) };
            let is_whole = part > 0 || inventory.queried(&Scope::default()).model.is_some();
            (values_of(label, inventory, &scope), is_whole && inventory.all_have(&scope, part))
        });
        // A link may select a name that has no data now; it stays selected until the user selects another.
        let selected = selected.get();
        let is_open = selected.is_none();
        let mut all: Vec<String> = set(values.into_iter().chain(selected)).into_iter().collect();
        let first = |text: &str| Choice { value: String::new(), text: text.to_owned() };
        match all.as_slice() {
            [] => return Vec::new(),
            // If everything has the same, it stands for all.
            [only] if is_open && stands_for_all => return vec![first(only)],
            _ => {}
        }
        // What has no name comes last.
        if all.first().is_some_and(String::is_empty) {
            all.rotate_left(1);
        }
        std::iter::once(first("All")).chain(all.into_iter().map(choice)).collect::<Vec<_>>()
    });
    let chosen = Memo::new(move |_| selected.get().map_or_else(String::new, |value| choice(value).value));
    let choose = move |value: String| {
        navigation.go(|view| {
            *part_of(&mut view.scope) = match value.as_str() {
                "" => None,
                UNNAMED_VALUE => Some(String::new()),
                _ => Some(value),
            };
        });
    };
    // What is open says how many there are.
    let short = Signal::derive(move || {
        let count = choices.with(Vec::len);
        match (selected.with(Option::is_some), part, count) {
            (true, ..) | (_, _, 0 | 1) => String::new(),
            (_, 0, _) => "All models".to_owned(),
            _ => format!("{} {}s", count - 1, name.to_ascii_lowercase()),
        }
    });
    view! {
        <Show when=move || !choices.with(Vec::is_empty)>
            <Select name id choices chosen choose is_bare=true short />
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
