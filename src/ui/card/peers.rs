//! How each replica or GPU on a card compares with the others.
use crate::ui::card::statistics::statistics;
use crate::ui::graph::visible::{VisibleLines, is_limit};
use crate::ui::kit::peers::peer_median;
use catalogue::Graph;

/// The mean of each own line as a multiple of the median of all means, by column; negative infinity for a limit or a line
/// without values. Empty for too few lines, or if most are zero.
pub(super) fn ratios(graph: &Graph, lines: &VisibleLines) -> Vec<f64> {
    let columns = lines.frame.columns.iter().take(lines.own_count);
    let mean = |column: &plot::Column| {
        let values = column.values.get(..lines.known_count()).filter(|_| !is_limit(graph, &column.name));
        values.and_then(|values| statistics(values, None)).map_or(f64::NEG_INFINITY, |all| all.mean)
    };
    let means: Vec<f64> = columns.map(mean).collect();
    match peer_median(means.iter().copied()) {
        Some(median) if median > 0.0 => means.iter().map(|mean| mean / median).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::graph;
    use plot::{Column, Frame};

    fn of(values: &[(&str, f64)]) -> Vec<f64> {
        let columns = values.iter().map(|(name, value)| Column { name: (*name).to_owned(), values: vec![*value; 3] });
        let frame = Frame { times_ms: vec![0, 1, 2], columns: columns.collect() };
        let lines = VisibleLines { own_count: frame.columns.len(), frame, ..VisibleLines::default() };
        ratios(graph("running-and-waiting").expect("a graph"), &lines)
    }

    #[test]
    fn a_line_is_compared_with_the_median_of_all() {
        assert_eq!(of(&[("a", 10.0), ("b", 10.0), ("c", 20.0)]), [1.0, 1.0, 2.0]);
        assert_eq!(of(&[("a", 10.0), ("b", 10.0), ("c", 20.0), ("limit", 9.0)])[3], f64::NEG_INFINITY);
        assert!(of(&[("a", 1.0), ("b", 9.0)]).is_empty() && of(&[("a", 0.0), ("b", 0.0), ("c", 1.0)]).is_empty());
    }
}
