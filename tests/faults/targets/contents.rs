//! Rows T07 to T15, T18 and T24: what is wrong with the metrics page itself.
use crate::outcome::Outcome;
use crate::subject::{Kind, Setup, Subject};
use crate::target::{Behaviour, Target, answer, changing, page};
use crate::targets::{WATCHED, beside_peers, fails_with, watch};
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const OPENMETRICS: &str = "Content-Type: application/openmetrics-text; version=1.0.0\r\n";

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// T07: labels beyond any limit.
pub(crate) fn labels() -> Outcome {
    fails_with(
        vec![
            (page(&format!("a{{{}}} 1\n", lines(60_000, |n| format!("l{n}=\"v\",")))), "label_limit"),
            (page(&format!("a{{l=\"{}\"}} 1\n", "v".repeat(900_000))), "label_limit"),
            (page(&format!("a{{{}=\"v\"}} 1\n", "n".repeat(100_000))), "label_limit"),
            (page(&format!("{} 1\n", "m".repeat(100_000))), "label_limit"),
        ],
        24,
    )
}

/// T08: a million new series in each scrape.
pub(crate) fn explosion() -> Outcome {
    let behaviour = changing(|scrape| lines(300_000, |n| format!("z{{n=\"{scrape}-{n}\"}} 1\n")));
    beside_peers(fails_with(vec![(behaviour.clone(), "sample_limit")], 64), &behaviour)
}

/// T09: all series are new in each scrape, within every limit.
pub(crate) fn churn() -> Outcome {
    let behaviour = changing(|scrape| lines(10_000, |n| format!("churn{{n=\"{scrape}-{n}\"}} 1\n")));
    let seen = watch(Kind::Companion, vec![behaviour], Duration::from_secs(20)).expect("the companion");
    let series = seen.subject.number("inferboard_store_series{job=\"inferboard\"}");
    let holds = seen.failed == 0.0 && series <= 500_000.0 && seen.grown_mib <= 400;
    Outcome::of(holds, format!("{series} series after 20 s; {}", seen.figure()))
}

/// T10 to T12: duplicates, timestamps and values that are odd, but no reason to fail.
pub(crate) fn odd_samples() -> Outcome {
    let text = "a 1\na 2\n# TYPE a counter\n# TYPE a gauge\n# HELP a x\n# HELP a y\n\
        t{n=\"1\"} 1 9223372036854775807\nt{n=\"2\"} 2 -5\nt{n=\"3\"} 3 1000\n\
        v{n=\"nan\"} NaN\nv{n=\"zero\"} -0\nv{n=\"inf\"} +Inf\nv{n=\"small\"} 4.9e-324\nv{n=\"large\"} 1e308\n";
    let seen = watch(Kind::Companion, vec![page(text)], WATCHED).expect("the companion");
    let value = |name: &str| seen.subject.values(&format!("v{{n=\"{name}\"}}")).concat();
    let values = ["nan", "zero", "inf", "small", "large"].map(value);
    let refused = seen.subject.values("sum by (reason) (inferboard_samples_refused_total) > 0").len();
    let is_kept = values == ["NaN", "-0", "+Inf", "5e-324", "1e+308"].map(str::to_owned);
    let holds =
        is_kept && seen.subject.values("a") == ["1"] && seen.subject.values("count(t)").is_empty() && refused == 2;
    Outcome::of(
        holds && seen.is_on_time(),
        format!(
            "values {}, first of duplicates {:?}, {refused} kinds refused; {}",
            values.join(" "),
            seen.subject.values("a"),
            seen.figure()
        ),
    )
}

/// T13: bytes that are no text, and text that is odd.
pub(crate) fn odd_bytes() -> Outcome {
    let bytes = |body: &[u8]| answer("Content-Type: text/plain\r\n", body);
    let broken = fails_with(
        vec![
            (bytes(b"a{l=\"\xff\xfe\"} 1\n"), "parse"),
            (bytes(b"a{l=\"\xc0\xaf\"} 1\n"), "parse"),
            (bytes(b"a\xff 1\n"), "parse"),
        ],
        16,
    );
    let text = "b{l=\"\u{202e}x\u{200b}\u{1b}[31m\u{9b}\"} 1\n";
    let kept = watch(Kind::Companion, vec![page(text)], WATCHED).expect("the companion");
    let value = kept.subject.series("b").first().and_then(|series| series["metric"]["l"].as_str().map(str::to_owned));
    let is_kept = value.as_deref() == Some("\u{202e}x\u{200b}\u{1b}[31m\u{9b}");
    if broken.verdict == crate::outcome::Verdict::Pass && !is_kept {
        return Outcome::fail(format!("the value was changed to {value:?}"));
    }
    broken
}

