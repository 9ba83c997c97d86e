//! A card: heading, boxes, graph and legend of one graph of the catalogue.
pub(crate) mod fullscreen;
pub(crate) mod help;
pub(crate) mod last_value;
pub(crate) mod legend;
pub(crate) mod menu;
pub(crate) mod menu_items;
pub(crate) mod statistics;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod threshold;

use crate::data::feed::Feed;
use crate::data::graph::card_state::{CardData, CardState, Status};
use crate::state::card_options::{CardOptions, Form};
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::ui::card::fullscreen::Enlarged;
use crate::ui::card::help::Help;
use crate::ui::card::last_value::{Newest, newest};
use crate::ui::card::legend::Legend;
use crate::ui::card::menu::Menu;
use crate::ui::card::summary::Boxes;
use crate::ui::card::table::Table;
use crate::ui::card::threshold::WithinTarget;
use crate::ui::graph::axis::{Axis, axis};
use crate::ui::graph::canvas::Plot;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::percentile_bounds as bounds;
use crate::ui::graph::visible::{Shown, is_limit, shown};
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use crate::wasm_size::effect::{effect, on_change};
use catalogue::{DrawStyle, Graph, LineRole, Unit};
use leptos::html;
use leptos::prelude::*;
use plot::LineStyle;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// What the parts of a card share.
#[derive(Clone, Copy)]
pub(crate) struct CardContext {
    pub(crate) graph: &'static Graph,
    /// What was drawn last.
    pub(crate) drawn: Memo<Option<Arc<CardData>>>,
    /// How fresh that is.
    status: Memo<Status>,
    /// What of it is on the card.
    pub(crate) shown: Memo<Arc<Shown>>,
    /// One for each column of that.
    pub(crate) styles: Memo<Vec<LineStyle>>,
    /// The value axis.
    pub(crate) axis: Memo<Axis>,
    /// What menu and legend have switched.
    pub(crate) choices: Memo<CardOptions>,
    /// Whether rates of requests are shown by the minute.
    is_per_minute: Memo<bool>,
}

impl CardContext {
    /// The context of a graph's card.
    fn new(graph: &'static Graph, state: RwSignal<CardState>) -> Self {
        let (palette, navigation) = (expect_context::<Memo<Palette>>(), expect_context::<Navigation>());
        let choices = Memo::new(move |_| navigation.view.with(|view| view.card_options.of(graph)));
        let is_per_minute = Memo::new(move |_| navigation.view.with(|view| view.is_per_minute));
        let drawn = Memo::new(move |_| state.with(|state| state.data.clone()));
        let status = Memo::new(move |_| state.with(|state| state.status.clone()));
        let shown = Memo::new(move |_| {
            let choices = choices.get();
            drawn.with(|drawn| Arc::new(drawn.as_ref().map(|drawn| shown(graph, drawn, &choices)).unwrap_or_default()))
        });
        let styles = Memo::new(move |_| {
            let is_detailed = drawn.with(|drawn| drawn.as_ref().is_some_and(|drawn| drawn.is_detailed));
            let palette = palette.get();
            shown.with(|shown| palette.styles(graph, shown, is_detailed))
        });
        let axis = Memo::new(move |_| {
            let wants_log = choices.with(|choices| choices.is_log);
            let unit = shown_by(graph.unit, is_per_minute.get());
            shown.with(|shown| styles.with(|styles| axis(unit, shown, styles, wants_log)))
        });
        Self { graph, drawn, status, shown, styles, axis, choices, is_per_minute }
    }

    /// Names, styles and values at an index of the visible lines.
    pub(crate) fn values(self, at: usize) -> Vec<(String, LineStyle, f64)> {
        self.shown.with(|shown| {
            let columns = shown.frame.columns.iter().zip(self.styles.get());
            let visible = columns.filter(|(_, style)| style.is_visible);
            visible
                .map(|(column, style)| (column.name.clone(), style, column.values.get(at).copied().unwrap_or(f64::NAN)))
                .collect()
        })
    }

    /// The newest value of a column of what is shown.
    pub(crate) fn newest(self, at: usize) -> Option<Newest> {
        let of = |drawn: &CardData| self.shown.with(|shown| newest(drawn, &shown.frame.columns.get(at)?.values));
        self.drawn.with(|drawn| of(drawn.as_ref()?))
    }

    /// Whether the buckets of a histogram are shown.
    pub(crate) fn is_buckets(self) -> bool {
        self.shown.with(|shown| matches!(shown.look, Some(plot::ChartType::Cells { draws_zero: false, .. })))
    }

    /// Whether cells are shown: of buckets, or of replicas.
    pub(crate) fn is_heat_map(self) -> bool {
        self.shown.with(|shown| matches!(shown.look, Some(plot::ChartType::Cells { .. })))
    }

    /// The unit that the graph's values are written in.
    pub(crate) fn unit(self) -> Unit {
        shown_by(self.graph.unit, self.is_per_minute.get())
    }

    /// The unit of what is on the card: a bucket holds requests, whatever these were measured in.
    pub(crate) fn shown_unit(self) -> Unit {
        if self.is_buckets() { shown_by(Unit::PerSecond, self.is_per_minute.get()) } else { self.unit() }
    }

