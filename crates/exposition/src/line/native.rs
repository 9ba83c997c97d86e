//! Recognises native histograms, which some clients write ahead of OpenMetrics 2.0, so that they can be skipped.

/// The fields that each must have. Source: the Python client's parser, after the draft of OpenMetrics 2.0.
const REQUIRED: [&str; 5] = ["count", "sum", "schema", "zero_threshold", "zero_count"];

/// Whether `text` is a native histogram: `{count:24,sum:100,schema:0,…,positive_spans:[0:2,1:2],…}`.
pub(crate) fn is_native_histogram(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return false };
    let mut required_fields = 0;
    while let Some((name, value)) = rest.split_once(':') {
        let end = match value.strip_prefix('[') {
            Some(list) => list.find(']').map(|end| end + 2),
            None => Some(value.find(',').unwrap_or(value.len())),
        };
        let Some((value, after)) = end.and_then(|end| value.split_at_checked(end)) else { return false };
        if REQUIRED.contains(&name) {
            required_fields += 1;
            if value.parse::<f64>().is_err() {
                return false;
            }
        }
        rest = match after.strip_prefix(',') {
            Some(rest) => rest,
            None if after.is_empty() => after,
            None => return false,
        };
    }
    rest.is_empty() && required_fields == REQUIRED.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_native_histograms_are_recognised() {
        let whole = "{count:4,sum:6,schema:3,zero_threshold:2.9e-39,zero_count:1,positive_spans:[0:1,7:1],positive_deltas:[1,0]}";
        assert!(is_native_histogram(whole));
        assert!(is_native_histogram("{count:4,sum:6,schema:3,zero_threshold:0,zero_count:1}"));
        for text in ["", "{}", "{count:24", "{count:24,sum:x,schema:0,zero_threshold:0,zero_count:1}", "{count:[1}"] {
            assert!(!is_native_histogram(text), "{text}");
        }
        for end in 0..whole.len() {
            assert!(!is_native_histogram(&whole[..end]), "{end}");
        }
    }
}
