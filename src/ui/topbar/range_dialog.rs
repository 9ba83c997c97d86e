//! The dialog for a custom time range, as text or in date fields, and for the time zone.
use crate::data::events::{Event, EventKind};
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::range_parser::{RangeError, format_field, is_since_restart, parse_field, parse_range};
use crate::state::time_range::TimeRange;
use crate::state::time_zone::TimeZone;
use crate::state::view::Range;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::IconButton;
use crate::ui::kit::dialog::{Dialog, DialogHandle};
use crate::ui::kit::format_time as time;
use crate::ui::kit::icons::CALENDAR;
use leptos::ev;
use leptos::prelude::*;

/// Suggested time zones; the field accepts every IANA name.
const ZONES: [&str; 8] = [
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
];

/// The button that opens the dialog, and the dialog.
#[component]
pub(crate) fn RangeDialogButton(handle: DialogHandle) -> impl IntoView {
    view! {
        <IconButton name="Custom time range" id="when" icon=CALENDAR press=move || handle.open() />
        <Dialog handle id="when" title="Custom time range">
            <Panel handle />
        </Dialog>
    }
}

#[component]
fn Panel(handle: DialogHandle) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<RangeError>);
    let TimeRange { start_ms, end_ms } = navigation.view.with_untracked(|view| view.range.resolve(feed.now_ms()));
    let offset_ms = |time_ms: i64| untrack(|| time::offset_ms(time_ms));
    let start = RwSignal::new(format_field(start_ms, &offset_ms));
    let end = RwSignal::new(format_field(end_ms, &offset_ms));
    let apply = move |range: Result<Range, RangeError>| match range {
        Ok(range) => {
            navigation.select(range);
            handle.close();
        }
        Err(problem) => error.set(Some(problem)),
    };
    let apply_text = move |event: ev::SubmitEvent| {
        event.prevent_default();
        apply(text.with_untracked(|text| match is_since_restart(text) {
            true => since_restart(feed),
            false => parse_range(text, feed.now_ms(), &offset_ms),
        }));
    };
    let apply_fields = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let time = |field: RwSignal<String>| field.with_untracked(|text| parse_field(text, &offset_ms));
        apply(match (time(start), time(end)) {
            (Some(start_ms), Some(end_ms)) if start_ms < end_ms => Ok(Range::between(start_ms, end_ms)),
            (Some(_), Some(_)) => Err(RangeError::Backwards),
            _ => Err(RangeError::Unknown),
        });
    };
    view! {
        <form on:submit=apply_text>
            <label>
                "Range"
                <input
                    type="text"
                    class="control"
                    data-testid="when-words"
                    placeholder="90m, 14:05, yesterday, last week, since 9:00"
                    autofocus
                    prop:value=move || text.get()
                    on:input=move |event| {
                        error.set(None);
                        text.set(event_target_value(&event));
                    }
                />
            </label>
            <button type="submit" class="control" data-testid="when-take">"Apply"</button>
        </form>
        <form on:submit=apply_fields>
            <DateField name="From" value=start />
            <DateField name="To" value=end />
            <button type="submit" class="control">"Apply"</button>
        </form>
        <p class="problem" role="alert" data-testid="when-problem">
            {move || error.get().map(|error| error.to_string())}
        </p>
        <ZoneField />
    }
}

/// The range from the newest restart in the visible range up to now.
fn since_restart(feed: Feed) -> Result<Range, RangeError> {
    let is_restart = |event: &&Event| event.kind == EventKind::Started;
    let newest = feed.events.with_untracked(|events| events.iter().filter(is_restart).map(|event| event.time_ms).max());
    newest.map(|time_ms| Range::between(time_ms, feed.now_ms())).ok_or(RangeError::NoRestart)
}

#[component]
fn DateField(name: &'static str, value: RwSignal<String>) -> impl IntoView {
    view! {
        <label>
            {name}
            <input
                type="datetime-local"
                class="control"
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

/// The time zone: the browser's, UTC, or any by name.
#[component]
fn ZoneField() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let is_unknown = RwSignal::new(false);
    let current = Memo::new(move |_| navigation.view.with(|view| view.time_zone.id().to_owned()));
    let choose = move |event: ev::Event| {
        let zone = TimeZone::from_id(event_target_value(&event).trim());
        is_unknown.set(!zone.is_known());
        if zone.is_known() {
            navigation.adjust(|view| view.time_zone = zone);
        }
    };
    view! {
        <form on:submit=|event: ev::SubmitEvent| event.prevent_default()>
            <label>
                "Time zone"
                <input
                    class="control"
                    data-testid="zone"
                    list="zones"
                    placeholder="Browser time zone"
                    prop:value=move || current.get()
                    on:change=choose
                />
            </label>
            <datalist id="zones">
                <option value="UTC"></option>
                {ZONES.map(|zone| view! { <option value=zone></option> })}
            </datalist>
        </form>
        <Show when=move || is_unknown.get()>
            <p class="problem" role="alert">"Unknown time zone. Use an IANA name such as Europe/Berlin."</p>
        </Show>
    }
}
