//! The cells of the table of replicas, as HTML and as text.
use crate::data::replicas::fleet::Replica;
use crate::data::replicas::intervals::StateInterval;
use crate::state::replica_figure::ReplicaFigure;
use crate::state::replica_table::SortKey;
use crate::state::time_range::TimeRange;
use crate::state::url::encode;
use crate::state::view::View;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escape_html;
use crate::ui::kit::peers::{MAX_USUAL_RATIO, peer_median};
use catalogue::Unit;
use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::Arc;

/// A smaller share of errors is not worth a mark.
const MIN_ERROR_SHARE: f64 = 0.01;

/// Writes the row of a replica. Its name links to the page for this replica alone; its state intervals are attributes.
pub(super) fn write_row(html: &mut String, at: usize, replica: &Replica, view: &View, table: &TableContext) {
    let range = table.range;
    let mut narrowed = view.clone();
    narrowed.scope.replica = Some(replica.replica.clone());
    let link = escape_html(&encode(&narrowed));
    let state = replica.current(range).map_or("", |interval| interval.state.id());
    let interval =
        |interval: &StateInterval| format!("{} {} {}", interval.state.id(), interval.start_ms, interval.end_ms);
    let intervals: Vec<String> = replica.intervals.iter().map(interval).collect();
    let restarts: Vec<String> = replica.restarts.iter().map(|restart| restart.time_ms.to_string()).collect();
    let (name, narrow) = (escape_html(&replica.name), escape_html(&replica.replica));
    let _ = write!(
        html,
        "<tr aria-rowindex=\"{}\" data-replica=\"{name}\" data-state=\"{state}\" data-spans=\"{}\" \
         data-restarts=\"{}\"><th scope=\"row\"><a id=\"replica-{name}\" href=\"?{link}\" data-narrow=\"{narrow}\">\
         {name}</a></th>",
        at + 2,
        intervals.join(","),
        restarts.join(" ")
    );
    for key in table.columns.iter().copied().skip(1) {
        let swatch = match key {
            SortKey::State => format!("<i class=\"state\" data-state=\"{state}\"></i>"),
            _ => String::new(),
        };
        let text = escape_html(&cell(key, replica, range));
        let attributes = match key {
            SortKey::Failure | SortKey::Engine | SortKey::Address => format!(" title=\"{text}\""),
            SortKey::Figure(figure) => table.remark(figure, replica),
            _ => String::new(),
        };
        let _ = write!(html, "<td{attributes}>{swatch}{text}</td>");
    }
    html.push_str("</tr>");
}

/// What the cells of all rows depend on.
pub(super) struct TableContext {
    pub(super) columns: Vec<SortKey>,
    /// Those of all replicas, of the figures that are compared.
    pub(super) medians: Vec<(ReplicaFigure, f64)>,
    pub(super) range: TimeRange,
}

impl TableContext {
    /// The attributes of a figure's cell: a figure that is much higher than those of the peers is marked.
    fn remark(&self, figure: ReplicaFigure, replica: &Replica) -> String {
        let median = self.medians.iter().find(|(own, _)| *own == figure).map_or(f64::NAN, |(_, median)| *median);
        let value = replica.figures.of(figure).unwrap_or(0.0);
        let is_small = figure == ReplicaFigure::Errors && value < MIN_ERROR_SHARE;
        if is_small || value.partial_cmp(&(MAX_USUAL_RATIO * median)) != Some(Ordering::Greater) {
            return String::new();
        }
        let median = figure.unit().format_short(median);
        format!(" class=\"odd\" title=\"The median of its peers is {}.\"", escape_html(&median))
    }
}

/// The medians of the figures by which replicas are compared.
pub(super) fn medians(replicas: &[Arc<Replica>]) -> Vec<(ReplicaFigure, f64)> {
    let of = |figure: ReplicaFigure| {
        let median = peer_median(replicas.iter().filter_map(|replica| replica.figures.of(figure)))?;
        Some((figure, median))
    };
    ReplicaFigure::ALL.into_iter().filter(|figure| figure.is_compared()).filter_map(of).collect()
}

/// The columns: the usual ones, and those that have something to say.
pub(super) fn columns(replicas: &[Arc<Replica>], range: TimeRange) -> Vec<SortKey> {
    let has_some = |key: &SortKey| {
        SortKey::USUAL.contains(key) || replicas.iter().any(|replica| !cell(*key, replica, range).is_empty())
    };
    SortKey::all().filter(has_some).collect()
}

