//! What the parts of a card share.
use crate::data::graph::card_state::{CardData, CardState, Status};
use crate::state::card_options::CardOptions;
use crate::state::navigation::Navigation;
use crate::ui::graph::axis::{Axis, AxisForm, axis};
use crate::ui::graph::colours::Palette;
use crate::ui::graph::percentile_bounds::{format_bounded, hatched_bands};
use crate::ui::graph::visible::{VisibleLines, visible_lines};
use catalogue::{Graph, Unit};
use leptos::prelude::*;
use plot::{LineStyle, Projection};
use std::sync::Arc;

/// The projection of the last painting, in CSS pixels of the canvas; none before the first.
pub(crate) type PaintedProjection = RwSignal<Option<Projection>>;

/// What the parts of a card share.
#[derive(Clone, Copy)]
pub(crate) struct CardContext {
    pub(crate) graph: &'static Graph,
    /// The newest data.
    pub(crate) data: Memo<Option<Arc<CardData>>>,
    /// How current the data are.
    pub(crate) status: Memo<Status>,
    /// The lines to draw.
    pub(crate) lines: Memo<Arc<VisibleLines>>,
    /// The style of each column of `lines`.
    pub(crate) styles: Memo<Vec<LineStyle>>,
    /// The value axis.
    pub(crate) axis: Memo<Axis>,
    /// The options that menu and legend change.
    pub(crate) options: Memo<CardOptions>,
    /// Whether request rates are shown per minute.
    is_per_minute: Memo<bool>,
}

/// A visible line and its value at one time.
pub(crate) struct LineValue {
    pub(crate) name: String,
    pub(crate) style: LineStyle,
    pub(crate) value: f64,
    /// The least and the greatest value within the step, of a gauge.
    pub(crate) bounds: Option<(f64, f64)>,
    /// Whether the value is only a bound, and so hatched instead of drawn.
    pub(crate) is_hatched: bool,
}

impl CardContext {
    /// The context of a graph's card.
    pub(crate) fn new(graph: &'static Graph, state: RwSignal<CardState>) -> Self {
        let (palette, navigation) = (expect_context::<Memo<Palette>>(), expect_context::<Navigation>());
        let options = Memo::new(move |_| navigation.view.with(|view| view.card_options.of(graph)));
        let is_per_minute = Memo::new(move |_| navigation.view.with(|view| view.is_per_minute));
        let data = Memo::new(move |_| state.with(|state| state.data.clone()));
        let status = Memo::new(move |_| state.with(|state| state.status.clone()));
        let lines = Memo::new(move |_| {
            let options = options.get();
            data.with(|data| {
                let lines = |data: &Arc<CardData>| {
                    let lines = visible_lines(graph, data, &options);
                    VisibleLines { hatched: hatched_bands(graph, data, &lines), ..lines }
                };
                Arc::new(data.as_ref().map(lines).unwrap_or_default())
            })
        });
        let styles = Memo::new(move |_| {
            let is_detailed = data.with(|data| data.as_ref().is_some_and(|data| data.is_detailed));
            let palette = palette.get();
            lines.with(|lines| palette.styles(graph, lines, is_detailed))
        });
        let axis = Memo::new(move |_| {
            let form = options.with(|options| match () {
                () if options.is_log => AxisForm::Logarithmic,
                () if options.is_fitted => AxisForm::Fitted,
                () => AxisForm::FromZero,
            });
            lines.with(|lines| {
                let unit = display_unit(graph.unit, is_per_minute.get(), lines);
                styles.with(|styles| axis((unit, graph.ceiling), lines, styles, form))
            })
        });
        Self { graph, data, status, lines, styles, axis, options, is_per_minute }
    }

    /// The visible lines with their values at an index.
    pub(crate) fn values(self, at: usize) -> Vec<LineValue> {
        self.lines.with(|lines| {
            let columns = lines.frame.columns.iter().zip(self.styles.get()).enumerate();
            let visible = columns.filter(|(_, (_, style))| style.is_visible);
            visible
                .map(|(line, (column, style))| {
                    let value = column.values.get(at).copied().unwrap_or(f64::NAN);
                    let bounds = lines.bounds_of(&column.name);
                    let bounds = bounds.and_then(|bounds| Some((*bounds.least.get(at)?, *bounds.greatest.get(at)?)));
                    let is_hatched = lines.is_hatched(line, at);
                    LineValue { name: column.name.clone(), style, value, bounds, is_hatched }
                })
                .collect()
        })
    }

    /// Whether the card is a heat map of a histogram's buckets.
    pub(crate) fn is_bucket_heat_map(self) -> bool {
        self.lines.with(|lines| lines.is_bucket_heat_map())
    }

    /// Whether the card is a heat map.
    pub(crate) fn is_heat_map(self) -> bool {
        self.lines.with(|lines| lines.is_heat_map())
    }

    /// The unit of the graph's values.
    pub(crate) fn unit(self) -> Unit {
        self.lines.with(|lines| display_unit(self.graph.unit, self.is_per_minute.get(), lines))
    }

    /// The unit of the values on the card. A bucket holds a rate of requests, whatever the unit of the graph is.
    pub(crate) fn value_unit(self) -> Unit {
        let is_bucket = self.is_bucket_heat_map();
        match (is_bucket, self.is_per_minute.get()) {
            (false, _) => self.unit(),
            (true, false) => Unit::PerSecond,
            (true, true) => Unit::PerSecond.per_minute(),
        }
    }

    /// A value for a table cell, without the suffix of a rate, which is part of the table's caption.
    pub(crate) fn format_cell(self, name: &str, value: f64) -> String {
        let (text, suffix) = (self.format_value(name, value), self.value_unit().suffix());
        text.strip_suffix(suffix).unwrap_or(&text).trim_end().to_owned()
    }

    /// A value of a line, with its unit and with `≥` or `≤` if it is only a bound.
    pub(crate) fn format_value(self, name: &str, value: f64) -> String {
        let unit = self.value_unit();
        self.data.with(|data| match data {
            Some(data) if !self.is_bucket_heat_map() => format_bounded(self.graph, unit, data, name, value),
            _ => unit.format(value),
        })
    }
}

/// The unit in which the lines of a graph are shown.
fn display_unit(unit: Unit, is_per_minute: bool, lines: &VisibleLines) -> Unit {
    match (lines.is_counted, is_per_minute) {
        (true, _) => Unit::Count,
        (false, true) => unit.per_minute(),
        (false, false) => unit,
    }
}
