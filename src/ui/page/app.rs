//! The root component: what all parts share, and their order on the page or in an iframe.
use crate::data::feed::{Connection, Feed};
use crate::embed::channel::Channel;
use crate::state::cursor::Pointer;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::state::theme::{self, Theme};
use crate::state::url;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::note_marks::NoteEditor;
use crate::ui::kit::dialog::DialogHandle;
use crate::ui::kit::format_time::set_time_zone;
use crate::ui::kit::observe::on_resize;
use crate::ui::page::banner::Banner;
use crate::ui::page::note_dialog::NoteDialog;
use crate::ui::page::section::Content;
use crate::ui::page::shortcuts::Shortcuts;
use crate::ui::page::unknown_scope::UnknownScope;
use crate::ui::topbar::TopBar;
use crate::ui::topbar::scope::UNNAMED;
use crate::wasm_size::effect::{effect, on_change};
use crate::wasm_size::spawn::spawn;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let navigation = Navigation::new();
    let is_embed = navigation.view.with_untracked(|view| view.embed.is_some());
    provide_shared(navigation, is_embed);
    effect(move || {
        let model = navigation.view.with(|view| view.scope.model.clone());
        let model = model.map(|model| if model.is_empty() { UNNAMED.to_owned() } else { model });
        document().set_title(&model.map_or_else(|| "Inferboard".to_owned(), |model| format!("{model} – Inferboard")));
    });
    let content = NodeRef::<html::Main>::new();
    if let Some(channel) = Channel::open(navigation) {
        on_resize(Box::new(move || content.get().map(Into::into)), move || channel.schedule_height(content));
    }
    let shortcuts = DialogHandle::new();
    let top_bar = move || {
        view! {
            <TopBar shortcuts>
                <Shortcuts handle=shortcuts />
                {NoteEditor::current().map(|editor| view! { <NoteDialog editor /> })}
            </TopBar>
        }
    };
    view! {
        {(!is_embed).then(top_bar)}
        <main node_ref=content>
            {is_embed.then(|| view! { <h1 class="visually-hidden">"Inferboard"</h1> })}
            <Banner />
            <UnknownScope />
            <Content />
        </main>
    }
}

/// Provides what all components share, and starts the feed.
fn provide_shared(navigation: Navigation, is_embed: bool) {
    let pointer = Pointer::new();
    let feed = Feed::new(navigation.view, pointer.is_pinned);
    set_time_zone(Memo::new(move |_| navigation.view.with(|view| view.time_zone.clone())));
    let theme = RwSignal::new(theme::current());
    let palette = Memo::new(move |_| {
        theme.track();
        Palette::read()
    });
    follow_system_theme(navigation, theme);
    // The preference becomes part of the address, so that a shared link shows the same numbers.
    let has_rate = window().location().search().is_ok_and(|search| url::has_rate(&search));
    if !is_embed && !has_rate && theme::is_per_minute() {
        navigation.adjust(|view| view.is_per_minute = true);
    }
    let model = Memo::new(move |_| navigation.view.with(|view| view.scope.model.clone().unwrap_or_default()));
    let layouts = Layouts::new(model, !is_embed);
    effect(move || {
        let model = model.get();
        if feed.has_notes.get() {
            spawn(async move {
                if let Some(shared) = feed.fetch_layout(&model).await {
                    layouts.set_shared(&model, shared);
                }
            });
        }
    });
    provide_context(layouts);
    provide_context(navigation);
    provide_context(feed);
    keep_pinch_until_loaded(navigation, feed, pointer);
    // A pinned cursor pauses the page, so it is freed when it would go out of view.
    let place = move || navigation.view.with(|view| (view.scope.clone(), view.section, view.range));
    on_change(place, move || pointer.is_pinned.set(false));
    on_change(move || navigation.view.with(|view| view.scope.clone()), move || feed.forget_overview());
    provide_context(pointer);
    if !is_embed {
        NoteEditor::provide(navigation, pointer, feed);
    }
    provide_context(theme);
    provide_context(palette);
    feed.run();
}

/// Shows a pinched range until a refresh has loaded its data, or until the connection is lost.
fn keep_pinch_until_loaded(navigation: Navigation, feed: Feed, pointer: Pointer) {
    effect(move || {
        let is_down = feed.connection.with(|connection| matches!(connection, Connection::Down { .. }));
        let range = feed.range.get_untracked();
        let wanted_ms = navigation.view.with_untracked(|view| view.range.length_ms());
        let is_done = is_down || range.length_ms() == wanted_ms;
        if is_done && pointer.pinched.get_untracked().is_some_and(|pinched| !pinched.is_held) {
            pointer.pinched.set(None);
        }
    });
}

/// Follows the system's theme until the user, or the page around an iframe, selects one.
fn follow_system_theme(navigation: Navigation, theme: RwSignal<Theme>) {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let apply = move |next: Theme| {
        if theme.get_untracked() != next {
            theme::apply(next);
            theme.set(next);
        }
    };
    let system_theme = |is_dark: bool| if is_dark { Theme::Dark } else { Theme::Light };
    let system = RwSignal::new(system_theme(query.matches()));
    effect(move || {
        if let Some(selected) = navigation.view.with(|view| view.embed.as_ref().map(|embed| embed.theme)) {
            apply(selected.unwrap_or(system.get()));
        }
    });
    let changed = Closure::<dyn Fn(web_sys::MediaQueryListEvent)>::new(move |event: web_sys::MediaQueryListEvent| {
        system.set(system_theme(event.matches()));
        let is_embed = navigation.view.with_untracked(|view| view.embed.is_some());
        if !is_embed && !theme::is_stored() {
            apply(system.get_untracked());
        }
    });
    let _ = query.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
    // The listener is needed as long as the page exists.
    changed.forget();
}
