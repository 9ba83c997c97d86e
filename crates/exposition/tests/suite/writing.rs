//! Written pages parse as the families they were written from, as far as the format can express them.
use exposition::{Encoding, Family, Format, Kind, Limits, Sample, Timestamp, parse, write};
use test_kit::{every_kind, family, sample};

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
fn text_loses_only_what_it_cannot_express() {
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
fn names_become_plain_for_readers_without_quoted_names() {
    let mut family = every_kind().pop().expect("families");
    let sample = &mut family.samples[0];
    sample.labels = vec![("a.b".into(), "1".into()), ("a_b".into(), "2".into()), ("1".into(), "3".into())];
    for encoding in [Encoding::TEXT, PLAIN_OPENMETRICS] {
        let page = page(&[family.clone()], encoding);
        assert!(page.contains("\n_ber__all__{a_b=\"1\",a_b_=\"2\",_=\"3\"} "), "{page}");
    }
}

#[test]
fn families_that_openmetrics_forbids_are_written_as_unknown() {
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
    let families = parse(text.as_bytes(), Format::Text, &Limits::default()).expect("valid text");
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
fn samples_that_openmetrics_cannot_hold_are_dropped_and_counted() {
    let text = "# TYPE a gauge\na 1 2000\na 2 1000\n# TYPE b gauge\nb 1\n";
    let families = parse(text.as_bytes(), Format::Text, &Limits::default()).expect("valid text");
    let mut page = String::new();
    assert_eq!(write(&families, PLAIN_OPENMETRICS, &mut page), 2);
    assert_eq!(page, "# TYPE b gauge\nb 1.0\n# EOF\n");
}

#[test]
fn families_keep_their_order() {
    let text = "# TYPE a_created gauge\n# TYPE b counter\nb_total 1.0\n# TYPE c_created gauge\nc_created 1.0\n# EOF\n";
    let families = parse(text.as_bytes(), Format::OpenMetrics, &Limits::default()).expect("valid OpenMetrics");
    assert_eq!(page(&families, PLAIN_OPENMETRICS), text);
}

#[test]
fn families_of_one_name_are_merged() {
    let family = Family { samples: vec![sample("up", &[], 1.0)], ..family("up", Kind::Gauge) };
    assert_eq!(page(&[family.clone(), family], Encoding::TEXT), "# TYPE up gauge\nup 1.0\nup 1.0\n");
}

/// The metrics page of `families`; asserts that no sample is dropped.
fn page(families: &[Family], encoding: Encoding) -> String {
    let mut page = String::new();
    assert_eq!(write(families, encoding, &mut page), 0);
    page
}
