//! A metrics page that is parsed against the previous one has the same contents as one that is parsed alone.

use exposition::{
    Format, IncrementalParser, Kind, Label, Limits, Metadata, NewSeries, ParseCounts, Sink, for_each_sample,
};
use std::collections::BTreeMap;

/// Records what a sink receives, with series by their labels.
#[derive(Default)]
struct RecordingSink {
    series: BTreeMap<u32, String>,
    samples: Vec<(String, String)>,
    removed: Vec<String>,
    metadata: Vec<String>,
    /// The new series that count up from zero.
    counted: Vec<String>,
}

impl Sink for RecordingSink {
    fn metadata(&mut self, family: &str, metadata: Metadata<'_>) {
        self.metadata.push(format!("{family} {metadata:?}"));
    }

    fn series_added(&mut self, series: u32, NewSeries { name, labels, counted }: NewSeries<'_>) {
        if let Some(stem) = counted {
            self.counted.push(format!("{} of {stem}", identity(name, labels)));
        }
        let before = self.series.insert(series, identity(name, labels));
        assert_eq!(before, None, "number {series} is in use");
    }

    fn sample(&mut self, series: u32, value: f64, timestamp_ms: Option<i64>) {
        let identity = self.series.get(&series).expect("a series that was added").clone();
        self.samples.push((identity, format!("{value:?} {timestamp_ms:?}")));
    }

    fn series_removed(&mut self, series: u32) {
        self.removed.push(self.series.remove(&series).expect("a series that was added"));
    }
}

fn identity(name: &str, labels: &[Label<'_>]) -> String {
    let mut labels: Vec<_> = labels.iter().filter(|label| !label.value.is_empty()).collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    let labels: Vec<String> = labels.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
    format!("{name}{{{}}}", labels.join(","))
}

/// Parses `page`; `sink` then holds what the sink received for it.
fn read(parser: &mut IncrementalParser, sink: &mut RecordingSink, page: &str) -> ParseCounts {
    (sink.samples, sink.removed, sink.metadata, sink.counted) = Default::default();
    parser.parse(page.as_bytes(), Format::Text, &Limits::default(), sink).expect("a valid page")
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
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    assert_eq!(read(&mut parser, &mut sink, PAGE), ParseCounts { samples: 4, duplicates: 0, new_series: 4 });
    assert_eq!(sink.metadata, ["up Help(\"Whether it runs.\")", "up Kind(Gauge)", "http_requests Kind(Counter)"]);
    let again = PAGE.replace(" 10\n", " 1.1701968896e+010\n").replace(" 0.5 1700000000000", " NaN 1700000005000");
    assert_eq!(read(&mut parser, &mut sink, &again), ParseCounts { samples: 4, duplicates: 0, new_series: 0 });
    assert_eq!(
        sink.samples,
        [
            ("up{}".into(), "1.0 None".into()),
            ("http_requests{code=\"200\"}".into(), "11701968896.0 None".into()),
            ("http_requests{code=\"500\"}".into(), "1.0 None".into()),
            ("load{}".into(), "NaN Some(1700000005000)".into()),
        ]
    );
    assert!(sink.metadata.is_empty() && sink.removed.is_empty());
}

#[test]
fn a_series_that_is_missing_is_removed() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, PAGE);
    let without = PAGE.replace("http_requests{code=\"200\"} 10\n", "");
    assert_eq!(read(&mut parser, &mut sink, &without).samples, 3);
    assert_eq!(sink.removed, ["http_requests{code=\"200\"}"]);
    assert_eq!(parser.series_count(), 3);
    assert_eq!(read(&mut parser, &mut sink, PAGE).new_series, 1);
    let cut_short = PAGE.split_inclusive('\n').take(3).collect::<String>();
    read(&mut parser, &mut sink, &cut_short);
    assert_eq!(sink.removed.len(), 3);
}

#[test]
fn one_series_written_in_two_ways_is_one_series() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, "a{x=\"1\",y=\"2\"} 1\n");
    let count = read(&mut parser, &mut sink, "a{ y=\"2\", x=\"1\", z=\"\", } 2\n");
    assert_eq!(count, ParseCounts { samples: 1, duplicates: 0, new_series: 0 });
    assert_eq!(sink.samples, [("a{x=\"1\",y=\"2\"}".into(), "2.0 None".into())]);
}

#[test]
fn the_first_sample_of_a_repeated_series_counts() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    for _ in 0..2 {
        let count = read(&mut parser, &mut sink, "a{x=\"1\"} 1\na{x=\"1\"} 2\nb 1 1000\nb 2 2000\n");
        assert_eq!((count.samples, count.duplicates), (4, 1));
        assert_eq!(
            sink.samples.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
            ["1.0 None", "1.0 Some(1000)", "2.0 Some(2000)"]
        );
    }
    read(&mut parser, &mut sink, "b 3\n");
    assert_eq!(sink.removed, ["a{x=\"1\"}"]);
}

