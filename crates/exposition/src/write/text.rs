//! Families as Prometheus text, which has the types counter, gauge, histogram, summary and untyped.
use super::{
    Draft,
    line::{self, Style},
};
use crate::family::{Kind, Sample};

/// Writes the families.
pub(super) fn write(families: &[Draft<'_>], into: &mut String) {
    for family in families {
        if family.samples.is_empty() {
            head(into, family.name, text_type(family.kind), family.help);
        }
        // What has a name of its own in Prometheus text is a family of its own there.
        let mut rest = family.samples.clone();
        while let Some(first) = rest.first() {
            let (name, kind) = text_family(family, first);
            let (of_name, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|sample| text_family(family, sample).0 == name);
            head(into, name, kind, family.help);
            for sample in of_name {
                line::sample(into, sample, Style::Text);
                into.push('\n');
            }
            rest = others;
        }
    }
}

fn head(into: &mut String, name: &str, kind: &str, help: &str) {
    if !help.is_empty() {
        line::help(into, name, help, Style::Text);
    }
    line::metadata(into, "TYPE", name, kind);
}

/// Name and type of the family that a sample has in Prometheus text. Source: the Python client's `generate_latest`.
fn text_family<'f>(family: &Draft<'f>, sample: &'f Sample) -> (&'f str, &'static str) {
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
        // That it has buckets is worth more than that they also shrink.
        Kind::GaugeHistogram => "histogram",
        Kind::Unknown => "untyped",
    }
}
