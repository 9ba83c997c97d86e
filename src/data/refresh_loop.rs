//! The refresh loop: scheduling, back-off and connection state.
use crate::data::feed::{Connection, Feed};
use crate::data::graph::card_state::CardState;
use crate::data::http::client::reload_sandboxed_frame;
use crate::data::http::error::RequestError;
use crate::data::http::server_clock::browser_ms;
use crate::wasm_size::effect::on_change;
use crate::wasm_size::spawn::spawn;
use gloo_timers::callback::Interval;
use leptos::prelude::*;

/// How often the page checks whether a refresh is due.
const TICK_MS: u32 = 250;

/// The first and the longest wait for a server that has not scraped twice yet; it doubles from one to the other.
const YOUNG_WAIT_MS: i64 = 250;
const MAX_YOUNG_WAIT_MS: i64 = 1000;

/// The longest wait after a failed refresh, in seconds.
const MAX_RETRY_S: f64 = 30.0;

impl Feed {
    /// Refreshes now, at every refresh interval while the page is visible, and whenever the view changes.
    pub fn run(self) {
        self.refresh();
        on_change(move || self.view.with(|view| view.scope.clone()), move || self.forget());
        on_change(move || self.view.with(|view| (view.scope.clone(), view.range)), move || self.refresh());
        let refresh_soon = move || self.state.update_value(|state| state.schedule.due_ms = 0);
        on_change(move || self.view.with(|view| view.refresh), refresh_soon);
        let timer = Interval::new(TICK_MS, move || {
            let is_due = self.state.with_value(|state| browser_ms() >= state.schedule.due_ms);
            let is_wanted = self.view.with_untracked(|view| view.refresh.is_on) && !self.is_paused.get_untracked()
                || matches!(self.connection.get_untracked(), Connection::Down { .. });
            if is_due && is_wanted && !document().hidden() {
                self.start();
            }
        });
        self.state.update_value(|state| state.schedule.timer = Some(timer));
        on_cleanup(move || self.state.update_value(|state| state.schedule.timer = None));
    }

    /// Drops the data, which must not look as if another scope had measured them.
    fn forget(self) {
        for slot in self.slots() {
            slot.state.set(CardState::default());
        }
        self.events.set(Vec::new());
        self.fleet.set(None);
    }

    /// Refreshes now, or as soon as the running refresh ends.
    pub fn refresh(self) {
        self.state.update_value(|state| state.schedule.is_requested = true);
        self.start();
    }

    fn start(self) {
        let begins = self.state.try_update_value(|state| !std::mem::replace(&mut state.schedule.is_running, true));
        if begins != Some(true) {
            return;
        }
        spawn(async move {
            loop {
                self.state.update_value(|state| state.schedule.is_requested = false);
                let began_ms = browser_ms();
                let result = self.refresh_once().await;
                self.finish(result, began_ms);
                if !self.state.with_value(|state| state.schedule.is_requested) {
                    break;
                }
            }
            self.state.update_value(|state| state.schedule.is_running = false);
        });
    }

    /// Schedules the next refresh, and sets the connection state.
    fn finish(self, result: Result<(), RequestError>, began_ms: i64) {
        let error = match result {
            Ok(()) => {
                let every_ms = self.view.with_untracked(|view| view.refresh.interval_ms);
                self.state.update_value(|state| {
                    // A server that has just started has more to show after each scrape.
                    let young_ms = (YOUNG_WAIT_MS << state.schedule.young_waits.min(8)).min(MAX_YOUNG_WAIT_MS);
                    let wait_ms = if state.has_intervals { every_ms } else { every_ms.min(young_ms) };
                    state.schedule.young_waits += 1;
                    state.schedule.failures = 0;
                    state.schedule.due_ms = began_ms + wait_ms;
                });
                self.connection.set(Connection::Up { at_ms: self.now_ms() });
                return;
            }
            Err(error) => error,
        };
        if self.inventory.with_untracked(Option::is_some) {
            spawn(reload_sandboxed_frame());
        }
        let failures = self.state.with_value(|state| state.schedule.failures);
        // 1, 2, 4 … 30 s, with jitter so that many pages do not return at once.
        let max_wait_ms = 1000.0 * f64::from(1_u32 << failures.min(5)).min(MAX_RETRY_S);
        let retry_ms = browser_ms() + (max_wait_ms * (0.5 + 0.5 * js_sys::Math::random())) as i64;
        self.state.update_value(|state| {
            state.schedule.failures = failures + 1;
            state.schedule.due_ms = retry_ms;
        });
        let since_ms = match self.connection.get_untracked() {
            Connection::Opening => began_ms,
            Connection::Up { at_ms } => at_ms,
            Connection::Down { since_ms, .. } => since_ms,
        };
        // Of another server, its address may be what is wrong.
        let address = self.state.with_value(|state| state.address.clone().filter(|_| error.is_connection()));
        let why = address.map_or_else(|| error.to_string(), |address| format!("{error}: {address}"));
        for slot in self.slots() {
            slot.state.update(|card| card.age(&why, since_ms));
        }
        self.connection.set(Connection::Down { since_ms, why, retry_ms });
    }
}
