//! The samples of a request by series, with the labels that the receiver gets.
use promql::Labels;
use std::collections::HashMap;
use tsdb::QueueSample;

/// A series and its samples, in order of appending.
pub(super) struct SeriesSamples<'b> {
    pub(super) labels: &'b Labels,
    pub(super) samples: Vec<&'b QueueSample>,
}

/// The samples by series, which are in the order of their first samples.
pub(super) fn by_series(samples: &[QueueSample]) -> Vec<SeriesSamples<'_>> {
    let mut places: HashMap<&Labels, usize> = HashMap::with_capacity(samples.len());
    let mut all: Vec<SeriesSamples<'_>> = Vec::new();
    for sample in samples {
        let place = *places.entry(&sample.series).or_insert_with(|| {
            all.push(SeriesSamples { labels: &sample.series, samples: Vec::with_capacity(1) });
            all.len() - 1
        });
        if let Some(series) = all.get_mut(place) {
            series.samples.push(sample);
        }
    }
    all
}

/// The labels of a series with the external ones that it does not have, by name. `external` is sorted by name.
pub(super) fn with_external<'l>(
    labels: &'l Labels,
    external: &'l [(String, String)],
) -> impl Iterator<Item = (&'l str, &'l str)> {
    let mut own = labels.iter().peekable();
    let mut external = external.iter().map(|(name, value)| (name.as_str(), value.as_str())).peekable();
    std::iter::from_fn(move || {
        // An empty value stands for no label.
        while external.next_if(|(name, value)| value.is_empty() || labels.get(name).is_some()).is_some() {}
        match (own.peek(), external.peek()) {
            (Some((own_name, _)), Some((name, _))) if name < own_name => external.next(),
            (Some(_), _) => own.next(),
            (None, _) => external.next(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_labels_are_added_in_order_unless_a_series_has_them() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "j"), ("node", "own")]);
        let external = [("az", "a"), ("empty", ""), ("node", "n"), ("zone", "z")];
        let external = external.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pairs: Vec<_> = with_external(&labels, &external).collect();
        assert_eq!(pairs, [("__name__", "up"), ("az", "a"), ("job", "j"), ("node", "own"), ("zone", "z")]);
    }

    #[test]
    fn samples_of_a_series_keep_their_order() {
        let sample =
            |name: &str, time_ms| QueueSample { series: Labels::from_pairs([("__name__", name)]), time_ms, value: 1.0 };
        let samples = [sample("a", 1), sample("b", 1), sample("a", 2), sample("b", 2)];
        let series = by_series(&samples);
        let times: Vec<(Option<&str>, Vec<i64>)> = series
            .iter()
            .map(|series| (series.labels.metric_name(), series.samples.iter().map(|sample| sample.time_ms).collect()))
            .collect();
        assert_eq!(times, [(Some("a"), vec![1, 2]), (Some("b"), vec![1, 2])]);
    }
}
