//! Colours: the stylesheet's custom properties, read once for each theme, and which line gets which.
use crate::ui::graph::visible::{REST, Shown, is_limit};
use crate::wasm_size::sort::order;
use catalogue::contract::ReplicaState;
use catalogue::{Colours, Detail, Graph, LineRole, Section, line_name};
use leptos::prelude::{document, window};
use plot::{ChartType, LineStyle, Rgb, Theme};

/// Everything on the canvas that has a colour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Palette {
    pub(crate) theme: Theme,
    /// Text of the first rank.
    pub(crate) ink: Rgb,
    /// Of the states of replicas, in the order of [`ReplicaState::ALL`].
    states: Vec<Rgb>,
    limit: Rgb,
    series: Vec<Rgb>,
    percentiles: Vec<Rgb>,
    classes: Vec<Rgb>,
}

const FALLBACK: Rgb = Rgb(128, 128, 128);

/// Dash patterns for lines past the last colour.
const DASHES: [Option<(f64, f64)>; 3] = [None, Some((6.0, 3.0)), Some((2.0, 3.0))];
const LIMIT_DASH: Option<(f64, f64)> = Some((5.0, 4.0));

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
            ink: colour("--text"),
            theme: Theme {
                band: colour("--band"),
                background: colour("--surface"),
                colour_scale: percentiles.clone(),
                grid: colour("--line-soft"),
                text: colour("--text-faint"),
                font: if font.trim().is_empty() { "sans-serif".into() } else { font.trim().to_owned() },
                font_px: 11.0,
            },
            states: ReplicaState::ALL.iter().map(|state| colour(&format!("--state-{}", state.id()))).collect(),
            limit: colour("--limit"),
            series: (1..=8).map(|at| colour(&format!("--series-{at}"))).collect(),
            percentiles,
            classes: (1..=5).map(|class| colour(&format!("--class-{class}"))).collect(),
        }
    }

    /// The colour of a state.
    pub(crate) fn state(&self, state: ReplicaState) -> Rgb {
        self.states.get(state as usize).copied().unwrap_or(FALLBACK)
    }

    /// How each column of what is shown is drawn.
    pub(crate) fn styles(&self, graph: &Graph, shown: &Shown, is_detailed: bool) -> Vec<LineStyle> {
        let columns = &shown.frame.columns;
        let (own, others) = columns.split_at(shown.own_count.min(columns.len()));
        let names: Vec<&str> = own.iter().map(|column| column.name.as_str()).collect();
        if let Some(ChartType::Cells { .. }) = shown.look {
            let rgb = self.percentiles[self.percentiles.len() - 1];
            return names.iter().map(|_| LineStyle { rgb, dash: None, is_overlaid: false, is_visible: true }).collect();
        }
        let mut styles: Vec<LineStyle> = Vec::with_capacity(columns.len());
        for (name, (rgb, dash)) in names.iter().zip(self.looks(graph, &names, is_detailed)) {
            let is_visible = !shown.lines.hides(name);
            let is_rest = shown.rest.is_some() && *name == REST;
            let (rgb, dash) =
                if is_rest { (self.theme.text.mixed(self.theme.background, 0.5), None) } else { (rgb, dash) };
            styles.push(LineStyle { rgb, dash, is_overlaid: is_limit(graph, name), is_visible });
        }
        for (column, of) in others.iter().zip(&shown.beside) {
            let own = of.and_then(|at| styles.get(at)).map(|own| (own.rgb, own.is_visible));
            let (rgb, is_visible) = own.unwrap_or((self.theme.text, !shown.lines.hides(&column.name)));
            let rgb = rgb.mixed(self.theme.background, 0.45);
            styles.push(LineStyle { rgb, dash: Some((4.0, 3.0)), is_overlaid: true, is_visible });
        }
        styles
    }

    /// Colour and dashes of each name.
    fn looks(&self, graph: &Graph, names: &[&str], is_detailed: bool) -> Vec<(Rgb, Option<(f64, f64)>)> {
        if is_detailed && graph.detail != Detail::Codes {
            let places = places(names, self.series.len());
            return names
                .iter()
                .zip(places)
                .map(|(name, place)| match is_limit(graph, name) {
                    true => self.bound(graph, name),
                    false => self.numbered(place),
                })
                .collect();
        }
        let mut taken: Vec<Rgb> = Vec::new();
        let mut looks = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let own = line_name(name);
            let fixed = match graph.colours {
                Colours::Order if graph.section == Section::Replicas => state_of(own).map(|state| self.state(state)),
                Colours::Order => None,
                Colours::Percentiles => ["p50", "p90", "p95", "p99"]
                    .iter()
                    .position(|percentile| *percentile == own)
                    .map(|at| self.percentiles[at]),
                Colours::StatusClasses => class(own).map(|class| self.classes[class - 1]),
            };
            looks.push(match fixed {
                _ if is_limit(graph, name) => self.bound(graph, name),
                None => self.numbered(at),
                // Codes of a class, and percentiles of a second engine, share a colour: shades and dashes tell them
                // apart.
                Some(rgb) => {
                    let earlier = taken.iter().filter(|taken| **taken == rgb).count();
                    taken.push(rgb);
                    let shade = 0.22 * (earlier % 4) as f64;
                    (rgb.mixed(self.theme.background, shade), DASHES[earlier % DASHES.len()])
                }
            });
        }
        looks
    }

    /// Of a limit, or of a guide.
    fn bound(&self, graph: &Graph, name: &str) -> (Rgb, Option<(f64, f64)>) {
        let is_guide = graph.line(name).is_some_and(|line| line.role == LineRole::Guide);
        if is_guide { (self.theme.text, DASHES[2]) } else { (self.limit, LIMIT_DASH) }
    }

    fn numbered(&self, at: usize) -> (Rgb, Option<(f64, f64)>) {
        (self.series[at % self.series.len()], DASHES[at / self.series.len() % DASHES.len()])
    }
}

