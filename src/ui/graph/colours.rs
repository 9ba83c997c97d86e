//! Colours: the custom properties of the stylesheet, read once for each theme, and how they are assigned to lines.
use crate::ui::graph::visible::{REMAINING, VisibleLines, is_limit};
use crate::wasm_size::sort::order;
use catalogue::contract::ReplicaState;
use catalogue::{Colours, Detail, Graph, LineRole, Section, line_name};
use leptos::prelude::{document, window};
use plot::{LineStyle, Rgb, Theme};

/// The colours of everything on a canvas.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Palette {
    pub(crate) theme: Theme,
    /// The colour of primary text.
    pub(crate) primary_text: Rgb,
    /// The colours of replica states, in the order of [`ReplicaState::ALL`].
    states: Vec<Rgb>,
    limit: Rgb,
    series: Vec<Rgb>,
    percentiles: Vec<Rgb>,
    status_classes: Vec<Rgb>,
}

/// Lengths of dash and gap in CSS pixels; none for a solid line.
type Dash = Option<(f64, f64)>;

/// The colour and the dash pattern of a line.
#[derive(Clone, Copy)]
struct Stroke {
    rgb: Rgb,
    dash: Dash,
}

/// The colour where the stylesheet has none.
const FALLBACK: Rgb = Rgb(128, 128, 128);

/// Dash patterns of lines past the last colour.
const DASHES: [Dash; 3] = [None, Some((6.0, 3.0)), Some((2.0, 3.0))];
const LIMIT_DASH: Dash = Some((5.0, 4.0));
const COMPARISON_DASH: Dash = Some((4.0, 3.0));

impl Palette {
    /// Reads the document's custom properties.
    pub(crate) fn read() -> Self {
        let style = document().document_element().and_then(|root| window().get_computed_style(&root).ok().flatten());
        let colour = |name: &str| {
            let text = style.as_ref().and_then(|style| style.get_property_value(name).ok());
            text.and_then(|text| rgb(text.trim())).unwrap_or(FALLBACK)
        };
        let font = style.as_ref().and_then(|style| style.get_property_value("--font").ok()).unwrap_or_default();
        let percentiles = ["--p50", "--p90", "--p95", "--p99"].map(colour).to_vec();
        Self {
            primary_text: colour("--text"),
            theme: Theme {
                band: colour("--band"),
                background: colour("--surface"),
                colour_scale: (1..=4).map(|at| colour(&format!("--heat-{at}"))).collect(),
                grid: colour("--line-soft"),
                text: colour("--text-faint"),
                font: if font.trim().is_empty() { "sans-serif".into() } else { font.trim().to_owned() },
                font_px: 11.0,
            },
            states: ReplicaState::ALL.iter().map(|state| colour(&format!("--state-{}", state.id()))).collect(),
            limit: colour("--limit"),
            series: (1..=8).map(|at| colour(&format!("--series-{at}"))).collect(),
            percentiles,
            status_classes: (1..=5).map(|class| colour(&format!("--class-{class}"))).collect(),
        }
    }

    /// The colour of a replica state.
    pub(crate) fn state(&self, state: ReplicaState) -> Rgb {
        self.states.get(state as usize).copied().unwrap_or(FALLBACK)
    }

