//! A series' label set.
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// A label's name and value.
pub(crate) type Pair = (Arc<str>, Arc<str>);

/// A label set, `__name__` included, sorted by name; no name twice, no empty value. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Labels(Arc<[Pair]>);

impl Labels {
    /// Builds a set from pairs in any order; of a name given twice the last counts, empty values are left out.
    pub fn from_pairs<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut set: Vec<Pair> = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        set.reverse();
        set.sort_by(|a, b| a.0.cmp(&b.0));
        set.dedup_by(|next, kept| next.0 == kept.0);
        set.retain(|(_, value)| !value.is_empty());
        Self(set.into())
    }

    /// The value of `name`, or none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(own, _)| (**own).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// The pairs, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The pairs as shared strings, sorted by name.
    pub fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// The set of `pairs`, which are sorted by name and have no empty value.
    pub(crate) fn from_sorted<'p>(pairs: impl Iterator<Item = &'p Pair>) -> Self {
        Self(pairs.cloned().collect())
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The metric's name, or none.
    pub fn metric_name(&self) -> Option<&str> {
        // Mostly the first: only capital letters and digits come before it.
        match self.0.first() {
            Some((name, value)) if **name == *METRIC_NAME => Some(value),
            _ => self.get(METRIC_NAME),
        }
    }

    /// The labels whose names `keep` accepts.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self::from_sorted(self.0.iter().filter(|(name, _)| keep(name)))
    }

    /// The labels without the metric's name.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        if self.metric_name().is_none() { self.clone() } else { self.filtered(|name| name != METRIC_NAME) }
    }

    /// The labels with `name` set to `value`; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let added = (!value.is_empty()).then(|| (Arc::from(name), Arc::from(value)));
        let mut set: Vec<Pair> = self.0.iter().filter(|(own, _)| &**own != name).cloned().collect();
        if let Some(pair) = added {
            let at = set.partition_point(|(own, _)| &**own < name);
            set.insert(at, pair);
        }
        Self(set.into())
    }
}

/// By name and value of one label after the other, as Prometheus orders series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        // A store keeps equal strings once, and most labels of neighbours are equal.
        let same = |(a, b): &(&Pair, &Pair)| Arc::ptr_eq(&a.0, &b.0) && Arc::ptr_eq(&a.1, &b.1);
        let mut different = self.0.iter().zip(&*other.0).filter(|pairs| !same(pairs)).map(|(a, b)| a.cmp(b));
        different.find(|order| order.is_ne()).unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As Prometheus writes a series in messages: `name{label="value", other="value"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name.unwrap_or_default())?;
        let mut others = self.iter().filter(|(label, _)| *label != METRIC_NAME).peekable();
        if name.is_some() && others.peek().is_none() {
            return Ok(());
        }
        f.write_str("{")?;
        for (index, (label, value)) in others.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{label}={value:?}")?;
        }
        f.write_str("}")
    }
}
