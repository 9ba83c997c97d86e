//! The time range controls: history, presets, panning, and the dialog for a custom range.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::range_parser::parse_range;
use crate::state::time_range::TimeRange;
use crate::state::url::format_duration;
use crate::state::view::{DAYS, PRESETS, Range};
use crate::ui::kit::controls::{Choice, IconButton, Select};
use crate::ui::kit::dialog::DialogHandle;
use crate::ui::kit::format_time as time;
use crate::ui::kit::icons::{BACK, FORWARD, LEFT, RIGHT};
use crate::ui::topbar::range_dialog::RangeDialogButton;
use leptos::prelude::*;

/// The value of the drop-down while a custom range is selected.
const CUSTOM: &str = "custom";

/// The controls in the order of the top bar.
#[component]
pub(crate) fn TimeControls(
    /// The dialog for a custom range.
    handle: DialogHandle,
) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let range = Memo::new(move |_| navigation.view.with(|view| view.range));
    let choices = Memo::new(move |_| choices(range.get(), feed.now_ms()));
    let chosen = Memo::new(move |_| match range.get() {
        Range::Last(length_ms) => length_ms.to_string(),
        Range::Between(..) => CUSTOM.into(),
    });
    let choose = move |value: String| {
        let offset_ms = |time_ms: i64| untrack(|| time::offset_ms(time_ms));
        let range = value.parse().map(Range::Last).or_else(|_| parse_range(&value, feed.now_ms(), &offset_ms));
        if let Ok(range) = range {
            navigation.select(range);
        }
    };
    let short = Signal::derive(move || short_text(range.get(), feed.now_ms()));
    // Half a range at a time keeps the middle visible.
    let pan = move |halves: i64| navigation.go(|view| view.range = view.range.panned(halves, feed.now_ms()));
    view! {
        <div class="times">
            <IconButton
                name="Previous range"
                id="back"
                icon=BACK
                press=move || navigation.back()
                is_disabled=Signal::derive(move || !navigation.can_go_back())
            />
            <IconButton
                name="Next range"
                id="forward"
                icon=FORWARD
                press=move || navigation.forward()
                is_disabled=Signal::derive(move || !navigation.can_go_forward())
            />
            <IconButton name="Earlier" id="earlier" icon=LEFT press=move || pan(-1) />
            <Select name="Time range" id="range" choices chosen choose is_bare=true short />
            <IconButton name="Later" id="later" icon=RIGHT press=move || pan(1) />
            <RangeDialogButton handle />
            <span class="zone" data-testid="zone-shown">{move || time::offset_text(feed.range.get().end_ms)}</span>
        </div>
    }
}

/// A range without the words around it, and without the day and the seconds where they say nothing.
fn short_text(range: Range, now_ms: i64) -> String {
    match range {
        Range::Last(length_ms) => time::duration(length_ms),
        Range::Between(TimeRange { start_ms, end_ms }) => {
            let text = |time_ms: i64, day_ms: i64| {
                let text = time::clock_and_day(time_ms, day_ms);
                text.strip_suffix(":00").filter(|_| time_ms % 60_000 == 0).map(str::to_owned).unwrap_or(text)
            };
            format!("{} – {}", text(start_ms, now_ms), text(end_ms, start_ms))
        }
    }
}

/// The presets, and the selected range if it is none of them.
fn choices(range: Range, now_ms: i64) -> Vec<Choice> {
    let preset = |(length_ms, text): &(i64, &str)| Choice { value: length_ms.to_string(), text: (*text).into() };
    let day = |(value, text): &(&str, &str)| Choice { value: (*value).into(), text: (*text).into() };
    let mut choices: Vec<Choice> = PRESETS.iter().map(preset).chain(DAYS.iter().map(day)).collect();
    match range {
        Range::Last(length_ms) if PRESETS.iter().all(|(preset, _)| *preset != length_ms) => {
            let text = format!("Last {}", format_duration(length_ms));
            choices.push(Choice { value: length_ms.to_string(), text });
        }
        Range::Last(_) => {}
        Range::Between(TimeRange { start_ms, end_ms }) => {
            let (start, end) = (time::clock_and_day(start_ms, now_ms), time::clock_and_day(end_ms, start_ms));
            choices.push(Choice { value: CUSTOM.into(), text: format!("Custom: {start} – {end}") });
        }
    }
    choices
}