    /// A value of one of the lines in a table, without the words of a rate: these stand above it.
    pub(crate) fn listed(self, name: &str, value: f64) -> String {
        let (text, suffix) = (self.written(name, value), self.shown_unit().suffix());
        text.strip_suffix(suffix).unwrap_or(&text).trim_end().to_owned()
    }

    /// A value of one of the lines, for people.
    pub(crate) fn written(self, name: &str, value: f64) -> String {
        let unit = self.shown_unit();
        self.drawn.with(|drawn| match drawn {
            Some(drawn) if !self.is_buckets() => bounds::written(self.graph, unit, drawn, name, value),
            _ => unit.format(value),
        })
    }
}

fn shown_by(unit: Unit, is_per_minute: bool) -> Unit {
    if is_per_minute { unit.per_minute() } else { unit }
}

/// The card of a graph. One that is near asks before the page has been laid out, which would tell that it is in sight.
#[component]
pub(crate) fn Card(graph: &'static Graph, is_near: bool) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let layouts = expect_context::<Layouts>();
    let state = RwSignal::from(feed.card(graph));
    let card @ CardContext { drawn, status, choices, .. } = CardContext::new(graph, state);
    provide_context(card);
    on_change(move || choices.with(CardOptions::data_options), move || feed.refresh_card(graph));
    let node = NodeRef::<html::Section>::new();
    if is_near {
        feed.set_on_screen(graph, true);
    }
    watch_screen(node, move |is_on_screen| feed.set_on_screen(graph, is_on_screen));
    on_cleanup(move || feed.set_on_screen(graph, false));
    let is_enlarged = RwSignal::new(false);
    let heading = format!("heading-{}", graph.id);
    let query = Signal::derive(move || drawn.with(|drawn| drawn.as_ref().map(|drawn| drawn.query.clone())));
    view! {
        <section
            node_ref=node
            class="card"
            data-graph=graph.id
            data-columns=move || layouts.current.with(|layout| layout.columns(graph)).to_string()
            data-status=move || {
                match status.get() {
                    Status::Loading => "loading",
                    Status::Live => "live",
                    Status::Stale { .. } => "stale",
                    Status::Failed(_) => "failed",
                    Status::Missing(_) => "absent",
                }
            }
            data-points=move || drawn.with(|drawn| drawn.as_ref().map_or(0, |drawn| drawn.frame.times_ms.len()))
            aria-labelledby=heading
        >
            <header>
                <h2 id=heading.clone() title=graph.title>{graph.title}</h2>
                <span class="unit">{move || card.unit().suffix()}</span>
                <Help id=graph.id title=graph.title text=graph.help query />
                <span class="now">{move || note(card)}</span>
                <Menu is_enlarged />
            </header>
            <Boxes />
            <WithinTarget />
            <Stage />
            <Show when=move || matches!(status.get(), Status::Failed(_))>
                <p class="failure" role="alert" data-testid="failure">
                    {move || if let Status::Failed(why) = status.get() { why } else { String::new() }}
                </p>
            </Show>
            <Legend />
            <Enlarged is_open=is_enlarged />
        </section>
    }
}

/// The graph or its table, or why there is neither.
#[component]
pub(crate) fn Stage() -> impl IntoView {
    let CardContext { status, shown, choices, .. } = expect_context();
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
            <Show when=move || is_table.get() fallback=|| view! { <Plot /> }>
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

/// What stands at the right of the heading: since when the card is stale, or the newest value.
pub(crate) fn note(card: CardContext) -> String {
    let graph = card.graph;
    if let Status::Stale { since_ms } = card.status.get() {
        return format!("stale since {}", time::clock(since_ms));
    }
    let Some(drawn) = card.drawn.get() else { return String::new() };
    let (drawn, frame) = (&*drawn, &drawn.frame);
    let newest = match graph.draw_style {
        // The last bar is still growing.
        DrawStyle::Bars => {
            let sums = frame.sums(|at| !is_limit(graph, &frame.columns[at].name));
            sums.split_last().and_then(|(_, done)| newest(drawn, done))
        }
        DrawStyle::Lines => {
            let first = graph.lines.iter().find(|line| line.role == LineRole::Data && !line.name.is_empty());
            let own = first.and_then(|line| frame.columns.iter().find(|column| column.name == line.name));
            own.and_then(|column| newest(drawn, &column.values))
        }
    };
    let text = newest.map(|newest| newest.text(|value| card.unit().format(value))).unwrap_or_default();
    match newest {
        Some(Newest::Old { age_ms, .. }) => format!("{text}, {} ago", time::age(age_ms)),
        _ => text,
    }
}

/// Tells when the element comes near the screen and leaves it.
fn watch_screen(node: NodeRef<html::Section>, tell: impl Fn(bool) + 'static) {
    let callback = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        if let Ok(last) = entries.at(-1).dyn_into::<web_sys::IntersectionObserverEntry>() {
            tell(last.is_intersecting());
        }
    });
    let Ok(observer) = web_sys::IntersectionObserver::new(callback.as_ref().unchecked_ref()) else { return };
    let watcher = StoredValue::new_local((observer, callback));
    effect(move || {
        if let Some(element) = node.get() {
            watcher.with_value(|(observer, _)| observer.observe(&element));
        }
    });
    on_cleanup(move || watcher.with_value(|(observer, _)| observer.disconnect()));
}
