//! A page read against the last one has what a page read by itself has.
#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use exposition::{Fact, Format, Kind, Label, Limits, PageCache, PageCount, Sink, for_each_sample};
use std::collections::BTreeMap;

/// What a sink is told, series by their labels.
#[derive(Default)]
struct Told {
    series: BTreeMap<u32, String>,
    samples: Vec<(String, String)>,
    gone: Vec<String>,
    facts: Vec<String>,
}

impl Sink for Told {
    fn describe(&mut self, family: &str, fact: Fact<'_>) {
        self.facts.push(format!("{family} {fact:?}"));
    }

    fn series(&mut self, series: u32, name: &str, labels: &[Label<'_>]) {
        let before = self.series.insert(series, identity(name, labels));
        assert_eq!(before, None, "number {series} is in use");
    }

    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>) {
        let identity = self.series.get(&series).expect("a series announced").clone();
        self.samples.push((identity, format!("{value:?} {timestamp_ms:?}")));
    }

    fn gone(&mut self, series: u32) {
        self.gone.push(self.series.remove(&series).expect("a series announced"));
    }
}

fn identity(name: &str, labels: &[Label<'_>]) -> String {
    let mut labels: Vec<_> = labels.iter().filter(|label| !label.value.is_empty()).collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    let labels: Vec<String> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{name}{{{}}}", labels.join(","))
}

/// Reads `page` and returns what is new to the sink.
fn read(cache: &mut PageCache, told: &mut Told, page: &str) -> PageCount {
    (told.samples, told.gone, told.facts) = Default::default();
    cache.read(page.as_bytes(), Format::Text, &Limits::default(), told).expect("a good page")
}

const PAGE: &str = "\
# HELP up Whether it runs.
# TYPE up gauge
up 1
# TYPE http_requests counter
http_requests{code=\"200\"} 10
http_requests{code=\"500\"} 1
load 0.5 1700000000000
";

#[test]
fn a_series_is_announced_once() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    assert_eq!(read(&mut cache, &mut told, PAGE), PageCount { samples: 4, duplicates: 0, new_series: 4 });
    assert_eq!(told.facts, ["up Help(\"Whether it runs.\")", "up Kind(Gauge)", "http_requests Kind(Counter)"]);
    let again = PAGE.replace(" 10\n", " 1.1701968896e+010\n").replace(" 0.5 1700000000000", " NaN 1700000005000");
    assert_eq!(read(&mut cache, &mut told, &again), PageCount { samples: 4, duplicates: 0, new_series: 0 });
    assert_eq!(
        told.samples,
        [
            ("up{}".into(), "1.0 None".into()),
            ("http_requests{code=\"200\"}".into(), "11701968896.0 None".into()),
            ("http_requests{code=\"500\"}".into(), "1.0 None".into()),
            ("load{}".into(), "NaN Some(1700000005000)".into()),
        ]
    );
    assert!(told.facts.is_empty() && told.gone.is_empty());
}

#[test]
fn a_series_that_is_not_there_any_more_is_gone() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, PAGE);
    let without = PAGE.replace("http_requests{code=\"200\"} 10\n", "");
    assert_eq!(read(&mut cache, &mut told, &without).samples, 3);
    assert_eq!(told.gone, ["http_requests{code=\"200\"}"]);
    assert_eq!(cache.series_count(), 3);
    assert_eq!(read(&mut cache, &mut told, PAGE).new_series, 1);
    let cut_short = PAGE.split_inclusive('\n').take(3).collect::<String>();
    read(&mut cache, &mut told, &cut_short);
    assert_eq!(told.gone.len(), 3);
}

#[test]
fn one_series_written_in_two_ways_is_one_series() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, "a{x=\"1\",y=\"2\"} 1\n");
    let count = read(&mut cache, &mut told, "a{ y=\"2\", x=\"1\", z=\"\", } 2\n");
    assert_eq!(count, PageCount { samples: 1, duplicates: 0, new_series: 0 });
    assert_eq!(told.samples, [("a{x=\"1\",y=\"2\"}".into(), "2.0 None".into())]);
}

#[test]
fn of_a_series_printed_twice_the_first_counts() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    for _ in 0..2 {
        let count = read(&mut cache, &mut told, "a{x=\"1\"} 1\na{x=\"1\"} 2\nb 1 1000\nb 2 2000\n");
        assert_eq!((count.samples, count.duplicates), (4, 1));
        assert_eq!(
            told.samples.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
            ["1.0 None", "1.0 Some(1000)", "2.0 Some(2000)"]
        );
    }
    read(&mut cache, &mut told, "b 3\n");
    assert_eq!(told.gone, ["a{x=\"1\"}"]);
}

