//! What the parts of a card share.
use crate::data::graph::card_state::{CardData, CardState, Status};
use crate::state::card_options::CardOptions;
use crate::state::navigation::Navigation;
use crate::ui::graph::axis::{Axis, axis};
use crate::ui::graph::colours::Palette;
use crate::ui::graph::percentile_bounds as bounds;
use crate::ui::graph::visible::{Shown, shown};
use catalogue::{Graph, Unit};
use leptos::prelude::*;
use plot::{LineStyle, Projection};
use std::sync::Arc;

/// Where the last painting put things, in CSS pixels of the stage.
pub(crate) type Painted = RwSignal<Option<Projection>>;

/// What the parts of a card share.
#[derive(Clone, Copy)]
pub(crate) struct CardContext {
    pub(crate) graph: &'static Graph,
    /// What was drawn last.
    pub(crate) drawn: Memo<Option<Arc<CardData>>>,
    /// How fresh that is.
    pub(crate) status: Memo<Status>,
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
    pub(crate) fn new(graph: &'static Graph, state: RwSignal<CardState>) -> Self {
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
