//! What a link to a scope that nothing has shows: that it is unknown, and the known names to choose from.
use crate::data::discovery::scope_key::PARTS;
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::ui::topbar::scope::{LABELS, UNNAMED, values_of};
use leptos::prelude::*;

/// Known names that are offered as buttons; the controls above list all.
const MAX_BUTTONS: usize = 12;

/// What a banner about an unknown name says.
#[derive(Clone, PartialEq)]
struct UnknownName {
    /// Its number among the parts of a scope.
    part: usize,
    text: String,
    known: Vec<String>,
}

/// Whether nothing has the selected scope.
pub(crate) fn is_unknown(feed: Feed, navigation: Navigation) -> bool {
    let scope = navigation.view.with(|view| view.scope.clone());
    feed.inventory.with(|inventory| inventory.as_ref().is_some_and(|own| own.unknown(&scope).is_some()))
}

/// The banner; nothing while discovery is running or if the scope is known.
#[component]
pub(crate) fn UnknownScope() -> impl IntoView {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    let unknown = Memo::new(move |_| {
        let mut scope = navigation.view.with(|view| view.scope.clone());
        feed.inventory.with(|inventory| {
            let inventory = inventory.as_ref()?;
            let part = inventory.unknown(&scope)?;
            let label = LABELS[part];
            let kind = label.name.to_ascii_lowercase();
            let name = PARTS[part](&mut scope).take().unwrap_or_default();
            let text = match name.is_empty() {
                true => "Everything in this time range names its model.".to_owned(),
                false => format!("Nothing in this time range has the {kind} \u{201c}{name}\u{201d}."),
            };
            let known = values_of(label, inventory, &scope);
            let hint = match known.is_empty() {
                true => format!("No {kind} is known. Another time range may have it."),
                false => "Choose one that is known, or another time range:".to_owned(),
            };
            Some(UnknownName { part, text: format!("{text} {hint}"), known })
        })
    });
    let choose = move |part: usize, value: Option<String>| {
        navigation.go(|view| {
            // What is narrower belonged to the unknown name.
            for part in PARTS.iter().skip(part) {
                *part(&mut view.scope) = None;
            }
            *PARTS[part](&mut view.scope) = value;
        });
    };
    let button = move |part: usize, value: Option<String>| {
        let text = match value.as_deref() {
            None => "All".to_owned(),
            Some("") => UNNAMED.to_owned(),
            Some(name) => name.to_owned(),
        };
        view! {
            <button type="button" class="control" on:click=move |_| choose(part, value.clone())>
                {text}
            </button>
        }
    };
    let banner = move |UnknownName { part, text, known }: UnknownName| {
        let known = known.into_iter().take(MAX_BUTTONS).map(Some).chain([None]);
        view! {
            <div class="banner warn" role="status" data-testid="unknown-scope">
                <p>{text}</p>
                {known.map(|value| button(part, value)).collect_view()}
            </div>
        }
    };
    move || unknown.get().map(banner)
}
