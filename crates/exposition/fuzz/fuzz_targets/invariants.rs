//! What holds for every page, good or bad.
use exposition::{Encoding, Family, Format, Label, Limits, PageCache, Sink, examine, for_each_sample, parse, write};

/// Reads `page` in every way, and what is good once more after writing it.
pub fn check(page: &[u8], format: Format, encoding: Encoding) {
    let limits = Limits::default();
    let mut samples = 0;
    let read = for_each_sample(page, format, &limits, &mut |_| samples += 1);
    let families = parse(page, format, &limits);
    assert_eq!(read.as_ref().err(), families.as_ref().err());

    let examined = examine(page, format, &limits, 1);
    assert_eq!(examined.offences.first(), families.as_ref().err());

    let mut cache = PageCache::default();
    let (mut first, mut second) = (Samples::default(), Samples::default());
    let outcome = cache.read(page, format, &limits, &mut first);
    assert_eq!(outcome.as_ref().err(), families.as_ref().err());
    assert_eq!(outcome.is_ok(), cache.read(page, format, &limits, &mut second).is_ok());
    assert_eq!(first.0, second.0);

    let Ok(families) = families else { return };
    assert_eq!(count(&families), samples);
    let mut written = String::new();
    let left_out = write(&families, encoding, &mut written);
    let read = parse(written.as_bytes(), format, &limits).unwrap_or_else(|error| panic!("{error}\n{written}"));
    match format {
        // Printed, as NaN is not itself.
        Format::OpenMetrics => assert_eq!(format!("{read:?} {left_out}"), format!("{families:?} 0"), "{written}"),
        Format::Text | Format::StrictText => assert_eq!(count(&read), samples, "{written}"),
    }
}

fn count(families: &[Family]) -> usize {
    families.iter().map(|family| family.samples.len()).sum()
}

#[derive(Default)]
struct Samples(Vec<(u32, u64, Option<i64>)>);

impl Sink for Samples {
    fn series(&mut self, _: u32, _: &str, _: &[Label<'_>]) {}

    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>) {
        self.0.push((series, value.to_bits(), timestamp_ms));
    }

    fn gone(&mut self, _: u32) {}
}