/// Places of names among `count` colours, by a hash of the name, so that a replica looks the same on every card and
/// after every reload. Names that meet at a place move on in the order of the names; once all colours are taken, the
/// next round begins, which is drawn with other dashes.
fn places(names: &[&str], count: usize) -> Vec<usize> {
    let mut places = vec![0; names.len()];
    let mut taken = vec![false; names.len() + count];
    for (done, at) in order(names.len(), &|a, b| names[a].cmp(names[b])).into_iter().enumerate() {
        let round = done / count;
        let first = hash(line_name(names[at])) as usize % count;
        let free = (0..count).map(|step| round * count + (first + step) % count).find(|place| !taken[*place]);
        let place = free.unwrap_or(first);
        taken[place] = true;
        places[at] = place;
    }
    places
}

/// FNV-1a: short, and the same everywhere. Source: draft-eastlake-fnv, section 2.
fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The low bits alone are uneven for names that differ in their last digit.
    hash ^ (hash >> 15)
}

/// The state that a line counts.
fn state_of(line: &str) -> Option<ReplicaState> {
    match line {
        "active" => Some(ReplicaState::Running),
        "starting" => Some(ReplicaState::Initializing),
        "unhealthy" => Some(ReplicaState::Failed),
        id => ReplicaState::from_id(id),
    }
}

/// 1 to 5 of `1xx` to `5xx`, and of the codes in them.
fn class(name: &str) -> Option<usize> {
    let (first, rest) = name.split_at_checked(1)?;
    let is_code = rest == "xx" || (rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    first.parse().ok().filter(|class| is_code && (1..=5).contains(class))
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
            let ground = of("surface");
            let drawn = ["p5", "p9", "class-", "series-", "state-", "limit"];
            let lines: Vec<_> =
                colours.iter().filter(|(name, _)| drawn.iter().any(|kind| name.starts_with(kind))).collect();
            assert_eq!(lines.len(), 4 + 5 + 8 + ReplicaState::ALL.len() + 1);
            for (name, rgb) in lines {
                // WCAG 2.2, 1.4.11: what must be seen to understand a picture.
                assert!(contrast(*rgb, ground) >= 3.0, "{name} of theme {theme}: {}", contrast(*rgb, ground));
            }
            let shades = ["p50", "p90", "p95", "p99"].map(of);
            for pair in shades.windows(2) {
                assert!(contrast(pair[1], ground) > 1.4 * contrast(pair[0], ground), "theme {theme}: {pair:?}");
            }
        }
    }

    #[test]
    fn only_statuses_have_a_class() {
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
            assert_eq!(class(name), expected, "{name}");
        }
    }

    #[test]
    fn names_keep_their_place_and_the_first_eight_differ() {
        let names = ["10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3:8000", "GPU-1", "GPU-2", "a", "b", "c"];
        let there = places(&names, 8);
        assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), 8);
        let reversed: Vec<&str> = names.iter().rev().copied().collect();
        assert!(places(&reversed, 8).iter().rev().eq(&there), "the order of the columns does not matter");
        assert_eq!(places(&["a"], 8)[0], hash("a") as usize % 8);
        let many: Vec<String> = (0..20).map(|at| format!("replica-{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(places(&many, 8).into_iter().collect::<BTreeSet<_>>().len(), 20);
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
            ink: grey(0),
            limit: grey(4),
            series: (10..18).map(grey).collect(),
            percentiles: (20..24).map(grey).collect(),
            classes: (31..36).map(grey).collect(),
        }
    }

    fn shown(names: &[&str], own_count: usize) -> Shown {
        let columns = names.iter().map(|name| plot::Column { name: (*name).into(), values: Vec::new() }).collect();
        let frame = plot::Frame { times_ms: Vec::new(), columns };
        let beside = (own_count..names.len()).map(|_| Some(0)).collect();
        Shown { frame, own_count, beside, look: Some(ChartType::Lines), ..Shown::default() }
    }

    #[test]
    fn codes_of_a_class_have_its_hue_in_shades() {
        let graph = catalogue::graph("volume").expect("a graph");
        let styles = palette().styles(graph, &shown(&["200", "404", "429"], 3), true);
        assert_eq!((styles[0].rgb, styles[1].rgb), (Rgb(32, 32, 32), Rgb(34, 34, 34)));
        assert!(styles[2].rgb != styles[1].rgb && styles[2].rgb.0 > 34);
    }

    #[test]
    fn the_range_before_is_dimmed_dashed_and_hidden_with_its_line() {
        let graph = catalogue::graph("running-and-waiting").expect("a graph");
        let shown = shown(&["running", "limit", "running before"], 2);
        let styles = palette().styles(graph, &shown, false);
        assert!(styles[2].is_overlaid && styles[2].dash.is_some() && styles[2].is_visible);
        assert_eq!(styles[2].rgb, styles[0].rgb.mixed(Rgb(255, 255, 255), 0.45));
        assert_eq!((styles[1].rgb, styles[1].is_overlaid), (Rgb(4, 4, 4), true));
        let mut shown = shown;
        shown.lines.toggle("running", &[]);
        assert!(!palette().styles(graph, &shown, false)[2].is_visible);
    }
}
