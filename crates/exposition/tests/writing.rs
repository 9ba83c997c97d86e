//! What is written reads back as what it was, as far as the format can say it.
use exposition::{Encoding, Exemplar, Family, Format, Kind, Limits, Sample, Timestamp, parse, write};

const QUOTED_TEXT: Encoding = Encoding { is_openmetrics: false, has_quoted_names: true };
const PLAIN_OPENMETRICS: Encoding = Encoding { is_openmetrics: true, has_quoted_names: false };
const OPENMETRICS: Encoding = Encoding { is_openmetrics: true, has_quoted_names: true };

#[test]
fn openmetrics_loses_nothing() {
    let families = every_kind();
    let page = page(&families, OPENMETRICS);
    assert_eq!(parse(page.as_bytes(), Format::OpenMetrics, &Limits::default()).expect("valid OpenMetrics"), families);
}

#[test]
fn text_loses_only_what_it_has_no_words_for() {
    let page = page(&every_kind(), QUOTED_TEXT);
    let families = parse(page.as_bytes(), Format::StrictText, &Limits::default()).expect("valid text");
    let kinds: Vec<_> = families.iter().map(|family| (family.name.as_str(), family.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("requests_total", Kind::Counter),
            ("requests_created", Kind::Gauge),
            ("temperature_celsius", Kind::Gauge),
            ("latency_seconds", Kind::Histogram),
            ("sizes", Kind::Summary),
            ("build_info", Kind::Gauge),
            ("state", Kind::Gauge),
            ("queue", Kind::Histogram),
            ("queue_gcount", Kind::Gauge),
            ("queue_gsum", Kind::Gauge),
            ("über \"all\"\n", Kind::Unknown),
        ]
    );
    let samples = |families: &[Family]| -> Vec<Sample> {
        let mut samples: Vec<Sample> = families.iter().flat_map(|family| family.samples.clone()).collect();
        for sample in &mut samples {
            sample.exemplar = None;
            sample.timestamp = sample.timestamp.map(|time| Timestamp::from_ms(time.ms()));
        }
        samples.sort_by(|a, b| a.name.cmp(&b.name));
        samples
    };
    assert_eq!(samples(&families), samples(&every_kind()));
}

#[test]
fn names_become_plain_for_readers_without_quotes() {
    let mut family = every_kind().pop().expect("families");
    let sample = &mut family.samples[0];
    sample.labels = vec![("a.b".into(), "1".into()), ("a_b".into(), "2".into()), ("1".into(), "3".into())];
    for encoding in [Encoding::TEXT, PLAIN_OPENMETRICS] {
        let page = page(&[family.clone()], encoding);
        assert!(page.contains("\n_ber__all__{a_b=\"1\",a_b_=\"2\",_=\"3\"} "), "{page}");
    }
}

#[test]
fn what_openmetrics_forbids_is_written_as_unknown() {
    let text = "\
# TYPE http_requests counter
http_requests{code=\"200\"} 5
# TYPE both_total counter
both_total 1
# TYPE both counter
both 2
# TYPE ttft histogram
ttft_bucket{le=\"1\"} 1
ttft_sum 1
ttft_count 1
# TYPE python_total counter
python_total{a=\"1\"} 1
python_total{a=\"2\"} 2
# TYPE python_created gauge
python_created{a=\"1\"} 1.7e9
python_created{a=\"2\"} 1.8e9
";
    let families = parse(text.as_bytes(), Format::Text, &Limits::default()).expect("good text");
    let expected = "\
# TYPE http_requests unknown
http_requests{code=\"200\"} 5.0
# TYPE both_total unknown
both_total 1.0
# TYPE both unknown
both 2.0
# TYPE ttft_bucket unknown
ttft_bucket{le=\"1\"} 1.0
# TYPE ttft_sum unknown
ttft_sum 1.0
# TYPE ttft_count unknown
ttft_count 1.0
# TYPE python counter
python_total{a=\"1\"} 1.0
python_created{a=\"1\"} 1700000000.0
python_total{a=\"2\"} 2.0
python_created{a=\"2\"} 1800000000.0
# EOF
";
    assert_eq!(page(&families, PLAIN_OPENMETRICS), expected);
}

#[test]
fn what_no_openmetrics_page_can_have_is_left_out_and_counted() {
    let text = "# TYPE a gauge\na 1 2000\na 2 1000\n# TYPE b gauge\nb 1\n";
    let families = parse(text.as_bytes(), Format::Text, &Limits::default()).expect("good text");
    let mut page = String::new();
    assert_eq!(write(&families, PLAIN_OPENMETRICS, &mut page), 2);
    assert_eq!(page, "# TYPE b gauge\nb 1.0\n# EOF\n");
}

#[test]
fn families_of_one_name_are_written_as_one() {
    let family = Family { samples: vec![sample("up", &[], 1.0)], ..family("up", Kind::Gauge) };
    assert_eq!(page(&[family.clone(), family], Encoding::TEXT), "# TYPE up gauge\nup 1.0\nup 1.0\n");
}

/// The page of `families`, which can all be written.
fn page(families: &[Family], encoding: Encoding) -> String {
    let mut page = String::new();
    assert_eq!(write(families, encoding, &mut page), 0);
    page
}

/// One family of each kind, with all that samples can have.
fn every_kind() -> Vec<Family> {
    let exemplar = Exemplar {
        labels: vec![("trace_id".into(), "4bf9\"2f".into())],
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

fn family(name: &str, kind: Kind) -> Family {
    Family { name: name.into(), kind, help: String::new(), unit: String::new(), samples: Vec::new() }
}

fn sample(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Sample { name: name.into(), labels, value, timestamp: None, exemplar: None }
}
