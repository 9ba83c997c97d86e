//! Prints what the catalogue reads, a line for each name: the engine, the name, and its type; `any` where that is open.
use catalogue::{ENGINES, Shape, bare_name};
use std::collections::BTreeSet;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let mut lines = BTreeSet::new();
    for engine in ENGINES {
        for recipe in engine.recipes.iter() {
            let kind = match recipe.shape {
                Shape::Gauge { .. } | Shape::GaugeBy { .. } => "gauge",
                Shape::Histogram { .. } => "histogram",
                Shape::Mean { .. } | Shape::MeanBy { .. } => "histogram or summary",
                Shape::Quantiles { .. } => "summary",
                Shape::Raw { .. } => "any",
                _ => "counter",
            };
            for name in recipe.names() {
                lines.insert(format!("{}\t{}\t{kind}\n", engine.id, bare_name(name)));
            }
        }
    }
    let mut out = io::stdout().lock();
    lines.iter().try_for_each(|line| out.write_all(line.as_bytes()))
}
