//! Small controls: a drop-down and two kinds of buttons.
use crate::ui::kit::icons::svg;
use leptos::prelude::*;

/// One choice of a [`Select`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
}

/// A drop-down with its name in front. It is the browser's own, so keyboard and touch work as everywhere, but what it shows
/// is as wide as the choice and not as the longest one.
#[component]
pub(crate) fn Select(
    /// The name, visible unless `is_bare`.
    name: &'static str,
    /// The name for tests.
    id: &'static str,
    #[prop(into)] choices: Signal<Vec<Choice>>,
    #[prop(into)] chosen: Signal<String>,
    choose: impl Fn(String) + 'static,
    #[prop(optional)] is_bare: bool,
    /// What it shows in place of the chosen text; empty for that text.
    #[prop(optional, into)]
    short: Signal<String>,
) -> impl IntoView {
    select(name, id, choices, chosen, Box::new(choose), (is_bare, short))
}

// A generic function is monomorphised for each closure, so the controls themselves take a boxed one.
fn select(
    name: &'static str,
    id: &'static str,
    choices: Signal<Vec<Choice>>,
    chosen: Signal<String>,
    choose: Box<dyn Fn(String)>,
    (is_bare, short): (bool, Signal<String>),
) -> impl IntoView {
    let shown = move || match short.get() {
        short if short.is_empty() => {
            let is_chosen = |choice: &&Choice| choice.value == chosen.get();
            choices.with(|choices| choices.iter().find(is_chosen).map(|choice| choice.text.clone())).unwrap_or_default()
        }
        short => short,
    };
    let option = move |choice: Choice| {
        let value = choice.value.clone();
        view! {
            <option value=choice.value selected=move || chosen.get() == value>
                {choice.text}
            </option>
        }
    };
    view! {
        <label class="control select" data-testid=id>
            <span class:visually-hidden=is_bare>{name}</span>
            <span class="chosen" aria-hidden="true">{shown}</span>
            <select aria-label=name prop:value=chosen on:change=move |event| choose(event_target_value(&event))>
                {move || choices.get().into_iter().map(option).collect_view()}
            </select>
        </label>
    }
}

/// A button with an icon, and its name as tooltip.
#[component]
pub(crate) fn IconButton(
    name: &'static str,
    id: &'static str,
    /// The path of its icon.
    icon: &'static str,
    press: impl Fn() + 'static,
    #[prop(optional, into)] is_disabled: Signal<bool>,
) -> impl IntoView {
    icon_button(name, id, icon, Box::new(press), is_disabled)
}

fn icon_button(
    name: &'static str,
    id: &'static str,
    icon: &'static str,
    press: Box<dyn Fn()>,
    is_disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="control icon"
            data-testid=id
            aria-label=name
            title=name
            disabled=is_disabled
            on:click=move |_| press()
            inner_html=svg(icon)
        ></button>
    }
}

/// A button with a label.
#[component]
pub(crate) fn TextButton(text: &'static str, id: &'static str, press: impl Fn() + 'static) -> impl IntoView {
    text_button(text, id, Box::new(press))
}

fn text_button(text: &'static str, id: &'static str, press: Box<dyn Fn()>) -> impl IntoView {
    view! {
        <button type="button" class="control" data-testid=id on:click=move |_| press()>
            {text}
        </button>
    }
}
