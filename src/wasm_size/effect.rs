//! Effects with one body for the whole page. Each closure given to `Effect::new` adds a copy of the task that runs it.
use leptos::prelude::Effect;

/// Runs `run` after this tick, and whenever a signal that it has read changes.
pub(crate) fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    #[expect(clippy::disallowed_methods, reason = "the one effect of the page")]
    Effect::new(run);
}

/// Runs `run` whenever the value of `read` changes.
pub(crate) fn on_change<T: PartialEq + 'static>(read: impl Fn() -> T + 'static, run: impl Fn() + 'static) {
    let mut last = None;
    effect(move || {
        let now = read();
        let has_changed = last.as_ref().is_some_and(|last| *last != now);
        last = Some(now);
        if has_changed {
            run();
        }
    });
}
