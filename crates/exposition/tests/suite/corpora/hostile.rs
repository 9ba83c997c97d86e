//! Hostile metrics pages are read exactly or rejected; reading never panics.
use super::{folders, metrics_pages};
use exposition::{Format, IncrementalParser, Limits, NewSeries, Sink, for_each_sample, parse};
use serde_json::Value;
use std::fs;

const FORMATS: [Format; 3] = [Format::Text, Format::StrictText, Format::OpenMetrics];

#[test]
fn hostile_pages_are_read_exactly() {
    let Some(pages) = metrics_pages::hostile() else { return };
    for (name, page) in pages {
        let mut lines = page.lines().filter(|line| !line.starts_with('#'));
        let outcome = for_each_sample(page.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
            let line = lines.next().expect("a line for each sample");
            for label in sample.labels {
                let written = label.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                assert!(line.contains(&format!("=\"{written}\"")), "{name}: {line}");
            }
        });
        assert_eq!(outcome, Ok(()), "{name}");
        assert_eq!(lines.next(), None, "{name}");
    }
}

#[test]
fn reading_never_panics() {
    let Some(folder) = folders::derived() else { return };
    let seeds = fs::read(folder.join("prometheus_fuzz_seeds.json")).expect("the seeds");
    let seeds: Value = serde_json::from_slice(&seeds).expect("JSON");
    let mut inputs: Vec<Vec<u8>> = ["FuzzParseMetricText", "FuzzParseOpenMetric"]
        .iter()
        .flat_map(|target| seeds[target].as_array().expect("seeds"))
        .filter_map(|seed| seed["input"].as_str())
        .map(|text| text.as_bytes().to_vec())
        .collect();
    assert!(!inputs.is_empty(), "no seeds");
    inputs.extend(metrics_pages::hostile().unwrap_or_default().into_iter().map(|(_, page)| page.into_bytes()));
    for input in &mut inputs {
        input.truncate(2_000);
        for at in 0..input.len().min(400) {
            let original = std::mem::replace(&mut input[at], b"\"{}\\,= \n#\x00\xff"[at % 11]);
            read_in_every_way(input);
            read_in_every_way(&input[..at]);
            input[at] = original;
        }
    }
}

fn read_in_every_way(page: &[u8]) {
    struct Ignore;
    impl Sink for Ignore {
        fn series_added(&mut self, _: u32, _: NewSeries<'_>) {}
        fn sample(&mut self, _: u32, _: f64, _: Option<i64>) {}
        fn series_removed(&mut self, _: u32) {}
    }
    for format in FORMATS {
        let families = parse(page, format, &Limits::default());
        let incremental = IncrementalParser::default().parse(page, format, &Limits::default(), &mut Ignore);
        assert_eq!(families.err(), incremental.err());
    }
}
