//! The query of a whole graph: its recipes joined by layer and line.
use super::context::RenderedContext;
use super::shape::{LineNaming, expression};
use super::{is_present, role};
use crate::engines::{ENGINES, EngineRecipe, recipes};
use crate::{DrawStyle, Engine, Graph, Layer, LineRole, Recipe, Shape};

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
        DrawStyle::Lines => lines(graph, &data, context),
        DrawStyle::Bars => stacks(graph, &data, context),
    }?;
    let limits = lines(graph, &limits, context);
    Some(limits.into_iter().fold(data, |data, limits| format!("{data} or {limits}")))
}

/// Lines by layer: those of a layer are drawn where the layers before it have none.
fn stacks(graph: &Graph, data: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let after = |own: Option<Layer>| data.iter().map(layer).filter(|layer| own.is_none_or(|own| *layer > own)).min();
    let layers = std::iter::successors(after(None), |own| after(Some(*own)));
    let on = context.kept_labels.join(", ");
    let stacks = layers.filter_map(|own| {
        let data: Vec<EngineRecipe> = data.iter().copied().filter(|other| layer(other) == own).collect();
        lines(graph, &data, context)
    });
    stacks.reduce(|first, next| format!("({first}) or on ({on}) ({next})"))
}

pub(super) fn layer((engine, recipe): &EngineRecipe) -> Layer {
    recipe.layer.unwrap_or(engine.layer)
}

/// The lines of recipes that are drawn together. Their names include the engine if there are several.
fn lines(graph: &Graph, all: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let all = &without_repeated_details(all, context);
    let has_engines = has_engines(all);
    let has_siblings = all.iter().any(|(_, recipe)| recipe.line() != all[0].1.line());
    let part = |(engine, recipe): &EngineRecipe| {
        let naming = LineNaming {
            line: recipe.line(),
            is_limit: role(graph, recipe) != LineRole::Data,
            has_siblings,
            engine: if has_engines { title(engine) } else { "" },
        };
        expression(engine, recipe, &naming, context)
    };
    let of_line = |line: &'static str| all.iter().filter(move |(_, recipe)| recipe.line() == line);
    let parts = graph.lines.iter().map(|line| line.name).flat_map(of_line).filter_map(part);
    parts.reduce(|all, part| format!("{all} or {part}"))
}

/// Whether the names of the lines include the engine, as there are several.
pub(super) fn has_engines(all: &[EngineRecipe]) -> bool {
    all.iter().any(|(engine, _)| title(engine) != title(all[0].0))
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
pub(super) fn title(engine: &Engine) -> &'static str {
    let original = engine.reexports.and_then(|id| ENGINES.iter().find(|other| other.id == id));
    original.map_or(engine.title, |original| original.title)
}
