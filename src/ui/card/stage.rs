//! The middle of a card: its graph, its table, or the reason why there is neither.
use crate::data::graph::card_state::Status;
use crate::state::card_options::Form;
use crate::ui::card::last_value::{LastValue, last_value};
use crate::ui::card::table::Table;
use crate::ui::graph::canvas::GraphCanvas;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use leptos::prelude::*;

/// The graph or the table, with a note if there is nothing to draw.
#[component]
pub(crate) fn Stage() -> impl IntoView {
    let card @ CardContext { status, lines, options, .. } = expect_context();
    let is_blank = Memo::new(move |_| lines.with(|lines| lines.frame.is_blank()));
    let has_summary = Memo::new(move |_| {
        let is_value = |value: f64| value.is_finite() && value > 0.0;
        card.data.with(|data| data.as_ref().is_some_and(|data| data.summary.iter().any(|(_, value)| is_value(*value))))
    });
    let is_table = Memo::new(move |_| options.with(|options| options.form == Form::Table));
    let note = Memo::new(move |_| match status.get() {
        Status::Loading => Some("Loading…".to_owned()),
        Status::Live if is_blank.get() => Some(match has_summary.get() {
            true => "Too few samples to draw a line: the summary has what was counted.".to_owned(),
            false => "No data in this time range.".to_owned(),
        }),
        Status::Missing(reason) => Some(reason),
        _ => None,
    });
    let is_missing = move || status.with(|status| matches!(status, Status::Missing(_)));
    let label = Signal::derive(move || description(card));
    view! {
        <div class="stage">
            <Show when=move || is_table.get() fallback=move || view! { <GraphCanvas label /> }>
                <Table />
            </Show>
            <Show when=move || note.with(Option::is_some)>
                <p class="stage-note" data-testid=move || is_missing().then_some("absent")>
                    {move || note.get()}
                </p>
            </Show>
        </div>
    }
}

/// The limit of values in a description; the table has all of them.
const MAX_VALUES: usize = 20;

/// The graph in words, for screen readers.
fn description(card: CardContext) -> String {
    card.data.with(|data| {
        let Some(data) = data else { return format!("{}: loading", card.graph.title) };
        let unit = card.unit();
        let values = data.frame.columns.iter().filter_map(|column| {
            let last = last_value(data, &column.values).filter(|last| *last != LastValue::Expired)?;
            Some(format!("{} {}", column.name, last.text(|value| unit.format(value))))
        });
        let values: Vec<String> = values.take(MAX_VALUES).collect();
        format!(
            "{} from {} to {}. Latest values: {}.",
            card.graph.title,
            time::clock(data.range.start_ms),
            time::clock(data.range.end_ms),
            if values.is_empty() { "none".into() } else { values.join(", ") }
        )
    })
}
