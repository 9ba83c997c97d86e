//! The key facts beside the tabs: restarts, replicas at their maximum, targets that fail, and where history begins.
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::feed::Feed;
use crate::data::overview::Overview;
use crate::data::overview::When::Range;
use crate::data::overview::figures::{Figure, data_start_ms, max_replicas, restarts};
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use crate::ui::topbar::sections::shows_models;
use catalogue::Unit;
use leptos::prelude::*;

/// A fact, and whether it is bad news.
#[derive(Clone, PartialEq)]
struct Fact {
    text: String,
    is_bad: bool,
}

/// The facts of the scope; none where there is nothing to say, or the table of models is open.
#[component]
pub(crate) fn KeyFacts() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let shows_models = shows_models();
    let facts = Memo::new(move |_| {
        if shows_models.get() {
            return Vec::new();
        }
        let count = feed.replica_count.get();
        feed.figures.with(|overview| overview.as_deref().map(|overview| facts(overview, count)).unwrap_or_default())
    });
    let item = |Fact { text, is_bad }| view! { <li class:bad=is_bad>{text}</li> };
    view! {
        <div role="status" class="facts-line">
            <Show when=move || !facts.with(Vec::is_empty)>
                <ul class="facts" data-testid="facts">{move || facts.get().into_iter().map(item).collect_view()}</ul>
            </Show>
        </div>
    }
}

fn facts(overview: &Overview, ReplicaCount { answering, total }: ReplicaCount) -> Vec<Fact> {
    let fact = |text: String, is_bad: bool| Fact { text, is_bad };
    let replicas = |count: usize| if count == 1 { "1 replica".to_owned() } else { format!("{count} replicas") };
    let down = (answering < total).then(|| fact(format!("{} of {} down", total - answering, replicas(total)), true));
    let restarts = match restarts(overview).round() {
        count if count >= 2.0 => Some(fact(format!("{} restarts", Unit::Count.format(count)), true)),
        1.0 => Some(fact("1 restart".to_owned(), true)),
        _ => None,
    };
    let at_max = Figure::Replicas.value(overview, Range).zip(max_replicas(overview));
    let at_max = at_max.filter(|(active, max)| *max > 0.0 && active >= max);
    let at_max = at_max.map(|(_, max)| fact(format!("At the maximum of {} replicas", Unit::Count.format(max)), false));
    let start = data_start_ms(overview).map(|start_ms| {
        fact(format!("No data before {}", time::clock_and_day(start_ms, overview.range.end_ms)), false)
    });
    [down, restarts, at_max, start].into_iter().flatten().collect()
}
