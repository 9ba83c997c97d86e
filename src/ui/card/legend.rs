//! The legend of a card, a small table. A click hides or shows a line; a double-click or Shift+Enter shows only that line.
use crate::data::feed::Feed;
use crate::state::line_filter::LineFilter;
use crate::state::navigation::Navigation;
use crate::ui::card::last_value::{LastValue, last_value_at};
use crate::ui::card::peers::ratios;
use crate::ui::card::remarks::remarks;
use crate::ui::card::statistics::{Statistics, statistics};
use crate::ui::card::summary::{SummaryText, is_in_legend, summary_text};
use crate::ui::graph::colours::{Palette, css};
use crate::ui::graph::context::CardContext;
use crate::ui::graph::visible::{VisibleLines, first_filter};
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use crate::ui::kit::peers::MAX_USUAL_RATIO;
use crate::wasm_size::sort::sort_by;
use catalogue::{Colours, Detail, Graph, PERCENTILES, Section, Summary, Unit, line_name, status_name};
use leptos::prelude::*;
use std::sync::Arc;

/// The legend, with values or with statistics, and remarks on what the graph shows.
#[component]
pub(crate) fn Legend() -> impl IntoView {
    let card @ CardContext { graph, lines, options, .. } = expect_context();
    let is_detailed = move || card.data.with(|data| data.as_ref().is_some_and(|data| data.is_detailed));
    let peers = Memo::new(move |_| if is_detailed() { lines.with(|lines| ratios(graph, lines)) } else { Vec::new() });
    let names = Memo::new(move |_| {
        let mut names = lines.with(|lines| ordered(graph, lines.legend_names()));
        // Of peers, the highest comes first.
        peers.with(|peers| {
            let ratio = |at: usize| peers.get(at).copied().unwrap_or(f64::NEG_INFINITY);
            sort_by(&mut names, |(one, _), (other, _)| ratio(*other).total_cmp(&ratio(*one)));
        });
        names
    });
    let has_statistics = Memo::new(move |_| options.with(|options| options.has_statistics));
    let is_heat_map = Memo::new(move |_| card.is_heat_map());
    let remarks = Memo::new(move |_| remarks(card));
    view! {
        <Show when=move || remarks.with(Option::is_some)>
            <p class="remark" data-testid="remark">{move || remarks.get()}</p>
        </Show>
        {move || {
            if is_heat_map.get() {
                view! { <ColourScale /> }.into_any()
            } else if has_statistics.get() {
                view! { <StatisticsTable names /> }.into_any()
            } else {
                view! { <LegendTable names peers /> }.into_any()
            }
        }}
    }
}

/// The lines by their columns, the highest percentile first.
fn ordered(graph: &Graph, names: Vec<String>) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = names.into_iter().enumerate().collect();
    if graph.colours == Colours::Percentiles {
        let rank = |name: &str| PERCENTILES.iter().rev().position(|(own, _)| *own == line_name(name));
        sort_by(&mut all, |(_, one), (_, other)| {
            let rank = |name: &str| rank(name).unwrap_or(PERCENTILES.len());
            rank(one).cmp(&rank(other))
        });
    }
    all
}

/// What the legend says of a line.
#[derive(Clone, Debug, Default, PartialEq)]
struct LineTexts {
    now: String,
    is_old: bool,
    range: SummaryText,
    highest: String,
}

/// The texts of a line, by its column.
fn line_texts(card: CardContext, at: usize, name: &str) -> LineTexts {
    let last = last_value_at(card, at);
    let statistics = card.lines.with(|lines| line_statistics(lines, at));
    let cell = |value: Option<f64>| card.format_cell(name, value.unwrap_or(f64::NAN));
    let range = card.data.with(|data| {
        let data = data.as_ref()?;
        let (_, value) = data.summary.iter().find(|(own, _)| own == name && is_in_legend(card))?;
        Some(summary_text(card, data, name, *value))
    });
    let mean = || SummaryText { value: cell(statistics.map(|all| all.mean)), share: String::new() };
    LineTexts {
        now: last.map(|last| last.text(|value| card.format_cell(name, value))).unwrap_or_default(),
        is_old: matches!(last, Some(LastValue::Old { .. })),
        range: range
            .unwrap_or_else(|| if card.graph.summary == Summary::None { mean() } else { SummaryText::default() }),
        highest: cell(statistics.map(|all| all.max)),
    }
}

/// The values of the lines that the summary has and the graph does not: nothing of them could be drawn.
fn undrawn(card: CardContext) -> Vec<(String, SummaryText)> {
    let names = card.lines.with(|lines| lines.legend_names());
    card.data.with(|data| {
        let Some(data) = data.as_ref().filter(|_| is_in_legend(card)) else { return Vec::new() };
        let others = data.summary.iter().filter(|(name, _)| !names.contains(name));
        others.map(|(name, value)| (name.clone(), summary_text(card, data, name, *value))).collect()
    })
}