#[test]
fn a_name_that_goes_on_is_another_series() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, "a 1\nb{} 1\n# c");
    read(&mut cache, &mut told, "a {x=\"1\"} 2\nb{}3\n# cd 1\n");
    assert_eq!(told.samples, [("a{x=\"1\"}".into(), "2.0 None".into()), ("b{}".into(), "3.0 None".into())]);
    assert_eq!(told.gone, ["a{}"]);
}

#[test]
fn nothing_is_told_of_a_refused_page() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, PAGE);
    told.samples.clear();
    for bad in [format!("{PAGE}new 1\nbad"), PAGE.replace(" 0.5 ", " half "), String::from("\u{0}")] {
        let error = cache.read(bad.as_bytes(), Format::Text, &Limits::default(), &mut told);
        assert!(error.is_err(), "{bad}");
        let alone = for_each_sample(bad.as_bytes(), Format::Text, &Limits::default(), &mut |_| ());
        assert_eq!(error.map(|_| ()), alone, "{bad}");
    }
    assert!(told.samples.is_empty() && told.gone.is_empty() && told.series.len() == 4);
    assert_eq!(read(&mut cache, &mut told, PAGE), PageCount { samples: 4, duplicates: 0, new_series: 0 });
}

#[test]
fn limits_hold_for_pages_seen_before() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, PAGE);
    let defaults = Limits::default();
    for limits in [
        Limits { body_bytes: 50, ..defaults },
        Limits { line_bytes: 20, ..defaults },
        Limits { samples: 3, ..defaults },
        Limits { labels: 0, ..defaults },
        Limits { name_bytes: 3, ..defaults },
        Limits { value_bytes: 2, ..defaults },
    ] {
        assert!(cache.read(PAGE.as_bytes(), Format::Text, &limits, &mut told).is_err(), "{limits:?}");
    }
    let long = PAGE.replace("up 1\n", &format!("up 1{}\n", " ".repeat(2 << 20)));
    assert!(cache.read(long.as_bytes(), Format::Text, &defaults, &mut told).is_err());
}

#[test]
fn what_is_forgotten_is_gone() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    read(&mut cache, &mut told, PAGE);
    cache.forget(&mut told);
    assert_eq!((told.gone.len(), told.series.len(), cache.series_count()), (4, 0, 0));
    assert_eq!(read(&mut cache, &mut told, PAGE).new_series, 4);
}

#[test]
fn openmetrics_rules_hold_for_pages_seen_before() {
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    let page = "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2 # {id=\"x\"} 3\n# EOF\n";
    let limits = Limits::default();
    for new_series in [2, 0] {
        let count = cache.read(page.as_bytes(), Format::OpenMetrics, &limits, &mut told).expect("a good page");
        assert_eq!(count, PageCount { samples: 2, duplicates: 0, new_series });
    }
    assert_eq!(told.facts, [format!("a {:?}", Fact::Kind(Kind::Histogram))]);
    let bad = page.replace("\"1\"} 1", "\"1\"} 3");
    assert!(cache.read(bad.as_bytes(), Format::OpenMetrics, &limits, &mut told).is_err());
}

#[test]
fn any_page_after_any_other_is_read_as_if_it_were_the_first() {
    let mut random = Random(1);
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    let mut lines: Vec<String> = (0..60).map(|_| random.line()).collect();
    for _ in 0..1_000 {
        for _ in 0..random.below(4) {
            let at = random.below(lines.len() + 1);
            match random.below(4) {
                0 => lines.insert(at, random.line()),
                1 if lines.len() > 20 => drop(lines.remove(at % lines.len())),
                2 => lines.rotate_left(at % 7),
                _ => lines = lines.iter().map(|line| random.other_value(line)).collect(),
            }
        }
        let page = lines.concat();
        let mut alone = BTreeMap::new();
        let outcome = for_each_sample(page.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
            let value = format!("{:?} {:?}", sample.value, sample.timestamp_ms);
            alone.entry(identity(sample.name, sample.labels)).or_insert_with(Vec::new).push(value);
        });
        outcome.expect("a good page");
        read(&mut cache, &mut told, &page);
        for (series, values) in &mut alone {
            // Without times of their own, all but the first are left out.
            let mut is_first = true;
            values.retain(|value| std::mem::take(&mut is_first) || !value.ends_with("None"));
            assert!(!values.is_empty(), "{series}");
        }
        let mut together: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (series, value) in &told.samples {
            together.entry(series.clone()).or_default().push(value.clone());
        }
        assert_eq!(together, alone, "{page}");
        assert_eq!(told.series.len(), alone.len(), "{page}");
        assert_eq!(cache.series_count(), alone.len(), "{page}");
    }
}

