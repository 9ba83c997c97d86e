//! The rows of the timeline: a canvas of the visible rows that stays in place while its container scrolls.
use crate::data::graph::card_state::CardData;
use crate::state::cursor::{Cursor, Pointer};
use crate::state::time_range::TimeRange;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::context::PaintedProjection;
use crate::ui::graph::guides::{Crosshair, SelectedRange, px};
use crate::ui::graph::input::GraphInput;
use crate::ui::kit::format_time as time;
use crate::ui::kit::observe::element_size;
use crate::ui::kit::surface::Surface;
use crate::ui::replicas::context::{GRAPH, TimelineContext};
use crate::ui::replicas::hover::Hover;
use crate::ui::replicas::paint::{AXIS_PX, Picture, ROW_PX};
use crate::wasm_size::effect::effect;
use leptos::html;
use leptos::prelude::*;
use plot::Frame;
use std::sync::Arc;
use web_sys::{KeyboardEvent, PointerEvent};

/// The limit of visible rows.
const MAX_ROWS: usize = 16;

/// The rows in their container, and where the pointer is.
#[derive(Clone, Copy)]
struct RowsState {
    timeline: TimelineContext,
    pointer: Pointer,
    container: NodeRef<html::Div>,
    scroll_top: RwSignal<f64>,
    /// The pointer's distance from the top of the visible rows, in CSS pixels.
    pointer_y: RwSignal<Option<f64>>,
    /// The number of rows.
    count: Memo<usize>,
    /// The row under the pointer.
    row: Memo<Option<usize>>,
}

impl RowsState {
    fn new() -> Self {
        let timeline = expect_context::<TimelineContext>();
        let (scroll_top, pointer_y) = (RwSignal::new(0.0), RwSignal::new(None::<f64>));
        let count = Memo::new(move |_| timeline.replicas.with(Vec::len));
        let row = Memo::new(move |_| {
            let row = ((pointer_y.get()? + scroll_top.get()) / ROW_PX).floor();
            (row >= 0.0 && (row as usize) < count.get()).then_some(row as usize)
        });
        Self { timeline, pointer: expect_context(), container: NodeRef::new(), scroll_top, pointer_y, count, row }
    }

    /// The height of the container.
    fn height(self) -> f64 {
        self.count.get().min(MAX_ROWS) as f64 * ROW_PX + AXIS_PX
    }

    fn scrolled(self) {
        if let Some(container) = self.container.get_untracked() {
            self.scroll_top.set(f64::from(container.scroll_top()));
        }
    }

    fn pointer_move(self, event: &PointerEvent) {
        if event.target() == event.current_target() && !self.pointer.is_pinned.get_untracked() {
            self.pointer_y.set(Some(f64::from(event.offset_y())));
        }
    }

    fn pointer_leave(self) {
        if !self.pointer.is_pinned.get_untracked() {
            self.pointer_y.set(None);
        }
    }

    /// Moves to another row and scrolls it into view.
    fn step_row(self, steps: isize) {
        let Some(container) = self.container.get_untracked() else { return };
        let last = self.count.get_untracked().saturating_sub(1);
        let next = self.row.get_untracked().map_or(0, |row| row.saturating_add_signed(steps)).min(last) as f64;
        let (top, visible_px) = (self.scroll_top.get_untracked(), f64::from(container.client_height()) - AXIS_PX);
        let scroll_top = top.clamp(((next + 1.0) * ROW_PX - visible_px).max(0.0), next * ROW_PX);
        if scroll_top != top {
            container.set_scroll_top(scroll_top.round() as i32);
            self.scroll_top.set(scroll_top);
        }
        self.pointer_y.set(Some((next + 0.5) * ROW_PX - scroll_top));
        if self.pointer.cursor.get_untracked().is_none() {
            let time_ms = untrack(|| self.timeline.range()).end_ms;
            self.pointer.cursor.set(Some(Cursor { time_ms, graph: GRAPH }));
        }
    }

