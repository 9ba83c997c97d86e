//! Lines compared with values worked out by hand.
use crate::scraped::{MINUTE_MS, Scraped, families};
use catalogue::{QueryContext, Scope, ScopeLabels, detailed_query, drawn_query, graph, summary_query};
use std::collections::BTreeMap;

/// The lines of a graph after scrapes of these metrics pages, a minute apart, over a window of five minutes.
fn lines(id: &str, pages: &[&str]) -> BTreeMap<String, f64> {
    let scraped = scraped(pages);
    scraped.lines(graph(id).expect("a graph")).unwrap_or_default()
}

fn scraped(pages: &[&str]) -> Scraped {
    let mut scraped = Scraped::new();
    for page in pages {
        scraped.scrape(&families(page), &[("replica", "r1")], |_, value| value);
    }
    scraped
}

#[track_caller]
fn assert_lines(found: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let expected_names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected_names);
    for (name, value) in expected {
        let own = found[*name];
        assert!((own - value).abs() <= 1e-9 * value.abs().max(1.0), "{name}: {own}, not {value}");
    }
}

/// The window of all rates here, in seconds. Counters that start at zero are not extrapolated to its start.
const WINDOW_S: f64 = 300.0;

#[test]
fn a_summary_beside_a_histogram_keeps_its_own_lines_and_is_never_averaged() {
    let page = |requests: u32| {
        format!(
            "latency_distribution{{quantile=\"0.5\",deployment=\"a\"}} 0.2\n\
             latency_distribution{{quantile=\"0.99\",deployment=\"a\"}} 0.9\n\
             latency_distribution{{quantile=\"0.5\",deployment=\"b\"}} 0.4\n\
             latency_distribution{{quantile=\"0.99\",deployment=\"b\"}} 0.5\n\
             vllm:e2e_request_latency_seconds_bucket{{le=\"1.0\"}} {requests}\n\
             vllm:e2e_request_latency_seconds_bucket{{le=\"2.0\"}} {}\n\
             vllm:e2e_request_latency_seconds_bucket{{le=\"+Inf\"}} {}\n\
             vllm:e2e_request_latency_seconds_count {}\n\
             vllm:e2e_request_latency_seconds_sum {}\n",
            requests * 2,
            requests * 2,
            requests * 2,
            requests * 3
        )
    };
    let found = lines("end-to-end-latency", &[&page(0), &page(50)]);
    // Half of the requests took up to 1 s, the others up to 2 s: p50 is 1 s, p90 is 0.8 of the way from 1 s to 2 s.
    assert_lines(
        &found,
        &[
            ("mean · vLLM", 1.5),
            ("p50 · Hugging Face", 0.4),
            ("p50 · vLLM", 1.0),
            ("p90 · vLLM", 1.8),
            ("p95 · vLLM", 1.9),
            ("p99 · Hugging Face", 0.9),
            ("p99 · vLLM", 1.98),
        ],
    );
}

#[test]
fn tgis_time_to_first_token_is_the_sum_of_three_means() {
    let page = |n: u32| {
        format!(
            "tgi_request_validation_duration_sum {}\ntgi_request_validation_duration_count {n}\n\
             tgi_request_queue_duration_sum {}\ntgi_request_queue_duration_count {n}\n\
             tgi_batch_inference_duration_sum{{method=\"prefill\"}} {}\n\
             tgi_batch_inference_duration_count{{method=\"prefill\"}} {n}\n\
             tgi_batch_inference_duration_sum{{method=\"decode\"}} {}\n\
             tgi_batch_inference_duration_count{{method=\"decode\"}} {n}\n",
            f64::from(n) * 0.01,
            f64::from(n) * 0.2,
            f64::from(n) * 0.05,
            f64::from(n) * 7.0
        )
    };
    assert_lines(&lines("time-to-first-token", &[&page(0), &page(10)]), &[("derived", 0.26)]);
}

