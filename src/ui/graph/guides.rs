//! Lines and areas over a graph: crosshair, selection and threshold.
use crate::state::cursor::{Pointer, Selection};
use crate::ui::graph::context::{CardContext, PaintedProjection};
use leptos::prelude::*;

/// The vertical line at the shared cursor.
#[component]
pub(crate) fn Crosshair(x: Memo<Option<f64>>, painted: PaintedProjection) -> impl IntoView {
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

/// The range that a drag selects.
#[component]
pub(crate) fn SelectedRange(painted: PaintedProjection) -> impl IntoView {
    let pointer = expect_context::<Pointer>();
    move || {
        let (Selection { from_ms, to_ms }, projection) = (pointer.selection.get()?, painted.get()?);
        let x = |time_ms| projection.x(time_ms).clamp(projection.left, projection.right);
        let (left, right) = (x(from_ms.min(to_ms)), x(from_ms.max(to_ms)));
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

/// The horizontal line at the card's threshold, if the axis includes that value.
#[component]
pub(crate) fn ThresholdLine(painted: PaintedProjection) -> impl IntoView {
    let card @ CardContext { options, .. } = expect_context();
    move || {
        let (threshold, projection) = (options.with(|options| options.threshold)?.value(), painted.get()?);
        let is_within = (projection.low..=projection.high).contains(&threshold) && !card.is_heat_map();
        is_within.then(|| {
            view! {
                <div
                    class="target-line"
                    style:left=px(projection.left)
                    style:width=px(projection.right - projection.left)
                    style:top=px(projection.y(threshold))
                ></div>
            }
        })
    }
}

/// A length in CSS pixels.
pub(crate) fn px(length: f64) -> String {
    format!("{length:.1}px")
}
