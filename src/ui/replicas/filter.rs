//! Filtering and sorting of replicas.
use crate::data::replicas::fleet::{Fleet, Replica};
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::wasm_size::sort::sort_by;
use std::cmp::Ordering;
use std::sync::Arc;

/// The replicas that match the filter, sorted by the sort key and then by name.
pub(crate) fn filtered_replicas(fleet: &Fleet, options: &ReplicaTableOptions) -> Vec<Arc<Replica>> {
    let range = fleet.range;
    let text = lowercase(options.text.trim());
    let has_text = |replica: &Replica| {
        let fields = [&replica.name, &replica.model, &replica.address, &replica.engine];
        text.is_empty() || fields.iter().any(|field| lowercase(field).contains(&text))
    };
    let has_state = |replica: &Replica| {
        let state = replica.current(range).map(|interval| interval.state);
        options.states.is_empty() || state.is_some_and(|state| options.states.contains(&state))
    };
    let matching = fleet.replicas.iter().filter(|replica| has_text(replica) && has_state(replica));
    let mut replicas: Vec<Arc<Replica>> = matching.cloned().collect();
    // Unknown values are last. Of numbers, the highest is first.
    let highest_first = |value: Option<f64>| -value.unwrap_or(f64::NEG_INFINITY);
    let key = |replica: &Replica| match options.sort_key {
        SortKey::State => replica.current(range).map_or(f64::INFINITY, |interval| f64::from(interval.state as u8)),
        SortKey::Since => {
            let since_ms = replica.since(range).map(|since| since.time_ms).or(replica.gone_since(range));
            since_ms.map_or(f64::INFINITY, |since_ms| since_ms as f64)
        }
        SortKey::Restarts => -f64::from(replica.restart_count()),
        SortKey::Launch => highest_first(replica.launch_ms().map(|ms| ms as f64)),
        SortKey::Figure(figure) => highest_first(replica.figures.of(figure)),
        SortKey::Failure => f64::from(u8::from(replica.failure_at(range.end_ms).is_empty())),
        SortKey::Name | SortKey::Engine | SortKey::Address => 0.0,
    };
    let is_gone = |replica: &Replica| replica.current(range).is_none();
    sort_by(&mut replicas, |a, b| {
        let order = match options.sort_key {
            SortKey::Engine => a.engine.is_empty().cmp(&b.engine.is_empty()).then_with(|| a.engine.cmp(&b.engine)),
            SortKey::Address => natural_order(&a.address, &b.address),
            // What is gone by the end of the range comes last.
            SortKey::Name => is_gone(a).cmp(&is_gone(b)).then_with(|| natural_order(&a.name, &b.name)),
            _ => key(a).total_cmp(&key(b)),
        };
        let order = if options.is_reversed { order.reverse() } else { order };
        order.then_with(|| natural_order(&a.name, &b.name))
    });
    replicas
}

/// The text in lower case. Beyond ASCII the browser converts it, because Rust's tables are several kilobytes.
fn lowercase(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { js_sys::JsString::from(text).to_lower_case().into() }
}

/// Compares texts in natural order, with numbers in them by value.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let order = match (digits(a), digits(b)) {
            (0, _) | (_, 0) => {
                let (mut first, mut second) = (a.chars(), b.chars());
                let order = first.next().cmp(&second.next());
                (a, b) = (first.as_str(), second.as_str());
                order
            }
            (one, other) => {
                let (left, right) = (a[..one].trim_start_matches('0'), b[..other].trim_start_matches('0'));
                let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
                (a, b) = (&a[one..], &b[other..]);
                order
            }
        };
        if order != Ordering::Equal || (a.is_empty() && b.is_empty()) {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::replicas::intervals::StateInterval;
    use crate::state::replica_figure::{ReplicaFigure, ReplicaFigures};
    use crate::state::time_range::TimeRange;
    use catalogue::contract::ReplicaState;

    fn replica(name: &str, state: ReplicaState, since_ms: i64, running: Option<f64>) -> Arc<Replica> {
        let interval =
            StateInterval { state, start_ms: since_ms, end_ms: 100, may_start_earlier: false, ready_ms: None };
        let mut figures = ReplicaFigures::default();
        running.into_iter().for_each(|value| figures.add(ReplicaFigure::Running, value));
        Arc::new(Replica {
            name: name.into(),
            address: format!("{name}:80"),
            intervals: vec![interval],
            figures,
            ..Replica::default()
        })
    }

    fn names(options: &ReplicaTableOptions) -> Vec<String> {
        let replicas = vec![
            replica("a-10", ReplicaState::Running, 30, Some(5.0)),
            replica("a-9", ReplicaState::Failed, 20, None),
            replica("b-1", ReplicaState::Running, 10, Some(7.0)),
        ];
        let fleet = Fleet { replicas, range: TimeRange::new(0, 100), ..Fleet::default() };
        filtered_replicas(&fleet, options).iter().map(|replica| replica.name.clone()).collect()
    }

    #[test]
    fn names_are_in_natural_order() {
        assert_eq!(names(&ReplicaTableOptions::default()), ["a-9", "a-10", "b-1"]);
        assert_eq!(natural_order("10.0.0.2:80", "10.0.0.10:80"), Ordering::Less);
        assert_eq!(
            (natural_order("", ""), natural_order("a", ""), natural_order("07", "7")),
            (Ordering::Equal, Ordering::Greater, Ordering::Equal)
        );
    }

    #[test]
    fn replicas_that_are_gone_come_last() {
        let mut gone = Replica::clone(&replica("a-1", ReplicaState::Running, 10, None));
        gone.intervals[0].end_ms = 50;
        let replicas = vec![Arc::new(gone), replica("b-1", ReplicaState::Failed, 20, None)];
        let fleet = Fleet { replicas, range: TimeRange::new(0, 100), ..Fleet::default() };
        let sorted = filtered_replicas(&fleet, &ReplicaTableOptions::default());
        assert_eq!(sorted.iter().map(|replica| replica.name.as_str()).collect::<Vec<_>>(), ["b-1", "a-1"]);
    }

    #[test]
    fn replicas_are_sorted_both_ways_and_filtered() {
        let by = |sort_key, is_reversed| {
            names(&ReplicaTableOptions { sort_key, is_reversed, ..ReplicaTableOptions::default() })
        };
        assert_eq!(by(SortKey::State, false), ["a-10", "b-1", "a-9"]);
        assert_eq!(by(SortKey::Since, false), ["b-1", "a-9", "a-10"]);
        assert_eq!(by(SortKey::Since, true), ["a-10", "a-9", "b-1"]);
        assert_eq!(by(SortKey::Figure(ReplicaFigure::Running), false), ["b-1", "a-10", "a-9"]);
        assert_eq!(by(SortKey::Address, true), ["b-1", "a-10", "a-9"]);
        assert_eq!(names(&ReplicaTableOptions { text: " A-1".into(), ..ReplicaTableOptions::default() }), ["a-10"]);
        let failed = ReplicaTableOptions { states: [ReplicaState::Failed].into(), ..ReplicaTableOptions::default() };
        assert_eq!(names(&failed), ["a-9"]);
    }
}