    /// The style of each visible line.
    pub(crate) fn styles(&self, graph: &Graph, lines: &VisibleLines, is_detailed: bool) -> Vec<LineStyle> {
        let columns = &lines.frame.columns;
        let (own, others) = columns.split_at(lines.own_count.min(columns.len()));
        let names: Vec<&str> = own.iter().map(|column| column.name.as_str()).collect();
        if lines.is_heat_map() {
            let rgb = self.theme.colour_scale.last().copied().unwrap_or(FALLBACK);
            return names.iter().map(|_| LineStyle { rgb, dash: None, is_overlaid: false, is_visible: true }).collect();
        }
        let strokes = match is_detailed && graph.detail != Detail::Codes {
            true => self.detail_strokes(graph, &names),
            false => self.strokes(graph, &names),
        };
        let mut styles: Vec<LineStyle> = Vec::with_capacity(columns.len());
        for (name, Stroke { rgb, dash }) in names.iter().zip(strokes) {
            let is_visible = !lines.filter.hides(name);
            let is_remaining = lines.remaining.is_some() && *name == REMAINING;
            let (rgb, dash) =
                if is_remaining { (self.theme.text.mixed(self.theme.background, 0.5), None) } else { (rgb, dash) };
            styles.push(LineStyle { rgb, dash, is_overlaid: is_limit(graph, name), is_visible });
        }
        for (column, own) in others.iter().zip(&lines.comparison_of) {
            let own = own.and_then(|at| styles.get(at)).map(|own| (own.rgb, own.is_visible));
            let (rgb, is_visible) = own.unwrap_or((self.theme.text, !lines.filter.hides(&column.name)));
            let rgb = rgb.mixed(self.theme.background, 0.45);
            styles.push(LineStyle { rgb, dash: COMPARISON_DASH, is_overlaid: true, is_visible });
        }
        styles
    }

    /// The strokes of replicas or GPUs.
    fn detail_strokes(&self, graph: &Graph, names: &[&str]) -> Vec<Stroke> {
        let slots = colour_slots(names, self.series.len());
        let stroke = |(name, slot): (&&str, usize)| match is_limit(graph, name) {
            true => self.limit_stroke(graph, name),
            false => self.series_stroke(slot),
        };
        names.iter().zip(slots).map(stroke).collect()
    }

    /// The strokes of a graph's lines.
    fn strokes(&self, graph: &Graph, names: &[&str]) -> Vec<Stroke> {
        let mut used: Vec<Rgb> = Vec::new();
        let mut strokes = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            strokes.push(match self.fixed_colour(graph, line_name(name)) {
                _ if is_limit(graph, name) => self.limit_stroke(graph, name),
                None => self.series_stroke(at),
                // The codes of a class, or the percentiles of a second engine, share a colour and differ in shade and
                // dashes.
                Some(rgb) => {
                    let earlier = used.iter().filter(|used| **used == rgb).count();
                    used.push(rgb);
                    let shade = 0.22 * (earlier % 4) as f64;
                    Stroke { rgb: rgb.mixed(self.theme.background, shade), dash: DASHES[earlier % DASHES.len()] }
                }
            });
        }
        strokes
    }

    /// The colour of a line with a meaning of its own: a replica state, a percentile or a status class.
    fn fixed_colour(&self, graph: &Graph, name: &str) -> Option<Rgb> {
        match graph.colours {
            Colours::Order if graph.section == Section::Replicas => state_of(name).map(|state| self.state(state)),
            Colours::Order => None,
            Colours::Percentiles => {
                let at = ["p50", "p90", "p95", "p99"].iter().position(|percentile| *percentile == name);
                at.map(|at| self.percentiles[at])
            }
            Colours::StatusClasses => {
                status_class(name).or(outcome_class(name)).map(|class| self.status_classes[class - 1])
            }
        }
    }

    /// The stroke of a limit or of a guide.
    fn limit_stroke(&self, graph: &Graph, name: &str) -> Stroke {
        let is_guide = graph.line(name).is_some_and(|line| line.role == LineRole::Guide);
        match is_guide {
            true => Stroke { rgb: self.theme.text, dash: DASHES[2] },
            false => Stroke { rgb: self.limit, dash: LIMIT_DASH },
        }
    }

    fn series_stroke(&self, at: usize) -> Stroke {
        let count = self.series.len();
        Stroke { rgb: self.series[at % count], dash: DASHES[at / count % DASHES.len()] }
    }
}

/// Assigns names to `count` colours by a hash of the name, so that a replica has the same colour on every card and after
/// every reload. Names with the same hash move on to the next free colour, in the order of the names. Once all colours
/// are used, the next round begins, which has other dashes.
fn colour_slots(names: &[&str], count: usize) -> Vec<usize> {
    let mut slots = vec![0; names.len()];
    let mut is_used = vec![false; names.len() + count];
    for (done, at) in order(names.len(), &|a, b| names[a].cmp(names[b])).into_iter().enumerate() {
        let round = done / count;
        let first = hash(line_name(names[at])) as usize % count;
        let free = (0..count).map(|step| round * count + (first + step) % count).find(|slot| !is_used[*slot]);
        let slot = free.unwrap_or(first);
        is_used[slot] = true;
        slots[at] = slot;
    }
    slots
}

