//! What is on the page while something holds. Leptos's own brings a copy of itself for each place where it is used.
use leptos::{
    children::{ChildrenFn, ViewFn},
    prelude::*,
};

/// The children while `when` holds, and else the fallback.
#[component]
pub(super) fn Show(
    #[prop(into)] when: Signal<bool>,
    children: ChildrenFn,
    #[prop(optional, into)] fallback: ViewFn,
) -> impl IntoView {
    let when = Memo::new(move |_| when.get());
    move || if when.get() { children() } else { fallback.run() }
}
