//! The graph of a card, or its table.
use crate::data::graph::card_state::Status;
use crate::state::card_options::Form;
use crate::ui::card::last_value::{Newest, newest};
use crate::ui::card::table::Table;
use crate::ui::graph::canvas::Plot;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use leptos::prelude::*;

/// The graph or its table, or why there is neither.
#[component]
pub(crate) fn Stage() -> impl IntoView {
    let card @ CardContext { status, shown, choices, .. } = expect_context();
    let is_blank = Memo::new(move |_| shown.with(|shown| shown.frame.is_blank()));
    let is_table = Memo::new(move |_| choices.with(|choices| choices.form == Form::Table));
    let note = Memo::new(move |_| match status.get() {
        Status::Loading => Some("Loading…".to_owned()),
        Status::Live if is_blank.get() => Some("No values in this range.".to_owned()),
        Status::Missing(why) => Some(why),
        _ => None,
    });
    let is_absent = move || status.with(|status| matches!(status, Status::Missing(_)));
    view! {
        <div class="stage">
            <Show when=move || is_table.get() fallback=move || view! { <Plot label=Signal::derive(move || summary(card)) /> }>
                <Table />
            </Show>
            <Show when=move || note.with(Option::is_some)>
                <p class="stage-note" data-testid=move || is_absent().then_some("absent")>
                    {move || note.get()}
                </p>
            </Show>
        </div>
    }
}

/// Newest values in that sentence; the table has all.
const MOST_TOLD: usize = 20;

/// The graph in one sentence, for those who do not see it.
fn summary(card: CardContext) -> String {
    card.drawn.with(|drawn| {
        let Some(drawn) = drawn else { return format!("{}: loading", card.graph.title) };
        let unit = card.unit();
        let newest = drawn.frame.columns.iter().filter_map(|column| {
            let newest = newest(drawn, &column.values).filter(|newest| *newest != Newest::Gone)?;
            Some(format!("{} {}", column.name, newest.text(|value| unit.format(value))))
        });
        let newest: Vec<String> = newest.take(MOST_TOLD).collect();
        format!(
            "{} from {} to {}. Newest values: {}.",
            card.graph.title,
            time::clock(drawn.range.start_ms),
            time::clock(drawn.range.end_ms),
            if newest.is_empty() { "none".into() } else { newest.join(", ") }
        )
    })
}
