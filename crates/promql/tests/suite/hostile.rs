//! Malicious queries: none may panic, overflow the stack or run forever.
use crate::corpora;
use crate::memory_storage::MemoryStorage;
use promql::{Labels, Limits, METRIC_NAME, Options, instant, parse, range, uninterrupted};

/// A random number generator with a fixed seed (xorshift64*).
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

fn test_storage() -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    for (name, replica) in [("metric", "a"), ("metric", "b"), ("foo", "a"), ("some_metric", "a")] {
        let labels = Labels::from_pairs([(METRIC_NAME, name), ("replica", replica), ("le", "+Inf")]);
        for tick in 0..20 {
            storage.add(&labels, tick * 15_000, tick as f64);
        }
    }
    storage
}

/// Parses `text` and, if it is a query, evaluates it under low limits. Returns whether it is one.
fn parse_and_evaluate(storage: &MemoryStorage, text: &str) -> bool {
    let limits = Limits { samples: 10_000, memory_bytes: 1 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let Ok(query) = parse(text, &options.limits) else { return false };
    let printed = query.to_string();
    let again = parse(&printed, &Limits { query_bytes: 1 << 20, ..Limits::default() });
    assert_eq!(again.as_ref().map(ToString::to_string).ok().as_deref(), Some(printed.as_str()), "{text:?}: {again:?}");
    let _ = instant(storage, &query, 200_000, &options, &uninterrupted);
    let _ = range(storage, &query, 0, 200_000, 60_000, &options, &uninterrupted);
    true
}

#[test]
fn mutated_queries_do_not_panic() {
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
        " anchored",
        " smoothed",
        "step()",
        "range()",
        "min_of(1m, ",
        "[5m*2]",
        "offset -(5m)",
    ];
    let storage = test_storage();
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for _ in 0..6_000 {
        let mut text: Vec<char> = seeds[rng.below(seeds.len())].chars().take(200).collect();
        for _ in 0..=rng.below(3) {
            let at = rng.below(text.len() + 1);
            match rng.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.splice(at..at, tokens[rng.below(tokens.len())].chars()).for_each(drop),
                2 => text.truncate(at),
                _ => {
                    let other: Vec<char> = seeds[rng.below(seeds.len())].chars().take(200).collect();
                    let from = rng.below(other.len() + 1);
                    text.splice(at..at, other[from..].iter().copied()).for_each(drop);
                }
            }
        }
        accepted += usize::from(parse_and_evaluate(&storage, &text.into_iter().collect::<String>()));
    }
    println!("{accepted} of 6000 mutations are valid queries");
    assert!(accepted > 300, "too few mutations reach the evaluator");
}

#[test]
fn the_deepest_allowed_query_does_not_overflow_the_stack() {
    let storage = test_storage();
    let limits = Limits::default();
    let (depth, operators) = (limits.nesting, limits.operators);
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for text in [
        nested("(", "metric", ")", depth),
        nested("abs(", "metric", ")", depth),
        nested("sum by (replica) (", "metric", ")", depth - 1),
        nested("-", "metric", "", depth),
        nested("(-", "metric", ")", depth),
        nested("1 + ", "metric", "", operators),
        nested("metric or ", "metric", "", operators),
        nested("2 ^ ", "2", "", depth),
        nested("(2 ^ ", "2", ")", depth),
        format!("metric[{}]", nested("(", "5m", ")", depth - 1)),
        format!("metric[{}]", nested("1 + ", "5m", "", operators)),
        format!("metric[{}]", nested("1 ^ ", "5m", "", depth)),
        format!("metric[{}]", nested("--", "5m", "", depth / 2)),
        format!("metric offset -{}", nested("(", "5m", ")", depth)),
        nested("max_over_time(", "metric", "[2m:1m])", depth - 1),
        nested("(1 + ", nested("metric and ", "metric", "", operators - depth).as_str(), ")", depth),
    ] {
        let query = parse(&text, &limits).unwrap_or_else(|error| panic!("{text}: {error}"));
        let outcome = instant(&storage, &query, 200_000, &Options::default(), &uninterrupted);
        assert!(outcome.is_ok(), "{text}: {outcome:?}");
    }
    for text in [
        nested("(", "1", ")", depth + 1),
        nested("[", "", "", 10_000),
        nested("-", "1", "", depth + 1),
        nested("1 ^ ", "1", "", depth + 1),
        format!("metric[{}]", nested("-", "5m", "", depth + 1)),
        nested("1 + ", "1", "", operators + 1),
        nested("1 or ", "1", "", operators + 1),
    ] {
        assert!(parse(&text, &limits).is_err());
    }
}

#[test]
fn extreme_numbers_do_not_panic() {
    let storage = test_storage();
    for text in [
        "foo[292y]",
        "foo offset 292y",
        "foo offset -292y",
        "foo[1ms^1000]",
        "foo[2^0.5]",
        "foo offset (0 - 292y)",
        "foo offset -(1e9 ^ 9)",
        "foo[step()]",
        "foo[range() % step()]",
        "rate(foo[292y] anchored)",
        "delta(foo[292y] smoothed offset -292y)",
        "foo smoothed @ -9000000000000000",
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
        parse_and_evaluate(&storage, text);
    }
    let options = Options::default();
    for time_ms in [i64::MIN, i64::MAX] {
        for text in [
            "foo",
            "rate(foo[5m])",
            "max_over_time(foo[5m:1s])",
            "foo offset 5m",
            "foo smoothed",
            "rate(foo[5m] smoothed)",
            "rate(foo[5m] anchored)",
            "time()",
            "year()",
        ] {
            let query = parse(text, &options.limits).unwrap_or_else(|error| panic!("{text}: {error}"));
            let _ = instant(&storage, &query, time_ms, &options, &uninterrupted);
        }
    }
}
