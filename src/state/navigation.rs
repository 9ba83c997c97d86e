//! The view, synchronized with the address bar and the browser's history.
use crate::state::url::{decode, encode};
use crate::state::view::{Range, View};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// The view, and the ways to change it.
#[derive(Clone, Copy)]
pub struct Navigation {
    /// The view.
    pub view: RwSignal<View>,
    /// Steps since the page was opened, which back can undo.
    depth: RwSignal<u32>,
    /// The depth that forward can reach.
    max_depth: RwSignal<u32>,
    /// In an iframe, the views of the other steps in order: its history belongs to the parent, and a sandbox has none.
    steps: StoredValue<Vec<View>>,
}

impl Navigation {
    /// Reads the address bar, and follows it when the browser goes back or forward.
    #[expect(clippy::new_without_default, reason = "it creates signals, which belong to the owner that calls it")]
    pub fn new() -> Self {
        let depth = history_depth();
        let navigation = Self {
            view: RwSignal::new(here()),
            depth: RwSignal::new(depth),
            max_depth: RwSignal::new(depth),
            steps: StoredValue::default(),
        };
        if navigation.is_embedded() {
            return navigation;
        }
        let listener = window_event_listener(leptos::ev::popstate, move |_| {
            let view = navigation.view.get_untracked().with_step(here());
            // A step has scope, section and range. The rest stays, in the address too.
            write_history(&encode(&view), history_depth(), false);
            navigation.view.set(view);
            navigation.depth.set(history_depth());
        });
        on_cleanup(move || listener.remove());
        navigation
    }

    /// Changes the view as a step that back can undo.
    pub fn go(self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.get_untracked();
        change(&mut view);
        self.apply(view, true);
    }

    /// Changes the view without a step.
    pub fn adjust(self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.get_untracked();
        change(&mut view);
        self.apply(view, false);
    }

    /// Selects a range as a step.
    pub fn select(self, range: Range) {
        self.go(|view| view.range = range);
    }

    /// Whether there is a step to undo.
    pub fn can_go_back(self) -> bool {
        self.depth.get() > 0
    }

    /// Whether there is an undone step to repeat.
    pub fn can_go_forward(self) -> bool {
        self.depth.get() < self.max_depth.get()
    }

    /// Undoes the last step, if there is one.
    pub fn back(self) {
        let depth = self.depth.get_untracked();
        if depth == 0 {
            return;
        }
        if self.is_embedded() {
            self.swap(depth - 1, depth - 1);
        } else {
            let _ = window().history().map(|history| history.back());
        }
    }

    /// Repeats the step that was undone last, if there is one.
    pub fn forward(self) {
        let depth = self.depth.get_untracked();
        if depth >= self.max_depth.get_untracked() {
            return;
        }
        if self.is_embedded() {
            self.swap(depth, depth + 1);
        } else {
            let _ = window().history().map(|history| history.forward());
        }
    }

    fn is_embedded(self) -> bool {
        self.view.with_untracked(|view| view.embed.is_some())
    }

    /// Exchanges the view with the step at an index, which makes `depth` the current one.
    fn swap(self, at: u32, depth: u32) {
        let view = self.view.get_untracked();
        let step = self.steps.try_update_value(|steps| {
            let there = view.clone().with_step(steps.get(at as usize)?.clone());
            steps[at as usize] = view;
            Some(there)
        });
        if let Some(there) = step.flatten() {
            self.view.set(there);
            self.depth.set(depth);
        }
    }

    fn apply(self, view: View, is_step: bool) {
        let before = self.view.get_untracked();
        if view == before {
            return;
        }
        let depth = self.depth.get_untracked() + u32::from(is_step);
        match (before.embed.is_some(), is_step) {
            (false, _) => write_history(&encode(&view), depth, is_step),
            (true, true) => self.steps.update_value(|steps| {
                steps.truncate(depth as usize - 1);
                steps.push(before);
            }),
            (true, false) => {}
        }
        self.view.set(view);
        if is_step {
            self.depth.set(depth);
            self.max_depth.set(depth);
        }
    }
}

fn here() -> View {
    decode(&window().location().search().unwrap_or_default())
}

fn history_depth() -> u32 {
    let state = window().history().and_then(|history| history.state()).unwrap_or(JsValue::NULL);
    state.as_f64().map_or(0, |depth| depth as u32)
}

/// A sandbox has no history but keeps its view, so errors do not matter.
fn write_history(query: &str, depth: u32, is_new: bool) {
    let Ok(history) = window().history() else { return };
    let url = if query.is_empty() { window().location().pathname().unwrap_or_default() } else { format!("?{query}") };
    let state = JsValue::from_f64(depth.into());
    let _ = if is_new {
        history.push_state_with_url(&state, "", Some(&url))
    } else {
        history.replace_state_with_url(&state, "", Some(&url))
    };
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn steps_extend_the_history_and_adjustments_do_not() {
        let owner = Owner::new();
        owner.with(|| {
            let navigation = Navigation::new();
            let (depth, length) = (navigation.depth.get_untracked(), history_length());
            navigation.select(Range::Last(3_600_000));
            assert_eq!(here().range, Range::Last(3_600_000));
            assert_eq!((navigation.depth.get_untracked(), history_length()), (depth + 1, length + 1));
            navigation.adjust(|view| view.refresh.is_on = false);
            assert!(!here().refresh.is_on);
            assert_eq!(history_length(), length + 1);
            navigation.select(Range::Last(3_600_000));
            assert_eq!(history_length(), length + 1, "without a change there is no step");
            assert!(navigation.can_go_back() && !navigation.can_go_forward());
        });
    }

    #[wasm_bindgen_test]
    fn an_iframe_leaves_the_history_alone() {
        let owner = Owner::new();
        owner.with(|| {
            let navigation = Navigation::new();
            navigation.view.set(decode("embed=cpu"));
            let (search, length, start) =
                (window().location().search(), history_length(), navigation.depth.get_untracked());
            navigation.depth.set(0);
            navigation.max_depth.set(0);
            let range = move || navigation.view.with_untracked(|view| view.range.length_ms());
            let first_ms = range();
            navigation.select(Range::Last(3_600_000));
            navigation.select(Range::Last(60_000));
            navigation.back();
            assert_eq!(range(), 3_600_000);
            navigation.back();
            navigation.back();
            assert_eq!(range(), first_ms);
            navigation.forward();
            navigation.forward();
            navigation.forward();
            assert_eq!(range(), 60_000);
            assert!(navigation.can_go_back() && !navigation.can_go_forward());
            navigation.adjust(|view| view.refresh.is_on = false);
            navigation.back();
            assert!(
                !navigation.view.with_untracked(|view| view.refresh.is_on),
                "how things are shown is not part of a step"
            );
            assert_eq!(range(), 3_600_000);
            navigation.forward();
            assert_eq!((window().location().search(), history_length()), (search, length));
            navigation.depth.set(start);
        });
    }

    fn history_length() -> u32 {
        window().history().and_then(|history| history.length()).expect("a history")
    }
}
