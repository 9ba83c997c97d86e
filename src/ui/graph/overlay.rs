//! What lies over a graph: crosshair, dots, selection and marks; moving the pointer redraws no canvas.
use crate::data::events::Event;
use crate::data::feed::Feed;
use crate::state::cursor::Pointer;
use crate::ui::graph::colours::css;
use crate::ui::graph::context::{CardContext, Painted};
use crate::ui::graph::guides::{Crosshair, Selected, TargetLine, px};
use crate::ui::graph::input::{Hand, index_at};
use crate::ui::graph::tooltip::{Tooltip, told};
use leptos::prelude::*;
use plot::ChartType;

/// The overlay.
#[component]
pub(crate) fn Overlay(painted: Painted, label: Signal<String>) -> impl IntoView {
    let card @ CardContext { drawn, shown, .. } = expect_context();
    let hand = Hand::new(card.graph.id, drawn, painted);
    let pointer = expect_context::<Pointer>();
    let feed = expect_context::<Feed>();
    // The point nearest to the cursor, and where it lies.
    let index = Memo::new(move |_| pointer.cursor.get().and_then(|cursor| index_at(drawn, cursor.time_ms)));
    let x = Memo::new(move |_| {
        let (index, projection) = (index.get()?, painted.get()?);
        let time_ms = drawn.with(|drawn| drawn.as_ref()?.frame.times_ms.get(index).copied())?;
        Some(projection.x(time_ms).clamp(projection.left, projection.right))
    });
    let dots = move || {
        let (x, index, projection) = (x.get()?, index.get()?, painted.get()?);
        let is_lines = shown.with(|shown| shown.look == Some(ChartType::Lines));
        let values = card.values(index).into_iter().filter(move |(_, style, value)| {
            let has_place = value.is_finite() && (!projection.is_log || *value > 0.0);
            has_place && (is_lines || style.is_overlaid)
        });
        let dot = |(_, style, value): (String, plot::LineStyle, f64)| {
            let y = projection.y(value);
            view! { <i class="cursor-dot" style:left=px(x) style:top=px(y) style:border-color=css(style.rgb)></i> }
        };
        Some(values.map(dot).collect_view())
    };
    let marks = move || {
        let projection = painted.get()?;
        let within = feed
            .events
            .get()
            .into_iter()
            .filter(move |mark| (projection.start_ms..=projection.end_ms).contains(&mark.time_ms));
        let mark = move |mark: Event| {
            let text = told(&mark);
            view! {
                <i
                    class="mark"
                    data-happening=mark.kind.verb()
                    role="img"
                    aria-label=text.clone()
                    title=text
                    style:left=px(projection.x(mark.time_ms))
                    style:top=px(projection.bottom)
                ></i>
            }
        };
        Some(within.map(mark).collect_view())
    };
    view! {
        <div
            class="overlay"
            data-testid="overlay"
            tabindex="0"
            role="application"
            aria-roledescription="graph"
            aria-label=label
            on:pointerdown=move |event| hand.down(&event)
            on:pointermove=move |event| hand.moved(&event)
            on:pointerup=move |event| hand.up(&event)
            on:pointercancel=move |event| hand.cancelled(&event)
            on:pointerleave=move |_| hand.left()
            on:dblclick=move |_| hand.back()
            on:keydown=move |event| hand.key(&event)
        >
            <Selected painted />
            <TargetLine painted />
            <Crosshair x painted />
            {dots}
            {marks}
            <Tooltip index x painted />
        </div>
    }
}