#[test]
fn units_are_converted() {
    const MIB: f64 = 1_048_576.0;
    let dcgm = "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 40\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\"} 80\n\
                DCGM_FI_DEV_FB_USED{gpu=\"0\"} 1000\nDCGM_FI_DEV_FB_FREE{gpu=\"0\"} 24\n\
                DCGM_FI_DEV_SM_CLOCK{gpu=\"0\"} 1980\n";
    assert_lines(&lines("gpu", &[dcgm]), &[("average", 0.6), ("busiest", 0.8)]);
    assert_lines(&lines("gpu-memory", &[dcgm]), &[("capacity", 1024.0 * MIB), ("in use", 1000.0 * MIB)]);
    assert_lines(&lines("gpu-clocks", &[dcgm]), &[("SM", 1.98e9)]);
    // 600 J a minute, counted in millijoules.
    let energy = |mj: u32| format!("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"0\"}} {mj}\n");
    let pages: Vec<String> = (0..8).map(|minute| energy(5_000_000 + minute * 600_000)).collect();
    let found = lines("gpu-energy", &pages.iter().map(String::as_str).collect::<Vec<_>>());
    assert!((found["mean"] - 10.0).abs() < 0.1, "{found:?}");
    let baseten = "baseten_gpu_utilization{replica=\"a\",gpu=\"0\"} 50\nbaseten_gpu_memory_used{gpu=\"0\"} 3\n";
    assert_lines(&lines("gpu", &[baseten]), &[("average", 0.5), ("busiest", 0.5)]);
    assert_lines(&lines("gpu-memory", &[baseten]), &[("in use", 3.0 * MIB)]);
    // Two seconds over four requests, counted in microseconds.
    let triton =
        |n: u32| format!("nv_inference_request_duration_us {}\nnv_inference_request_success {n}\n", n * 500_000);
    assert_lines(&lines("end-to-end-latency", &[&triton(0), &triton(4)]), &[("mean", 0.5)]);
    let ray = |n: u32| {
        format!(
            "ray_serve_http_request_latency_ms_bucket{{le=\"100.0\"}} {n}\n\
             ray_serve_http_request_latency_ms_bucket{{le=\"+Inf\"}} {n}\n\
             ray_serve_http_request_latency_ms_count {n}\nray_serve_http_request_latency_ms_sum {}\n",
            n * 40
        )
    };
    let found = lines("end-to-end-latency", &[&ray(0), &ray(10)]);
    assert_lines(&found, &[("mean", 0.04), ("p50", 0.05), ("p90", 0.09), ("p95", 0.095), ("p99", 0.099)]);
    assert_lines(&lines("memory-split", &["sglang:weight_memory_usage_gb 2\n"]), &[("weights", 2048.0 * MIB)]);
}

#[test]
fn a_range_across_an_upgrade_draws_one_line() {
    let old = families("vllm:gpu_cache_usage_perc{model_name=\"m\"} 0.25\n");
    let mut scraped = Scraped::new();
    scraped.scrape(&old, &[], |_, value| value);
    scraped.end(&old, &[]);
    scraped.scrape(&families("vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.75\n"), &[], |_, value| value);
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let context = QueryContext::of_moments(&scope, &labels, 5 * MINUTE_MS);
    let query = drawn_query(graph("kv-cache-use").expect("a graph"), &|name| scraped.has(name), &context);
    let query = query.expect("a query");
    let at = |minutes: i64| scraped.lines_at(&query, scraped.now_ms() - minutes * MINUTE_MS);
    assert_lines(&at(2), &[("fullest", 0.25), ("in use", 0.25)]);
    assert_lines(&at(1), &[]);
    assert_lines(&at(0), &[("fullest", 0.75), ("in use", 0.75)]);
}

#[test]
fn counters_add_up_across_a_rename_and_count_once_where_both_names_are_exported() {
    let page = |name: &str, hits: u32| {
        format!(
            "vllm:{name}_hits_total{{engine=\"0\"}} {hits}\nvllm:{name}_queries_total{{engine=\"0\"}} {}\n",
            hits * 4
        )
    };
    let both = |hits| format!("{}{}", page("prefix_cache", hits), page("gpu_prefix_cache", hits));
    assert_lines(&lines("prefix-cache-hit-share", &[&both(0), &both(10)]), &[("hits", 0.25)]);
    let gap = |n: u32, name: &str| {
        format!(
            "vllm:{name}_bucket{{le=\"0.1\"}} {n}\nvllm:{name}_bucket{{le=\"+Inf\"}} {n}\n\
             vllm:{name}_count {n}\nvllm:{name}_sum {}\n",
            f64::from(n) * 0.04
        )
    };
    let both = |n| format!("{}{}", gap(n, "inter_token_latency_seconds"), gap(n, "time_per_output_token_seconds"));
    let scraped = scraped(&[&both(0), &both(10)]);
    let found = scraped.lines(graph("inter-token-latency").expect("a graph")).expect("lines");
    assert_lines(&found, &[("mean", 0.04), ("p50", 0.05), ("p90", 0.09), ("p95", 0.095), ("p99", 0.099)]);
}