/// The text of a cell; empty for an unknown value.
fn cell(key: SortKey, replica: &Replica, range: TimeRange) -> String {
    let number = |value: Option<f64>, unit: Unit| value.map(|value| unit.format_short(value)).unwrap_or_default();
    match key {
        SortKey::Name => replica.name.clone(),
        SortKey::State => match replica.current(range) {
            Some(interval) => interval.state.title().to_owned(),
            None if replica.gone_since(range).is_some() => "gone".to_owned(),
            None => "unknown".to_owned(),
        },
        SortKey::Since => {
            let at = |time_ms: i64| time::clock_and_day(time_ms, range.end_ms);
            match (replica.since(range), replica.gone_since(range)) {
                (Some(since), _) if since.may_be_earlier => format!("before {}", at(since.time_ms)),
                (Some(since), _) => at(since.time_ms),
                (None, gone_ms) => gone_ms.map(at).unwrap_or_default(),
            }
        }
        SortKey::Restarts => {
            let last = replica.restarts.iter().rfind(|restart| !restart.reason.is_empty());
            let reason = last.map(|restart| format!(" ({})", restart.reason)).unwrap_or_default();
            format!("{}{reason}", replica.restart_count())
        }
        SortKey::Engine => replica.engine.clone(),
        SortKey::Address => replica.address.clone(),
        SortKey::Launch => replica.launch_ms().map(time::duration).unwrap_or_default(),
        SortKey::Figure(figure) => number(replica.figures.of(figure), figure.unit()),
        SortKey::Failure => replica.failure_at(range.end_ms).to_owned(),
    }
}

/// The whole table as tab-separated text, for spreadsheets.
pub(super) fn tab_separated<'a>(replicas: impl Iterator<Item = &'a Replica>, range: TimeRange) -> String {
    let mut text = SortKey::all().map(SortKey::title).collect::<Vec<_>>().join("\t");
    for replica in replicas {
        text.push('\n');
        for key in SortKey::all() {
            let tab = if key == SortKey::Name { "" } else { "\t" };
            let _ = write!(text, "{tab}{}", cell(key, replica, range).replace(['\t', '\n'], " "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::contract::ReplicaState;

    #[test]
    fn names_are_escaped() {
        let interval = StateInterval {
            state: ReplicaState::Running,
            start_ms: 0,
            end_ms: 9,
            may_start_earlier: false,
            ready_ms: None,
        };
        let hostile = "\"><script>a&b\t</script>";
        let replica =
            Replica { name: hostile.into(), replica: hostile.into(), intervals: vec![interval], ..Replica::default() };
        let mut html = String::new();
        let range = TimeRange::new(0, 99);
        // Formatting a time of day needs a browser.
        let columns = SortKey::all().filter(|key| *key != SortKey::Since).collect();
        let table = TableContext { columns, medians: Vec::new(), range };
        write_row(&mut html, 0, &replica, &View::default(), &table);
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;a&amp;b"), "{html}");
        assert!(html.contains("data-spans=\"running 0 9\"") && html.contains("aria-rowindex=\"2\""), "{html}");
        assert_eq!(cell(SortKey::State, &replica, range), "gone");
        let replica = Replica { intervals: Vec::new(), ..replica };
        assert_eq!(cell(SortKey::State, &replica, range), "unknown");
        let text = tab_separated(std::iter::once(&replica), range);
        assert_eq!(text.lines().map(|line| line.matches('\t').count()).collect::<Vec<_>>(), [16, 16]);
    }

    #[test]
    fn a_replica_that_is_slower_than_its_peers_is_marked() {
        let replica = |first_token: f64, errors: f64| {
            let mut replica = Replica::default();
            replica.figures.add(ReplicaFigure::FirstToken, first_token);
            replica.figures.add(ReplicaFigure::Errors, errors);
            Arc::new(replica)
        };
        let all = [replica(0.2, 0.0), replica(0.2, 0.005), replica(0.25, 0.0), replica(0.5, 0.02)];
        let range = TimeRange::new(0, 99);
        let table = TableContext { columns: columns(&all, range), medians: medians(&all), range };
        assert_eq!(table.columns.len(), SortKey::USUAL.len() + 2);
        let marked = |figure| all.iter().map(|one| !table.remark(figure, one).is_empty()).collect::<Vec<_>>();
        assert_eq!(marked(ReplicaFigure::FirstToken), [false, false, false, true]);
        assert_eq!(marked(ReplicaFigure::Errors), [false, false, false, true], "few errors are not marked");
        assert!(medians(&all[..2]).is_empty(), "two are no crowd");
    }
}
