//! Which engine feeds which graph, as a document.
use crate::cell;
use catalogue::{ENGINES, Engine, GRAPHS, Graph, Layer, LineRole, Recipe, Section, Shape, recipes};
use std::fmt::Write;

/// docs/coverage.md: graphs down, engines across.
pub fn coverage() -> String {
    let mut text = String::from(
        "# Which engine feeds which graph\n\n\
         Generated from the catalogue. Nothing needs to be configured: engines are recognised by the names of their \
         metrics, and a graph appears when its metrics are present.\n\n\
         - **yes**: drawn from metrics of the engine.\n\
         - **mean**: only the mean, no percentiles.\n\
         - **derived**: computed from other metrics of the engine.\n\
         - **flag**: exported only with a flag or feature, see below.\n\
         - **0.33+**: exported by this version and newer ones.\n\
         - The column HTTP server is the web server inside vLLM and other Python servers.\n\
         - *In italics*: not tested with a metrics page of a running server; names are from the engine's documentation or \
         source.\n",
    );
    for (title, layers) in [
        ("Inference engines and frameworks", &[Layer::Engine, Layer::Server][..]),
        ("Gateways, proxies and platforms", &[Layer::Gateway, Layer::Proxy, Layer::Platform]),
        ("Machines", &[Layer::Machine]),
    ] {
        let engines: Vec<&Engine> = ENGINES
            .iter()
            .copied()
            .filter(|engine| layers.contains(&engine.layer) && engine.reexports.is_none())
            .collect();
        let _ = write!(text, "\n## {title}\n");
        for section in Section::ALL {
            table(&mut text, section, &engines);
        }
    }
    requirements(&mut text);
    sources(&mut text);
    text
}

fn table(text: &mut String, section: Section, engines: &[&Engine]) {
    let fed = |graph: &Graph| engines.iter().map(|engine| how(graph, engine)).collect::<Vec<_>>();
    let rows: Vec<(&Graph, Vec<String>)> = GRAPHS
        .iter()
        .filter(|graph| graph.section == section)
        .map(|graph| (*graph, fed(graph)))
        .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
        .collect();
    if rows.is_empty() {
        return;
    }
    let used: Vec<usize> =
        (0..engines.len()).filter(|at| rows.iter().any(|(_, cells)| !cells[*at].is_empty())).collect();
    let titles: Vec<&str> = used.iter().map(|at| engines[*at].title).collect();
    let _ = write!(text, "\n### {}\n\n| Graph | {} |\n", section.title(), titles.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(used.len()));
    for (graph, cells) in rows {
        let cells: Vec<&str> = used.iter().map(|at| cells[*at].as_str()).collect();
        let hidden = if graph.is_shown { "" } else { " (hidden by default)" };
        let _ = writeln!(text, "| {}{hidden} | {} |", cell(graph.title), cells.join(" | "));
    }
}

/// How an engine feeds a graph; empty if it does not.
fn how(graph: &Graph, engine: &Engine) -> String {
    let is_data =
        |recipe: &Recipe| graph.lines.iter().any(|line| line.name == recipe.line() && line.role == LineRole::Data);
    let own: Vec<&Recipe> = recipes(graph.id)
        .iter()
        .filter(|(other, recipe)| other.id == engine.id && is_data(recipe))
        .map(|(_, recipe)| *recipe)
        .collect();
    // The best of its recipes.
    let Some(best) = own.iter().min_by_key(|recipe| weight(recipe)) else { return String::new() };
    let way = match best {
        recipe if recipe.line() == "derived" => "derived",
        recipe if recipe.line() == "mean" => "mean",
        recipe if !recipe.needs.is_empty() => "flag",
        recipe if !recipe.since.is_empty() => return marked(engine, best, &format!("{}+", recipe.since)),
        _ => "yes",
    };
    marked(engine, best, way)
}

fn weight(recipe: &Recipe) -> (bool, bool, bool, bool) {
    let is_quantiles = matches!(recipe.shape, Shape::Quantiles { .. });
    (
        !recipe.needs.is_empty(),
        recipe.line() == "mean" && !is_quantiles,
        !recipe.documented.is_empty(),
        !recipe.since.is_empty(),
    )
}

fn marked(engine: &Engine, recipe: &Recipe, way: &str) -> String {
    let is_documented = !engine.is_captured || !recipe.documented.is_empty();
    if is_documented { format!("*{way}*") } else { way.to_owned() }
}

fn requirements(text: &mut String) {
    text.push_str("\n## Flags and features\n\n| Engine | Requires | For |\n| --- | --- | --- |\n");
    for engine in ENGINES.iter().filter(|engine| engine.reexports.is_none()) {
        if !engine.turn_on.is_empty() {
            let _ = writeln!(text, "| {} | {} | everything |", engine.title, cell(engine.turn_on));
        }
        let mut needs: Vec<&str> =
            engine.recipes.iter().map(|recipe| recipe.needs).filter(|needs| !needs.is_empty()).collect();
        needs.sort_unstable();
        needs.dedup();
        for needed in needs {
            let own = engine.recipes.iter().filter(|recipe| recipe.needs == needed);
            let mut titles: Vec<&str> =
                own.filter_map(|recipe| Some(catalogue::graph(recipe.graph())?.title)).collect();
            titles.dedup();
            let _ = writeln!(text, "| {} | {} | {} |", engine.title, cell(needed), titles.join(", "));
        }
    }
}

fn sources(text: &mut String) {
    text.push_str(
        "\n## Sources of the names\n\n| Engine | Source | Tested with a captured page |\n| --- | --- | --- |\n",
    );
    for engine in ENGINES.iter().filter(|engine| engine.reexports.is_none()) {
        let captured = if engine.is_captured { "yes" } else { "no" };
        let _ = writeln!(text, "| {} (`{}`) | {} | {captured} |", engine.title, engine.id, cell(engine.source));
    }
}
