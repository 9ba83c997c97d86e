//! The values at the cursor, on every graph at once.
use crate::data::events::Event;
use crate::data::feed::Feed;
use crate::state::cursor::Pointer;
use crate::ui::graph::colours::css;
use crate::ui::graph::context::{CardContext, Painted};
use crate::ui::graph::guides::px;
use crate::ui::graph::input::index_at;
use crate::ui::kit::format_time as time;
use crate::wasm_size::sort::sort_by;
use leptos::prelude::*;
use plot::{LineStyle, Projection};

/// A tooltip that nobody can scroll has so many rows at most.
const MOST_ROWS: usize = 10;

/// Events that it tells of at most; all have their marks.
const MOST_MARKS: usize = 3;

/// Heights of a row, and of what stands around them: the time and how many more there are, in CSS pixels.
const ROW_PX: f64 = 16.4;
const AROUND_PX: f64 = 46.0;

/// How many rows fit into a height.
fn rows_in(height: f64) -> usize {
    (((height - AROUND_PX) / ROW_PX) as usize).clamp(1, MOST_ROWS)
}

/// The tooltip: largest value first; on the graph under the pointer it stands out. Pinned, it can be scrolled and its
/// text selected.
#[component]
pub(crate) fn Tooltip(index: Memo<Option<usize>>, x: Memo<Option<f64>>, painted: Painted) -> impl IntoView {
    let card @ CardContext { graph, drawn, .. } = expect_context();
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    let is_here = Memo::new(move |_| pointer.cursor.get().is_some_and(|cursor| cursor.graph == graph.id));
    let is_pinned = pointer.is_pinned;
    move || {
        let (index, x, projection) = (index.get()?, x.get()?, painted.get()?);
        let time_ms = drawn.with(|drawn| drawn.as_ref()?.frame.times_ms.get(index).copied())?;
        let mut values = card.values(index);
        if card.is_buckets() {
            // As they lie on the graph, without those that are empty.
            values.reverse();
            values.retain(|(_, _, value)| *value > 0.0);
        } else {
            sort(&mut values);
        }
        let marks: Vec<String> = feed.events.with(|marks| {
            let here = marks.iter().filter(|mark| index_at(drawn, mark.time_ms) == Some(index));
            here.take(MOST_MARKS).map(told).collect()
        });
        let most = rows_in(projection.bottom - projection.top).saturating_sub(marks.len()).max(1);
        // One more row takes the place of the word on how many there are.
        let more = if is_pinned.get() || values.len() <= most + 1 { 0 } else { values.len() - most };
        values.truncate(values.len() - more);
        let rows = values.into_iter().map(|(name, style, value)| {
            let text = card.written(&name, value);
            view! {
                <tr>
                    <td>
                        <i class="dot" style:background=css(style.rgb)></i>
                        {name}
                    </td>
                    <td>{text}</td>
                </tr>
            }
        });
        Some(view! {
            <div class="tooltip-place" style:top=px(projection.top) style:grid-template-columns=tracks(x, &projection)>
                <div
                    class="tooltip"
                    class:here=is_here
                    class:pinned=move || is_pinned.get()
                    data-testid="tooltip"
                    style:max-height=px(projection.bottom - projection.top)
                >
                    <table>
                        <thead>
                            <tr>
                                <th colspan="2">{time::clock_and_day(time_ms, feed.now_ms())}</th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    {marks.into_iter().map(|mark| view! { <p>{mark}</p> }).collect_view()}
                    {(more > 0).then(|| view! { <p>{format!("and {more} more; click to see all")}</p> })}
                </div>
            </div>
        })
    }
}

/// What a mark stands for.
pub(crate) fn told(mark: &Event) -> String {
    format!("{} at {}", mark.sentence(), time::clock(mark.time_ms))
}

/// Largest first, holes last, and equal ones as the legend has them.
fn sort(values: &mut [(String, LineStyle, f64)]) {
    let rank = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
    sort_by(values, |a, b| a.2.is_nan().cmp(&b.2.is_nan()).then_with(|| rank(b.2).total_cmp(&rank(a.2))));
}

/// Columns of a grid whose middle holds the tooltip: beside the cursor, on the side with more room, and moved along
/// where it would leave the card. The space beside it shrinks before the tooltip does.
pub(crate) fn tracks(x: f64, projection: &Projection) -> String {
    const GAP_PX: f64 = 10.0;
    if x > f64::midpoint(projection.left, projection.right) {
        format!("minmax(0, 1fr) max-content minmax(0, calc(100% - {:.1}px))", x - GAP_PX)
    } else {
        format!("minmax(0, {:.1}px) max-content minmax(0, 1fr)", x + GAP_PX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plot::{Margins, Rgb};

    #[test]
    fn values_are_sorted_with_holes_last() {
        let style = LineStyle { rgb: Rgb(0, 0, 0), dash: None, is_overlaid: false, is_visible: true };
        let row = |name: &str, value| (name.to_owned(), style.clone(), value);
        let mut rows = vec![
            row("hole", f64::NAN),
            row("low", f64::NEG_INFINITY),
            row("b", 2.0),
            row("high", f64::INFINITY),
            row("a", 2.0),
        ];
        sort(&mut rows);
        assert_eq!(rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["high", "b", "a", "low", "hole"]);
    }

    #[test]
    fn as_many_rows_as_fit() {
        assert_eq!((rows_in(160.0), rows_in(900.0), rows_in(10.0)), (6, 10, 1));
    }

    #[test]
    fn the_tooltip_stands_on_the_side_with_room() {
        let margins = Margins { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 };
        let projection = Projection::new(300.0, 200.0, margins, (0, 1), (0.0, 1.0));
        assert_eq!(tracks(100.0, &projection), "minmax(0, 110.0px) max-content minmax(0, 1fr)");
        assert_eq!(tracks(200.0, &projection), "minmax(0, 1fr) max-content minmax(0, calc(100% - 190.0px))");
    }
}
