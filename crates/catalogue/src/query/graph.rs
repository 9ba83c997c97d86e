//! The query of a whole graph: its recipes joined by layer and line.
use super::context::{MAX_QUERY_BYTES, RenderedContext};
use super::layers::{self, Mask, PAGE_LABEL, are_together, is_chosen, is_compared, layer};
use super::naming::LineNaming;
use super::shape::expression;
use super::{is_present, role};
use crate::engines::{EngineRecipe, engines, recipes};
use crate::promql_text::labelled;
use crate::{DrawStyle, Engine, Graph, LINE_LABEL, Layer, LineRole, Recipe, Shape};

/// The label that keeps equal lines of two layers apart until they are added up.
const LAYER_LABEL: &str = "layer";

/// What stands in the names of lines in place of an engine, for the machine that the companion runs on.
const OWN_MACHINE: &str = "companion's machine";

/// The query of the recipes that are present and wanted. While it is too long, layers are chosen by which of them exist, and
/// then the outermost engines are left out.
pub(super) fn query(
    graph: &Graph,
    context: &RenderedContext<'_>,
    is_wanted: &dyn Fn(EngineRecipe) -> bool,
) -> Option<String> {
    let mut present = present_recipes(graph, context, is_wanted);
    let query = all_lines(graph, &present, context)?;
    if query.len() <= MAX_QUERY_BYTES {
        return Some(query);
    }
    let context = &RenderedContext { chooses: false, ..context.clone() };
    loop {
        let query = all_lines(graph, &present, context)?;
        let last = present.last()?.0.id;
        if query.len() <= context.max_bytes || present[0].0.id == last {
            return Some(query);
        }
        present.retain(|(engine, _)| engine.id != last);
    }
}

/// The query of all recipes that are present and wanted, whatever its length.
pub(super) fn whole_query(
    graph: &Graph,
    context: &RenderedContext<'_>,
    is_wanted: &dyn Fn(EngineRecipe) -> bool,
) -> Option<String> {
    all_lines(graph, &present_recipes(graph, context, is_wanted), context)
}

/// The recipes of a graph that are wanted and present.
pub(super) fn present_recipes(
    graph: &Graph,
    context: &RenderedContext<'_>,
    is_wanted: &dyn Fn(EngineRecipe) -> bool,
) -> Vec<EngineRecipe> {
    let wanted = recipes(graph.id).iter().copied().filter(|own| is_wanted(*own));
    wanted.filter(|(engine, recipe)| is_present(engine, recipe, context.present)).collect()
}

/// All lines of a graph.
fn all_lines(graph: &Graph, all: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let (data, limits) = data_and_limits(graph, all, context)?;
    Some(limits.into_iter().fold(data, |data, limits| format!("{data} or {limits}")))
}

/// The lines of data of a graph, and those that are limits, as expressions.
pub(super) fn data_and_limits(
    graph: &Graph,
    all: &[EngineRecipe],
    context: &RenderedContext<'_>,
) -> Option<(String, Option<String>)> {
    let is_data = |own: &EngineRecipe| role(graph, own.1) == LineRole::Data;
    let (data, limits): (Vec<EngineRecipe>, Vec<EngineRecipe>) = all.iter().copied().partition(is_data);
    let data = match graph.draw_style {
        DrawStyle::Lines => lines(graph, &data, if is_chosen(graph, &data, context) { &data } else { &[] }, context),
        DrawStyle::Bars => stacks(graph, &data, context),
    }?;
    Some((data, lines(graph, &limits, &[], context)))
}

/// Bars by layer. Layers that may count the same requests are added up, each without what another of them counts; those of
/// the others are drawn where the layers before have none.
fn stacks(graph: &Graph, data: &[EngineRecipe], context: &RenderedContext<'_>) -> Option<String> {
    let after = |own: Option<Layer>| data.iter().map(layer).filter(|layer| own.is_none_or(|own| *layer > own)).min();
    let layers: Vec<Layer> = std::iter::successors(after(None), |own| after(Some(*own))).collect();
    let of_layer = |own: Layer| data.iter().copied().filter(|other| layer(other) == own).collect::<Vec<_>>();
    let compared = if is_chosen(graph, data, context) { layers.partition_point(|own| is_compared(*own)) } else { 0 };
    // A single layer has no rivals.
    let compared = if compared > 1 { compared } else { 0 };
    let chosen = chosen_stacks(graph, data, &layers[..compared], context);
    let others = layers[compared..].iter().filter_map(|own| lines(graph, &of_layer(*own), &[], context));
    let on = context.groups(None);
    chosen.into_iter().chain(others).reduce(|first, next| format!("({first}) or on ({on}) ({next})"))
}

