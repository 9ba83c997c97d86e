//! Texts and queries made to do harm: none may panic, overflow the stack or run without end.
use crate::corpora;
use crate::memory_storage::Memory;
use promql::{Labels, Limits, METRIC_NAME, Options, instant, parse, range, uninterrupted};

/// A random number generator with a fixed seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }
}

fn store() -> Memory {
    let mut memory = Memory::default();
    for (name, replica) in [("metric", "a"), ("metric", "b"), ("foo", "a"), ("some_metric", "a")] {
        let labels = Labels::from_pairs([(METRIC_NAME, name), ("replica", replica), ("le", "+Inf")]);
        for tick in 0..20 {
            memory.add(&labels, tick * 15_000, tick as f64);
        }
    }
    memory
}

/// Reads `text` and, if it is a query, asks it with little allowed; only panics matter.
fn try_all(memory: &Memory, text: &str) -> bool {
    let limits = Limits { samples: 10_000, memory_bytes: 1 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let Ok(query) = parse(text, &options.limits) else { return false };
    let printed = query.to_string();
    let again = parse(&printed, &Limits { query_bytes: 1 << 20, ..Limits::default() });
    assert_eq!(again.as_ref().map(ToString::to_string).ok().as_deref(), Some(printed.as_str()), "{text:?}: {again:?}");
    let _ = instant(memory, &query, 200_000, &options, &uninterrupted);
    let _ = range(memory, &query, 0, 200_000, 60_000, &options, &uninterrupted);
    true
}

#[test]
fn mutated_queries_do_no_harm() {
    let Some(derived) = corpora::derived() else { return };
    let cases = corpora::json(&derived.join("promql_parse_cases.json"));
    let seeds: Vec<&str> = cases.as_array().into_iter().flatten().filter_map(|case| case["input"].as_str()).collect();
    let tokens = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "`",
        "'",
        "\\",
        "1e400",
        "-",
        "^",
        "@",
        "offset",
        "5m",
        "by",
        "on()",
        "rate(",
        "Inf",
        "NaN",
        "0x",
        "9223372036854775807",
        "\u{0}",
        "\u{e9}",
        "__name__",
        "=~\"(\"",
        "group_left",
        "bool",
        "start()",
        "[1y:1ms]",
        " or ",
        "#",
    ];
    let memory = store();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for _ in 0..6_000 {
        let mut text: Vec<char> = seeds[dice.roll(seeds.len())].chars().take(200).collect();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(text.len() + 1);
            match dice.roll(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.splice(at..at, tokens[dice.roll(tokens.len())].chars()).for_each(drop),
                2 => text.truncate(at),
                _ => {
                    let other: Vec<char> = seeds[dice.roll(seeds.len())].chars().take(200).collect();
                    let from = dice.roll(other.len() + 1);
                    text.splice(at..at, other[from..].iter().copied()).for_each(drop);
                }
            }
        }
        accepted += usize::from(try_all(&memory, &text.into_iter().collect::<String>()));
    }
    println!("{accepted} of 6000 mutations are queries");
    assert!(accepted > 300, "the mutations hardly reach the evaluator");
}

#[test]
fn the_deepest_query_that_is_allowed_fits_the_stack() {
    let memory = store();
    let limits = Limits::default();
    let (depth, operators) = (limits.nesting, limits.operators);
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for text in [
        nested("(", "metric", ")", depth),
        nested("abs(", "metric", ")", depth),
        nested("sum by (replica) (", "metric", ")", depth - 1),
        nested("-", "metric", "", operators),
        nested("1 + ", "metric", "", operators),
        nested("metric or ", "metric", "", operators),
        nested("2 ^ ", "2", "", operators),
        nested("max_over_time(", "metric", "[2m:1m])", depth - 1),
        nested("(1 + ", nested("metric and ", "metric", "", operators - depth).as_str(), ")", depth),
    ] {
        let query = parse(&text, &limits).unwrap_or_else(|error| panic!("{text}: {error}"));
        let outcome = instant(&memory, &query, 200_000, &Options::default(), &uninterrupted);
        assert!(outcome.is_ok(), "{text}: {outcome:?}");
    }
    for text in [
        nested("(", "1", ")", depth + 1),
        nested("[", "", "", 10_000),
        nested("-", "1", "", operators + 1),
        nested("1 or ", "1", "", operators + 1),
    ] {
        assert!(parse(&text, &limits).is_err());
    }
}

#[test]
fn numbers_at_the_edge_do_no_harm() {
    let memory = store();
    for text in [
        "foo[292y]",
        "foo offset 292y",
        "foo offset -292y",
        "foo @ 9223372036854775",
        "foo @ -9223372036854775",
        "foo[1ms]",
        "foo[1e9]",
        "foo[1e30]",
        "foo offset Inf",
        "foo[NaN]",
        "foo[0]",
        "max_over_time(foo[292y:292y])",
        "max_over_time(foo[1ms:1ms] @ -9000000000000000 offset 100y)",
        "topk(1e18, foo)",
        "topk(-1, foo)",
        "topk(1e300, foo)",
        "quantile(1e300, foo)",
        "year(vector(1e300))",
        "year(vector(-1e300))",
        "year(vector(NaN))",
        "predict_linear(foo[5m], 1e300)",
        "foo ^ 1e300 % 0",
    ] {
        try_all(&memory, text);
    }
    let options = Options::default();
    for time_ms in [i64::MIN, i64::MAX] {
        for text in ["foo", "rate(foo[5m])", "max_over_time(foo[5m:1s])", "foo offset 5m", "time()", "year()"] {
            let query = parse(text, &options.limits).unwrap_or_else(|error| panic!("{text}: {error}"));
            let _ = instant(&memory, &query, time_ms, &options, &uninterrupted);
        }
    }
}
