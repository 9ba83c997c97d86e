//! Tests of the query API: the shapes of results, statuses and errors.
use crate::harness::{Companion, args, exchange, http};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The status and the JSON of an answer, whose headers are checked here.
async fn get_json(address: SocketAddr, endpoint: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let response =
        http().get(format!("http://{address}/api/v1/{endpoint}")).query(params).send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.expect("a body")).expect("json"))
}

#[tokio::test]
async fn results_have_prometheus_shapes() {
    let companion = Companion::start(&args(&[])).await;
    let data = async |params: &[(&str, &str)]| {
        let (status, answer) = get_json(companion.address, "query", params).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
        answer["data"].clone()
    };
    let at = ("time", "1700005400.5");
    for (query, expected) in [
        ("1", json!({"resultType": "scalar", "result": [1_700_005_400.5, "1"]})),
        ("\"abc\"", json!({"resultType": "string", "result": [1_700_005_400.5, "abc"]})),
        ("vector(NaN)", json!({"resultType": "vector", "result": [{"metric": {}, "value": [1_700_005_400.5, "NaN"]}]})),
        (
            "vector(1e21)",
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [1_700_005_400.5, "1e+21"]}]}),
        ),
        ("up", json!({"resultType": "vector", "result": []})),
    ] {
        assert_eq!(data(&[("query", query), at]).await, expected, "{query}");
    }
    let range = [("query", "vector(1)"), ("start", "2023-11-14T23:43:20Z"), ("end", "1700005410"), ("step", "5s")];
    let (status, answer) = get_json(companion.address, "query_range", &range).await;
    let values = json!([[1_700_005_400, "1"], [1_700_005_405, "1"], [1_700_005_410, "1"]]);
    let data = json!({"resultType": "matrix", "result": [{"metric": {}, "values": values}]});
    assert_eq!((status, answer), (200, json!({"status": "success", "data": data})));
}

#[tokio::test]
async fn errors_have_the_statuses_and_types_of_prometheus() {
    let companion = Companion::start(&args(&[])).await;
    let range = |changed: &'static str, value: &'static str| -> Vec<(&'static str, &'static str)> {
        let defaults = [("query", "up"), ("start", "1700000000"), ("end", "1700000060"), ("step", "15")];
        defaults.map(|(name, default)| (name, if name == changed { value } else { default })).into()
    };
    for (endpoint, params, status, error_type, message) in [
        ("query", vec![], 400, "bad_data", "invalid parameter \"query\""),
        ("query", vec![("query", "")], 400, "bad_data", "invalid parameter \"query\""),
        ("query", vec![("query", "foo{")], 400, "bad_data", "invalid parameter \"query\""),
        ("query", vec![("query", "rate(up)")], 400, "bad_data", "invalid parameter \"query\""),
        (
            "query",
            vec![("query", "1"), ("time", "abc")],
            400,
            "bad_data",
            "invalid parameter \"time\": cannot parse \"abc\"",
        ),
        ("query", vec![("query", "1"), ("timeout", "abc")], 400, "bad_data", "invalid parameter \"timeout\""),
        ("query", vec![("query", "1"), ("limit", "abc")], 400, "bad_data", "invalid parameter \"limit\""),
        ("query", vec![("query", "1"), ("limit", "-1")], 400, "bad_data", "limit must be non-negative"),
        ("query", vec![("query", "1"), ("lookback_delta", "abc")], 400, "bad_data", "error parsing lookback delta"),
        ("series", vec![("match[]", "up"), ("limit", "-1")], 400, "bad_data", "limit must be non-negative"),
        ("labels", vec![("limit", "1.5")], 400, "bad_data", "invalid parameter \"limit\""),
        ("label/job/values", vec![("limit", "x")], 400, "bad_data", "invalid parameter \"limit\""),
        ("metadata", vec![("limit", "x")], 400, "bad_data", "limit must be a number"),
        ("metadata", vec![("limit_per_metric", "x")], 400, "bad_data", "limit_per_metric must be a number"),
        ("query", vec![("query", "rate(up[step()])")], 400, "bad_data", "must be greater than 0"),
        ("query", vec![("query", "1"), ("timeout", "0s")], 503, "timeout", "query timed out in query queue"),
        ("query", vec![("query", "label_replace(vector(1), \"a\", \"$1\", \"b\", \"(\")")], 422, "execution", ""),
        ("query_range", range("start", ""), 400, "bad_data", "invalid parameter \"start\""),
        ("query_range", range("end", "1699999999"), 400, "bad_data", "end timestamp must not be before start time"),
        ("query_range", range("step", "0"), 400, "bad_data", "zero or negative query resolution step"),
        ("query_range", range("step", "-10"), 400, "bad_data", "zero or negative query resolution step"),
        ("query_range", range("step", "1e-9"), 400, "bad_data", "zero or negative query resolution step"),
        ("query_range", range("step", "NaN"), 400, "bad_data", "invalid parameter \"step\""),
        ("query_range", range("step", "5ms"), 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
        ("query_range", range("query", "\"text\""), 400, "bad_data", ""),
        ("query_range", range("query", "up[1m]"), 400, "bad_data", ""),
        (
            "query",
            vec![(
                "query",
                "vector(1) + on(a) group_left() (label_replace(vector(1), \"b\", \"1\", \"\", \"\") or label_replace(vector(1), \"b\", \"2\", \"\", \"\"))",
            )],
            422,
            "execution",
            "many-to-many",
        ),
    ] {
        let (got, answer) = get_json(companion.address, endpoint, &params).await;
        assert_eq!(got, status, "{params:?}: {answer}");
        assert_eq!(
            (&answer["status"], &answer["errorType"]),
            (&json!("error"), &json!(error_type)),
            "{params:?}: {answer}"
        );
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(message)), "{params:?}: {answer}");
    }
}

