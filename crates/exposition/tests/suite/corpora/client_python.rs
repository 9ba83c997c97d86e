//! The cases of the Python client's two parsers: accepted or rejected, and every family and sample of valid pages.
use super::cases::{self, CaseOutcome};
use exposition::{Encoding, Exemplar, Family, Format, Kind, Limits, Sample, parse, write};
use serde_json::{Value, json};
use test_kit::{every_kind, python};

/// Reads `[text, openmetrics]` and prints the families of both in the form of the cases.
const FAMILIES: &str = r"
import json, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
def number(value):
    return {float('inf'): '+Inf', float('-inf'): '-Inf'}.get(value, repr(value))
def time(at):
    return None if at is None else number(at) if isinstance(at, float) else '%d.%09d' % divmod(at.sec * 10**9 + at.nsec, 10**9)
def exemplar(of):
    return of and [of.labels, number(of.value), time(of.timestamp)]
def families(parsed):
    return [{'name': family.name, 'type': family.type, 'help': family.documentation, 'unit': family.unit,
             'samples': [[sample.name, sample.labels, number(sample.value), time(sample.timestamp),
                          exemplar(sample.exemplar), False] for sample in family.samples]} for family in parsed]
text, open_text = json.load(sys.stdin)
json.dump([families(parser.text_string_to_metric_families(text)),
           families(openmetrics.text_string_to_metric_families(open_text))], sys.stdout)
";

#[test]
fn the_client_reads_every_kind_that_is_written() {
    let formats = [(Format::Text, false), (Format::OpenMetrics, true)];
    let pages = formats.map(|(_, is_openmetrics)| {
        let mut page = String::new();
        let dropped = write(&every_kind(), Encoding { is_openmetrics, has_quoted_names: true }, &mut page);
        assert_eq!(dropped, 0);
        page
    });
    let Some(output) = python::run(FAMILIES, &serde_json::to_vec(&pages).expect("JSON")) else { return };
    let read: [Value; 2] = serde_json::from_slice(&output).expect("JSON");
    for (((format, is_openmetrics), page), read) in formats.into_iter().zip(&pages).zip(&read) {
        let families = parse(page.as_bytes(), format, &Limits::default()).expect("a valid page");
        assert!(!is_openmetrics || families == every_kind(), "{page}");
        let families: Vec<Value> = families.iter().map(|family| as_python(family, format)).collect();
        assert_eq!(comparable(read), Value::from(families), "{page}");
    }
}

#[test]
fn client_python_openmetrics() {
    compare("client_python_openmetrics_cases.json", Format::OpenMetrics);
}

#[test]
fn client_python_text() {
    compare("client_python_text_cases.json", Format::Text);
}

fn compare(file: &str, format: Format) {
    let Some(cases) = cases::read(file) else { return };
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let page = cases::input(case);
            let outcome = cases::is_accepted(&page, format);
            let is_valid = case["ok"].as_bool().expect("ok");
            let difference = if outcome.is_ok() != is_valid {
                Some(format!("{outcome:?}, {}", case["error"]))
            } else if is_valid {
                let families = parse(&page, format, &Limits::default()).expect("an accepted page");
                let families: Vec<Value> = families.iter().map(|family| as_python(family, format)).collect();
                let expected = comparable(&case["families"]);
                (Value::from(families.clone()) != expected).then(|| format!("{}\n  {expected}", Value::from(families)))
            } else {
                None
            };
            CaseOutcome { page, difference }
        })
        .collect();
    cases::compare_with_listed(file, &outcomes);
}

/// The expected families without what this crate does not keep: native histograms, and whether a timestamp was a float.
fn comparable(families: &Value) -> Value {
    let mut families = families.clone();
    for family in families.as_array_mut().expect("families") {
        let samples = family["samples"].as_array_mut().expect("samples");
        samples.retain(|sample| sample[5] == false);
        for sample in samples {
            if let Some((seconds, "0")) = sample[3].as_str().and_then(|time| time.split_once('.')) {
                sample[3] = json!(format!("{seconds}.000000000"));
            }
        }
    }
    families
}

/// A family as the Python client returns it: a counter's samples always end in `_total`.
fn as_python(family: &Family, format: Format) -> Value {
    let samples: Vec<Value> =
        family.samples.iter().map(|sample| sample_as_python(sample, family.kind, format)).collect();
    json!({
        "name": python_name(family),
        "type": family.kind.as_str(),
        "help": family.help,
        "unit": family.unit,
        "samples": samples,
    })
}

/// The client strips `_total` from the names of counters.
pub(crate) fn python_name(family: &Family) -> &str {
    let is_counter = family.kind == Kind::Counter;
    family.name.strip_suffix("_total").filter(|_| is_counter).unwrap_or(&family.name)
}

fn sample_as_python(sample: &Sample, kind: Kind, format: Format) -> Value {
    let needs_total = format == Format::Text && kind == Kind::Counter && !sample.name.ends_with("_total");
    let name = if needs_total { format!("{}_total", sample.name) } else { sample.name.clone() };
    let timestamp = sample.timestamp.map(|timestamp| match format {
        Format::OpenMetrics => nanoseconds(timestamp.ns()),
        _ if timestamp.ms() % 1000 == 0 => nanoseconds(timestamp.ns()),
        #[expect(clippy::cast_precision_loss, reason = "as in the Python client")]
        _ => number(timestamp.ms() as f64 / 1000.0),
    });
    let exemplar = sample.exemplar.as_ref().map(exemplar_as_python);
    json!([name, labels(&sample.labels), number(sample.value), timestamp, exemplar, false])
}

fn exemplar_as_python(exemplar: &Exemplar) -> Value {
    let timestamp = exemplar.timestamp.map(|timestamp| nanoseconds(timestamp.ns()));
    json!([labels(&exemplar.labels), number(exemplar.value), timestamp])
}

fn labels(labels: &[(String, String)]) -> Value {
    labels
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn nanoseconds(ns: i128) -> String {
    format!("{}.{:09}", ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000))
}

/// As Go and the Python client write floats.
fn number(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        _ if value.is_infinite() => String::from(if value > 0.0 { "+Inf" } else { "-Inf" }),
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent:0>2}"),
        _ => text,
    }
}
