//! What the row under the pointer was doing then.
use crate::data::feed::Feed;
use crate::data::replicas::fleet::Replica;
use crate::state::cursor::Pointer;
use crate::ui::graph::context::Painted;
use crate::ui::graph::guides::px;
use crate::ui::graph::tooltip::tracks;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escaped;
use crate::ui::replicas::context::Shown;
use crate::ui::replicas::paint::{AXIS_PX, ROW_PX, lasted};
use crate::ui::replicas::rows::GRAPH;
use leptos::prelude::*;
use std::fmt::Write;

/// A restart is told at so many CSS pixels beside it.
const NEAR_PX: f64 = 7.0;

/// The tooltip, below its row or above it, where there is more room.
#[component]
pub(crate) fn Hover(
    shown: Shown,
    row: Memo<Option<usize>>,
    x: Memo<Option<f64>>,
    painted: Painted,
    scrolled: RwSignal<f64>,
) -> impl IntoView {
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    move || {
        let (row, x, at) = (row.get()?, x.get()?, painted.get()?);
        let cursor = pointer.cursor.get().filter(|cursor| cursor.graph == GRAPH)?;
        let replica = shown.listed.with(|listed| listed.get(row).cloned())?;
        let near_ms = (NEAR_PX / at.per_ms()) as i64;
        let html = told(&replica, cursor.time_ms, near_ms, feed.now_ms());
        let top = row as f64 * ROW_PX - scrolled.get();
        let is_low = top > at.bottom / 2.0;
        let (above, below) = (px(at.bottom + AXIS_PX - top), px(top + ROW_PX));
        Some(view! {
            <div
                class="tooltip-place"
                style:top=if is_low { "auto".to_owned() } else { below }
                style:bottom=if is_low { above } else { "auto".to_owned() }
                style:grid-template-columns=tracks(x, &at)
            >
                <div class="tooltip here" class:pinned=move || pointer.is_pinned.get() data-testid="timeline-tooltip">
                    <table inner_html=html></table>
                </div>
            </div>
        })
    }
}

/// What there is to say of a replica at a time, as rows of a table.
fn told(replica: &Replica, time_ms: i64, near_ms: i64, today_ms: i64) -> String {
    let clock = |time_ms| time::clock_and_day(time_ms, today_ms);
    let mut html = format!("<tr><th colspan=\"2\">{}</th></tr>", escaped(&replica.name));
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = write!(html, "<tr><td>{name}</td><td>{}</td></tr>", escaped(text));
        }
    };
    line("at", &clock(time_ms));
    match replica.intervals.iter().rfind(|span| span.start_ms <= time_ms && time_ms <= span.end_ms) {
        Some(span) => {
            line("state", &format!("{} {}", span.state.title(), lasted(span)));
            let from = if span.may_start_earlier { "before " } else { "" };
            line("from", &format!("{from}{} to {}", clock(span.start_ms), clock(span.end_ms)));
            line("ready after", &span.ready_ms.map(time::duration).unwrap_or_default());
        }
        None => line("state", "not told"),
    }
    for restart in replica.restarts.iter().filter(|restart| (restart.time_ms - time_ms).abs() <= near_ms) {
        let times = if restart.count > 1 { format!("{} times ", restart.count) } else { String::new() };
        let why = if restart.reason.is_empty() { "cause not told" } else { &restart.reason };
        line("restarted", &format!("{times}at {}: {why}", clock(restart.time_ms)));
    }
    line("model", &replica.model);
    line("engine", &replica.engine);
    line("address", &replica.address);
    html
}
