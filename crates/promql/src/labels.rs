//! Label sets.
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

/// A label: its name and value. Cheap to clone, and one pointer wide, as a store has some for each series.
#[derive(Clone, Debug)]
pub struct Label(Arc<(Arc<str>, Arc<str>)>);

/// A label set, `__name__` included, sorted by name. Names are unique and values not empty. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Labels(Arc<[Label]>);

impl Label {
    /// Creates a label.
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self(Arc::new((name.into(), value.into())))
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.0.0
    }

    /// The value.
    pub fn value(&self) -> &Arc<str> {
        &self.0.1
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        // Stores share labels, and most labels of neighbouring series are equal.
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

/// Compares names before values.
impl Ord for Label {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Labels {
    /// Bytes of the names and values.
    pub fn text_bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Builds a set from pairs in any order. The last value of a repeated name wins; empty values are omitted.
    pub fn from_pairs<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::from_labels(pairs.into_iter().map(|(name, value)| Label::new(name, value)))
    }

    /// [`Labels::from_pairs`] of labels, which the set shares.
    pub fn from_labels(labels: impl IntoIterator<Item = Label>) -> Self {
        let mut set: Vec<Label> = labels.into_iter().collect();
        set.reverse();
        set.sort_by(|a, b| a.name().cmp(b.name()));
        set.dedup_by(|next, previous| next.name() == previous.name());
        set.retain(|label| !label.value().is_empty());
        Self(set.into())
    }

    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.0.binary_search_by(|label| (**label.name()).cmp(name)).ok()?;
        Some(self.0[index].value())
    }

    /// The names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|label| (&**label.name(), &**label.value()))
    }

    /// The labels, sorted by name.
    pub fn labels(&self) -> &[Label] {
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
            Some(label) if **label.name() == *METRIC_NAME => Some(label.value()),
            _ => self.get(METRIC_NAME),
        }
    }

    /// The labels whose name satisfies `keep`.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self::from_sorted(self.0.iter().filter(|label| keep(label.name())))
    }

    /// The labels without the metric name.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        if self.metric_name().is_none() { self.clone() } else { self.filtered(|name| name != METRIC_NAME) }
    }

    /// The labels with `name` set to `value`, or removed if `value` is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let added = (!value.is_empty()).then(|| Label::new(name, value));
        let mut set: Vec<Label> = self.0.iter().filter(|label| &**label.name() != name).cloned().collect();
        if let Some(label) = added {
            let index = set.partition_point(|label| &**label.name() < name);
            set.insert(index, label);
        }
        Self(set.into())
    }
}

/// Compares label by label, name before value, as Prometheus orders series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
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
