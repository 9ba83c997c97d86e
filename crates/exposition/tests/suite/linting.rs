//! Linting continues to the end of a metrics page, whatever the errors before it.
use exposition::{ErrorKind, Format, Kind, Limits, LintReport, lint, parse};

const MAX_ERRORS: usize = 5;

fn positions(report: &LintReport) -> Vec<(usize, usize)> {
    report.errors.iter().map(|error| (error.line, error.column)).collect()
}

#[test]
fn a_valid_page_has_no_errors() {
    let page = b"# TYPE a counter\na_total 1\na_total{b=\"c\"} 2\nd 3\n";
    let report = lint(page, Format::Text, &Limits::default(), MAX_ERRORS);
    assert_eq!(report.families, parse(page, Format::Text, &Limits::default()).expect("a valid page"));
    assert_eq!((report.errors, report.more_errors), (Vec::new(), 0));
}

#[test]
fn linting_continues_at_the_next_line() {
    let page = b"# TYPE a gauge\na x\na{b=\"c} 1\na 1\n\xC3\xA4 2\nb 2 3 4\n# TYPE c what\nc 5";
    let report = lint(page, Format::Text, &Limits::default(), MAX_ERRORS);
    assert_eq!(positions(&report), [(2, 3), (3, 5), (5, 1), (6, 7), (7, 10)]);
    assert_eq!(report.more_errors, 0);
    let families: Vec<_> =
        report.families.iter().map(|family| (&*family.name, family.kind, family.samples.len())).collect();
    assert_eq!(families, [("a", Kind::Gauge, 1), ("c", Kind::Unknown, 1)]);
    assert_eq!(Err(report.errors[0].clone()), parse(page, Format::Text, &Limits::default()));
    let fewer = lint(page, Format::Text, &Limits::default(), 2);
    assert_eq!((fewer.errors.len(), fewer.more_errors), (2, 3));
}

#[test]
fn an_error_at_the_end_is_reported_once() {
    for (page, rule) in [
        ("a 1\n", "does not end with # EOF"),
        ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\na_sum 1\n# EOF\n", "family \"a\""),
    ] {
        let report = lint(page.as_bytes(), Format::OpenMetrics, &Limits::default(), MAX_ERRORS);
        assert_eq!(report.errors.len(), 1, "{report:?}");
        assert!(report.errors[0].to_string().contains(rule), "{report:?}");
    }
}

#[test]
fn limits_end_linting() {
    let limits = Limits { samples: 2, body_bytes: 100, ..Limits::default() };
    let report = lint(b"a 1\nb 1\nc 1\nd 1\n", Format::Text, &limits, MAX_ERRORS);
    assert_eq!(positions(&report), [(3, 1)]);
    assert_eq!((&report.errors[0].kind, report.families.len()), (&ErrorKind::SampleLimit { limit: 2 }, 2));
    assert_eq!(
        lint(&[b'\n'; 101], Format::Text, &limits, MAX_ERRORS).errors[0].kind,
        ErrorKind::BodyLimit { limit: 100 }
    );
    assert_eq!(positions(&lint(b"a 1\nb\xFF 1\n", Format::Text, &limits, MAX_ERRORS)), [(2, 2)]);
}
