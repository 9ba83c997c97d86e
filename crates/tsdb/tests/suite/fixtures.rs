//! Shorthands for appending samples to a store and for selecting them.
use promql::{Labels, MatchOp, Matcher, Pattern, Selector, Storage, is_stale};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tsdb::{Group, Store};

/// Times and values.
pub(crate) type Samples = Vec<(i64, f64)>;

/// The label set `name=value,name=value`.
pub(crate) fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split(',').map(|pair| pair.split_once('=').expect("a pair")))
}

/// The inverse of [`labels`].
pub(crate) fn text(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

pub(crate) fn matcher(name: &str, op: &str, value: &str) -> Matcher {
    let pattern = || Pattern::new(value).expect("a pattern");
    let op = match op {
        "=" => MatchOp::Equal,
        "!=" => MatchOp::NotEqual,
        "=~" => MatchOp::Regex(pattern()),
        _ => MatchOp::NotRegex(pattern()),
    };
    Matcher { name: name.into(), op, value: value.into() }
}

/// A selector of the series that satisfy all matchers of any of the lists.
pub(crate) fn selector(any_of: &[&[(&str, &str, &str)]]) -> Selector {
    let any_of = any_of.iter().map(|all| all.iter().map(|(n, op, v)| matcher(n, op, v)).collect());
    Selector { any_of: any_of.collect() }
}

/// The samples that a query gets. Checks that a query for the latest samples gets consistent ones.
pub(crate) fn select(
    store: &Store,
    any_of: &[&[(&str, &str, &str)]],
    after_ms: i64,
    until_ms: i64,
) -> BTreeMap<String, Samples> {
    let found = select_while_writing(store, any_of, after_ms, until_ms);
    let mut latest = BTreeMap::new();
    store
        .select_latest(&selector(any_of), after_ms, until_ms, &mut |labels, column| {
            collect(&mut latest, labels, column)
        })
        .expect("a snapshot");
    assert!(found.keys().eq(latest.keys()), "the same series");
    // Bits, as NaN does not equal itself.
    let bits = |samples: &Samples| samples.iter().map(|(at, value)| (*at, value.to_bits())).collect::<Vec<_>>();
    for (labels, samples) in &found {
        let last = samples.iter().rposition(|(_, value)| !is_stale(*value)).unwrap_or(0);
        let (all, own) = (bits(samples), bits(&latest[labels]));
        assert!(all.ends_with(&own) && own.ends_with(&all[last..]), "{labels}: {own:?} of {all:?}");
    }
    found
}

/// The samples that a query gets, without checks that concurrent writes would break.
pub(crate) fn select_while_writing(
    store: &Store,
    any_of: &[&[(&str, &str, &str)]],
    after_ms: i64,
    until_ms: i64,
) -> BTreeMap<String, Samples> {
    let mut found = BTreeMap::new();
    store
        .select(&selector(any_of), after_ms, until_ms, &mut |labels, column| collect(&mut found, labels, column))
        .expect("a snapshot");
    found
}

fn collect(found: &mut BTreeMap<String, Samples>, labels: &Labels, column: promql::Samples<'_>) -> ControlFlow<()> {
    assert!(column.times_ms.is_sorted_by(|a, b| a < b), "{}: times are not increasing", text(labels));
    let samples = column.times_ms.iter().copied().zip(column.values.iter().copied()).collect();
    assert!(found.insert(text(labels), samples).is_none(), "{} twice", text(labels));
    ControlFlow::Continue(())
}

/// All samples of a store.
pub(crate) fn all(store: &Store) -> BTreeMap<String, Samples> {
    select(store, &[&[]], i64::MIN, i64::MAX)
}

/// Registers a series and appends one sample of it.
pub(crate) fn append(group: &mut Group, time_ms: i64, series: &str, value: f64) {
    let series = group.register(&labels(series)).expect("room");
    group.append(time_ms, [(series, value)]).expect("in order");
}