    /// Up and down move among the rows; other keys are those of every graph.
    fn key_down(self, event: &KeyboardEvent, input: GraphInput) {
        let steps = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return input.key_down(event),
        };
        self.step_row(steps);
        event.prevent_default();
    }

    /// The times that the cursor steps through, as a graph without lines.
    fn card_data(self) -> CardData {
        let step_ms = self.timeline.fleet.with(|fleet| fleet.as_ref().map_or(1000, |fleet| fleet.step_ms)).max(1);
        let range = self.timeline.range();
        let first_ms = range.start_ms + (-range.start_ms).rem_euclid(step_ms);
        let times_ms = (0..=(range.end_ms - first_ms) / step_ms).map(|at| first_ms + at * step_ms).collect();
        CardData { frame: Frame { times_ms, columns: Vec::new() }, ..CardData::blank(range) }
    }

    /// The rows in one sentence, for screen readers.
    fn label(self) -> String {
        let TimeRange { start_ms, end_ms } = self.timeline.range();
        let (count, start, end) = (self.count.get(), time::clock(start_ms), time::clock(end_ms));
        format!("States of {count} replicas from {start} to {end}. The table below has them as text.")
    }
}

/// Paints the visible rows on a canvas whenever they change, and returns the projection.
fn paint_rows(rows: RowsState, canvas: NodeRef<html::Canvas>) -> PaintedProjection {
    let palette = expect_context::<Memo<Palette>>();
    let painted: PaintedProjection = RwSignal::new(None);
    let size = element_size(canvas);
    effect(move || {
        let (Some(canvas), size) = (canvas.get(), size.get()) else { return };
        if size.is_empty() {
            return;
        }
        let scroll_top = rows.scroll_top.get();
        let range = rows.pointer.visible_range(rows.timeline.range());
        let surface = Surface { canvas: &canvas, size, pixel_ratio: window().device_pixel_ratio().max(1.0) };
        let projection = palette.with(|palette| {
            let paint = |replicas: &Vec<_>| Picture { replicas, range, scroll_top, palette }.paint(surface);
            rows.timeline.replicas.with(paint)
        });
        if painted.get_untracked() != projection {
            painted.set(projection);
        }
    });
    painted
}

/// The canvas with its overlay.
#[component]
pub(crate) fn Rows() -> impl IntoView {
    let rows = RowsState::new();
    let RowsState { pointer, container, scroll_top, count, row, .. } = rows;
    let canvas = NodeRef::<html::Canvas>::new();
    let painted = paint_rows(rows, canvas);
    let input = GraphInput::new(GRAPH, Memo::new(move |_| Some(Arc::new(rows.card_data()))), painted);
    let x = Memo::new(move |_| {
        let (cursor, projection) = (pointer.cursor.get()?, painted.get()?);
        let is_visible = (projection.start_ms..=projection.end_ms).contains(&cursor.time_ms);
        is_visible.then(|| projection.x(cursor.time_ms))
    });
    let row_mark = move || {
        let (row, _) = (row.get()?, x.get()?);
        let top = row as f64 * ROW_PX - scroll_top.get();
        Some(view! { <div class="row-mark" style:top=px(top) style:height=px(ROW_PX)></div> })
    };
    view! {
        <div
            node_ref=container
            class="rows"
            class:scrolls=move || { count.get() > MAX_ROWS }
            data-testid="timeline-rows"
            data-count=move || count.get()
            style:height=move || px(rows.height())
            on:scroll=move |_| rows.scrolled()
        >
            <div style:height=move || px(count.get() as f64 * ROW_PX + AXIS_PX)>
                <div class="in-sight" style:height=move || px(rows.height())>
                    <canvas node_ref=canvas aria-hidden="true"></canvas>
                    <div
                        class="overlay"
                        data-testid="timeline-overlay"
                        tabindex="0"
                        role="application"
                        aria-roledescription="timeline"
                        aria-label=move || rows.label()
                        on:pointerdown=move |event| input.pointer_down(&event)
                        on:pointermove=move |event| {
                            rows.pointer_move(&event);
                            input.pointer_move(&event);
                        }
                        on:pointerup=move |event| input.pointer_up(&event)
                        on:pointercancel=move |event| input.pointer_cancel(&event)
                        on:pointerleave=move |_| {
                            input.pointer_leave();
                            rows.pointer_leave();
                        }
                        on:dblclick=move |_| input.back()
                        on:keydown=move |event| rows.key_down(&event, input)
                    >
                        {row_mark}
                        <SelectedRange painted />
                        <Crosshair x painted />
                        <Hover row x painted scroll_top />
                    </div>
                </div>
            </div>
        </div>
    }
}
