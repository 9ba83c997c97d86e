//! The tooltip of the timeline: the state of one replica at one time.
use crate::data::feed::Feed;
use crate::data::replicas::fleet::Replica;
use crate::state::cursor::Pointer;
use crate::ui::graph::context::PaintedProjection;
use crate::ui::graph::guides::px;
use crate::ui::graph::tooltip::tracks;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escape_html;
use crate::ui::replicas::context::{GRAPH, TimelineContext};
use crate::ui::replicas::paint::{AXIS_PX, ROW_PX, interval_duration};
use leptos::prelude::*;
use std::fmt::Write;

/// The tooltip describes restarts up to this distance from the cursor, in CSS pixels.
const MAX_DISTANCE_PX: f64 = 7.0;

/// The tooltip below its row, or above it if there is more room.
#[component]
pub(crate) fn Hover(
    row: Memo<Option<usize>>,
    x: Memo<Option<f64>>,
    painted: PaintedProjection,
    scroll_top: RwSignal<f64>,
) -> impl IntoView {
    let TimelineContext { replicas, .. } = expect_context();
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    move || {
        let (row, x, projection) = (row.get()?, x.get()?, painted.get()?);
        let cursor = pointer.cursor.get().filter(|cursor| cursor.graph == GRAPH)?;
        let replica = replicas.with(|replicas| replicas.get(row).cloned())?;
        let max_distance_ms = (MAX_DISTANCE_PX / projection.per_ms()) as i64;
        let html = description(&replica, cursor.time_ms, max_distance_ms, feed.now_ms());
        let top = row as f64 * ROW_PX - scroll_top.get();
        let is_above = top > projection.bottom / 2.0;
        let (above, below) = (px(projection.bottom + AXIS_PX - top), px(top + ROW_PX));
        Some(view! {
            <div
                class="tooltip-place"
                style:top=if is_above { "auto".to_owned() } else { below }
                style:bottom=if is_above { above } else { "auto".to_owned() }
                style:grid-template-columns=tracks(x, &projection)
            >
                <div class="tooltip here" class:pinned=move || pointer.is_pinned.get() data-testid="timeline-tooltip">
                    <table inner_html=html></table>
                </div>
            </div>
        })
    }
}

/// A replica at a time, as rows of an HTML table.
fn description(replica: &Replica, time_ms: i64, max_distance_ms: i64, today_ms: i64) -> String {
    let clock = |time_ms| time::clock_and_day(time_ms, today_ms);
    let mut html = format!("<tr><th colspan=\"2\">{}</th></tr>", escape_html(&replica.name));
    let mut row = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = write!(html, "<tr><td>{name}</td><td>{}</td></tr>", escape_html(text));
        }
    };
    row("Time", &clock(time_ms));
    match replica.intervals.iter().rfind(|interval| interval.start_ms <= time_ms && time_ms <= interval.end_ms) {
        Some(interval) => {
            row("State", &format!("{} {}", interval.state.title(), interval_duration(interval)));
            let before = if interval.may_start_earlier { "before " } else { "" };
            row("From", &format!("{before}{} to {}", clock(interval.start_ms), clock(interval.end_ms)));
            row("Ready after", &interval.ready_ms.map(time::duration).unwrap_or_default());
        }
        None => row("State", "unknown"),
    }
    row("Scrape failure", replica.failure_at(time_ms));
    let is_near = |restart_ms: i64| (restart_ms - time_ms).abs() <= max_distance_ms;
    for restart in replica.restarts.iter().filter(|restart| is_near(restart.time_ms)) {
        let times = if restart.count > 1 { format!("{} times ", restart.count) } else { String::new() };
        let reason = if restart.reason.is_empty() { "unknown reason" } else { &restart.reason };
        row("Restarted", &format!("{times}at {}: {reason}", clock(restart.time_ms)));
    }
    row("Model", &replica.model);
    row("Engine", &replica.engine);
    row("Address", &replica.address);
    html
}
