//! A page is examined to its end, whatever is wrong on the way.
use exposition::{ErrorKind, Examined, Format, Kind, Limits, examine, parse};

const MOST: usize = 5;

fn places(examined: &Examined) -> Vec<(usize, usize)> {
    examined.offences.iter().map(|offence| (offence.line, offence.column)).collect()
}

#[test]
fn a_good_page_has_no_offences() {
    let page = b"# TYPE a counter\na_total 1\na_total{b=\"c\"} 2\nd 3\n";
    let examined = examine(page, Format::Text, &Limits::default(), MOST);
    assert_eq!(examined.families, parse(page, Format::Text, &Limits::default()).expect("a good page"));
    assert_eq!((examined.offences, examined.more_offences), (Vec::new(), 0));
}

#[test]
fn reading_goes_on_at_the_next_line() {
    let page = b"# TYPE a gauge\na x\na{b=\"c} 1\na 1\n\xC3\xA4 2\nb 2 3 4\n# TYPE c what\nc 5";
    let examined = examine(page, Format::Text, &Limits::default(), MOST);
    assert_eq!(places(&examined), [(2, 3), (3, 5), (5, 1), (6, 7), (7, 10)]);
    assert_eq!(examined.more_offences, 0);
    let families: Vec<_> =
        examined.families.iter().map(|family| (&*family.name, family.kind, family.samples.len())).collect();
    assert_eq!(families, [("a", Kind::Gauge, 1), ("c", Kind::Unknown, 1)]);
    assert_eq!(Err(examined.offences[0].clone()), parse(page, Format::Text, &Limits::default()));
    let fewer = examine(page, Format::Text, &Limits::default(), 2);
    assert_eq!((fewer.offences.len(), fewer.more_offences), (2, 3));
}

#[test]
fn one_offence_at_the_end_is_one() {
    for (page, rule) in [
        ("a 1\n", "does not end with # EOF"),
        ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\na_sum 1\n# EOF\n", "family \"a\""),
    ] {
        let examined = examine(page.as_bytes(), Format::OpenMetrics, &Limits::default(), MOST);
        assert_eq!(examined.offences.len(), 1, "{examined:?}");
        assert!(examined.offences[0].to_string().contains(rule), "{examined:?}");
    }
}

#[test]
fn limits_end_it() {
    let limits = Limits { samples: 2, body_bytes: 100, ..Limits::default() };
    let examined = examine(b"a 1\nb 1\nc 1\nd 1\n", Format::Text, &limits, MOST);
    assert_eq!(places(&examined), [(3, 1)]);
    assert_eq!((&examined.offences[0].kind, examined.families.len()), (&ErrorKind::SampleLimit { limit: 2 }, 2));
    assert_eq!(
        examine(&[b'\n'; 101], Format::Text, &limits, MOST).offences[0].kind,
        ErrorKind::BodyLimit { limit: 100 }
    );
    assert_eq!(places(&examine(b"a 1\nb\xFF 1\n", Format::Text, &limits, MOST)), [(2, 2)]);
}