/// FNV-1a: short, and the same everywhere. Source: draft-eastlake-fnv, section 2.
fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The low bits alone are uneven for names that differ in their last digit.
    hash ^ (hash >> 15)
}

/// The replica state that a line counts.
fn state_of(line: &str) -> Option<ReplicaState> {
    match line {
        "active" => Some(ReplicaState::Running),
        "starting" => Some(ReplicaState::Initializing),
        "unhealthy" => Some(ReplicaState::Failed),
        id => ReplicaState::from_id(id),
    }
}

/// The class of a status code: 1 to 5 for `1xx` to `5xx` and for the codes in them.
fn status_class(name: &str) -> Option<usize> {
    let (first, rest) = name.split_at_checked(1)?;
    let is_code = rest == "xx" || (rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    first.parse().ok().filter(|class| is_code && (1..=5).contains(class))
}

/// The status class whose colour an outcome without a status has.
fn outcome_class(name: &str) -> Option<usize> {
    match name {
        "failed" | "server errors" => Some(5),
        "client errors" => Some(4),
        _ => None,
    }
}

/// A colour as the stylesheet writes it: `#rrggbb`.
fn rgb(text: &str) -> Option<Rgb> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some(Rgb(part(0)?, part(2)?, part(4)?))
}

/// The colour as CSS.
pub(crate) fn css(rgb: Rgb) -> String {
    format!("#{:02x}{:02x}{:02x}", rgb.0, rgb.1, rgb.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plot::ChartType;
    use std::collections::BTreeSet;

    #[test]
    fn colours_read_back_as_written() {
        assert_eq!(rgb("#2f6feb").map(css).as_deref(), Some("#2f6feb"));
        for text in ["", "red", "#fff", "#12345é", "#12345g"] {
            assert_eq!(rgb(text), None, "{text}");
        }
    }

    /// Contrast of two colours, from 1 to 21. Source: WCAG 2.2, "contrast ratio" and "relative luminance".
    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let part = |part: u8| match f64::from(part) / 255.0 {
            dark @ ..=0.04045 => dark / 12.92,
            light => ((light + 0.055) / 1.055).powf(2.4),
        };
        let luminance = |Rgb(r, g, b)| 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b) + 0.05;
        let (one, other) = (luminance(one), luminance(other));
        one.max(other) / one.min(other)
    }

    #[test]
    fn lines_stand_out_from_the_card() {
        let sheets = [include_str!("../kit/base.css"), include_str!("../replicas/replicas.css")];
        for theme in [0, 1] {
            let own = sheets.map(|sheet| sheet.split("[data-theme=\"dark\"]").nth(theme).expect("a theme"));
            let colours: Vec<(&str, Rgb)> = own
                .iter()
                .flat_map(|sheet| sheet.split("--").filter_map(|text| text.split_once(": ")))
                .filter_map(|(name, rest)| Some((name, rgb(rest.get(..7)?)?)))
                .collect();
            let of = |wanted: &str| colours.iter().find(|(name, _)| *name == wanted).expect("a colour").1;
            let background = of("surface");
            let data = ["p5", "p9", "class-", "series-", "state-", "limit"];
            let lines: Vec<_> =
                colours.iter().filter(|(name, _)| data.iter().any(|kind| name.starts_with(kind))).collect();
            assert_eq!(lines.len(), 4 + 5 + 8 + ReplicaState::ALL.len() + 1);
            for (name, rgb) in lines {
                // WCAG 2.2, 1.4.11: what must be seen to understand a picture.
                assert!(contrast(*rgb, background) >= 3.0, "{name} of theme {theme}: {}", contrast(*rgb, background));
            }
            let shades = ["p50", "p90", "p95", "p99"].map(of);
            for pair in shades.windows(2) {
                assert!(contrast(pair[1], background) > 1.4 * contrast(pair[0], background), "theme {theme}: {pair:?}");
            }
        }
    }

    #[test]
    fn only_http_status_codes_have_a_class() {
        for (name, expected) in [
            ("1xx", Some(1)),
            ("5xx", Some(5)),
            ("404", Some(4)),
            ("6xx", None),
            ("0xx", None),
            ("1006", None),
            ("14", None),
            ("other", None),
            ("é", None),
        ] {
            assert_eq!(status_class(name), expected, "{name}");
        }
    }

    #[test]
    fn names_keep_their_colour_and_the_first_eight_differ() {
        let names = ["10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3:8000", "GPU-1", "GPU-2", "a", "b", "c"];
        let slots = colour_slots(&names, 8);
        assert_eq!(slots.iter().collect::<BTreeSet<_>>().len(), 8);
        let reversed: Vec<&str> = names.iter().rev().copied().collect();
        assert!(colour_slots(&reversed, 8).iter().rev().eq(&slots), "the order of the columns does not matter");
        assert_eq!(colour_slots(&["a"], 8)[0], hash("a") as usize % 8);
        let many: Vec<String> = (0..20).map(|at| format!("replica-{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(colour_slots(&many, 8).into_iter().collect::<BTreeSet<_>>().len(), 20);
    }

    fn palette() -> Palette {
        let grey = |level: u8| Rgb(level, level, level);
        Palette {
            states: Vec::new(),
            theme: Theme {
                grid: grey(1),
                text: grey(2),
                band: grey(3),
                background: grey(255),
                colour_scale: Vec::new(),
                font: String::new(),
                font_px: 11.0,
            },
            primary_text: grey(0),
            limit: grey(4),
            series: (10..18).map(grey).collect(),
            percentiles: (20..24).map(grey).collect(),
            status_classes: (31..36).map(grey).collect(),
        }
    }

    fn lines(names: &[&str], own_count: usize) -> VisibleLines {
        let columns = names.iter().map(|name| plot::Column { name: (*name).into(), values: Vec::new() }).collect();
        let frame = plot::Frame { times_ms: Vec::new(), columns };
        let comparison_of = (own_count..names.len()).map(|_| Some(0)).collect();
        VisibleLines { frame, own_count, comparison_of, chart_type: Some(ChartType::Lines), ..VisibleLines::default() }
    }

    #[test]
    fn codes_of_a_class_have_its_hue_in_shades() {
        let graph = catalogue::graph("volume").expect("a graph");
        let styles = palette().styles(graph, &lines(&["200", "404", "429"], 3), true);
        assert_eq!((styles[0].rgb, styles[1].rgb), (Rgb(32, 32, 32), Rgb(34, 34, 34)));
        assert!(styles[2].rgb != styles[1].rgb && styles[2].rgb.0 > 34);
    }

    #[test]
    fn errors_are_red_where_the_server_failed_and_amber_where_the_client_did() {
        for (graph, name, class) in [
            ("error-share", "server errors", 5),
            ("error-share", "client errors", 4),
            ("error-share", "failed", 5),
            ("volume", "5xx", 5),
            ("volume", "4xx", 4),
            ("volume", "failed · vLLM", 5),
        ] {
            let graph = catalogue::graph(graph).expect("a graph");
            let styles = palette().styles(graph, &lines(&[name], 1), false);
            assert_eq!(styles[0].rgb, palette().status_classes[class - 1], "{name}");
        }
    }

    #[test]
    fn the_previous_period_is_dimmed_dashed_and_hidden_with_its_line() {
        let graph = catalogue::graph("running-and-waiting").expect("a graph");
        let lines = lines(&["running", "limit", "running (previous)"], 2);
        let styles = palette().styles(graph, &lines, false);
        assert!(styles[2].is_overlaid && styles[2].dash.is_some() && styles[2].is_visible);
        assert_eq!(styles[2].rgb, styles[0].rgb.mixed(Rgb(255, 255, 255), 0.45));
        assert_eq!((styles[1].rgb, styles[1].is_overlaid), (Rgb(4, 4, 4), true));
        let mut lines = lines;
        lines.filter.toggle("running", &[]);
        assert!(!palette().styles(graph, &lines, false)[2].is_visible);
    }
}