#[test]
fn tensor_parallel_ranks_count_once_and_data_parallel_ones_add_up() {
    let page = |n: u32| {
        let mut page = String::new();
        for (dp, running) in [(0, 3), (1, 5)] {
            for tp in [0, 1] {
                let labels = format!("dp_rank=\"{dp}\",tp_rank=\"{tp}\",pp_rank=\"0\",moe_ep_rank=\"{tp}\"");
                page += &format!("sglang:num_running_reqs{{{labels}}} {running}\n");
                page += &format!("sglang:num_retracted_requests_total{{{labels}}} {n}\n");
            }
        }
        page
    };
    assert_lines(&lines("running-and-waiting", &[&page(0)]), &[("running", 8.0)]);
    let found = lines("preemptions", &[&page(0), &page(30)]);
    assert_lines(&found, &[("preemptions", 2.0 * 30.0 / WINDOW_S)]);
    let engines = "vllm:num_requests_running{engine=\"0\"} 3\nvllm:num_requests_running{engine=\"1\"} 4\n";
    assert_lines(&lines("running-and-waiting", &[engines]), &[("running", 7.0)]);
}

#[test]
fn re_exported_series_count_once_and_are_drawn_where_the_original_is_missing() {
    let own = "vllm:num_requests_running{model_name=\"m\"} 4\n";
    let repeated = "vllm:num_requests_running{server=\"http://a\"} 3\nvllm:healthy_pods_total{server=\"http://a\"} 1\n";
    assert_lines(&lines("running-and-waiting", &[&format!("{own}{repeated}")]), &[("running", 4.0)]);
    assert_lines(&lines("running-and-waiting", &[repeated]), &[("running", 3.0)]);
    let own = "sglang:num_queue_reqs{tp_rank=\"0\"} 6\n";
    let repeated = "sglang_num_queue_reqs{tp_rank=\"0\",worker_addr=\"a\"} 5\n";
    assert_lines(&lines("running-and-waiting", &[&format!("{own}{repeated}")]), &[("waiting", 6.0)]);
    assert_lines(&lines("running-and-waiting", &[repeated]), &[("waiting", 5.0)]);
}

#[test]
fn a_gateway_and_the_engine_behind_it_are_not_stacked() {
    let engine = |n: u32| format!("vllm:request_success_total{{finished_reason=\"stop\"}} {n}\n");
    let http =
        |n: u32| format!("http_requests_total{{status=\"2xx\"}} {n}\nhttp_requests_total{{status=\"5xx\"}} {n}\n");
    let rate = |n: f64| n / WINDOW_S;
    let found = lines("volume", &[&engine(0), &engine(60)]);
    assert_lines(&found, &[("finished", rate(60.0))]);
    let both = |n: u32| format!("{}{}", engine(n), http(n / 2));
    let found = lines("volume", &[&both(0), &both(60)]);
    assert_lines(&found, &[("2xx", rate(30.0)), ("5xx", rate(30.0))]);
    // A proxy may see other requests, so it is drawn only where no other layer counts.
    let proxied = |n: u32| format!("traefik_service_requests_total{{code=\"200\"}} {n}\n");
    let both = |n: u32| format!("{}{}", engine(n), proxied(n * 2));
    assert_lines(&lines("volume", &[&both(0), &both(60)]), &[("finished", rate(60.0))]);
    assert_lines(&lines("volume", &[&proxied(0), &proxied(60)]), &[("2xx", rate(60.0))]);
    // Two engines of one layer are both drawn.
    let fleet = |n: u32| format!("{}sglang:num_requests_total {n}\n", engine(n));
    let found = lines("volume", &[&fleet(0), &fleet(60)]);
    assert_lines(&found, &[("finished · SGLang", rate(60.0)), ("finished · vLLM", rate(60.0))]);
}

#[test]
fn status_codes_make_classes_and_other_protocols_keep_their_codes() {
    let codes = ["101", "200", "201", "404", "429", "503", "1006", "14"];
    let page = |n: u32| {
        let line = |code: &str| format!("baseten_inference_requests_total{{status_code=\"{code}\"}} {n}\n");
        codes.map(line).concat()
    };
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let scraped = scraped(&[&page(0), &page(20)]);
    let found = scraped.lines(graph("volume").expect("a graph")).expect("lines");
    let one = 20.0 / WINDOW_S;
    assert_lines(
        &found,
        &[("1006", one), ("14", one), ("1xx", one), ("2xx", 2.0 * one), ("4xx", 2.0 * one), ("5xx", one)],
    );
    let context = QueryContext::of_moments(&scope, &labels, 5 * MINUTE_MS);
    let present = |name: &str| scraped.has(name);
    let detailed = detailed_query(graph("volume").expect("a graph"), &present, &context).expect("details");
    let found = scraped.lines_at(&detailed, scraped.now_ms());
    let mut sorted = codes;
    sorted.sort_unstable();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), sorted);
    // The summary of a range between two scrapes counts everything between them.
    let summary =
        summary_query(graph("volume").expect("a graph"), &present, &context, 5 * MINUTE_MS).expect("a summary");
    assert!((scraped.lines_at(&summary, scraped.now_ms())["2xx"] - 2.0 * 20.0).abs() < 1e-9);
    // Of the 8 codes, 404 and 429 are client errors and 503 is a server error.
    let found = scraped.lines(graph("error-share").expect("a graph")).expect("lines");
    assert_lines(&found, &[("client errors", 0.25), ("server errors", 0.125)]);
}

