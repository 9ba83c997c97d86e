//! The timeline section: header with filter, state legend, rows and table.
use crate::data::discovery::scrapes::FailedTargets;
use crate::data::feed::{Connection, Feed};
use crate::data::replicas::fleet::Fleet;
use crate::state::navigation::Navigation;
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select};
use crate::ui::kit::format_time as time;
use crate::ui::kit::help::Help;
use crate::ui::replicas::context::TimelineContext;
use crate::ui::replicas::filter::filtered_replicas;
use crate::ui::replicas::rows::Rows;
use crate::ui::replicas::table::Table;
use crate::wasm_size::sort::sort_by;
use catalogue::contract::ReplicaState;
use leptos::prelude::*;

const HELP: &str = "One row per replica, with its states over time. Pending: no machine yet, or nothing responds there \
    yet. Pulling: the image is being pulled. Downloading: the weights are being downloaded. Starting: the model is being \
    loaded and warmed up; for a server that listens only once it is ready, this counts from the start of its process. \
    Red triangles are restarts. Long bars before running are cold starts: keep a spare replica, or make image and \
    weights smaller. A row that keeps alternating between starting and failed is a crash loop: read its log. If no \
    source reports states, running means that the metrics endpoint responds.";

/// The timeline and the table.
#[component]
pub(crate) fn Timeline() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let navigation = expect_context::<Navigation>();
    let fleet = feed.fleet;
    feed.watch_fleet(true);
    on_cleanup(move || feed.watch_fleet(false));
    let options = Memo::new(move |_| navigation.view.with(|view| view.replica_table.clone()));
    let replicas = Memo::new(move |_| {
        let options = options.get();
        fleet.with(|fleet| fleet.as_ref().map(|fleet| filtered_replicas(fleet, &options)).unwrap_or_default())
    });
    provide_context(TimelineContext { fleet, replicas });
    let is_loaded = Memo::new(move |_| fleet.with(Option::is_some));
    let has_rows = Memo::new(move |_| replicas.with(|replicas| !replicas.is_empty()));
    let failure = Memo::new(move |_| fleet.with(|fleet| fleet.as_ref().and_then(|fleet| fleet.failure.clone())));
    let query = Signal::derive(move || fleet.with(|fleet| fleet.as_ref().map(|fleet| fleet.query.clone())));
    let header_text = move || match feed.connection.get() {
        Connection::Down { since_ms, .. } => format!("stale since {}", time::clock(since_ms)),
        _ => fleet.with(|fleet| fleet.as_deref().map(median_ready_text).unwrap_or_default()),
    };
    view! {
        <section
            class="timeline"
            data-testid="timeline"
            data-status=move || if is_loaded.get() { "live" } else { "loading" }
            data-step=move || fleet.with(|fleet| fleet.as_ref().map_or(0, |fleet| fleet.step_ms))
            aria-labelledby="heading-timeline"
        >
            <header>
                <h2 id="heading-timeline">"Timeline"</h2>
                <Help id="timeline" title="Timeline" text=HELP query />
                <Controls options />
                <span class="now">{header_text}</span>
            </header>
            <StateLegend options />
            <Show when=move || failure.with(Option::is_some)>
                <p class="failure" role="alert">{move || failure.get()}</p>
            </Show>
            <Show
                when=move || has_rows.get()
                fallback=move || {
                    let failing = move || feed.failed_targets.with(FailedTargets::text);
                    let text = move || fleet.with(|fleet| empty_text(fleet.as_deref(), &failing()));
                    view! {
                        <p class="nothing" data-testid="no-replicas">
                            {text}
                        </p>
                    }
                }
            >
                <Rows />
                <Table options />
            </Show>
        </section>
    }
}

/// Why there are no rows, given which targets fail. A longer range does not help those.
fn empty_text(fleet: Option<&Fleet>, failing: &str) -> String {
    match fleet {
        None => "Loading…".to_owned(),
        Some(fleet) if fleet.replicas.is_empty() => {
            let remedy = match failing {
                "" => "Select a longer range or another model, or add a target: inferboard-server --target URL.",
                failing => failing,
            };
            format!("No replica states in this scope and time range. {remedy}")
        }
        Some(_) => "No replicas match the filter. Clear the search text or the selected states.".to_owned(),
    }
}

/// The median time to ready in the range; empty if no replica became ready.
fn median_ready_text(fleet: &Fleet) -> String {
    let intervals = fleet.replicas.iter().flat_map(|replica| &replica.intervals);
    let mut ready_ms: Vec<i64> = intervals.filter_map(|interval| interval.ready_ms).collect();
    sort_by(&mut ready_ms, i64::cmp);
    let median = ready_ms.get(ready_ms.len() / 2);
    median.map(|median_ms| format!("median time to ready: {}", time::duration(*median_ms))).unwrap_or_default()
}

/// The text filter and the sort key.
#[component]
fn Controls(options: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let choice = |key: SortKey| Choice { value: key.id().into(), text: key.title().to_ascii_lowercase() };
    let choices: Vec<Choice> = SortKey::all().map(choice).collect();
    let chosen = Signal::derive(move || options.with(|options| options.sort_key.id().to_owned()));
    let choose = move |id: String| {
        if let Some(key) = SortKey::all().find(|key| key.id() == id) {
            navigation.adjust(|view| (view.replica_table.sort_key, view.replica_table.is_reversed) = (key, false));
        }
    };
    view! {
        <input
            type="search"
            class="control"
            data-testid="find-replica"
            placeholder="Filter by name, model or address"
            aria-label="Filter replicas"
            prop:value=move || options.with(|options| options.text.clone())
            on:input=move |event| navigation.adjust(|view| view.replica_table.text = event_target_value(&event))
        />
        <Select name="Sort by" id="sort-replicas" choices chosen choose />
    }
}

/// The number of replicas in a state; none for a state that the legend leaves out.
type StateCounts = [Option<usize>; ReplicaState::ALL.len()];

/// The states that occur in the range or are selected, with the number of replicas that are in them now.
fn state_counts(fleet: Option<&Fleet>, options: &ReplicaTableOptions) -> StateCounts {
    let mut counts = [None::<usize>; ReplicaState::ALL.len()];
    options.states.iter().for_each(|state| counts[*state as usize] = Some(0));
    let Some(fleet) = fleet else { return counts };
    for interval in fleet.replicas.iter().flat_map(|replica| &replica.intervals) {
        counts[interval.state as usize].get_or_insert(0);
    }
    for interval in fleet.replicas.iter().filter_map(|replica| replica.current(fleet.range)) {
        *counts[interval.state as usize].get_or_insert(0) += 1;
    }
    counts
}

/// The states with the number of replicas in each. A click filters the rows and the table.
#[component]
fn StateLegend(options: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let TimelineContext { fleet, .. } = expect_context();
    let counts =
        Memo::new(move |_| options.with(|options| fleet.with(|fleet| state_counts(fleet.as_deref(), options))));
    let item = move |state: ReplicaState| {
        let count = counts.with(|counts| counts[state as usize])?;
        Some(view! {
            <li>
                <button
                    type="button"
                    data-testid="state-filter"
                    data-state=state.id()
                    aria-pressed=move || options.with(|options| options.states.contains(&state)).to_string()
                    title=format!("Show only replicas that are {} now", state.title())
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
        <ul class="legend states" aria-label="Current states">
            {move || ReplicaState::ALL.into_iter().filter_map(item).collect_view()}
        </ul>
    }
}
