//! The range: presets, back and forward, panning, and a dialog for any other time and the zone.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::time_range::TimeRange;
use crate::state::url::format_duration;
use crate::state::view::{PRESETS, Range};
use crate::ui::kit::format_time as time;
use crate::ui::kit::controls::{Choice, IconButton, Select};
use crate::ui::topbar::range_dialog::WhenButton;
use crate::ui::topbar::refresh::{RefreshControl, Updated};
use leptos::prelude::*;

/// Back, forward, range, refresh, and the age of what is shown.
#[component]
pub(crate) fn TimeControls() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let range = Memo::new(move |_| navigation.view.with(|view| view.range));
    let choices = Memo::new(move |_| {
        let mut choices: Vec<Choice> = PRESETS
            .iter()
            .map(|(length_ms, text)| Choice { value: length_ms.to_string(), text: (*text).into() })
            .collect();
        let now_ms = feed.now_ms();
        match range.get() {
            Range::Last(length_ms) if PRESETS.iter().all(|(preset, _)| *preset != length_ms) => {
                choices.push(Choice {
                    value: length_ms.to_string(),
                    text: format!("Last {}", format_duration(length_ms)),
                });
            }
            Range::Last(_) => {}
            Range::Between(TimeRange { start_ms, end_ms }) => {
                let (start, end) = (time::clock_and_day(start_ms, now_ms), time::clock_and_day(end_ms, start_ms));
                choices.push(Choice { value: CUSTOM.into(), text: format!("Custom: {start} – {end}") });
            }
        }
        choices
    });
    let chosen = Memo::new(move |_| match range.get() {
        Range::Last(length_ms) => length_ms.to_string(),
        Range::Between(..) => CUSTOM.into(),
    });
    let choose = move |value: String| {
        if let Ok(length_ms) = value.parse() {
            navigation.select(Range::Last(length_ms));
        }
    };
    // Half a range at a time, so that what was in the middle stays in sight.
    let pan = move |by: i64| navigation.go(|view| view.range = view.range.panned(by, feed.now_ms()));
    view! {
        <div class="group end">
            <IconButton
                name="Back to the range before"
                id="back"
                icon="←"
                press=move || navigation.back()
                is_off=Signal::derive(move || !navigation.can_go_back())
            />
            <IconButton
                name="Forward again"
                id="forward"
                icon="→"
                press=move || navigation.forward()
                is_off=Signal::derive(move || !navigation.can_go_forward())
            />
            <IconButton name="Earlier" id="earlier" icon="«" press=move || pan(-1) />
            <Select name="Range" id="range" choices chosen choose is_bare=true />
            <IconButton name="Later" id="later" icon="»" press=move || pan(1) />
            <span class="zone" data-testid="zone-shown">{move || time::zone(feed.range.get().end_ms)}</span>
            <WhenButton />
            <RefreshControl />
            <Updated />
        </div>
    }
}

const CUSTOM: &str = "custom";
