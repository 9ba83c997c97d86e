//! The rows: a canvas as large as what is in sight, kept in place while the rows scroll under it.
use crate::data::graph::card_state::CardData;
use crate::state::cursor::{Cursor, Pointer};
use crate::state::time_range::TimeRange;
use crate::ui::graph::context::Painted;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::input::Hand;
use crate::ui::graph::guides::{Crosshair, Selected, px};
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::size_of;
use crate::ui::replicas::context::Shown;
use crate::ui::replicas::hover::Hover;
use crate::ui::replicas::paint::{AXIS_PX, Picture, ROW_PX};
use crate::wasm_size::effect::effect;
use leptos::html;
use leptos::prelude::*;
use plot::Frame;
use std::sync::Arc;
use web_sys::{KeyboardEvent, PointerEvent};

/// Name of the timeline among the graphs.
pub(crate) const GRAPH: &str = "timeline";

/// Rows in sight at most.
const MOST_ROWS: usize = 16;

/// Canvas, and what lies over it.
#[component]
pub(crate) fn Rows(shown: Shown) -> impl IntoView {
    let Shown { fleet, listed } = shown;
    let palette = expect_context::<Memo<Palette>>();
    let pointer = expect_context::<Pointer>();
    let painted: Painted = RwSignal::new(None);
    let (frame, canvas) = (NodeRef::<html::Div>::new(), NodeRef::<html::Canvas>::new());
    let size = size_of(canvas);
    let scrolled = RwSignal::new(0.0);
    // Where the pointer is, in CSS pixels from the top of what is in sight.
    let y = RwSignal::new(None::<f64>);
    let row = Memo::new(move |_| {
        let row = ((y.get()? + scrolled.get()) / ROW_PX).floor();
        (row >= 0.0 && (row as usize) < listed.with(Vec::len)).then_some(row as usize)
    });
    let count = Memo::new(move |_| listed.with(Vec::len));
    let height = move || count.get().min(MOST_ROWS) as f64 * ROW_PX + AXIS_PX;
    let drawn = Memo::new(move |_| {
        let step_ms = fleet.with(|fleet| fleet.as_ref().map_or(1000, |fleet| fleet.step_ms)).max(1);
        let range = shown.range();
        let first_ms = range.start_ms + (-range.start_ms).rem_euclid(step_ms);
        let times_ms = (0..=(range.end_ms - first_ms) / step_ms).map(|at| first_ms + at * step_ms).collect();
        Some(Arc::new(CardData { frame: Frame { times_ms, columns: Vec::new() }, ..CardData::blank(range) }))
    });
    effect(move || {
        let (Some(canvas), size) = (canvas.get(), size.get()) else { return };
        if size.0 < 1.0 || size.1 < 1.0 {
            return;
        }
        let (scrolled, range) = (scrolled.get(), pointer.visible_range(shown.range()));
        let at = palette
            .with(|palette| listed.with(|replicas| Picture { replicas, range, scrolled, palette }.draw(&canvas, size)));
        if painted.get_untracked() != at {
            painted.set(at);
        }
    });
    let hand = Hand::new(GRAPH, drawn, painted);
    let moved = move |event: PointerEvent| {
        if event.target() == event.current_target() && !pointer.is_pinned.get_untracked() {
            y.set(Some(f64::from(event.offset_y())));
        }
        hand.moved(&event);
    };
    let left = move |_| {
        hand.left();
        if !pointer.is_pinned.get_untracked() {
            y.set(None);
        }
    };
    // Up and down walk the rows, as left and right walk the times.
    let walk = move |by: isize| {
        let Some(frame) = frame.get_untracked() else { return };
        let last = count.get_untracked().saturating_sub(1);
        let next = row.get_untracked().map_or(0, |row| row.saturating_add_signed(by)).min(last) as f64;
        let (top, room) = (scrolled.get_untracked(), f64::from(frame.client_height()) - AXIS_PX);
        let scroll = top.clamp(((next + 1.0) * ROW_PX - room).max(0.0), next * ROW_PX);
        if scroll != top {
            frame.set_scroll_top(scroll.round() as i32);
            scrolled.set(scroll);
        }
        y.set(Some((next + 0.5) * ROW_PX - scroll));
        if pointer.cursor.get_untracked().is_none() {
            pointer.cursor.set(Some(Cursor { time_ms: shown.range().end_ms, graph: GRAPH }));
        }
    };
    let key = move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" | "ArrowUp" => {
            walk(if event.key() == "ArrowDown" { 1 } else { -1 });
            event.prevent_default();
        }
        _ => hand.key(&event),
    };
    let x = Memo::new(move |_| {
        let (cursor, at) = (pointer.cursor.get()?, painted.get()?);
        (at.start_ms..=at.end_ms).contains(&cursor.time_ms).then(|| at.x(cursor.time_ms))
    });
    let marked = move || {
        let (row, _) = (row.get()?, x.get()?);
        let top = row as f64 * ROW_PX - scrolled.get();
        Some(view! { <div class="row-mark" style:top=px(top) style:height=px(ROW_PX)></div> })
    };
    let label = move || {
        let TimeRange { start_ms, end_ms } = shown.range();
        format!(
            "What {} replicas were doing from {} to {}; the table below says it in words.",
            count.get(),
            time::clock(start_ms),
            time::clock(end_ms)
        )
    };
    view! {
        <div
            node_ref=frame
            class="rows"
            class:scrolls=move || { count.get() > MOST_ROWS }
            data-testid="timeline-rows"
            data-count=move || count.get()
            style:height=move || px(height())
            on:scroll=move |_| {
                if let Some(frame) = frame.get_untracked() {
                    scrolled.set(f64::from(frame.scroll_top()));
                }
            }
        >
            <div style:height=move || px(count.get() as f64 * ROW_PX + AXIS_PX)>
                <div class="in-sight" style:height=move || px(height())>
                    <canvas node_ref=canvas aria-hidden="true"></canvas>
                    <div
                        class="overlay"
                        data-testid="timeline-overlay"
                        tabindex="0"
                        role="application"
                        aria-roledescription="timeline"
                        aria-label=label
                        on:pointerdown=move |event| hand.down(&event)
                        on:pointermove=moved
                        on:pointerup=move |event| hand.up(&event)
                        on:pointercancel=move |event| hand.cancelled(&event)
                        on:pointerleave=left
                        on:dblclick=move |_| hand.back()
                        on:keydown=key
                    >
                        {marked}
                        <Selected painted />
                        <Crosshair x painted />
                        <Hover shown row x painted scrolled />
                    </div>
                </div>
            </div>
        </div>
    }
}
