//! Observers of an element's size and visibility.
use crate::wasm_size::effect::effect;
use js_sys::Array;
use leptos::html::Canvas;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

/// A size in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Size {
    /// Whether there is nothing to paint on, as before the first layout.
    pub(crate) fn is_empty(self) -> bool {
        self.width < 1.0 || self.height < 1.0
    }
}

/// An element, once it is on the page.
pub(crate) type ElementSource = Box<dyn Fn() -> Option<Element>>;

/// The size of a canvas, kept up to date.
pub(crate) fn element_size(canvas: NodeRef<Canvas>) -> RwSignal<Size> {
    let size = RwSignal::new(Size::default());
    let measure = move || {
        if let Some(canvas) = canvas.get_untracked() {
            size.set(Size { width: canvas.client_width().into(), height: canvas.client_height().into() });
        }
    };
    effect(move || {
        canvas.track();
        measure();
    });
    on_resize(Box::new(move || canvas.get().map(Into::into)), measure);
    size
}

/// Runs `run` when the size of the element changes.
pub(crate) fn on_resize(element: ElementSource, run: impl Fn() + 'static) {
    let callback = Closure::<dyn Fn(Array)>::new(move |_| run());
    if let Ok(observer) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
        observe(element, Observer::Resize(observer), callback);
    }
}

/// Runs `run` when the element scrolls into the window, with true, or out of it.
pub(crate) fn on_visibility_change(element: ElementSource, run: impl Fn(bool) + 'static) {
    let callback = Closure::<dyn Fn(Array)>::new(move |entries: Array| {
        if let Ok(last) = entries.at(-1).dyn_into::<IntersectionObserverEntry>() {
            run(last.is_intersecting());
        }
    });
    if let Ok(observer) = IntersectionObserver::new(callback.as_ref().unchecked_ref()) {
        observe(element, Observer::Intersection(observer), callback);
    }
}

/// An observer of the browser.
enum Observer {
    Resize(ResizeObserver),
    Intersection(IntersectionObserver),
}

/// Observes the element until the owner is cleaned up. The callback lives as long as the observer.
fn observe(element: ElementSource, observer: Observer, callback: Closure<dyn Fn(Array)>) {
    let observer = StoredValue::new_local((observer, callback));
    effect(move || {
        if let Some(element) = element() {
            observer.with_value(|(observer, _)| match observer {
                Observer::Resize(observer) => observer.observe(&element),
                Observer::Intersection(observer) => observer.observe(&element),
            });
        }
    });
    on_cleanup(move || {
        observer.with_value(|(observer, _)| match observer {
            Observer::Resize(observer) => observer.disconnect(),
            Observer::Intersection(observer) => observer.disconnect(),
        });
    });
}
