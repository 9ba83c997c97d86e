//! The data of a card as CSV.
use catalogue::Unit;
use plot::Frame;
use std::fmt::Write;

/// The first `count` times of a frame as CSV (RFC 4180): the time as `format_time` writes it, then one column for each
/// line, in the base unit that its heading names even if the page shows another. Holes are empty.
pub(crate) fn csv(frame: &Frame, count: usize, unit: Unit, format_time: &dyn Fn(i64) -> String) -> String {
    let mut text = String::from("time");
    for column in &frame.columns {
        let unit = if unit.base().is_empty() { String::new() } else { format!(" ({})", unit.base()) };
        let _ = write!(text, ",{}", cell(&format!("{}{unit}", column.name)));
    }
    text.push_str("\r\n");
    for (at, time_ms) in frame.times_ms.iter().enumerate().take(count) {
        text.push_str(&cell(&format_time(*time_ms)));
        for column in &frame.columns {
            text.push(',');
            // A number is not escaped: also a negative one is no formula.
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

/// A text that no spreadsheet interprets as a formula, quoted if necessary.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plot::Column;

    #[test]
    fn names_are_not_formulas_and_holes_are_empty() {
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
            csv(&frame, 2, Unit::RequestsPerMinute, &|time_ms| time_ms.to_string()),
            "time,\"'=HYPERLINK(\"\"x\"\") (req/s)\",\"'+1,2 (req/s)\",plain (req/s)\r\n0,0.5,-3,0.000000001\r\n1000,,inf,2\r\n"
        );
        assert!(csv(&frame, 2, Unit::Count, &|_| String::new()).starts_with("time,\"'=HYPERLINK(\"\"x\"\")\","));
        for (text, safe) in [("-1", "'-1"), ("@a", "'@a"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""), ("a\nb", "\"a\nb\"")] {
            assert_eq!(cell(text), safe);
        }
    }
}
