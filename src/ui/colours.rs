//! Colours: the stylesheet's custom properties, read once for each theme, and which line gets which.
use catalogue::{Colours, Graph, Role, line_name};
use leptos::prelude::{document, window};
use plot::{LineStyle, Rgb, Theme};

/// Everything on the canvas that has a colour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Palette {
    pub(super) theme: Theme,
    limit: Rgb,
    series: Vec<Rgb>,
    percentiles: Vec<Rgb>,
    classes: Vec<Rgb>,
}

const FALLBACK: Rgb = Rgb(128, 128, 128);

/// Dash patterns for lines past the last colour.
const DASHES: [Option<(f64, f64)>; 3] = [None, Some((6.0, 3.0)), Some((2.0, 3.0))];

impl Palette {
    /// Reads the document's custom properties.
    pub(super) fn read() -> Self {
        let style = document().document_element().and_then(|root| window().get_computed_style(&root).ok().flatten());
        let colour = |name: &str| {
            let text = style.as_ref().and_then(|style| style.get_property_value(name).ok());
            text.and_then(|text| rgb(text.trim())).unwrap_or(FALLBACK)
        };
        let font = style.as_ref().and_then(|style| style.get_property_value("--font").ok()).unwrap_or_default();
        Self {
            theme: Theme {
                grid: colour("--line-soft"),
                text: colour("--text-faint"),
                font: if font.trim().is_empty() { "sans-serif".into() } else { font.trim().to_owned() },
                font_px: 11.0,
            },
            limit: colour("--limit"),
            series: (1..=8).map(|at| colour(&format!("--series-{at}"))).collect(),
            percentiles: ["--p50", "--p90", "--p95", "--p99"].map(colour).to_vec(),
            classes: (1..=5).map(|class| colour(&format!("--class-{class}"))).collect(),
        }
    }

    /// How the line of that name, the `at`-th of its graph, is drawn.
    pub(super) fn style(&self, graph: &Graph, name: &str, at: usize, is_shown: bool) -> LineStyle {
        let is_limit = graph.line(name).is_some_and(|line| line.role == Role::Limit);
        let own = line_name(name);
        if is_limit {
            return LineStyle { rgb: self.limit, dash: Some((5.0, 4.0)), is_limit, is_shown };
        }
        let fixed = match graph.colours {
            Colours::Order => None,
            Colours::Percentiles => ["p50", "p90", "p95", "p99"]
                .iter()
                .position(|percentile| *percentile == own)
                .map(|at| self.percentiles[at]),
            Colours::StatusClasses => class(own).map(|class| self.classes[class - 1]),
        };
        let (rgb, dash) = match fixed {
            Some(rgb) => (rgb, None),
            None => (self.series[at % self.series.len()], DASHES[at / self.series.len() % DASHES.len()]),
        };
        LineStyle { rgb, dash, is_limit, is_shown }
    }
}

/// 1 to 5 of `1xx` to `5xx`.
fn class(name: &str) -> Option<usize> {
    let class = name.strip_suffix("xx")?.parse().ok()?;
    (1..=5).contains(&class).then_some(class)
}

/// A colour as the stylesheet writes it: `#rrggbb`.
fn rgb(text: &str) -> Option<Rgb> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some(Rgb(part(0)?, part(2)?, part(4)?))
}

/// The colour as CSS.
pub(super) fn css(rgb: Rgb) -> String {
    format!("#{:02x}{:02x}{:02x}", rgb.0, rgb.1, rgb.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_read_back_as_written() {
        assert_eq!(rgb("#2f6feb").map(css).as_deref(), Some("#2f6feb"));
        for text in ["", "red", "#fff", "#12345é", "#12345g"] {
            assert_eq!(rgb(text), None, "{text}");
        }
    }

    #[test]
    fn only_status_classes_have_a_class() {
        assert_eq!(
            (class("1xx"), class("5xx"), class("6xx"), class("0xx"), class("other")),
            (Some(1), Some(5), None, None, None)
        );
    }
}