#[tokio::test]
async fn eleven_thousand_steps_are_allowed() {
    let companion = Companion::start(&args(&[])).await;
    let range = [("query", "vector(1)"), ("start", "1700000000"), ("end", "1700011000"), ("step", "1")];
    let (status, answer) = get_json(companion.address, "query_range", &range).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["data"]["result"][0]["values"].as_array().map(Vec::len), Some(11_001));
}

#[tokio::test]
async fn parameters_in_a_form_override_those_in_the_url() {
    let companion = Companion::start(&args(&[])).await;
    let post = async |url: &str, body: &str, headers: &[(&'static str, &'static str)]| {
        let mut request = http().post(format!("http://{}/api/v1/query{url}", companion.address)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    let (status, body) = post("?time=5&query=3", "query=1%2B1&query=9", &[form]).await;
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"status":"success","data":{"resultType":"scalar","result":[5,"2"]}}"#)
    );
    let (status, body) = post("", &format!("query=1{}", "%2B1".repeat(40_000)), &[form]).await;
    assert!(status == 400 && body.contains("more than the 65536 allowed"), "{status}: {body}");
    assert_eq!(post("", "query=1", &[("content-type", "text/plain")]).await.0, 400);
    assert_eq!(post("", "query=1", &[form, ("content-encoding", "gzip")]).await.0, 415);
    assert_eq!(post("", &format!("query=1&x={}", "x".repeat(256 << 10)), &[form]).await.0, 413);
}

#[tokio::test]
async fn long_answers_are_compressed_for_clients_that_accept_gzip() {
    let companion = Companion::start(&args(&[])).await;
    let url = format!("http://{}/api/v1/query_range", companion.address);
    let range = [("query", "vector(1)"), ("start", "0"), ("end", "5000"), ("step", "1")];
    let plain = http().get(&url).query(&range).header("accept-encoding", "identity").send().await.expect("an answer");
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.expect("a body");
    let compressed = http().get(&url).query(&range).header("accept-encoding", "gzip").send().await.expect("an answer");
    assert_eq!(
        (&compressed.headers()["content-encoding"], &compressed.headers()["vary"]),
        (&"gzip".parse().expect("a header"), &"accept-encoding".parse().expect("a header"))
    );
    let compressed = compressed.bytes().await.expect("a body");
    assert!(compressed.len() * 4 < plain.len());
    let mut decompressed = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*compressed), &mut decompressed).expect("gzip");
    assert_eq!(decompressed, plain);
}