#[test]
fn without_errors_the_share_is_zero_and_without_requests_there_is_none() {
    let page = |n: u32| format!("http_requests_total{{status=\"2xx\"}} {n}\n");
    let found = lines("error-share", &[&page(0), &page(5)]);
    assert_lines(&found, &[("client errors", 0.0), ("server errors", 0.0)]);
    assert_lines(&lines("error-share", &[&page(5), &page(5)]), &[]);
}

#[test]
fn values_that_mean_unknown_are_dropped() {
    let page = "DCGM_FI_DEV_MEMORY_TEMP{gpu=\"0\"} 9223372036854775794\nDCGM_FI_DEV_MEMORY_TEMP{gpu=\"1\"} 61\n";
    assert_lines(&lines("gpu-temperature", &[page]), &[("hottest memory", 61.0)]);
    let page = "vllm:gpu_prefix_cache_hit_rate -1\nray_vllm:gpu_prefix_cache_hit_rate 0.5\n";
    assert_lines(&lines("prefix-cache-hit-share", &[page]), &[("as reported", 0.5)]);
    let page = |n: u32| format!("vllm:num_preemptions_total {n}\nvllm:num_preemptions_created 1795319719\n");
    assert!(lines("preemptions", &[&page(0), &page(0)])["preemptions"].abs() < 1e-9);
}

#[test]
fn throttling_is_read_from_a_bit_field() {
    // Software power cap (4) and hardware thermal slowdown (64) on one card, software thermal slowdown (32) on the other.
    let page = "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{gpu=\"0\"} 68\nDCGM_FI_DEV_CLOCK_THROTTLE_REASONS{gpu=\"1\"} 32\n";
    assert_lines(
        &lines("gpu-throttling", &[page]),
        &[("hardware slowdown", 0.0), ("power brake", 0.0), ("power cap", 1.0), ("thermal", 2.0)],
    );
}

#[test]
fn a_restart_is_seen_across_the_gap_that_it_leaves() {
    let page = |start: u32| format!("process_start_time_seconds {start}\n");
    // Down for three scrapes between the old process and the new.
    let scraped = scraped(&[&page(1000), &page(1000), "", "", "", &page(2000)]);
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let context = QueryContext::of_moments(&scope, &labels, MINUTE_MS);
    let restarts = graph("restarts").expect("a graph");
    let query = drawn_query(restarts, &|name| scraped.has(name), &context).expect("a query");
    assert_lines(&scraped.lines_at(&query, scraped.now_ms()), &[("restarts", 1.0 / 600.0)]);
    let summary = summary_query(restarts, &|name| scraped.has(name), &context, 6 * MINUTE_MS).expect("a summary");
    assert_lines(&scraped.lines_at(&summary, scraped.now_ms()), &[("restarts", 1.0)]);
}

#[test]
fn acceptance_length_includes_the_models_own_token() {
    let page = |n: u32| {
        let by_position = |position: u32, accepted: u32| {
            format!("vllm:spec_decode_num_accepted_tokens_per_pos_total{{position=\"{position}\"}} {accepted}\n")
        };
        format!(
            "vllm:spec_decode_num_drafts_total {}\nvllm:spec_decode_num_draft_tokens_total {}\n\
             vllm:spec_decode_num_accepted_tokens_total {}\n{}{}",
            10 * n,
            20 * n,
            12 * n,
            by_position(0, 8 * n),
            by_position(1, 4 * n)
        )
    };
    let (before, after) = (page(0), page(10));
    let pages = [before.as_str(), after.as_str()];
    assert_lines(&lines("speculative-length", &pages), &[("tokens per pass", 2.2)]);
    assert_lines(&lines("speculative-acceptance", &pages), &[("accepted", 0.6)]);
    assert_lines(&lines("speculative-positions", &pages), &[("0", 0.8), ("1", 0.4)]);
}