#[test]
fn openmetrics_is_judged_after_another_page_as_if_it_were_the_first() {
    const LINES: [&str; 24] = [
        "# TYPE h histogram\n",
        "h_bucket{le=\"1\"} V\n",
        "h_bucket{le=\"+Inf\"} W\n",
        "h_count W\n",
        "h_sum V\n",
        "# TYPE h2 histogram\n",
        "h2_bucket{le=\"1\"} V\n",
        "h2_bucket{le=\"+Inf\"} W # {id=\"1\"} 0.5\n",
        "# TYPE q gaugehistogram\n",
        "q_bucket{le=\"+Inf\"} 1\n",
        "q_gcount 1\n",
        "q_gsum V\n",
        "# TYPE c counter\n",
        "c_total{a=\"1\"} V\n",
        "c_created{a=\"1\"} V\n",
        "# TYPE i info\n",
        "i_info{v=\"1\"} 1\n",
        "# TYPE s stateset\n",
        "s{s=\"on\"} B\n",
        "# TYPE m summary\n",
        "m{quantile=\"0.5\"} V\n",
        "m_count V\n",
        "# TYPE g gauge\n",
        "g V\n",
    ];
    let mut random = Random(2);
    let (mut cache, mut told) = (PageCache::default(), Told::default());
    let mut good = 0;
    let mut lines = LINES.map(String::from).to_vec();
    for _ in 0..4_000 {
        match random.below(20) {
            0 => drop(lines.remove(random.below(lines.len()))),
            1 => lines.swap(0, 5),
            2 => lines = LINES.map(String::from).to_vec(),
            _ => {}
        }
        let mut page = lines.concat();
        for (place, values) in [
            ("V", ["0", "1", "2", "2.5", "-1", "NaN", "1 17", "1 # {} 1"]),
            ("W", ["2", "2", "3", "1", "+Inf", "2", "2", "2"]),
            ("B", ["0", "1", "1", "0", "1", "0", "2", "NaN"]),
        ] {
            while page.contains(place) {
                // Mostly one that is good everywhere, or no page would be.
                let value = if random.below(30) > 0 { values[random.below(2)] } else { values[random.below(8)] };
                page = page.replacen(place, value, 1);
            }
        }
        page.push_str(random.one_of(&["# EOF\n", "# EOF\n", "# EOF", "# EOF\n\n", ""]));
        let mut alone = Vec::new();
        let limits = Limits::default();
        let expected = for_each_sample(page.as_bytes(), Format::OpenMetrics, &limits, &mut |sample| {
            alone.push((identity(sample.name, sample.labels), format!("{:?} {:?}", sample.value, sample.timestamp_ms)));
        });
        told.samples.clear();
        let outcome = cache.read(page.as_bytes(), Format::OpenMetrics, &limits, &mut told);
        assert_eq!(outcome.as_ref().err(), expected.as_ref().err(), "{page}");
        if outcome.is_ok() {
            good += 1;
            assert_eq!(told.samples, alone, "{page}");
        }
    }
    assert!((400..3_600).contains(&good), "{good} of 4,000 pages are good");
}

/// Numbers that are the same in every run. Source: Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }

    /// A line of one of few series, so that they meet again.
    fn line(&mut self) -> String {
        match self.below(8) {
            0 => format!("# TYPE m{} gauge\n", self.below(9)),
            1 => String::from(self.one_of(&["\n", "# comment\n", "  \t\n"])),
            _ => {
                let name = self.one_of(&["a", "ab", "{\"a.b\"} ", "c_total"]);
                let labels = match self.below(5) {
                    _ if name.starts_with('{') => String::new(),
                    0 => String::from(self.one_of(&["", "{}", " "])),
                    1 => format!("{{x=\"{}\",y=\"1\"}}", self.below(9)),
                    2 => format!("{{ y=\"1\" , x=\"{}\", }}", self.below(9)),
                    _ => format!("{{x=\"{}\"}}", self.below(30)),
                };
                let line = format!("{name}{labels} 0{}", self.one_of(&["\n", "\r\n", " \n"]));
                self.other_value(&line)
            }
        }
    }

    /// The line with another value, where it has one.
    fn other_value(&mut self, line: &str) -> String {
        let is_sample = !line.starts_with('#') && !line.trim().is_empty();
        let Some((series, _)) = line.rsplit_once(" 0").filter(|_| is_sample) else { return line.to_owned() };
        let value = self.one_of(&["", ".5", ".1e3", "0000000000000000000000001", ".0 17", ".25 # {id=\"1\"} 2"]);
        format!("{series} 0{value}{}", self.one_of(&["\n", "\r\n", " \n"]))
    }
}
