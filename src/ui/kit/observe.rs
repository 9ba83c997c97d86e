//! Elements whose size or visibility the page follows.
use crate::wasm_size::effect::effect;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// The element's size in CSS pixels, kept up to date.
pub(crate) fn size_of(canvas: NodeRef<html::Canvas>) -> RwSignal<(f64, f64)> {
    let size = RwSignal::new((0.0, 0.0));
    let callback = Closure::<dyn Fn(JsValue)>::new(move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            size.set((canvas.client_width().into(), canvas.client_height().into()));
        }
    });
    let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return size };
    let watcher = StoredValue::new_local((observer, callback));
    effect(move || {
        if let Some(canvas) = canvas.get() {
            size.set((canvas.client_width().into(), canvas.client_height().into()));
            watcher.with_value(|(observer, _)| observer.observe(&canvas));
        }
    });
    on_cleanup(move || watcher.with_value(|(observer, _)| observer.disconnect()));
    size
}

/// Tells when the element comes near the screen and leaves it.
pub(crate) fn watch_screen(node: NodeRef<html::Section>, tell: impl Fn(bool) + 'static) {
    let callback = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        if let Ok(last) = entries.at(-1).dyn_into::<web_sys::IntersectionObserverEntry>() {
            tell(last.is_intersecting());
        }
    });
    let Ok(observer) = web_sys::IntersectionObserver::new(callback.as_ref().unchecked_ref()) else { return };
    let watcher = StoredValue::new_local((observer, callback));
    effect(move || {
        if let Some(element) = node.get() {
            watcher.with_value(|(observer, _)| observer.observe(&element));
        }
    });
    on_cleanup(move || watcher.with_value(|(observer, _)| observer.disconnect()));
}
