//! Invariants that hold for every metrics page, valid or not.
use exposition::{Encoding, Family, Format, IncrementalParser, Limits, NewSeries, Sink, for_each_sample, lint, parse, write};

/// Reads `page` with every parser, and a valid page once more after writing it.
pub fn check(page: &[u8], format: Format, encoding: Encoding) {
    let limits = Limits::default();
    let mut samples = 0;
    let read = for_each_sample(page, format, &limits, &mut |_| samples += 1);
    let families = parse(page, format, &limits);
    assert_eq!(read.as_ref().err(), families.as_ref().err());

    let report = lint(page, format, &limits, 1);
    assert_eq!(report.errors.first(), families.as_ref().err());

    let mut parser = IncrementalParser::default();
    let (mut first, mut second) = (Samples::default(), Samples::default());
    let outcome = parser.parse(page, format, &limits, &mut first);
    assert_eq!(outcome.as_ref().err(), families.as_ref().err());
    assert_eq!(outcome.is_ok(), parser.parse(page, format, &limits, &mut second).is_ok());
    assert_eq!(first.0, second.0);

    let Ok(families) = families else { return };
    assert_eq!(count(&families), samples);
    let mut written = String::new();
    let dropped = write(&families, encoding, &mut written);
    let read = parse(written.as_bytes(), format, &limits).unwrap_or_else(|error| panic!("{error}\n{written}"));
    match format {
        // Compared as text, because NaN does not equal itself.
        Format::OpenMetrics => assert_eq!(format!("{read:?} {dropped}"), format!("{families:?} 0"), "{written}"),
        Format::Text | Format::StrictText => assert_eq!(count(&read), samples, "{written}"),
    }
}

fn count(families: &[Family]) -> usize {
    families.iter().map(|family| family.samples.len()).sum()
}

#[derive(Default)]
struct Samples(Vec<(u32, u64, Option<i64>)>);

impl Sink for Samples {
    fn series_added(&mut self, _: u32, _: NewSeries<'_>) {}

    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>) {
        self.0.push((series, value.to_bits(), timestamp_ms));
    }

    fn series_removed(&mut self, _: u32) {}
}
