//! Queries over a store that never runs out of series.
use crate::web::api::query::*;
use axum::body::Body;
use axum::http::StatusCode;
use promql::{Labels, Samples, Selector, Storage, StorageError};
use std::ops::ControlFlow;

/// Provides series until the visitor stops.
struct Endless;

impl Storage for Endless {
    fn select(
        &self,
        _: &Selector,
        _: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let column = Samples { times_ms: &[until_ms], values: &[1.0] };
        let labels = Labels::from_pairs([("__name__", "endless")]);
        while visit(&labels, column).is_continue() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

async fn ask(evaluator: &Arc<Evaluator>, query: &str) -> StatusCode {
    let uri = format!("/api/v1/query?{query}");
    let request = Request::builder().uri(uri).body(Body::empty()).expect("a request");
    instant(State(Arc::clone(evaluator)), request).await.status()
}

#[tokio::test]
async fn a_query_is_interrupted_when_its_request_is_cancelled() {
    let evaluator = Arc::new(Evaluator::new(Arc::new(Endless), 1, 256 << 20));
    let left = tokio::time::timeout(Duration::from_millis(100), ask(&evaluator, "query=sum(endless)")).await;
    assert!(left.is_err());
    let began = Instant::now();
    assert_eq!(ask(&evaluator, "query=1").await, StatusCode::OK);
    assert!(began.elapsed() < MAX_QUERY_TIME * 3 / 4, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_query_is_interrupted_at_its_timeout_and_others_wait_for_it() {
    let evaluator = Arc::new(Evaluator::new(Arc::new(Endless), 1, 256 << 20));
    let began = Instant::now();
    let (slow, waiting, impatient) = tokio::join!(
        ask(&evaluator, "query=sum(endless)&timeout=500ms"),
        ask(&evaluator, "query=1"),
        ask(&evaluator, "query=1&timeout=50ms"),
    );
    let (timeout, ok) = (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK);
    assert_eq!((slow, waiting, impatient), (timeout, ok, timeout));
    assert!(began.elapsed() < MAX_QUERY_TIME * 3 / 4, "{:?}", began.elapsed());
}

/// Has one sample, at 1970.
struct OneSample;

impl Storage for OneSample {
    fn select(
        &self,
        _: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        if after_ms < 0 && until_ms >= 0 {
            let labels = Labels::from_pairs([("__name__", "up")]);
            let _ = visit(&labels, Samples { times_ms: &[0], values: &[1.0] });
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_query_looks_back_as_far_as_it_says() {
    let evaluator = Arc::new(Evaluator::new(Arc::new(OneSample), 1, 256 << 20));
    for (lookback, is_found) in [("", false), ("500", true), ("10m", true), ("6m", false), ("0", false), ("-5", false)]
    {
        let uri = format!("/api/v1/query?query=up&time=400&lookback_delta={lookback}&stats=true");
        let request = Request::builder().uri(uri).body(Body::empty()).expect("a request");
        let response = instant(State(Arc::clone(&evaluator)), request).await;
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.contains(r#""value":[400,"1"]"#), is_found, "{lookback}: {text}");
        assert_eq!(text.contains(r#""samplesRead":1"#), is_found, "{lookback}: {text}");
    }
}
