//! The timeline of replicas: what each was doing when, with its filter, its legend and its table.

use crate::data::feed::{Connection, Feed};
use crate::data::replicas::fleet::Fleet;
use crate::state::navigation::Navigation;
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::ui::kit::help::Help;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use crate::ui::replicas::context::Shown;
use crate::ui::replicas::filter::listed;
use crate::ui::replicas::rows::Rows;
use crate::ui::replicas::table::Table;
use crate::ui::kit::controls::{Choice, Select};
use crate::wasm_size::sort::sort_by;
use catalogue::contract::ReplicaState;
use leptos::prelude::*;

const HELP: &str = "One row for each replica, and what it was doing when. Pending: no machine yet, or nothing answers \
    there yet. Pulling: the image is on its way. Downloading: the weights are. Starting: the model is loaded and warmed \
    up; for a server that only listens once it is ready this is from the start of its process. Red triangles are \
    restarts. Long bars before running are the cold start: keep a spare replica, or shorten image and weights. A row \
    that changes again and again between starting and failed is a crash loop: read its log. Where nothing tells states, \
    running means that the metrics endpoint answers.";

/// The timeline and the table.
#[component]
pub(crate) fn Timeline() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let navigation = expect_context::<Navigation>();
    let fleet = feed.fleet;
    feed.watch_fleet(true);
    on_cleanup(move || feed.watch_fleet(false));
    let listing = Memo::new(move |_| navigation.view.with(|view| view.replica_table.clone()));
    let listed = Memo::new(move |_| {
        let listing = listing.get();
        fleet.with(|fleet| fleet.as_ref().map(|fleet| listed(fleet, &listing)).unwrap_or_default())
    });
    let shown = Shown { fleet, listed };
    provide_context(shown);
    let is_known = Memo::new(move |_| fleet.with(Option::is_some));
    let has_rows = Memo::new(move |_| listed.with(|listed| !listed.is_empty()));
    let is_filtered = move || fleet.with(|fleet| fleet.as_ref().is_some_and(|fleet| !fleet.replicas.is_empty()));
    let failure = Memo::new(move |_| fleet.with(|fleet| fleet.as_ref().and_then(|fleet| fleet.failure.clone())));
    let query = Signal::derive(move || fleet.with(|fleet| fleet.as_ref().map(|fleet| fleet.query.clone())));
    let note = move || match feed.connection.get() {
        Connection::Down { since_ms, .. } => format!("stale since {}", time::clock(since_ms)),
        _ => fleet.with(|fleet| fleet.as_deref().map(note).unwrap_or_default()),
    };
    view! {
        <section
            class="timeline"
            data-testid="timeline"
            data-status=move || if is_known.get() { "live" } else { "loading" }
            data-step=move || fleet.with(|fleet| fleet.as_ref().map_or(0, |fleet| fleet.step_ms))
            aria-labelledby="heading-timeline"
        >
            <header>
                <h2 id="heading-timeline">"Timeline"</h2>
                <Help id="timeline" title="Timeline" text=HELP query />
                <Controls listing />
                <span class="now">{note}</span>
            </header>
            <Legend shown listing />
            <Show when=move || failure.with(Option::is_some)>
                <p class="failure" role="alert">{move || failure.get()}</p>
            </Show>
            <Show
                when=move || has_rows.get()
                fallback=move || {
                    view! {
                        <p class="nothing" data-testid="no-replicas">
                            {move || match (is_known.get(), is_filtered()) {
                                (false, _) => "Loading…",
                                (_, true) => "No replica passes the filter. Clear the text, or press the states again.",
                                _ => {
                                    "No replica of this scope told what it was doing in this range. Choose a longer \
                                     range or another model, or name a server to watch: inferboard-server --target URL."
                                }
                            }}
                        </p>
                    }
                }
            >
                <Rows shown />
                <Table shown listing />
            </Show>
        </section>
    }
}

/// Median time to ready over the range, where it is known of some.
fn note(fleet: &Fleet) -> String {
    let mut ready: Vec<i64> =
        fleet.replicas.iter().flat_map(|replica| &replica.intervals).filter_map(|span| span.ready_ms).collect();
    sort_by(&mut ready, i64::cmp);
    let median = ready.get(ready.len() / 2);
    median.map(|median_ms| format!("time to ready: median {}", time::duration(*median_ms))).unwrap_or_default()
}

/// Filter by text, and order.
#[component]
fn Controls(listing: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let orders =
        SortKey::ALL.map(|order| Choice { value: order.id().into(), text: order.title().to_ascii_lowercase() });
    let chosen = Signal::derive(move || listing.with(|listing| listing.sort_key.id().to_owned()));
    let choose = move |id: String| {
        if let Some(order) = SortKey::ALL.into_iter().find(|order| order.id() == id) {
            navigation.adjust(|view| (view.replica_table.sort_key, view.replica_table.is_reversed) = (order, false));
        }
    };
    view! {
        <input
            type="search"
            class="control"
            data-testid="find-replica"
            placeholder="Filter by name, model, address"
            aria-label="Filter replicas"
            prop:value=move || listing.with(|listing| listing.text.clone())
            on:input=move |event| navigation.adjust(|view| view.replica_table.text = event_target_value(&event))
        />
        <Select name="Sort by" id="sort-replicas" choices=orders.to_vec() chosen choose />
    }
}

/// The states with how many replicas are in each now; a press lists only those.
#[component]
fn Legend(shown: Shown, listing: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let counts = Memo::new(move |_| {
        // How many are in each state now; none where it is not worth a chip.
        let mut counts = [None::<usize>; ReplicaState::ALL.len()];
        listing.with(|listing| listing.states.iter().for_each(|state| counts[*state as usize] = Some(0)));
        shown.fleet.with(|fleet| {
            let Some(fleet) = fleet else { return };
            for span in fleet.replicas.iter().flat_map(|replica| &replica.intervals) {
                counts[span.state as usize].get_or_insert(0);
            }
            for span in fleet.replicas.iter().filter_map(|replica| replica.current(fleet.range)) {
                *counts[span.state as usize].get_or_insert(0) += 1;
            }
        });
        counts
    });
    let chip = move |state: ReplicaState| {
        let count = counts.with(|counts| counts[state as usize])?;
        Some(view! {
            <li>
                <button
                    type="button"
                    data-testid="state-filter"
                    data-state=state.id()
                    aria-pressed=move || listing.with(|listing| listing.states.contains(&state)).to_string()
                    title=format!("List only replicas that are {} now", state.title())
                    on:click=move |_| navigation.adjust(|view| view.replica_table.toggle_state(state))
                >
                    <i class="state" data-state=state.id()></i>
                    {state.title()}
                    <b>{count}</b>
                </button>
            </li>
        })
    };
    view! {
        <ul class="legend states" aria-label="States now">
            {move || ReplicaState::ALL.into_iter().filter_map(chip).collect_view()}
        </ul>
    }
}
