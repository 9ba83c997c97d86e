//! The least and the greatest values of gauges within each step.
use catalogue::{BOUND_LABEL, LOWER_BOUND, UPPER_BOUND};
use plot::{Column, Frame};
use prometheus_api::Series;

/// Separates the name of a line from which of its bounds a column is.
const SEPARATOR: char = '\u{1f}';

/// The least and the greatest value of a line at each time of its frame; NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct LineBounds {
    /// The name of the line.
    pub name: String,
    /// The least values.
    pub least: Vec<f64>,
    /// The greatest values.
    pub greatest: Vec<f64>,
}

/// The name of a column: that of the line, and which of its bounds it is.
pub(crate) fn column_name<V>(line: String, series: &Series<V>) -> String {
    match series.metric.get(BOUND_LABEL) {
        Some(bound) => format!("{line}{SEPARATOR}{bound}"),
        None => line,
    }
}

/// The line and the bound that a column is named after; none for a line itself.
fn line_and_bound(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once(SEPARATOR).filter(|(_, bound)| [LOWER_BOUND, UPPER_BOUND].contains(bound))
}

/// Takes the bounds out of a frame.
pub(crate) fn split(frame: Frame) -> (Frame, Vec<LineBounds>) {
    let (bounds, columns): (Vec<Column>, Vec<Column>) =
        frame.columns.into_iter().partition(|column| line_and_bound(&column.name).is_some());
    let blank = || vec![f64::NAN; frame.times_ms.len()];
    let mut lines: Vec<LineBounds> = Vec::new();
    for Column { name, values } in bounds {
        let Some((name, bound)) = line_and_bound(&name) else { continue };
        let at = lines.iter().position(|line| line.name == name).unwrap_or_else(|| {
            lines.push(LineBounds { name: name.to_owned(), least: blank(), greatest: blank() });
            lines.len() - 1
        });
        match bound {
            LOWER_BOUND => lines[at].least = values,
            UPPER_BOUND => lines[at].greatest = values,
            _ => {}
        }
    }
    (Frame { times_ms: frame.times_ms, columns }, lines)
}

/// A frame with its bounds as columns, as [`split`] takes them out.
pub(crate) fn joined(frame: &Frame, bounds: &[LineBounds]) -> Frame {
    let mut joined = frame.clone();
    for LineBounds { name, least, greatest } in bounds {
        for (bound, values) in [(LOWER_BOUND, least), (UPPER_BOUND, greatest)] {
            joined.columns.push(Column { name: format!("{name}{SEPARATOR}{bound}"), values: values.clone() });
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::RangeValues;

    #[test]
    fn bounds_are_taken_out_and_put_back() {
        let series = |bound: Option<&str>| Series {
            metric: bound.map(|bound| (BOUND_LABEL.to_owned(), bound.to_owned())).into_iter().collect(),
            samples: RangeValues { values: Vec::new() },
        };
        let column = |bound, value: f64| Column { name: column_name("a".into(), &series(bound)), values: vec![value] };
        let columns = vec![column(None, 2.0), column(Some(LOWER_BOUND), 1.0), column(Some(UPPER_BOUND), 3.0)];
        let all = Frame { times_ms: vec![0], columns };
        let (frame, bounds) = split(all.clone());
        assert_eq!(frame.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(bounds, [LineBounds { name: "a".into(), least: vec![1.0], greatest: vec![3.0] }]);
        assert_eq!(joined(&frame, &bounds), all);
    }
}
