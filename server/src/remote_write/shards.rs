//! Splits the samples of a round among requests that are under way together. Those of one series stay in order.
use std::hash::{DefaultHasher, Hash, Hasher};
use tsdb::QueueSample;

/// The samples in `count` parts, which can be sent in any order.
pub(super) fn split(samples: Vec<QueueSample>, count: usize) -> Vec<Vec<QueueSample>> {
    if count <= 1 {
        return vec![samples];
    }
    let mut parts: Vec<Vec<QueueSample>> = vec![Vec::with_capacity(samples.len() / count); count];
    for sample in samples {
        let mut hasher = DefaultHasher::new();
        sample.series.hash(&mut hasher);
        let part = (hasher.finish() % count as u64) as usize;
        if let Some(part) = parts.get_mut(part) {
            part.push(sample);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The number of parts for the next round: twice as many while there is more to send at once, and otherwise half.
pub(super) fn next_count(count: usize, has_more: bool, max: usize) -> usize {
    if has_more { (count * 2).min(max) } else { (count / 2).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;
    use std::collections::HashMap;

    #[test]
    fn each_series_is_in_one_part_and_in_order() {
        let sample = |n: i64| QueueSample {
            series: Labels::from_pairs([("series", (n % 17).to_string())]),
            time_ms: n,
            value: 0.0,
        };
        let parts = split((0..500).map(sample).collect(), 4);
        assert!(parts.len() > 1);
        let (mut part_of, mut count) = (HashMap::new(), 0);
        for (number, part) in parts.iter().enumerate() {
            let mut last = HashMap::new();
            for sample in part {
                count += 1;
                assert_eq!(*part_of.entry(sample.series.clone()).or_insert(number), number);
                assert!(last.insert(&sample.series, sample.time_ms).is_none_or(|before| before < sample.time_ms));
            }
        }
        assert_eq!(count, 500);
    }

    #[test]
    fn there_are_more_parts_while_there_is_more_to_send() {
        assert_eq!((next_count(1, true, 50), next_count(32, true, 50), next_count(50, true, 50)), (2, 50, 50));
        assert_eq!((next_count(8, false, 50), next_count(1, false, 50)), (4, 1));
    }
}
