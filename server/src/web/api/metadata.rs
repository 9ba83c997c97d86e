//! `/api/v1/metadata`: type, help and unit of the scraped families.
use crate::scrape::metadata::{Description, Metadata};
use crate::web::api::with_params;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// `/api/v1/metadata`
pub(crate) async fn metadata(State(metadata): State<Arc<Metadata>>, request: Request) -> Response {
    with_params(request, |params| {
        // Each family has one description, which is within any limit per family: 0 is none there.
        params.metadata_limit("limit_per_metric")?;
        let families = metadata.families(params.get("metric"), params.metadata_limit("limit")?);
        let families = families.into_iter().map(|(name, description)| (name, json!([to_json(&description)])));
        Ok(Value::Object(families.collect()))
    })
    .await
}

fn to_json(Description { kind, help, unit }: &Description) -> Value {
    json!({ "type": kind.as_str(), "help": help, "unit": unit })
}
