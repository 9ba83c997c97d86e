//! Families of every kind, for round-trip tests.
use exposition::{Exemplar, Family, Kind, Sample, Timestamp};

/// One family of each kind; together they use every part of a sample.
pub fn every_kind() -> Vec<Family> {
    let exemplar = Exemplar {
        // Two quotes, because the Python client counts quotes in an exemplar even if they are escaped.
        labels: vec![("trace_id".into(), "4bf\"9\"2f".into())],
        value: 0.25,
        timestamp: Some(Timestamp::from_ns(1_700_000_000_123_456_789)),
    };
    let mut total = sample("requests_total", &[("path", "a\\b\"c\nd"), ("empty", "")], 1e21);
    total.exemplar = Some(exemplar.clone());
    let mut first_bucket = sample("latency_seconds_bucket", &[("le", "0.5")], 1.0);
    first_bucket.exemplar = Some(Exemplar { timestamp: None, ..exemplar });
    let mut temperature = sample("temperature_celsius", &[], -0.0);
    temperature.timestamp = Some(Timestamp::from_ms(-1_500));
    vec![
        Family {
            help: "Requests \"served\"\nsince \\start".into(),
            samples: vec![total, sample("requests_created", &[("path", "a\\b\"c\nd"), ("empty", "")], 1.7e9)],
            ..family("requests", Kind::Counter)
        },
        Family { unit: "celsius".into(), samples: vec![temperature], ..family("temperature_celsius", Kind::Gauge) },
        Family {
            unit: "seconds".into(),
            samples: vec![
                first_bucket,
                sample("latency_seconds_bucket", &[("le", "+Inf")], 2.0),
                sample("latency_seconds_count", &[], 2.0),
                sample("latency_seconds_sum", &[], 0.1 + 0.2),
            ],
            ..family("latency_seconds", Kind::Histogram)
        },
        Family {
            samples: vec![sample("sizes", &[("quantile", "0.5")], 3.0), sample("sizes_count", &[], 7.0)],
            ..family("sizes", Kind::Summary)
        },
        Family { samples: vec![sample("build_info", &[("version", "1")], 1.0)], ..family("build", Kind::Info) },
        Family {
            samples: vec![sample("state", &[("state", "ready")], 1.0), sample("state", &[("state", "failed")], 0.0)],
            ..family("state", Kind::StateSet)
        },
        Family {
            samples: vec![
                sample("queue_bucket", &[("le", "+Inf")], 4.0),
                sample("queue_gcount", &[], 4.0),
                sample("queue_gsum", &[], 9.0),
            ],
            ..family("queue", Kind::GaugeHistogram)
        },
        Family {
            samples: vec![
                sample("über \"all\"\n", &[("a.b", "1")], f64::INFINITY),
                sample("über \"all\"\n", &[("a.b", "2")], f64::NEG_INFINITY),
                sample("über \"all\"\n", &[("a.b", "3")], 5e-324),
            ],
            ..family("über \"all\"\n", Kind::Unknown)
        },
    ]
}

/// A family without samples.
pub fn family(name: &str, kind: Kind) -> Family {
    Family { name: name.into(), kind, help: String::new(), unit: String::new(), samples: Vec::new() }
}

/// A sample without a timestamp.
pub fn sample(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Sample { name: name.into(), labels, value, timestamp: None, exemplar: None }
}