#[test]
fn a_name_that_extends_another_is_another_series() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, "a 1\nb{} 1\n# c");
    read(&mut parser, &mut sink, "a {x=\"1\"} 2\nb{}3\n# cd 1\n");
    assert_eq!(sink.samples, [("a{x=\"1\"}".into(), "2.0 None".into()), ("b{}".into(), "3.0 None".into())]);
    assert_eq!(sink.removed, ["a{}"]);
}

#[test]
fn the_sink_receives_nothing_of_a_rejected_page() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, PAGE);
    sink.samples.clear();
    for bad in [format!("{PAGE}new 1\nbad"), PAGE.replace(" 0.5 ", " half "), String::from("\u{0}")] {
        let error = parser.parse(bad.as_bytes(), Format::Text, &Limits::default(), &mut sink);
        assert!(error.is_err(), "{bad}");
        let alone = for_each_sample(bad.as_bytes(), Format::Text, &Limits::default(), &mut |_| ());
        assert_eq!(error.map(|_| ()), alone, "{bad}");
    }
    assert!(sink.samples.is_empty() && sink.removed.is_empty() && sink.series.len() == 4);
    assert_eq!(read(&mut parser, &mut sink, PAGE), ParseCounts { samples: 4, duplicates: 0, new_series: 0 });
}

#[test]
fn limits_apply_to_repeated_pages() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, PAGE);
    let defaults = Limits::default();
    for limits in [
        Limits { body_bytes: 50, ..defaults },
        Limits { line_bytes: 20, ..defaults },
        Limits { samples: 3, ..defaults },
        Limits { labels: 0, ..defaults },
        Limits { name_bytes: 3, ..defaults },
        Limits { value_bytes: 2, ..defaults },
    ] {
        assert!(parser.parse(PAGE.as_bytes(), Format::Text, &limits, &mut sink).is_err(), "{limits:?}");
    }
    let long = PAGE.replace("up 1\n", &format!("up 1{}\n", " ".repeat(2 << 20)));
    assert!(parser.parse(long.as_bytes(), Format::Text, &defaults, &mut sink).is_err());
}

#[test]
fn a_reset_removes_all_series() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    read(&mut parser, &mut sink, PAGE);
    parser.reset(&mut sink);
    assert_eq!((sink.removed.len(), sink.series.len(), parser.series_count()), (4, 0, 0));
    assert_eq!(read(&mut parser, &mut sink, PAGE).new_series, 4);
}

#[test]
fn openmetrics_rules_apply_to_repeated_pages() {
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    let page = "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2 # {id=\"x\"} 3\n# EOF\n";
    let limits = Limits::default();
    for new_series in [2, 0] {
        let count = parser.parse(page.as_bytes(), Format::OpenMetrics, &limits, &mut sink).expect("a valid page");
        assert_eq!(count, ParseCounts { samples: 2, duplicates: 0, new_series });
    }
    assert_eq!(sink.metadata, [format!("a {:?}", Metadata::Kind(Kind::Histogram))]);
    let bad = page.replace("\"1\"} 1", "\"1\"} 3");
    assert!(parser.parse(bad.as_bytes(), Format::OpenMetrics, &limits, &mut sink).is_err());
}

#[test]
fn the_previous_page_does_not_change_what_is_parsed() {
    let mut random = Random(1);
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
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
        outcome.expect("a valid page");
        read(&mut parser, &mut sink, &page);
        for (series, values) in &mut alone {
            // All but the first without timestamps are dropped.
            let mut is_first = true;
            values.retain(|value| std::mem::take(&mut is_first) || !value.ends_with("None"));
            assert!(!values.is_empty(), "{series}");
        }
        let mut together: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (series, value) in &sink.samples {
            together.entry(series.clone()).or_default().push(value.clone());
        }
        assert_eq!(together, alone, "{page}");
        assert_eq!(sink.series.len(), alone.len(), "{page}");
        assert_eq!(parser.series_count(), alone.len(), "{page}");
    }
}

