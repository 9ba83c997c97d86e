//! The query of a whole graph: its recipes joined by layer and line.
use super::context::RenderedContext;
use super::layers::{self, Mask, is_chosen, is_compared, layer};
use super::shape::{LineNaming, expression};
use super::{is_present, role};
use crate::engines::{ENGINES, EngineRecipe, recipes};
use crate::promql_text::label_replaced;
use crate::{DrawStyle, Engine, Graph, LINE_LABEL, Layer, LineRole, Recipe, Shape};

/// The label that keeps equal lines of two layers apart until they are added up.
const LAYER_LABEL: &str = "layer";

/// The query of the recipes that are present and wanted. The outermost engines are left out while it is too long.
pub(super) fn query(
    graph: &Graph,
    context: &RenderedContext<'_>,
    is_wanted: &dyn Fn(EngineRecipe) -> bool,
) -> Option<String> {
    let wanted = recipes(graph.id).iter().copied().filter(|own| is_wanted(*own));
    let present = wanted.filter(|(engine, recipe)| is_present(engine, recipe, context.present));
    let mut present: Vec<EngineRecipe> = present.collect();
    loop {
        let query = all_lines(graph, &present, context)?;
        let last = present.last()?.0.id;
        if query.len() <= context.max_bytes || present[0].0.id == last {
            return Some(query);
        }
        present.retain(|(engine, _)| engine.id != last);
    }
}

/// All lines of a graph.
fn all_lines(graph: &Graph, all: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let is_data = |own: &EngineRecipe| role(graph, own.1) == LineRole::Data;
    let (data, limits): (Vec<EngineRecipe>, Vec<EngineRecipe>) = all.iter().copied().partition(is_data);
    let data = match graph.draw_style {
        DrawStyle::Lines => lines(graph, &data, if is_chosen(graph, &data) { &data } else { &[] }, context),
        DrawStyle::Bars => stacks(graph, &data, context),
    }?;
    let limits = lines(graph, &limits, &[], context);
    Some(limits.into_iter().fold(data, |data, limits| format!("{data} or {limits}")))
}

/// Bars by layer. Layers that may count the same requests are added up, each without what another of them counts; those of
/// the others are drawn where the layers before have none.
fn stacks(graph: &Graph, data: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let after = |own: Option<Layer>| data.iter().map(layer).filter(|layer| own.is_none_or(|own| *layer > own)).min();
    let layers = std::iter::successors(after(None), |own| after(Some(*own)));
    let (mut chosen, mut stacks) = (Vec::new(), Vec::new());
    for own in layers {
        let of_layer: Vec<EngineRecipe> = data.iter().copied().filter(|other| layer(other) == own).collect();
        let is_compared = is_compared(own) && is_chosen(graph, data);
        let masks = if is_compared { data } else { &[] };
        if let Some(lines) = lines(graph, &of_layer, masks, context) {
            if is_compared { &mut chosen } else { &mut stacks }.push(lines);
        }
    }
    if chosen.len() > 1 {
        // Lines of two layers may have the same name.
        let tagged = chosen.iter().enumerate().map(|(at, lines)| label_replaced(lines, LAYER_LABEL, &at.to_string()));
        let all = tagged.reduce(|all, lines| format!("{all} or {lines}"))?;
        chosen = vec![format!("sum by ({}) ({all})", [LINE_LABEL, &context.groups(None)].join(", "))];
    }
    let on = context.groups(None);
    chosen.into_iter().chain(stacks).reduce(|first, next| format!("({first}) or on ({on}) ({next})"))
}

/// The lines of recipes that are drawn together, without what others among `rivals` count. Their names include the engine
/// if there are several.
fn lines(
    graph: &Graph,
    all: &[EngineRecipe],
    rivals: &[EngineRecipe],
    context: &RenderedContext<'_>,
) -> Option<String> {
    let all = &without_repeated_details(all, context);
    let has_engines = all.iter().any(|(engine, _)| title(engine) != title(all[0].0));
    let has_siblings = all.iter().any(|(_, recipe)| recipe.line() != all[0].1.line());
    let part = |own: &EngineRecipe| {
        let (engine, recipe) = own;
        let naming = LineNaming {
            line: recipe.line(),
            is_limit: role(graph, recipe) != LineRole::Data,
            has_siblings,
            engine: if has_engines { title(engine) } else { "" },
        };
        let Mask { series, lines } = layers::mask(graph, own, rivals, context);
        let expression = expression(engine, recipe, &naming, &series, context)?;
        Some(if lines.is_empty() { expression } else { format!("({expression}){lines}") })
    };
    let of_line = |line: &'static str| all.iter().filter(move |(_, recipe)| recipe.line() == line);
    let parts = graph.lines.iter().map(|line| line.name).flat_map(of_line).filter_map(part);
    parts.reduce(|all, part| format!("{all} or {part}"))
}

/// Leaves out repeated details: the average and the maximum of a replica are the same where it has one value.
fn without_repeated_details(all: &[EngineRecipe], context: &RenderedContext<'_>) -> Vec<EngineRecipe> {
    let gauge = |(engine, recipe): &(&'static Engine, &'static Recipe)| match recipe.shape {
        Shape::Gauge { names, .. } => Some((engine.id, names)),
        _ => None,
    };
    let is_repeated = |at: usize| {
        let Some((engine, names)) = gauge(&all[at]) else { return false };
        let mut before = all[..at].iter().filter_map(gauge).filter(|(other, _)| *other == engine);
        before.any(|(_, other)| names.iter().any(|name| other.contains(name)))
    };
    (0..all.len()).filter(|at| context.detail.is_none() || !is_repeated(*at)).map(|at| all[at]).collect()
}

/// The engine in a line's name. A re-exporter has the name of the original, so that of equal lines the original, which
/// comes first, is drawn.
fn title(engine: &Engine) -> &'static str {
    let original = engine.reexports.and_then(|id| ENGINES.iter().find(|other| other.id == id));
    original.map_or(engine.title, |original| original.title)
}
