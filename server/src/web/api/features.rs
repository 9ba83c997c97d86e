//! `/api/v1/features`: what of Prometheus's features this server has, in the form of Prometheus 3.16.
use crate::web::api::success;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// `/api/v1/features`. Categories about what this server has no counterpart of are left out.
pub(crate) async fn features() -> Response {
    let promql = promql::Features::own();
    success(&json!({
        "api": {
            "admin": false,
            "exclude_alerts": false,
            "label_values_match": true,
            "lifecycle": false,
            "otlp_write_receiver": false,
            "query_stats": true,
            "query_warnings": true,
            "remote_write_receiver": false,
            "search": false,
            "time_range_labels": true,
            "time_range_series": true,
        },
        "promql": category(promql.language),
        "promql_functions": category(promql.functions),
        "promql_operators": category(promql.operators),
        "tsdb": {
            "exemplar_storage": false,
            "isolation": true,
            "native_histograms": false,
            "st_storage": false,
        },
    }))
}

fn category(features: Vec<(&'static str, bool)>) -> Map<String, Value> {
    features.into_iter().map(|(name, is_there)| (name.to_owned(), is_there.into())).collect()
}