/// The bars of several layers without what others of them count. They keep the labels by which they are compared, and are
/// added up afterwards.
fn chosen_stacks(
    graph: &Graph,
    data: &[EngineRecipe],
    compared: &[Layer],
    context: &RenderedContext<'_>,
) -> Option<String> {
    let mut tiers = Vec::new();
    for of_tier in compared.chunk_by(|one, other| are_together(*one, *other)) {
        let (mut stacks, mut tier_mask) = (Vec::new(), String::new());
        for own in of_tier {
            let of_layer: Vec<EngineRecipe> = data.iter().copied().filter(|other| layer(other) == *own).collect();
            let Mask { server, tier, .. } = layers::mask(graph, &of_layer[0], data, context);
            let page = Some(PAGE_LABEL).filter(|_| !server.is_empty());
            let mut kept_labels = context.kept_labels.to_vec();
            kept_labels
                .extend(context.model_label.into_iter().chain(page).filter(|own| !context.kept_labels.contains(own)));
            let lines =
                lines(graph, &of_layer, &[], &RenderedContext { kept_labels: &kept_labels, ..context.clone() })?;
            let lines = if server.is_empty() { lines } else { format!("({lines}){server}") };
            // Lines of two layers may have the same name.
            let number = tiers.len() * compared.len() + stacks.len();
            stacks.push(labelled(&lines, LAYER_LABEL, &number.to_string()));
            tier_mask = tier;
        }
        let stacks = stacks.join(" or ");
        tiers.push(if tier_mask.is_empty() { stacks } else { format!("({stacks}){tier_mask}") });
    }
    let groups: Vec<&str> = [LINE_LABEL].into_iter().chain(context.kept_labels.iter().copied()).collect();
    (!tiers.is_empty()).then(|| format!("sum by ({}) ({})", groups.join(", "), tiers.join(" or ")))
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
    let has_engines = has_engines(all);
    let has_siblings = all.iter().any(|(_, recipe)| recipe.line() != all[0].1.line());
    let part = |own: &EngineRecipe| {
        let (engine, recipe) = own;
        let naming = LineNaming {
            line: recipe.line(),
            is_limit: role(graph, recipe) != LineRole::Data,
            has_siblings,
            engine: if has_engines { title(engine) } else { "" },
        };
        if engine.layer == Layer::Machine && engine.replica_label.is_empty() {
            return Some((of_hosts(own, &naming, context)?, String::new()));
        }
        let (series, lines) = layers::mask(graph, own, rivals, context).split();
        Some((expression(engine, recipe, &naming, &series, context)?, lines))
    };
    let of_line = |line: &'static str| all.iter().filter(move |(_, recipe)| recipe.line() == line);
    // What is left out in the same places is written together.
    let mut groups: Vec<(String, String)> = Vec::new();
    for (part, mask) in graph.lines.iter().map(|line| line.name).flat_map(of_line).filter_map(part) {
        match groups.iter_mut().find(|(other, _)| *other == mask) {
            Some((_, all)) => *all = format!("{all} or {part}"),
            None => groups.push((mask, part)),
        }
    }
    let masked = |(mask, all): (String, String)| if mask.is_empty() { all } else { format!("({all}){mask}") };
    groups.into_iter().map(masked).reduce(|all, part| format!("{all} or {part}"))
}

/// The lines of hosts, and beside them those of the companion's own machine if no replica in scope runs there.
fn of_hosts((engine, recipe): &EngineRecipe, naming: &LineNaming<'_>, context: &RenderedContext<'_>) -> Option<String> {
    let hosts = context.has_hosts.then(|| expression(engine, recipe, naming, "", context)).flatten();
    let apart = context.apart().and_then(|apart| {
        let naming = LineNaming { engine: OWN_MACHINE, ..*naming };
        expression(engine, recipe, &naming, "", &apart)
    });
    hosts.into_iter().chain(apart).reduce(|hosts, apart| format!("{hosts} or {apart}"))
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
    let original = engine.reexports.and_then(|id| engines().iter().find(|other| other.id == id));
    original.map_or(engine.title, |original| original.title)
}
