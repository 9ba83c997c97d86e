//! The replicas that are listed, in their order.
use crate::data::replicas::fleet::{Fleet, Replica};
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::wasm_size::sort::sort_by;
use std::cmp::Ordering;
use std::sync::Arc;

/// The replicas that pass the filter, ordered; equal ones by name.
pub(crate) fn listed(fleet: &Fleet, listing: &ReplicaTableOptions) -> Vec<Arc<Replica>> {
    let range = fleet.range;
    let text = lowercase(listing.text.trim());
    let has_text = |replica: &Replica| {
        let own = [&replica.name, &replica.model, &replica.address, &replica.engine];
        text.is_empty() || own.iter().any(|own| lowercase(own).contains(&text))
    };
    let has_state = |replica: &Replica| {
        let state = replica.current(range).map(|span| span.state);
        listing.states.is_empty() || state.is_some_and(|state| listing.states.contains(&state))
    };
    let passing = fleet.replicas.iter().filter(|replica| has_text(replica) && has_state(replica));
    let mut listed: Vec<Arc<Replica>> = passing.cloned().collect();
    // What is not known stands last; of figures the highest stands first.
    let figure = |value: Option<f64>| -value.unwrap_or(f64::NEG_INFINITY);
    let key = |replica: &Replica| match listing.sort_key {
        SortKey::State => replica.current(range).map_or(f64::INFINITY, |span| f64::from(span.state as u8)),
        SortKey::Since => replica.since(range).map_or(f64::INFINITY, |since| since.time_ms as f64),
        SortKey::Restarts => -f64::from(replica.restart_count()),
        SortKey::Running => figure(replica.running),
        SortKey::Waiting => figure(replica.waiting),
        SortKey::Cores => figure(replica.cores),
        SortKey::Gpu => figure(replica.gpu),
        SortKey::Name | SortKey::Engine | SortKey::Address => 0.0,
    };
    sort_by(&mut listed, |a, b| {
        let order = match listing.sort_key {
            SortKey::Engine => a.engine.is_empty().cmp(&b.engine.is_empty()).then_with(|| a.engine.cmp(&b.engine)),
            SortKey::Address => natural(&a.address, &b.address),
            SortKey::Name => natural(&a.name, &b.name),
            _ => key(a).total_cmp(&key(b)),
        };
        let order = if listing.is_reversed { order.reverse() } else { order };
        order.then_with(|| natural(&a.name, &b.name))
    });
    listed
}

/// The text in small letters, those beyond ASCII by the browser: tables of them are several kilobytes.
fn lowercase(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { js_sys::JsString::from(text).to_lower_case().into() }
}

/// Texts in the order of people: numbers in them by their value.
fn natural(a: &str, b: &str) -> Ordering {
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
    use crate::state::time_range::TimeRange;
    use catalogue::contract::ReplicaState;

    fn replica(name: &str, state: ReplicaState, since_ms: i64, running: Option<f64>) -> Arc<Replica> {
        let span = StateInterval { state, start_ms: since_ms, end_ms: 100, may_start_earlier: false, ready_ms: None };
        Arc::new(Replica {
            name: name.into(),
            address: format!("{name}:80"),
            intervals: vec![span],
            running,
            ..Replica::default()
        })
    }

    fn names(listing: &ReplicaTableOptions) -> Vec<String> {
        let replicas = vec![
            replica("a-10", ReplicaState::Running, 30, Some(5.0)),
            replica("a-9", ReplicaState::Failed, 20, None),
            replica("b-1", ReplicaState::Running, 10, Some(7.0)),
        ];
        let fleet = Fleet { replicas, range: TimeRange::new(0, 100), ..Fleet::default() };
        listed(&fleet, listing).iter().map(|replica| replica.name.clone()).collect()
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        assert_eq!(names(&ReplicaTableOptions::default()), ["a-9", "a-10", "b-1"]);
        assert_eq!(natural("10.0.0.2:80", "10.0.0.10:80"), Ordering::Less);
        assert_eq!(
            (natural("", ""), natural("a", ""), natural("07", "7")),
            (Ordering::Equal, Ordering::Greater, Ordering::Equal)
        );
    }

    #[test]
    fn every_order_can_be_turned_round_and_filters_narrow_it() {
        let by = |sort_key, is_reversed| {
            names(&ReplicaTableOptions { sort_key, is_reversed, ..ReplicaTableOptions::default() })
        };
        assert_eq!(by(SortKey::State, false), ["a-10", "b-1", "a-9"]);
        assert_eq!(by(SortKey::Since, false), ["b-1", "a-9", "a-10"]);
        assert_eq!(by(SortKey::Since, true), ["a-10", "a-9", "b-1"]);
        assert_eq!(by(SortKey::Running, false), ["b-1", "a-10", "a-9"]);
        assert_eq!(by(SortKey::Address, true), ["b-1", "a-10", "a-9"]);
        assert_eq!(names(&ReplicaTableOptions { text: " A-1".into(), ..ReplicaTableOptions::default() }), ["a-10"]);
        let failed = ReplicaTableOptions { states: [ReplicaState::Failed].into(), ..ReplicaTableOptions::default() };
        assert_eq!(names(&failed), ["a-9"]);
    }
}
