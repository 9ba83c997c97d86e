//! Label sets.
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

/// A label: its name and value.
pub(crate) type Label = (Arc<str>, Arc<str>);

/// A label set, `__name__` included, sorted by name. Names are unique and values not empty. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// Builds a set from pairs in any order. The last value of a repeated name wins; empty values are omitted.
    pub fn from_pairs<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut set: Vec<Label> = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        set.reverse();
        set.sort_by(|a, b| a.0.cmp(&b.0));
        set.dedup_by(|next, previous| next.0 == previous.0);
        set.retain(|(_, value)| !value.is_empty());
        Self(set.into())
    }

    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        Some(&self.0[index].1)
    }

    /// The names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The labels as shared strings, sorted by name.
    pub fn pairs(&self) -> &[Label] {
        &self.0
    }

    /// Builds a set from labels that are sorted by name and have no empty value.
    pub(crate) fn from_sorted<'l>(labels: impl Iterator<Item = &'l Label>) -> Self {
        Self(labels.cloned().collect())
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The metric name.
    pub fn metric_name(&self) -> Option<&str> {
        // Usually the first label, as most names sort after it.
        match self.0.first() {
            Some((name, value)) if **name == *METRIC_NAME => Some(value),
            _ => self.get(METRIC_NAME),
        }
    }

    /// The labels whose name satisfies `keep`.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self::from_sorted(self.0.iter().filter(|(name, _)| keep(name)))
    }

    /// The labels without the metric name.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        if self.metric_name().is_none() { self.clone() } else { self.filtered(|name| name != METRIC_NAME) }
    }

    /// The labels with `name` set to `value`, or removed if `value` is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let added = (!value.is_empty()).then(|| (Arc::from(name), Arc::from(value)));
        let mut set: Vec<Label> = self.0.iter().filter(|(other, _)| &**other != name).cloned().collect();
        if let Some(label) = added {
            let index = set.partition_point(|(other, _)| &**other < name);
            set.insert(index, label);
        }
        Self(set.into())
    }
}

/// Compares label by label, name before value, as Prometheus orders series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        // Stores intern strings, and most labels of neighbouring series are equal.
        let same = |(a, b): &(&Label, &Label)| Arc::ptr_eq(&a.0, &b.0) && Arc::ptr_eq(&a.1, &b.1);
        let mut different = self.0.iter().zip(&*other.0).filter(|labels| !same(labels)).map(|(a, b)| a.cmp(b));
        different.find(|order| order.is_ne()).unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The form of Prometheus's messages: `name{label="value", other="value"}`.
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

/// Whether a query may create a label of this name: UTF-8 text that is not empty, as in Prometheus 3. Bytes of a string
/// literal that are not UTF-8 have become replacement characters.
pub(crate) fn is_label_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::REPLACEMENT_CHARACTER)
}
