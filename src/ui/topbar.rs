//! The two rows on top: scope and sections on the left, time and theme on the right.
use super::{
    cards::shown_section,
    controls::{Choice, IconButton, Select},
    customize::Customize,
    time,
};
use crate::{
    feed::{Connection, Feed, Inventory},
    state::{
        navigation::Navigation,
        prefs::{self, Theme},
        url::duration,
        view::{PRESETS, Range, Refresh},
    },
};
use catalogue::{GRAPHS, Scope, Section};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// The top bar.
#[component]
pub(super) fn TopBar() -> impl IntoView {
    view! {
        <header class="topbar">
            <div class="row">
                <ScopeControls />
                <TimeControls />
            </div>
            <div class="row">
                <Sections />
                <ThemeButton />
            </div>
        </header>
    }
}

/// Model, environment, deployment and replica; a control shows when there is something to choose.
#[component]
fn ScopeControls() -> impl IntoView {
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
                found.into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
            });
            // A link may name something that is not there now; it stays selected and can be left.
            let all = found.into_iter().chain(Some(chosen.get()).filter(|chosen| !chosen.is_empty()));
            all.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
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
            <span class="brand">"Inferboard"</span>
            {control("Model", "model", |scope| &mut scope.model, |inventory, _| inventory.models(), 1)}
            <StatusPill />
            {control("Environment", "environment", |scope| &mut scope.environment, Inventory::environments, 1)}
            {control("Deployment", "deployment", |scope| &mut scope.deployment, Inventory::deployments, 1)}
            {control("Replica", "replica", |scope| &mut scope.replica, Inventory::replicas, 1)}
        </div>
    }
}

/// How many of the selected replicas answer.
#[component]
fn StatusPill() -> impl IntoView {
    let answering = expect_context::<Feed>().answering;
    let class = move || match answering.get() {
        (0, _) => "pill bad",
        (up, all) if up < all => "pill warn",
        _ => "pill ok",
    };
    view! {
        <Show when=move || { answering.get().1 > 0 }>
            <span class=class data-testid="status">
                {move || {
                    let (up, all) = answering.get();
                    format!("{up} of {all} answering")
                }}
            </span>
        </Show>
    }
}

/// Sections that have data, and the one that is open even if it has none.
#[component]
fn Sections() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let shown = shown_section();
    let sections = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        feed.inventory.with(|inventory| {
            let has_data = |section: Section| {
                let own = GRAPHS.iter().filter(|graph| graph.section == section);
                inventory.as_ref().is_some_and(|inventory| own.into_iter().any(|graph| inventory.has(graph, &scope)))
            };
            Section::ALL.into_iter().filter(|section| has_data(*section) || *section == shown.get()).collect::<Vec<_>>()
        })
    });
    view! {
        <nav class="sections" aria-label="Sections">
            <For each=move || sections.get() key=|section| *section let:section>
                <button
                    type="button"
                    data-testid=format!("section-{}", section.id())
                    aria-current=move || (shown.get() == section).then_some("page")
                    on:click=move |_| navigation.go(|view| view.section = Some(section))
                >
                    {section.title()}
                </button>
            </For>
        </nav>
    }
}

/// Back, forward, range, refresh, and the age of what is shown.
#[component]
fn TimeControls() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let range = Memo::new(move |_| navigation.view.with(|view| view.range));
    let choices = Memo::new(move |_| {
        let mut choices: Vec<Choice> = PRESETS
            .iter()
            .map(|(length_ms, text)| Choice { value: length_ms.to_string(), text: (*text).into() })
            .collect();
        let (now_ms, text) = (js_sys::Date::now() as i64, |text: String| text);
        match range.get() {
            Range::Last(length_ms) if PRESETS.iter().all(|(preset, _)| *preset != length_ms) => {
                choices.push(Choice { value: length_ms.to_string(), text: format!("Last {}", duration(length_ms)) });
            }
            Range::Last(_) => {}
            Range::Between(start_ms, end_ms) => {
                let (start, end) = (time::clock_and_day(start_ms, now_ms), time::clock_and_day(end_ms, start_ms));
                choices.push(Choice { value: CUSTOM.into(), text: text(format!("Custom: {start} – {end}")) });
            }
        }
        choices
    });
    let chosen = Memo::new(move |_| match range.get() {
        Range::Last(length_ms) => length_ms.to_string(),
        Range::Between(..) => CUSTOM.into(),
    });
    let choose = move |value: String| {
        if let Ok(length_ms) = value.parse() {
            navigation.select(Range::Last(length_ms));
        }
    };
    view! {
        <div class="group end">
            <IconButton
                name="Back to the range before"
                id="back"
                icon="←"
                press=move || navigation.back()
                is_off=Signal::derive(move || !navigation.can_go_back())
            />
            <IconButton
                name="Forward again"
                id="forward"
                icon="→"
                press=move || navigation.forward()
                is_off=Signal::derive(move || !navigation.can_go_forward())
            />
            <Select name="Range" id="range" choices chosen choose is_bare=true />
            <span class="zone">{move || time::zone(feed.range.get().1)}</span>
            <RefreshControl />
            <Updated />
        </div>
    }
}