/// The legend as a table: each line with its value now, over the range, and its highest.
#[component]
fn LegendTable(
    names: Memo<Vec<(usize, String)>>,
    /// The means of details as multiples of their median, by column.
    peers: Memo<Vec<f64>>,
) -> impl IntoView {
    let card @ CardContext { graph, .. } = expect_context();
    let feed = expect_context::<Feed>();
    let undrawn = Memo::new(move |_| undrawn(card));
    let over_range = move || match graph.summary {
        Summary::Counts => "total".to_owned(),
        Summary::Percentiles => time::duration(feed.range.get().length_ms()),
        Summary::None => "mean".to_owned(),
    };
    let row = move |(at, name): (usize, String)| {
        let line = name.clone();
        let texts = Memo::new(move |_| line_texts(card, at, &line));
        let odd =
            Memo::new(move |_| peers.with(|peers| peers.get(at).copied().filter(|ratio| *ratio > MAX_USUAL_RATIO)));
        let why = move || odd.get().map(|ratio| format!("{ratio:.1} × the median of its peers"));
        view! {
            <tr class:odd=move || odd.get().is_some() title=why>
                <th scope="row">
                    <Entry at name=name.clone() />
                </th>
                <td class="value" class:old=move || texts.with(|texts| texts.is_old)>
                    {move || texts.with(|texts| texts.now.clone())}
                </td>
                <td data-box=move || (graph.summary != Summary::None && is_in_legend(card)).then(|| name.clone())>
                    <b>{move || texts.with(|texts| texts.range.value.clone())}</b>
                    <small>{move || texts.with(|texts| texts.range.share.clone())}</small>
                </td>
                <td>{move || texts.with(|texts| texts.highest.clone())}</td>
            </tr>
        }
    };
    let undrawn_row = |(name, SummaryText { value, share }): (String, SummaryText)| {
        view! {
            <tr>
                <th scope="row">{name.clone()}</th>
                <td></td>
                <td data-box=name>
                    <b>{value}</b>
                    <small>{share}</small>
                </td>
                <td></td>
            </tr>
        }
    };
    view! {
        <div class="legend" data-testid="boxes" tabindex="0" role="region" aria-label=format!("Lines of {}", graph.title)>
            <table hidden=move || names.with(Vec::is_empty) && undrawn.with(Vec::is_empty)>
                <thead>
                    <tr>
                        <th scope="col">{move || whose(card, feed)}</th>
                        <th scope="col">"now"</th>
                        <th scope="col">{over_range}</th>
                        <th scope="col">"highest"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || names.get().into_iter().map(row).collect_view()}
                    {move || undrawn.get().into_iter().map(undrawn_row).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

/// The heading where it is not known whose the lines are.
const LINE: &str = "line";

/// Whose the lines are, such as `average of 5 replicas`.
fn whose(card: CardContext, feed: Feed) -> String {
    let is_detailed = card.data.with(|data| data.as_ref().is_some_and(|data| data.is_detailed));
    let of = match (card.graph.detail, is_detailed) {
        (Detail::Codes, true) => return "status code".to_owned(),
        (Detail::Gpus, true) => return "each GPU".to_owned(),
        (Detail::Replicas, true) => return "each replica".to_owned(),
        (Detail::Gpus, false) => "all GPUs".to_owned(),
        (_, false) => match feed.replica_count.get().total {
            0 => return LINE.to_owned(),
            1 => return "1 replica".to_owned(),
            count => format!("{count} replicas"),
        },
    };
    // What machines have is not of replicas.
    if card.graph.section == Section::Hardware && card.graph.detail != Detail::Gpus {
        return LINE.to_owned();
    }
    match (card.graph.summary, card.graph.unit) {
        (Summary::Percentiles, _) => format!("all requests of {of}"),
        (Summary::Counts, _) => format!("sum of {of}"),
        (Summary::None, Unit::Share) => of,
        (Summary::None, _) => format!("over {of}"),
    }
}

/// The button of a line.
#[component]
fn Entry(at: usize, name: String) -> impl IntoView {
    let CardContext { graph, data, lines, styles, .. } = expect_context();
    let navigation = expect_context::<Navigation>();
    let is_visible = {
        let name = name.clone();
        Memo::new(move |_| lines.with(|lines| !lines.filter.hides(&name)))
    };
    let colour = move || styles.with(|styles| styles.get(at).map(|style| css(style.rgb)).unwrap_or_default());
    let is_dashed = move || styles.with(|styles| styles.get(at).is_some_and(|style| style.dash.is_some()));
    let line = name.clone();
    let change = move |isolates: bool| {
        let mut filter = lines.with_untracked(|lines| lines.filter.clone());
        match isolates {
            true => filter.isolate(&line),
            false => filter.toggle(&line, &lines.with_untracked(|lines| lines.legend_names())),
        }
        let is_detailed = data.with_untracked(|data| data.as_ref().is_some_and(|data| data.is_detailed));
        // What a first visit shows needs no words in the link.
        if filter == first_filter(graph, is_detailed, &lines.with_untracked(|lines| lines.legend_names())) {
            filter = LineFilter::default();
        }
        navigation.adjust(|view| view.card_options.change(graph, &mut |options| options.line_filter = filter.clone()));
    };
    let (isolate, isolate_by_key) = (change.clone(), change.clone());
    let key_down = move |event: web_sys::KeyboardEvent| {
        if event.shift_key() && event.key() == "Enter" {
            event.prevent_default();
            isolate_by_key(true);
        }
    };
    let meaning = (graph.colours == Colours::StatusClasses).then(|| status_name(line_name(&name))).flatten();
    let meaning = meaning.map(|meaning| format!("{name}: {meaning}. ")).unwrap_or_default();
    view! {
        <button
            type="button"
            data-line=name.clone()
            aria-pressed=move || is_visible.get().to_string()
            title=format!("{meaning}Click to hide or show; double-click or Shift+Enter to show only this line")
            on:click=move |_| change(false)
            on:dblclick=move |_| isolate(true)
            on:keydown=key_down
        >
            <i class="swatch" class:dashed=is_dashed style:color=colour></i>
            <span class="name">{name.clone()}</span>
        </button>
    }
}

/// The legend as a table with statistics of the range.
#[component]
fn StatisticsTable(names: Memo<Vec<(usize, String)>>) -> impl IntoView {
    let CardContext { graph, .. } = expect_context();
    let rows = move || {
        let row = |(at, name): (usize, String)| view! { <StatisticsRow at name /> };
        names.get().into_iter().map(row).collect_view()
    };
    view! {
        <div
            class="statistics"
            data-testid="statistics"
            tabindex="0"
            role="region"
            aria-label=format!("Statistics of {}", graph.title)
        >
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Line"</th>
                        <th scope="col">"Min"</th>
                        <th scope="col">"Mean"</th>
                        <th scope="col">"Max"</th>
                        <th scope="col">"Last"</th>
                        <th scope="col">"p95"</th>
                        <th scope="col">"Deviation"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn StatisticsRow(at: usize, name: String) -> impl IntoView {
    let card @ CardContext { lines, .. } = expect_context();
    let all = Memo::new(move |_| lines.with(|lines| line_statistics(lines, at)));
    let cell = {
        let name = name.clone();
        move |pick: fn(Statistics) -> f64| {
            let name = name.clone();
            view! { <td>{move || card.format_cell(&name, all.get().map_or(f64::NAN, pick))}</td> }
        }
    };
    view! {
        <tr>
            <th scope="row">
                <Entry at name />
            </th>
            {cell(|all| all.min)}
            {cell(|all| all.mean)}
            {cell(|all| all.max)}
            {cell(|all| all.last)}
            {cell(|all| all.p95)}
            {cell(|all| all.deviation)}
        </tr>
    }
}

/// The statistics of a line's complete values, by its column.
fn line_statistics(lines: &VisibleLines, at: usize) -> Option<Statistics> {
    let column = lines.frame.columns.get(at)?;
    statistics(column.values.get(..lines.known_count())?, lines.bounds_of(&column.name))
}

/// The colours of a heat map, with the values of the first and the last one.
#[component]
fn ColourScale() -> impl IntoView {
    let palette = expect_context::<Memo<Palette>>();
    let card @ CardContext { lines, .. } = expect_context();
    let labels = move || {
        if card.is_bucket_heat_map() {
            let unit = if card.value_unit() == Unit::PerMinute { "minute" } else { "second" };
            return (format!("Rate per {unit} in each bucket: low "), " high".to_owned());
        }
        let max = |lines: &Arc<VisibleLines>| {
            let values = lines.frame.columns.iter().flat_map(|column| column.values.iter().copied());
            values.filter(|value| value.is_finite()).fold(0.0, f64::max)
        };
        let (unit, max) = (card.unit(), lines.with(max));
        (format!("One row per replica or GPU: {} ", unit.format(0.0)), format!(" {}", unit.format(max)))
    };
    let swatches = move || {
        let colours = palette.with(|palette| palette.theme.colour_scale.clone());
        colours.into_iter().map(|rgb| view! { <i class="swatch" style:color=css(rgb)></i> }).collect_view()
    };
    view! {
        <p class="ramp">
            {move || labels().0} <span aria-hidden="true">{swatches}</span> {move || labels().1}
        </p>
    }
}