#[tokio::test]
async fn build_info_page_configuration_and_health_are_served() {
    let companion = Companion::start(&args(&[])).await;
    let (status, info) = get_json(companion.address, "status/buildinfo", &[]).await;
    assert_eq!(
        (status, &info["status"], &info["data"]["version"]),
        (200, &json!("success"), &json!(env!("CARGO_PKG_VERSION")))
    );
    for field in ["revision", "branch", "buildUser", "buildDate", "goVersion"] {
        assert!(info["data"][field].is_string(), "{field}");
    }
    let get = async |path: &str| {
        exchange(
            companion.address,
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
    };
    let config = get("/config.json").await;
    let config = config.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
    let backends = json!([{ "name": "here", "url": "." }]);
    let own = json!({ "backends": backends, "frame_ancestors": ["'self'"], "labels": {}, "notes": true });
    assert_eq!(config, Some(own));
    assert!(get("/-/healthy").await.starts_with("HTTP/1.1 200"));
    assert!(get("/-/ready").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_limit_truncates_series_and_says_so() {
    let companion = Companion::start(&args(&[])).await;
    let three = "label_replace(vector(1), \"a\", \"1\", \"\", \"\") or label_replace(vector(2), \"a\", \"2\", \"\", \"\") \
                 or label_replace(vector(3), \"a\", \"3\", \"\", \"\")";
    let range = [("start", "0"), ("end", "10"), ("step", "5")];
    for (endpoint, others) in [("query", &range[..0]), ("query_range", &range[..])] {
        for (limit, count) in [("2", 2), ("3", 3), ("0", 3), ("", 3)] {
            let params = [&[("query", three), ("limit", limit)], others].concat();
            let (status, answer) = get_json(companion.address, endpoint, &params).await;
            assert_eq!(status, 200, "{answer}");
            let result = answer["data"]["result"].as_array().expect("a result");
            let first: Vec<&str> = result.iter().filter_map(|series| series["metric"]["a"].as_str()).collect();
            assert_eq!(first, ["1", "2", "3"][..count], "{endpoint} with limit {limit:?}");
            let warning = if count < 3 { json!(["results truncated due to limit"]) } else { Value::Null };
            assert_eq!(answer["warnings"], warning, "{endpoint} with limit {limit:?}");
        }
    }
    // The first answer must not be the one that is cached for the second.
    let (_, scalar) = get_json(companion.address, "query", &[("query", "1"), ("limit", "1")]).await;
    assert_eq!((&scalar["data"]["result"][1], &scalar["warnings"]), (&json!("1"), &Value::Null));
}

#[tokio::test]
async fn statistics_are_part_of_the_data_when_they_are_requested() {
    let companion = Companion::start(&args(&[])).await;
    let query = ("query", "vector(1)");
    let (_, without) = get_json(companion.address, "query", &[query]).await;
    assert_eq!(without["data"]["stats"], Value::Null);
    let (_, with) = get_json(companion.address, "query", &[query, ("stats", "all")]).await;
    let stats = &with["data"]["stats"];
    assert!(stats["timings"]["execTotalTime"].is_f64() && stats["timings"]["execQueueTime"].is_f64(), "{stats}");
    assert_eq!(stats["samples"], json!({"totalQueryableSamples": 0, "samplesRead": 0}));
    assert_eq!(with["warnings"], Value::Null);
    let (_, deprecated) = get_json(companion.address, "query", &[query, ("stats", "yes")]).await;
    assert!(deprecated["data"]["stats"].is_object());
    let warning = deprecated["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.starts_with("value \"yes\" for parameter \"stats\" is deprecated"), "{warning}");
}

#[tokio::test]
async fn features_have_the_form_of_prometheus_and_say_what_is_there() {
    let companion = Companion::start(&args(&[])).await;
    let (status, answer) = get_json(companion.address, "features", &[]).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    let features = &answer["data"];
    for (category, name, is_there) in [
        ("api", "query_stats", true),
        ("api", "remote_write_receiver", false),
        ("promql", "anchored", true),
        ("promql", "smoothed", true),
        ("promql", "duration_expr", true),
        ("promql", "per_query_lookback_delta", true),
        ("promql", "per_step_stats", false),
        ("promql_functions", "increase", true),
        ("promql_functions", "histogram_count", false),
        ("promql_functions", "info", false),
        ("promql_operators", "<=", true),
        ("promql_operators", "limitk", false),
        ("tsdb", "native_histograms", false),
    ] {
        assert_eq!(features[category][name], json!(is_there), "{category}.{name}");
    }
    for category in features.as_object().expect("categories").values() {
        assert!(category.as_object().is_some_and(|names| names.values().all(Value::is_boolean)), "{category}");
    }
}
