//! A small line without axes, as SVG.
use std::fmt::Write;

const WIDTH: f64 = 64.0;
const HEIGHT: f64 = 18.0;

/// Writes the line of some values, from zero to the highest; nothing without two values. Holes break the line.
pub(super) fn write_sparkline(html: &mut String, values: &[f64]) {
    let highest = values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let known = values.iter().filter(|value| value.is_finite()).count();
    if known < 2 || values.len() < 2 {
        return;
    }
    let x = |at: usize| at as f64 * WIDTH / (values.len() - 1) as f64;
    let y = |value: f64| 1.0 + (HEIGHT - 2.0) * (1.0 - if highest > 0.0 { value / highest } else { 0.0 });
    let _ = write!(html, "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\"><path d=\"");
    let mut command = 'M';
    for (at, value) in values.iter().enumerate() {
        if value.is_finite() {
            let _ = write!(html, "{command}{:.0} {:.1}", x(at), y(*value));
            command = 'L';
        } else {
            command = 'M';
        }
    }
    html.push_str("\"/></svg>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(values: &[f64]) -> String {
        let mut html = String::new();
        write_sparkline(&mut html, values);
        html.split('"').nth(7).unwrap_or_default().to_owned()
    }

    #[test]
    fn holes_break_the_line() {
        assert_eq!(path(&[0.0, 2.0, f64::NAN, 1.0, 0.0]), "M0 17.0L16 1.0M48 9.0L64 17.0");
        assert_eq!(path(&[0.0, 0.0]), "M0 17.0L64 17.0");
        assert_eq!((path(&[1.0]), path(&[1.0, f64::NAN])), (String::new(), String::new()));
    }
}
