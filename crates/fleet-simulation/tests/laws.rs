//! Laws that the simulated fleet obeys, read from its metrics pages.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
use fleet_simulation::{Answer, Fleet, PagePart, Scenario, TargetKind, scenario};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;
const INTERVAL_MS: i64 = 15_000;
/// Monday, 30 November 2026, 00:00 UTC.
const MONDAY_MS: i64 = 1_795_996_800_000;

/// The samples of one page by name and labels.
type Samples = BTreeMap<String, f64>;

fn samples(parts: &[PagePart]) -> Samples {
    let all = parts.iter().flat_map(|part| part.schema.series.iter().zip(&part.values));
    all.map(|(series, value)| (format!("{}{:?}", series.name, series.labels), *value)).collect()
}

fn sum(samples: &Samples, names: &[&str]) -> f64 {
    let is_named =
        |key: &str| names.iter().any(|name| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('[')));
    samples.iter().filter(|(key, _)| is_named(key)).map(|(_, value)| value).sum()
}

/// Scrapes the replicas of a model for some hours and gives each page to `visit`, with its time and the replica's name.
fn scrape_model(model: &str, scenario: &Scenario, hours: i64, visit: &mut dyn FnMut(i64, &str, &Samples)) {
    let parts = Fleet::new(11, MONDAY_MS, scenario).split();
    let mut fleet = parts.into_iter().find(|part| part.model_names() == [model]).expect("a model");
    for step in 1..=hours * 3_600_000 / INTERVAL_MS {
        let time_ms = MONDAY_MS + step * INTERVAL_MS;
        fleet.run_until(time_ms);
        fleet.scrape(&mut |target, answer| {
            if let (TargetKind::Replica, Some(replica), Answer::Page(parts)) = (target.kind, target.replica, answer) {
                visit(time_ms, &replica, &samples(&parts));
            }
        });
    }
}

/// Little's law: the mean number of requests in the system is the rate of their arrival times the mean time they stay.
#[test]
fn the_requests_in_an_engine_are_their_rate_times_their_latency() {
    for (model, running, waiting, latency) in [
        ("llama-chat", "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:e2e_request_latency_seconds"),
        ("summarize", "tgi_batch_current_size", "tgi_queue_size", "tgi_request_duration"),
    ] {
        let (mut in_system, mut pages) = (0.0, 0.0);
        let mut last: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        scrape_model(model, &Scenario::default(), 16, &mut |_, replica, samples| {
            in_system += sum(samples, &[running, waiting]);
            pages += 1.0;
            last.insert(
                replica.to_owned(),
                (sum(samples, &[&format!("{latency}_sum")]), sum(samples, &[&format!("{latency}_count")])),
            );
        });
        // The sum of the latencies is the rate times the mean latency times the duration.
        let stay_s: f64 = last.values().map(|(sum_s, _)| sum_s).sum();
        let (from_gauges, from_latencies) = (in_system * INTERVAL_MS as f64 / 1000.0, stay_s);
        let ratio = from_gauges / from_latencies;
        assert!((0.95..1.05).contains(&ratio), "{model}: {from_gauges} {from_latencies} {pages}");
        assert!(last.values().map(|(_, count)| count).sum::<f64>() > 3_000.0, "{model}: too few requests to tell");
    }
}

#[test]
fn no_request_and_no_token_is_lost_or_invented() {
    let now_s = (MONDAY_MS + DAY_MS) as f64 / 1000.0;
    for name in ["quiet", "long-prompts", "out-of-memory", "surge", "upgrade", "stuck"] {
        let simulated = scenario(name, now_s).expect("a scenario");
        let mut fleet = Fleet::new(5, MONDAY_MS + DAY_MS - 7_200_000, &simulated);
        for step in 1..=8 {
            fleet.run_until(MONDAY_MS + DAY_MS - 7_200_000 + step * 900_000);
            // Replicas that have ended are forgotten once they have been scraped.
            fleet.scrape(&mut |_, _| ());
            let balance = fleet.balance();
            assert_eq!(
                balance.arrived,
                balance.unserved + balance.lost + balance.answered + balance.in_flight,
                "{name}: {balance:?}"
            );
            let tokens = balance.answer_tokens + balance.tokens_in_flight;
            assert!((balance.generated_tokens / tokens - 1.0).abs() < 1e-9, "{name}: {balance:?}");
        }
        assert!(fleet.balance().answered > 10_000, "{name}");
    }
}

#[test]
fn pages_count_the_tokens_that_were_generated() {
    let mut last = BTreeMap::new();
    scrape_model("llama-chat", &Scenario::default(), 3, &mut |_, replica, samples| {
        last.insert(replica.to_owned(), samples.clone());
    });
    for samples in last.values() {
        let generated = sum(samples, &["vllm:generation_tokens_total"]);
        let answered = sum(samples, &["vllm:request_generation_tokens_sum"]);
        let running = sum(samples, &["vllm:num_requests_running"]);
        let in_flight = generated - answered;
        assert!(generated > 10_000.0 && in_flight >= 0.0 && in_flight <= running * 2_048.0, "{generated} {answered}");
    }
}

