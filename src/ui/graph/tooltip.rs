//! The tooltip with the values at the cursor, on every graph at once.
use crate::data::events::Event;
use crate::data::feed::Feed;
use crate::state::cursor::Pointer;
use crate::ui::graph::colours::css;
use crate::ui::graph::context::{CardContext, LineValue, PaintedProjection};
use crate::ui::graph::guides::px;
use crate::ui::graph::input::index_at;
use crate::ui::graph::note_marks::note_text;
use crate::ui::kit::format_time as time;
use crate::wasm_size::sort::sort_by;
use leptos::prelude::*;
use plot::Projection;

/// The limit of rows while the tooltip is not pinned and so cannot be scrolled.
const MAX_ROWS: usize = 10;

/// The limit of events, and of notes, in the tooltip; each also has its own mark.
const MAX_EVENTS: usize = 3;

/// Height of a row, and of the time and the line below the rows, in CSS pixels.
const ROW_PX: f64 = 16.4;
const AROUND_PX: f64 = 46.0;

/// The number of rows that fit into a height.
fn rows_in(height: f64) -> usize {
    (((height - AROUND_PX) / ROW_PX) as usize).clamp(1, MAX_ROWS)
}

/// The tooltip, largest value first. It stands out on the graph under the pointer. While pinned, it can be scrolled and
/// its text can be selected.
#[component]
pub(crate) fn Tooltip(index: Memo<Option<usize>>, x: Memo<Option<f64>>, painted: PaintedProjection) -> impl IntoView {
    let card @ CardContext { graph, data, .. } = expect_context();
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
    let is_here = Memo::new(move |_| pointer.cursor.get().is_some_and(|cursor| cursor.graph == graph.id));
    let is_pinned = pointer.is_pinned;
    move || {
        let (index, x, projection) = (index.get()?, x.get()?, painted.get()?);
        let time_ms = data.with(|data| data.as_ref()?.frame.times_ms.get(index).copied())?;
        let is_unfinished = card.lines.with(|lines| index >= lines.complete_count());
        let is_here_at = |time_ms: i64| index_at(data, time_ms) == Some(index);
        let mut events: Vec<String> = feed.events.with(|events| {
            let here = events.iter().filter(|event| is_here_at(event.time_ms));
            here.take(MAX_EVENTS).map(event_text).collect()
        });
        feed.with_notes(|notes| {
            let here = notes.iter().filter(|note| note.range.contains(time_ms) || is_here_at(note.range.start_ms));
            events.extend(here.take(MAX_EVENTS).map(note_text));
        });
        let mut values = sorted_values(card, index);
        let max_rows = rows_in(projection.bottom - projection.top).saturating_sub(events.len()).max(1);
        // The line that counts hidden rows is as high as one row.
        let hidden = if is_pinned.get() || values.len() <= max_rows + 1 { 0 } else { values.len() - max_rows };
        values.truncate(values.len() - hidden);
        let rows = values.into_iter().map(|line| row(card, line));
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
                                <th colspan="2">
                                    {time::clock_and_day(time_ms, feed.now_ms())}
                                    {is_unfinished.then_some(", so far")}
                                </th>
                            </tr>
                        </thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                    {events.into_iter().map(|event| view! { <p>{event}</p> }).collect_view()}
                    {(hidden > 0).then(|| view! { <p>{format!("{hidden} more; click to show all")}</p> })}
                </div>
            </div>
        })
    }
}

fn row(card: CardContext, line: LineValue) -> impl IntoView {
    let value = card.format_value(&line.name, line.value);
    let text = match line.bounds {
        Some((least, greatest)) if least < greatest => {
            let [least, greatest] = [least, greatest].map(|bound| card.format_cell(&line.name, bound));
            format!("{value} ({least} to {greatest})")
        }
        _ => value,
    };
    view! {
        <tr>
            <td>
                <i class="dot" style:background=css(line.style.rgb)></i>
                {line.name}
            </td>
            <td>{text}</td>
        </tr>
    }
}

/// The values in the order of the tooltip. Buckets are in the order of the graph, without the empty ones.
fn sorted_values(card: CardContext, index: usize) -> Vec<LineValue> {
    let mut values = card.values(index);
    if card.is_bucket_heat_map() {
        values.reverse();
        values.retain(|line| line.value > 0.0);
    } else {
        sort(&mut values);
    }
    values
}

/// An event with its time.
pub(crate) fn event_text(event: &Event) -> String {
    format!("{} at {}", event.sentence(), time::clock(event.time_ms))
}

/// Sorts the largest value first and holes last. Equal values keep the order of the legend.
fn sort(values: &mut [LineValue]) {
    let rank = |value: f64| if value.is_nan() { f64::NEG_INFINITY } else { value };
    sort_by(values, |a, b| {
        a.value.is_nan().cmp(&b.value.is_nan()).then_with(|| rank(b.value).total_cmp(&rank(a.value)))
    });
}

/// The columns of a grid whose middle one holds the tooltip: beside the cursor, on the side with more room. Where the
/// tooltip would leave the card, the space beside it shrinks first.
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
    use plot::{LineStyle, Margins, Rgb};

    #[test]
    fn values_are_sorted_with_holes_last() {
        let style = LineStyle { rgb: Rgb(0, 0, 0), dash: None, is_overlaid: false, is_visible: true };
        let row = |name: &str, value| LineValue {
            name: name.to_owned(),
            style: style.clone(),
            value,
            bounds: None,
            is_hatched: false,
        };
        let mut rows = vec![
            row("hole", f64::NAN),
            row("low", f64::NEG_INFINITY),
            row("b", 2.0),
            row("high", f64::INFINITY),
            row("a", 2.0),
        ];
        sort(&mut rows);
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["high", "b", "a", "low", "hole"]);
    }

    #[test]
    fn rows_are_limited_by_height_and_number() {
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
