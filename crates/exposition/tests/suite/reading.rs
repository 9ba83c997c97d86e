//! What real servers write although the format forbids it, and the errors of rejected pages.

use exposition::{ErrorKind, Family, Format, Kind, Limits, ParseError, for_each_sample, parse};

/// The metrics page of a hosted endpoint: announced as OpenMetrics, but invalid as such.
const HOSTED: &str = "\
# HELP latency Latency
# TYPE latency summary
latency{quantile=\"0.5\"} 0.006
latency_count 4
# TYPE http_requests counter
http_requests{code=\"200\"} 1152
# TYPE cpu_percent gauge
# UNIT cpu_percent percent
";

#[test]
fn a_page_that_is_neither_text_nor_openmetrics_is_read_as_text() {
    assert!(parse(HOSTED.as_bytes(), Format::OpenMetrics, &Limits::default()).is_err());
    let families = families(HOSTED);
    let shape: Vec<_> = families.iter().map(|family| (&*family.name, family.kind, family.samples.len())).collect();
    assert_eq!(
        shape,
        [("latency", Kind::Summary, 2), ("http_requests", Kind::Counter, 1), ("cpu_percent", Kind::Gauge, 0)]
    );
    assert_eq!(families[2].unit, "percent");
}

#[test]
fn lenient_text_is_read() {
    for (line, name, labels, value) in [
        ("a 1", "a", "", 1.0),
        ("a 1\r", "a", "", 1.0),
        (" \ta\t1  ", "a", "", 1.0),
        ("a{}1", "a", "", 1.0),
        ("a 1.1701968896e+010", "a", "", 11_701_968_896.0),
        ("a -2.5E-003", "a", "", -0.0025),
        ("a +Inf", "a", "", f64::INFINITY),
        ("a -inf", "a", "", f64::NEG_INFINITY),
        ("a{ b=\"1\", c = \"2\" ,} 1", "a", "b=1 c=2", 1.0),
        ("a{,} 1", "a", "", 1.0),
        ("a{b=\"1\"c=\"2\"} 1", "a", "b=1 c=2", 1.0),
        ("a{b=\"\"} 1", "a", "b=", 1.0),
        ("a{b=\"{'m': \\\"x\\\"}\\n\\\\ \\z\"} 1", "a", "b={'m': \"x\"}\n\\ \\z", 1.0),
        ("vllm:a_total{le=\"+Inf\"} 1 # {trace=\"x\"} 0.5 1700000000.1", "vllm:a_total", "le=+Inf", 1.0),
        ("{\"a.b\",\"c d\"=\"1\"} 1", "a.b", "c d=1", 1.0),
        ("{c=\"1\",\"a.b\"} 1", "a.b", "c=1", 1.0),
        // A page cannot rename its series.
        ("a{__name__=\"b\",__address__=\"c\"} 1", "a", "__address__=c", 1.0),
    ] {
        let mut seen = Vec::new();
        let outcome = for_each_sample(line.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
            let labels: Vec<String> =
                sample.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
            seen.push((sample.name.to_owned(), labels.join(" "), sample.value));
        });
        assert_eq!(outcome, Ok(()), "{line}");
        assert_eq!(seen, [(name.to_owned(), labels.to_owned(), value)], "{line}");
    }
}

#[test]
fn comments_are_ignored() {
    for comment in
        ["#", "# anything", "#HELP", "# HELP", "# TYPE ", "# UNIT", "# UNIT 3 apples", "# EOF", "  ", "\t# x"]
    {
        assert_eq!(families(&format!("{comment}\na 1\n")).len(), 1, "{comment}");
    }
}

#[test]
fn pieces_of_a_family_are_merged_and_the_first_metadata_counts() {
    let families = families("# HELP a x\n# TYPE a gauge\na{b=\"1\"} 1\n# HELP a y\n# TYPE a counter\na{b=\"2\"} 2\n");
    assert_eq!(families.len(), 1);
    assert_eq!((families[0].kind, &*families[0].help, families[0].samples.len()), (Kind::Gauge, "x", 2));
}

#[test]
fn a_sample_belongs_to_the_family_of_its_name_or_else_of_its_suffix() {
    let page = "\
# TYPE h histogram
# TYPE x counter
# TYPE x_total counter
x_total 1
x 2
h_sum 3
h_bucket{le=\"+Inf\"} 4
y_sum 5
";
    let families: Vec<_> = families(page).into_iter().map(|family| (family.name, family.samples.len())).collect();
    assert_eq!(families, [("h".into(), 2), ("x".into(), 1), ("x_total".into(), 1), ("y_sum".into(), 1)]);
}

#[test]
fn errors_have_a_position_and_a_reason() {
    for (page, line, column, kind) in [
        ("a 1\nb", 2, 2, "expected a space or { after the metric name"),
        ("a{b=\"1\" \n", 1, 9, "expected a comma or the closing brace after the label"),
        ("a{b=\"1\n", 1, 5, "expected a closing quote on the same line"),
        ("a 1,5\n", 1, 3, "\"1,5\" is not a value; write a decimal number, NaN, +Inf or -Inf"),
        (
            "a 1 2.5\n",
            1,
            5,
            "\"2.5\" is not a timestamp; write whole milliseconds in Prometheus text, seconds in OpenMetrics",
        ),
        ("\n# TYPE a widget\n", 2, 10, "\"widget\" is not a metric type of this format"),
        ("a{b=\"1\",b=\"2\"} 1\n", 1, 9, "the label \"b\" is given twice; a sample may have each label once"),
    ] {
        let error = read(page.as_bytes(), &Limits::default()).expect_err(page);
        assert_eq!(error.to_string(), format!("line {line}, column {column}: {kind}"), "{page}");
    }
    let error = read(b"a 1\nb{c=\"\xff\"} 1\n", &Limits::default()).expect_err("not UTF-8");
    assert_eq!(error, ParseError { line: 2, column: 6, kind: ErrorKind::Utf8 });
}

#[test]
fn each_limit_has_its_own_error() {
    let limits = Limits { body_bytes: 100, line_bytes: 60, samples: 2, labels: 2, name_bytes: 5, value_bytes: 4 };
    let long = "x".repeat(70);
    for (page, kind) in [
        ("a 1\n".repeat(26), ErrorKind::BodyLimit { limit: 100 }),
        (format!("# {long}\n"), ErrorKind::LineLimit { limit: 60 }),
        ("a 1\n".repeat(3), ErrorKind::SampleLimit { limit: 2 }),
        ("a{b=\"\",c=\"\",d=\"\"} 1\n".into(), ErrorKind::LabelLimit { limit: 2 }),
        ("abcdef 1\n".into(), ErrorKind::NameLimit { limit: 5, name: "abcdef".into() }),
        ("# TYPE abcdef gauge\n".into(), ErrorKind::NameLimit { limit: 5, name: "abcdef".into() }),
        ("a{abcdef=\"\"} 1\n".into(), ErrorKind::NameLimit { limit: 5, name: "abcdef".into() }),
        ("a{b=\"12345\"} 1\n".into(), ErrorKind::ValueLimit { limit: 4, name: "b".into() }),
    ] {
        assert_eq!(read(page.as_bytes(), &limits).map_err(|error| error.kind), Err(kind), "{page}");
    }
    assert_eq!(read(b"abcde{b=\"1234\",c=\"\"} 1\na 1\n", &limits), Ok(()));
}

fn families(page: &str) -> Vec<Family> {
    parse(page.as_bytes(), Format::Text, &Limits::default()).expect("a valid page")
}

fn read(page: &[u8], limits: &Limits) -> Result<(), ParseError> {
    for_each_sample(page, Format::Text, limits, &mut |_| ())
}