#[test]
fn the_previous_page_does_not_change_how_openmetrics_is_validated() {
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
    let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
    let mut valid = 0;
    let mut lines = LINES.map(String::from).to_vec();
    for _ in 0..4_000 {
        match random.below(20) {
            0 => drop(lines.remove(random.below(lines.len()))),
            1 => lines.swap(0, 5),
            2 => lines = LINES.map(String::from).to_vec(),
            _ => {}
        }
        let mut page = lines.concat();
        for (placeholder, values) in [
            ("V", ["0", "1", "2", "2.5", "-1", "NaN", "1 17", "1 # {} 1"]),
            ("W", ["2", "2", "3", "1", "+Inf", "2", "2", "2"]),
            ("B", ["0", "1", "1", "0", "1", "0", "2", "NaN"]),
        ] {
            while page.contains(placeholder) {
                // Mostly a value that is valid everywhere, so that some pages are.
                let value = if random.below(30) > 0 { values[random.below(2)] } else { values[random.below(8)] };
                page = page.replacen(placeholder, value, 1);
            }
        }
        page.push_str(random.one_of(&["# EOF\n", "# EOF\n", "# EOF", "# EOF\n\n", ""]));
        let mut alone = Vec::new();
        let limits = Limits::default();
        let expected = for_each_sample(page.as_bytes(), Format::OpenMetrics, &limits, &mut |sample| {
            alone.push((identity(sample.name, sample.labels), format!("{:?} {:?}", sample.value, sample.timestamp_ms)));
        });
        sink.samples.clear();
        let outcome = parser.parse(page.as_bytes(), Format::OpenMetrics, &limits, &mut sink);
        assert_eq!(outcome.as_ref().err(), expected.as_ref().err(), "{page}");
        if outcome.is_ok() {
            valid += 1;
            assert_eq!(sink.samples, alone, "{page}");
        }
    }
    assert!((400..3_600).contains(&valid), "{valid} of 4,000 pages are valid");
}

/// Reproducible random numbers. Source: Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }

    /// A line of one of few series, so that lines repeat.
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

    /// The line with another value, if it has one.
    fn other_value(&mut self, line: &str) -> String {
        let is_sample = !line.starts_with('#') && !line.trim().is_empty();
        let Some((series, _)) = line.rsplit_once(" 0").filter(|_| is_sample) else { return line.to_owned() };
        let value = self.one_of(&["", ".5", ".1e3", "0000000000000000000000001", ".0 17", ".25 # {id=\"1\"} 2"]);
        format!("{series} 0{value}{}", self.one_of(&["\n", "\r\n", " \n"]))
    }
}

#[test]
fn series_that_count_up_from_zero_are_known_by_their_type() {
    let counted = |pages: &[&str], format| {
        let (mut parser, mut sink) = (IncrementalParser::default(), RecordingSink::default());
        for page in pages {
            sink.counted.clear();
            parser.parse(page.as_bytes(), format, &Limits::default(), &mut sink).expect("a valid page");
        }
        sink.counted
    };
    let text = |pages: &[&str]| counted(pages, Format::Text);
    let typed = |kind: &str, series: &str| text(&[&format!("# TYPE x {kind}\n{series} 1\n")]);
    assert_eq!(typed("counter", "x"), ["x{} of x"]);
    assert_eq!(typed("summary", "x_count"), ["x_count{} of x"]);
    assert_eq!(typed("histogram", "x_sum"), ["x_sum{} of x"]);
    assert_eq!(typed("histogram", "x_bucket{le=\"1\"}"), ["x_bucket{le=\"1\"} of x"]);
    for (kind, series) in [
        ("summary", "x{quantile=\"0.5\"}"),
        ("histogram", "x_created"),
        ("gauge", "x"),
        ("untyped", "x"),
        ("gauge_histogram", "x_bucket{le=\"1\"}"),
        ("gauge", "x_count"),
        ("counter", "x_created"),
    ] {
        assert_eq!(typed(kind, series), [""; 0], "{series} of a {kind}");
    }
    // Without a type the name decides.
    let untyped = "a_total 1\nb_bucket{le=\"1\"} 1\nb_count 1\nb_sum 1\nc_bucket 1\nc_count 1\nd_sum 1\ne 1\n";
    assert_eq!(text(&[untyped]), ["a_total{} of a", "b_bucket{le=\"1\"} of b", "b_count{} of b", "b_sum{} of b"]);
    assert_eq!(text(&["# TYPE a_total untyped\na_total 1\n# TYPE b_total gauge\nb_total 1\n"]), [""; 0]);
    // The type may come anywhere, and on an earlier page.
    assert_eq!(
        text(&["x{l=\"1\"} 1\n# TYPE x counter\n", "x{l=\"1\"} 1\nx{l=\"2\"} 1\n# TYPE x counter\n"]),
        ["x{l=\"2\"} of x"]
    );
    assert_eq!(text(&["# TYPE x counter\nx{l=\"1\"} 1\n", "# TYPE x gauge\nx{l=\"2\"} 1\n"]), [""; 0]);
    let page = "# TYPE x counter\nx_total 1\nx_created 1\n# TYPE y info\ny_info 1\n# EOF\n";
    assert_eq!(counted(&[page], Format::OpenMetrics), ["x_total{} of x"]);
}