#[test]
fn buckets_add_up_to_their_counts() {
    let mut pages = 0;
    scrape_model("llama-chat", &Scenario::default(), 2, &mut |_, _, samples| {
        pages += 1;
        for (key, infinity) in samples.iter().filter(|(key, _)| key.contains("(\"le\", \"+Inf\")")) {
            let family = key.split("_bucket[").next().expect("a name");
            let count = sum(samples, &[&format!("{family}_count")]);
            assert_eq!(*infinity, count, "{key}");
            let mut buckets: Vec<(f64, f64)> = samples
                .iter()
                .filter(|(other, _)| other.starts_with(&format!("{family}_bucket[")))
                .map(|(other, value)| {
                    let bound = other.split("(\"le\", \"").nth(1).and_then(|rest| rest.split('"').next());
                    (bound.expect("a bound").replace("+Inf", "inf").parse().expect("a number"), *value)
                })
                .collect();
            buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{family} {buckets:?}");
        }
    });
    assert!(pages > 500);
}

#[test]
fn the_replicas_on_the_timeline_are_those_that_answer() {
    let now_s = (MONDAY_MS + DAY_MS / 2) as f64 / 1000.0;
    let surge = scenario("surge", now_s).expect("a scenario");
    let start_ms = MONDAY_MS + DAY_MS / 2 - 2 * 3_600_000;
    let mut fleet = Fleet::new(3, start_ms, &surge);
    let mut most = 0;
    for step in 1..480 {
        fleet.run_until(start_ms + step * INTERVAL_MS);
        let (mut answering, mut running, mut desired) = (0, 0.0, 0.0);
        fleet.scrape(&mut |target, answer| match (target.kind, answer) {
            (TargetKind::Replica, Answer::Page(_)) => answering += 1,
            (TargetKind::Cluster, Answer::Page(parts)) => {
                let samples = samples(&parts);
                let states = samples.iter().filter(|(key, _)| {
                    key.starts_with("inferboard_replica_state[") && key.contains("(\"state\", \"running\")")
                });
                running += states.map(|(_, value)| value).sum::<f64>();
                desired += sum(&samples, &["inferboard_replicas_desired"]);
            }
            _ => {}
        });
        assert_eq!(f64::from(answering), running, "step {step}");
        most = most.max(answering);
        assert!(desired >= 4.0, "{desired}");
    }
    assert!(most >= 8, "a surge brings more replicas: {most}");
}

/// The most that a gauge of one page showed in the hour before `now_ms`.
fn most(scenario_name: &str, now_ms: i64, gauge: &str) -> f64 {
    let scenario = scenario(scenario_name, now_ms as f64 / 1000.0).expect("a scenario");
    let start_ms = now_ms - 3 * 3_600_000;
    let parts = Fleet::new(3, start_ms, &scenario).split();
    let mut fleet = parts.into_iter().find(|part| part.model_names() == ["llama-chat"]).expect("a model");
    let mut most = 0.0_f64;
    for time_ms in (start_ms..now_ms).step_by(INTERVAL_MS as usize) {
        fleet.run_until(time_ms);
        fleet.scrape(&mut |_, answer| match answer {
            Answer::Page(parts) if time_ms > now_ms - 3_600_000 => most = most.max(sum(&samples(&parts), &[gauge])),
            _ => {}
        });
    }
    most
}

/// Users start the demo whenever they like. What a scenario is about shows at night and on a weekend too.
#[test]
fn a_scenario_shows_its_incident_at_any_time_of_the_week() {
    for hours in (0..7 * 24).step_by(17) {
        let now_ms = MONDAY_MS + hours * 3_600_000;
        let fullest = most("long-prompts", now_ms, "vllm:kv_cache_usage_perc");
        assert!(fullest > 0.95, "{hours} hours after Monday: {fullest}");
        let waiting = most("surge", now_ms, "vllm:num_requests_waiting");
        assert!(waiting > 20.0, "{hours} hours after Monday: {waiting}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let pages = |seed: u64| {
        let now_s = (MONDAY_MS + DAY_MS) as f64 / 1000.0;
        let start_ms = MONDAY_MS + DAY_MS - 3 * 3_600_000;
        let mut fleet = Fleet::new(seed, start_ms, &scenario("week", now_s).expect("a scenario"));
        let mut text = String::new();
        for step in 1..=12 {
            fleet.run_until(start_ms + step * 600_000);
            fleet.scrape(&mut |target, answer| {
                text.push_str(&format!("{target:?}\n"));
                if let Answer::Page(parts) = answer {
                    text.push_str(&fleet_simulation::text(&parts));
                }
            });
        }
        text
    };
    let first = pages(1);
    assert!(first == pages(1) && first.len() > 1_000_000, "{}", first.len());
    assert!(first != pages(2));
}

#[test]
fn parts_of_a_fleet_are_the_fleet() {
    let at = |mut fleet: Fleet| {
        fleet.run_until(MONDAY_MS + 1_800_000);
        fleet.balance()
    };
    let whole = at(Fleet::new(9, MONDAY_MS, &Scenario::default()));
    let mut parts = Fleet::new(9, MONDAY_MS, &Scenario::default()).split();
    parts.iter_mut().for_each(|part| part.run_until(MONDAY_MS + 1_800_000));
    assert_eq!(Fleet::join(parts).expect("parts").balance(), whole);
}