const CUSTOM: &str = "custom";

/// The switch for auto-refresh, with its interval.
#[component]
fn RefreshControl() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let is_on = Memo::new(move |_| navigation.view.with(|view| view.refresh.is_on));
    let interval_ms = Memo::new(move |_| navigation.view.with(|view| view.refresh.interval_ms));
    let choices = Memo::new(move |_| {
        let mut intervals = Refresh::INTERVALS_MS.to_vec();
        if !intervals.contains(&interval_ms.get()) {
            intervals.push(interval_ms.get());
        }
        let choice = |ms: i64| Choice { value: ms.to_string(), text: spaced(&duration(ms)) };
        intervals.into_iter().map(choice).collect::<Vec<_>>()
    });
    let choose = move |value: String| {
        if let Ok(interval_ms) = value.parse() {
            navigation.adjust(|view| view.refresh = Refresh { is_on: true, interval_ms });
        }
    };
    view! {
        <span class="refresh">
            <button
                type="button"
                class="switch"
                role="switch"
                data-testid="refresh"
                aria-label="Auto-refresh"
                title="Auto-refresh"
                aria-checked=move || is_on.get().to_string()
                on:click=move |_| navigation.adjust(|view| view.refresh.is_on = !view.refresh.is_on)
            >
                <i></i>
            </button>
            <Select
                name="Refresh every"
                id="every"
                choices
                chosen=Memo::new(move |_| interval_ms.get().to_string())
                choose
                is_bare=true
            />
        </span>
    }
}

/// `5s` as `5 s`.
fn spaced(duration: &str) -> String {
    let digits = duration.find(|c: char| !c.is_ascii_digit()).unwrap_or(duration.len());
    let unit = match &duration[digits..] {
        "m" => "min",
        unit => unit,
    };
    format!("{} {unit}", &duration[..digits])
}

/// How old the newest answer is; pressing it asks again.
#[component]
fn Updated() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let now_ms = RwSignal::new(js_sys::Date::now() as i64);
    let timer = StoredValue::new_local(gloo_timers::callback::Interval::new(1000, move || {
        now_ms.set(js_sys::Date::now() as i64);
    }));
    on_cleanup(move || timer.dispose());
    let text = move || match feed.connection.get() {
        Connection::Opening => "loading".to_owned(),
        Connection::Up { at_ms } => match (now_ms.get() - at_ms) / 1000 {
            ..=1 => "just now".to_owned(),
            seconds => format!("{} ago", time::age(seconds * 1000)),
        },
        Connection::Down { since_ms, .. } => format!("{} old", time::age(now_ms.get() - since_ms)),
    };
    view! {
        <button
            type="button"
            class="updated"
            data-testid="updated"
            title="Time since the last answer; press to ask now"
            on:click=move |_| feed.refresh()
        >
            {text}
        </button>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let theme = expect_context::<RwSignal<Theme>>();
    view! {
        <div class="group end">
            <Customize />
            <IconButton
                name="Light or dark"
                id="theme"
                icon="◐"
                press=move || {
                    let other = theme.get_untracked().other();
                    prefs::choose(other);
                    theme.set(other);
                }
            />
        </div>
    }
}
