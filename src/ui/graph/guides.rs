//! Lines over a graph: crosshair, selection and threshold.
use crate::state::cursor::{Pointer, Selection};
use crate::ui::graph::context::{CardContext, Painted};
use leptos::prelude::*;

/// The line at the shared cursor.
#[component]
pub(crate) fn Crosshair(x: Memo<Option<f64>>, painted: Painted) -> impl IntoView {
    move || {
        let (x, projection) = (x.get()?, painted.get()?);
        Some(view! {
            <div
                class="crosshair"
                style:left=px(x)
                style:top=px(projection.top)
                style:height=px(projection.bottom - projection.top)
            ></div>
        })
    }
}

/// What a drag covers.
#[component]
pub(crate) fn Selected(painted: Painted) -> impl IntoView {
    let pointer = expect_context::<Pointer>();
    move || {
        let (Selection { from_ms: one_ms, to_ms: other_ms }, projection) = (pointer.selection.get()?, painted.get()?);
        let within = |time_ms| projection.x(time_ms).clamp(projection.left, projection.right);
        let (left, right) = (within(one_ms.min(other_ms)), within(one_ms.max(other_ms)));
        Some(view! {
            <div
                class="selection"
                style:left=px(left)
                style:width=px(right - left)
                style:top=px(projection.top)
                style:height=px(projection.bottom - projection.top)
            ></div>
        })
    }
}

pub(crate) fn px(length: f64) -> String {
    format!("{length:.1}px")
}

/// The target's height on the graph, where the axis reaches so far.
#[component]
pub(crate) fn TargetLine(painted: Painted) -> impl IntoView {
    let card @ CardContext { choices, .. } = expect_context();
    move || {
        let (target, projection) = (choices.with(|choices| choices.threshold)?.value(), painted.get()?);
        let is_within = (projection.low..=projection.high).contains(&target) && !card.is_heat_map();
        is_within.then(|| {
            view! {
                <div
                    class="target-line"
                    style:left=px(projection.left)
                    style:width=px(projection.right - projection.left)
                    style:top=px(projection.y(target))
                ></div>
            }
        })
    }
}