/// T14: the documents that OpenMetrics's own suite calls bad.
pub(crate) fn bad_documents() -> Outcome {
    let folder = std::env::var_os("OPENMETRICS_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/data/openmetrics-suite"),
        PathBuf::from,
    );
    let inner = ["tests/testdata/parsers", "testdata/parsers"].map(|inner| folder.join(inner));
    let folder = inner.into_iter().find(|inner| inner.is_dir()).unwrap_or(folder);
    let Ok(entries) = fs::read_dir(&folder) else { return Outcome::skipped(format!("no {}", folder.display())) };
    let bad = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| {
        fs::read_to_string(path.join("test.json"))
            .is_ok_and(|text| text.replace(' ', "").contains("\"shouldParse\":false"))
    });
    let documents: Vec<Vec<u8>> = bad.filter_map(|path| fs::read(path.join("metrics")).ok()).collect();
    if documents.is_empty() {
        return Outcome::skipped(format!("no documents in {}", folder.display()));
    }
    let targets: Vec<Target> = documents.iter().map(|document| Target::start(answer(OPENMETRICS, document))).collect();
    let subject = Subject::companion(&Setup::of(&targets.iter().map(Target::url).collect::<Vec<_>>()));
    thread::sleep(WATCHED);
    let up = subject.number("sum(up{job=\"targets\"})");
    let stored = subject.values("count({job=\"targets\",__name__!~\"up|scrape_.*|inferboard_.*\"})").concat();
    Outcome::of(
        up == 0.0 && stored.is_empty(),
        format!("{} documents, {up} accepted, stored: {stored:?}", documents.len()),
    )
}

/// T15: content types that lie.
pub(crate) fn content_types() -> Outcome {
    let of = |content_type: &str, body: &str| -> Behaviour { answer(content_type, body.as_bytes()) };
    fails_with(
        vec![
            (of("Content-Type: text/html\r\n", "<html>Sign in</html>"), "content_type"),
            (of("", "a 1\n"), "content_type"),
            (of("Content-Type: application/vnd.google.protobuf\r\n", "a 1\n"), "content_type"),
            (of(OPENMETRICS, "a 1\n"), "parse"),
            (of("Content-Type: text/plain\r\n", "<html>"), "parse"),
        ],
        16,
    )
}

/// T18: a page that claims to be another target, or says what the companion reports about it.
pub(crate) fn impersonation() -> Outcome {
    let text = "up{job=\"host\",instance=\"good\"} 0\nup 0\nscrape_samples_scraped 9\n\
        inferboard_scrape_failed{reason=\"<b>x\"} 1\ninferboard_replica_state{state=\"evil\"} 1\n\
        inferboard_replica_restarts_total 999\nm{job=\"a\",instance=\"b\",__name__=\"c\",__address__=\"d\"} 1\n";
    let seen = watch(Kind::Companion, vec![page(text)], WATCHED).expect("the companion");
    let (address, subject) = (seen.hostile[0].address, &seen.subject);
    let forged = [
        format!("up{{instance=\"{address}\"}} == 0"),
        "inferboard_scrape_failed".into(),
        "inferboard_replica_state{state=\"evil\"}".into(),
        "inferboard_replica_restarts_total > 10".into(),
        "{instance=\"good\"}".into(),
        "{__address__!=\"\"}".into(),
    ];
    let forged: Vec<String> = forged.into_iter().filter(|query| !subject.values(query).is_empty()).collect();
    let renamed = subject.values("exported_up{exported_job=\"host\",exported_instance=\"good\"} or m{exported_job=\"a\",exported_instance=\"b\"}").len();
    Outcome::of(
        forged.is_empty() && renamed == 2,
        format!("forged: {forged:?}, {renamed} of 2 renamed; {}", seen.figure()),
    )
}

/// T24: counters that are set back.
pub(crate) fn resets() -> Outcome {
    let behaviour = changing(|scrape| format!("# TYPE reset_total counter\nreset_total {}\n", 100 * (scrape % 3)));
    let seen = watch(Kind::Companion, vec![behaviour], WATCHED * 2).expect("the companion");
    let (rate, resets) =
        (seen.subject.number("rate(reset_total[10s])"), seen.subject.number("resets(reset_total[10s])"));
    Outcome::of(rate >= 0.0 && resets >= 2.0, format!("rate {rate:.1}, {resets} resets"))
}
