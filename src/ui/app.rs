//! The whole page: what is shared, and the order of its parts.
use super::{banner::Banner, cards::Cards, colours::Palette, time, topbar::TopBar};
use crate::{
    feed::Feed,
    state::{cursor::Pointer, layouts::Layouts, navigation::Navigation, prefs},
};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let navigation = Navigation::new();
    let feed = Feed::new(navigation.view);
    time::show_in(Memo::new(move |_| navigation.view.with(|view| view.zone.clone())));
    let theme = RwSignal::new(prefs::current());
    let palette = Memo::new(move |_| {
        theme.track();
        Palette::read()
    });
    follow_system(theme);
    let model = Memo::new(move |_| navigation.view.with(|view| view.scope.model.clone().unwrap_or_default()));
    provide_context(Layouts::new(model));
    provide_context(navigation);
    provide_context(feed);
    provide_context(Pointer::new());
    provide_context(theme);
    provide_context(palette);
    feed.run();
    Effect::new(move |_| {
        let model = navigation.view.with(|view| view.scope.model.clone());
        document().set_title(&model.map_or_else(|| "Inferboard".to_owned(), |model| format!("{model} – Inferboard")));
    });
    view! {
        <TopBar />
        <main>
            <Banner />
            <Cards />
        </main>
    }
}

/// Until a theme is chosen, the page has the system's.
fn follow_system(theme: RwSignal<prefs::Theme>) {
    let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let changed = Closure::<dyn Fn(web_sys::MediaQueryListEvent)>::new(move |event: web_sys::MediaQueryListEvent| {
        if !prefs::is_chosen() {
            let system = if event.matches() { prefs::Theme::Dark } else { prefs::Theme::Light };
            prefs::apply(system);
            theme.set(system);
        }
    });
    let _ = query.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
    // It listens as long as the page lives.
    changed.forget();
}
