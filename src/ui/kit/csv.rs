//! A card for elsewhere: its data as CSV, and the code that embeds it.
use crate::state::embed::{Embed, EmbedContent};
use crate::state::url::encode;
use crate::state::view::View;
use catalogue::{Graph, Unit};
use plot::Frame;
use std::fmt::Write;

/// The frame as CSV (RFC 4180): the time, written by `time`, then a column for each line, in the base unit that its
/// heading names, whatever is chosen to be shown; holes are empty.
pub(crate) fn csv(frame: &Frame, unit: Unit, time: &dyn Fn(i64) -> String) -> String {
    let mut text = String::from("time");
    for column in &frame.columns {
        let unit = if unit.base().is_empty() { String::new() } else { format!(" ({})", unit.base()) };
        let _ = write!(text, ",{}", cell(&format!("{}{unit}", column.name)));
    }
    text.push_str("\r\n");
    for (at, time_ms) in frame.times_ms.iter().enumerate() {
        text.push_str(&cell(&time(*time_ms)));
        for column in &frame.columns {
            text.push(',');
            // A number is no formula, also below zero.
            match column.values.get(at) {
                Some(value) if !value.is_nan() => {
                    let _ = write!(text, "{value}");
                }
                Some(_) | None => {}
            }
        }
        text.push_str("\r\n");
    }
    text
}

/// A text that no spreadsheet takes for a formula, in quotes where its characters need them.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// The element that shows one card on another page; `page` is this page's address without its query, `view` what is on
/// screen. The sandbox lets it run, and neither leave its frame nor act in the viewer's name.
pub(crate) fn embed_code(page: &str, graph: &Graph, view: &View) -> String {
    let content = EmbedContent::Graph(graph.id.into());
    let embed = Some(Embed { content, theme: None, parents: Vec::new() });
    let source = escaped(&format!(
        "{page}?{}",
        encode(&View { embed, section: None, card_options: view.card_options.only(graph), ..view.clone() })
    ));
    let title = escaped(graph.title);
    format!(
        r#"<iframe src="{source}" title="{title}" width="640" height="360" sandbox="allow-scripts" loading="lazy" style="border: 0"></iframe>"#
    )
}

/// Text for an attribute of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::view::Range;
    use catalogue::Scope;
    use plot::Column;

    #[test]
    fn names_are_no_formulas_and_holes_are_empty() {
        let column = |name: &str, values: &[f64]| Column { name: name.into(), values: values.to_vec() };
        let frame = Frame {
            times_ms: vec![0, 1000],
            columns: vec![
                column("=HYPERLINK(\"x\")", &[0.5, f64::NAN]),
                column("+1,2", &[-3.0, f64::INFINITY]),
                column("plain", &[1e-9, 2.0]),
            ],
        };
        assert_eq!(
            csv(&frame, Unit::RequestsPerMinute, &|time_ms| time_ms.to_string()),
            "time,\"'=HYPERLINK(\"\"x\"\") (req/s)\",\"'+1,2 (req/s)\",plain (req/s)\r\n0,0.5,-3,0.000000001\r\n1000,,inf,2\r\n"
        );
        assert!(csv(&frame, Unit::Count, &|_| String::new()).starts_with("time,\"'=HYPERLINK(\"\"x\"\")\","));
        for (text, safe) in [("-1", "'-1"), ("@a", "'@a"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""), ("a\nb", "\"a\nb\"")] {
            assert_eq!(cell(text), safe);
        }
    }
    #[test]
    fn embed_code_stays_inside_its_attributes() {
        let graph = catalogue::graph("cpu").expect("a graph");
        let scope = Scope { model: Some("\"><script>".into()), ..Scope::default() };
        let view = View { scope, range: Range::Last(3_600_000), ..View::default() };
        let code = embed_code("http://h/\"", graph, &view);
        let source = "http://h/&quot;?embed=cpu&amp;model=%22%3E%3Cscript%3E&amp;from=now-1h";
        assert!(code.starts_with(&format!("<iframe src=\"{source}\" title=\"")), "{code}");
        assert_eq!(code.matches('<').count(), 2, "{code}");
        let framed =
            View { embed: Some(Embed { content: EmbedContent::All, theme: None, parents: Vec::new() }), ..view };
        assert_eq!(embed_code("http://h/\"", graph, &framed), code, "the code is the same from within a frame");
    }
}
