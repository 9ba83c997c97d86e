//! One spelling for the numbers in the labels `le` and `quantile`.
use std::borrow::Cow;

/// The value under which a label of the metric `metric` is stored: a bucket's `le` and a `quantile` as OpenMetrics writes
/// numbers, so that `1` and `1.0` are one series. Anything else is unchanged.
///
/// Source: `normalizeFloatsInLabelValues` and `FormatOpenMetricsFloat` of Prometheus 3, which needs the type of the family;
/// here the names of metric and label decide, since many pages declare no types.
pub fn canonical_label_value<'v>(metric: &str, label: &str, value: &'v str) -> Cow<'v, str> {
    let is_number = match label {
        "le" => metric.ends_with("_bucket"),
        "quantile" => true,
        _ => false,
    };
    match value.parse::<f64>() {
        Ok(number) if is_number => {
            let canonical = format_number(number);
            if canonical == value { Cow::Borrowed(value) } else { Cow::Owned(canonical) }
        }
        _ => Cow::Borrowed(value),
    }
}

/// A number as Go's `strconv.FormatFloat(number, 'g', -1, 64)` writes it, with `.0` if it would have neither a point nor an
/// exponent.
fn format_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if number != 0.0 && !(1e-4..1e6).contains(&number.abs()) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    // A negative zero is zero, as in Prometheus.
    let text = (number + 0.0).to_string();
    if text.contains('.') { text } else { text + ".0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_stores_them() {
        for (value, expected) in [
            ("1", "1.0"),
            ("1.0", "1.0"),
            ("1.00", "1.0"),
            ("0", "0.0"),
            ("-0", "0.0"),
            ("-1", "-1.0"),
            ("0.25", "0.25"),
            (".5", "0.5"),
            ("5e-1", "0.5"),
            ("100000", "100000.0"),
            ("1000000", "1e+06"),
            ("2.5e6", "2.5e+06"),
            ("123456789", "1.23456789e+08"),
            ("1e100", "1e+100"),
            ("0.0001", "0.0001"),
            ("0.00005", "5e-05"),
            ("+Inf", "+Inf"),
            ("inf", "+Inf"),
            ("-Inf", "-Inf"),
            ("nan", "NaN"),
            ("", ""),
            ("1 s", "1 s"),
        ] {
            assert_eq!(canonical_label_value("latency_bucket", "le", value), expected, "{value}");
            assert_eq!(canonical_label_value("latency", "quantile", value), expected, "{value}");
        }
    }

    #[test]
    fn other_labels_keep_their_text() {
        for (metric, label) in [("latency_bucket", "version"), ("cheese", "le"), ("latency_bucket", "LE")] {
            assert_eq!(canonical_label_value(metric, label, "1"), "1", "{metric} {label}");
        }
    }
}
