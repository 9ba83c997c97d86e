//! Tasks with one body for the whole page. Each future given to `spawn_local` adds a copy of what runs it.
use futures::FutureExt;
use leptos::task::spawn_local;

/// Runs a future to its end, beside the page.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    spawn_local(future.boxed_local());
}
