//! The values at the cursor, on every graph at once.
use super::{canvas::Painted, card::CardContext, colours::css, overlay::px, time};
use crate::state::cursor::Pointer;
use leptos::prelude::*;

/// The tooltip: largest value first; on the graph under the pointer it stands out.
#[component]
pub(super) fn Tooltip(index: Memo<Option<usize>>, x: Memo<Option<f64>>, painted: Painted) -> impl IntoView {
    let card @ CardContext { graph, drawn, .. } = expect_context();
    let pointer = expect_context::<Pointer>();
    let is_here = Memo::new(move |_| pointer.cursor.get().is_some_and(|cursor| cursor.graph == graph.id));
    move || {
        let (index, x, projection) = (index.get()?, x.get()?, painted.get()?);
        let time_ms = drawn.with(|drawn| drawn.as_ref()?.frame.times_ms.get(index).copied())?;
        let mut values = card.values(index);
        values.sort_by(|a, b| b.2.partial_cmp(&a.2).unwrap_or(std::cmp::Ordering::Equal));
        let is_right = x > f64::midpoint(projection.left, projection.right);
        let rows = values.into_iter().map(|(name, style, value)| {
            view! {
                <tr>
                    <td>
                        <i class="dot" style:background=css(style.rgb)></i>
                        {name}
                    </td>
                    <td>{graph.unit.format(value)}</td>
                </tr>
            }
        });
        Some(view! {
            <table
                class="tooltip"
                class:here=is_here
                class:left=is_right
                data-testid="tooltip"
                style:left=px(x)
                style:top=px(projection.top)
            >
                <thead>
                    <tr>
                        <th colspan="2">{time::clock_and_day(time_ms, js_sys::Date::now() as i64)}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        })
    }
}
