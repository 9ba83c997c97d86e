//! Writes Prometheus text, which has the types counter, gauge, histogram, summary and untyped.
use super::line::Style;
use super::{MergedFamily, line};
use crate::family::{Kind, Sample};

/// Writes the families.
pub(super) fn write(families: &[MergedFamily<'_>], into: &mut String) {
    for family in families {
        if family.samples.is_empty() {
            metadata(into, family.name, text_type(family.kind), family.help);
        }
        // Samples whose name is a family of its own in Prometheus text are written as that family.
        let mut rest = family.samples.clone();
        while let Some(first) = rest.first() {
            let (name, kind) = text_family(family, first);
            let (of_name, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|sample| text_family(family, sample).0 == name);
            metadata(into, name, kind, family.help);
            for sample in of_name {
                line::sample(into, sample, Style::Text);
                into.push('\n');
            }
            rest = others;
        }
    }
}

fn metadata(into: &mut String, name: &str, kind: &str, help: &str) {
    if !help.is_empty() {
        line::help(into, name, help, Style::Text);
    }
    line::metadata(into, "TYPE", name, kind);
}

/// Name and type of the sample's family in Prometheus text. Source: the Python client's `generate_latest`.
fn text_family<'f>(family: &MergedFamily<'f>, sample: &'f Sample) -> (&'f str, &'static str) {
    match (family.kind, sample.name.strip_prefix(family.name)) {
        (_, Some("_created" | "_gsum" | "_gcount")) => (&sample.name, "gauge"),
        (Kind::Counter | Kind::Info, _) => (&sample.name, text_type(family.kind)),
        _ => (family.name, text_type(family.kind)),
    }
}

fn text_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary => kind.as_str(),
        Kind::Info | Kind::StateSet => "gauge",
        // Readers need the buckets, although these may shrink.
        Kind::GaugeHistogram => "histogram",
        Kind::Unknown => "untyped",
    }
}
