//! The whole page, or in a frame what the link asks of it: what is shared, and the order of the parts.
use crate::data::feed::{Connection, Feed};
use crate::embed::channel::Channel;
use crate::state::cursor::Pointer;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::state::{theme as prefs, url};
use crate::ui::graph::colours::Palette;
use crate::ui::kit::format_time as time;
use crate::ui::page::banner::Banner;
use crate::ui::page::section::Cards;
use crate::ui::page::shortcuts::Shortcuts;
use crate::ui::topbar::TopBar;
use crate::wasm_size::effect::{effect, on_change};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let navigation = Navigation::new();
    let pointer = Pointer::new();
    let feed = Feed::new(navigation.view, pointer.is_pinned);
    time::show_in(Memo::new(move |_| navigation.view.with(|view| view.time_zone.clone())));
    let theme = RwSignal::new(prefs::current());
    let palette = Memo::new(move |_| {
        theme.track();
        Palette::read()
    });
    let is_framed = navigation.view.with_untracked(|view| view.embed.is_some());
    follow_system(navigation, theme);
    // In the address at once, so that whoever gets it sees the same numbers.
    let says_rate = window().location().search().is_ok_and(|search| url::has_rate(&search));
    if !is_framed && !says_rate && prefs::is_per_minute() {
        navigation.adjust(|view| view.is_per_minute = true);
    }
    let model = Memo::new(move |_| navigation.view.with(|view| view.scope.model.clone().unwrap_or_default()));
    provide_context(Layouts::new(model, !is_framed));
    provide_context(navigation);
    provide_context(feed);
    pinched_until_drawn(navigation, feed, pointer);
    // What is pinned holds the page, so it may not go out of sight.
    let step = move || navigation.view.with(|view| (view.scope.clone(), view.section, view.range));
    on_change(step, move || pointer.is_pinned.set(false));
    provide_context(pointer);
    provide_context(theme);
    provide_context(palette);
    feed.run();
    effect(move || {
        let model = navigation.view.with(|view| view.scope.model.clone());
        document().set_title(&model.map_or_else(|| "Inferboard".to_owned(), |model| format!("{model} – Inferboard")));
    });
    let content = NodeRef::<html::Main>::new();
    Channel::open(navigation, content);
    view! {
        {(!is_framed).then(|| view! {
                <TopBar>
                    <Shortcuts />
                </TopBar>
            })}
        <main node_ref=content>
            {is_framed.then(|| view! { <h1 class="visually-hidden">"Inferboard"</h1> })}
            <Banner />
            <Cards />
        </main>
    }
}

/// What the pointer has pinched the range to is shown until a refresh has brought the data, or cannot.
fn pinched_until_drawn(navigation: Navigation, feed: Feed, pointer: Pointer) {
    effect(move || {
        let is_down = feed.connection.with(|connection| matches!(connection, Connection::Down { .. }));
        let range = feed.range.get_untracked();
        let wanted_ms = navigation.view.with_untracked(|view| view.range.length_ms());
        let has_come = is_down || range.length_ms() == wanted_ms;
        if has_come && pointer.pinched.get_untracked().is_some_and(|pinched| !pinched.is_held) {
            pointer.pinched.set(None);
        }
    });
}

/// Until a theme is chosen, here or by the page around a frame, the page has the system's.
fn follow_system(navigation: Navigation, theme: RwSignal<prefs::Theme>) {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let take = move |next: prefs::Theme| {
        if theme.get_untracked() != next {
            prefs::apply(next);
            theme.set(next);
        }
    };
    let of_system = |is_dark: bool| if is_dark { prefs::Theme::Dark } else { prefs::Theme::Light };
    let system = RwSignal::new(of_system(query.matches()));
    effect(move || {
        if let Some(asked) = navigation.view.with(|view| view.embed.as_ref().map(|frame| frame.theme)) {
            take(asked.unwrap_or(system.get()));
        }
    });
    let changed = Closure::<dyn Fn(web_sys::MediaQueryListEvent)>::new(move |event: web_sys::MediaQueryListEvent| {
        system.set(of_system(event.matches()));
        let is_framed = navigation.view.with_untracked(|view| view.embed.is_some());
        if !is_framed && !prefs::is_chosen() {
            take(system.get_untracked());
        }
    });
    let _ = query.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
    // It listens as long as the page lives.
    changed.forget();
}
