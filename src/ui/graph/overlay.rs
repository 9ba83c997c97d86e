//! The overlay of a graph: crosshair, dots, selection, notes and events. Moving the pointer repaints no canvas.
use crate::data::events::Event;
use crate::data::feed::Feed;
use crate::state::cursor::Pointer;
use crate::ui::graph::colours::css;
use crate::ui::graph::context::{CardContext, LineValue, PaintedProjection};
use crate::ui::graph::guides::{Crosshair, SelectedRange, ThresholdLine, px};
use crate::ui::graph::input::{GraphInput, index_at};
use crate::ui::graph::note_marks::NoteMarks;
use crate::ui::graph::tooltip::{Tooltip, event_text};
use leptos::prelude::*;
use plot::{ChartType, Projection};

/// The overlay; `label` is the graph in one sentence, for screen readers.
#[component]
pub(crate) fn Overlay(painted: PaintedProjection, label: Signal<String>) -> impl IntoView {
    let card @ CardContext { data, .. } = expect_context();
    let input = GraphInput::new(card.graph.id, data, painted);
    let pointer = expect_context::<Pointer>();
    let feed = expect_context::<Feed>();
    // The time nearest to the cursor, and its place.
    let index = Memo::new(move |_| pointer.cursor.get().and_then(|cursor| index_at(data, cursor.time_ms)));
    let x = Memo::new(move |_| {
        let (index, projection) = (index.get()?, painted.get()?);
        let time_ms = data.with(|data| data.as_ref()?.frame.times_ms.get(index).copied())?;
        Some(projection.x(time_ms).clamp(projection.left, projection.right))
    });
    let dots = move || Some(dots(card, index.get()?, x.get()?, painted.get()?));
    let events = move || {
        let projection = painted.get()?;
        let range = projection.start_ms..=projection.end_ms;
        let visible = feed.events.get().into_iter().filter(move |event| range.contains(&event.time_ms));
        Some(visible.map(move |event| event_mark(&event, &projection)).collect_view())
    };
    view! {
        <div
            class="overlay"
            data-testid="overlay"
            tabindex="0"
            role="application"
            aria-roledescription="graph"
            aria-label=label
            on:pointerdown=move |event| input.pointer_down(&event)
            on:pointermove=move |event| input.pointer_move(&event)
            on:pointerup=move |event| input.pointer_up(&event)
            on:pointercancel=move |event| input.pointer_cancel(&event)
            on:pointerleave=move |_| input.pointer_leave()
            on:dblclick=move |_| input.back()
            on:keydown=move |event| input.key_down(&event)
        >
            <SelectedRange painted />
            <ThresholdLine painted />
            <Crosshair x painted />
            {dots}
            <NoteMarks painted />
            {events}
            <Tooltip index x painted />
        </div>
    }
}

/// The dots where the crosshair meets the lines; stacked layers have none.
fn dots(card: CardContext, index: usize, x: f64, projection: Projection) -> impl IntoView {
    let is_lines = card.lines.with(|lines| lines.chart_type == Some(ChartType::Lines));
    let has_dot = move |line: &LineValue| {
        let is_on_axis = line.value.is_finite() && (!projection.is_log || line.value > 0.0);
        is_on_axis && !line.is_hatched && (is_lines || line.style.is_overlaid)
    };
    let dot = move |line: LineValue| {
        let (y, colour) = (projection.y(line.value), css(line.style.rgb));
        view! { <i class="cursor-dot" style:left=px(x) style:top=px(y) style:border-color=colour></i> }
    };
    card.values(index).into_iter().filter(has_dot).map(dot).collect_view()
}

/// The mark of an event on the time axis.
fn event_mark(event: &Event, projection: &Projection) -> impl IntoView + use<> {
    let text = event_text(event);
    view! {
        <i
            class="mark"
            data-happening=event.kind.verb()
            role="img"
            aria-label=text.clone()
            title=text
            style:left=px(projection.x(event.time_ms))
            style:top=px(projection.bottom)
        ></i>
    }
}
