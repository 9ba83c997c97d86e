//! `/api/v1/metadata`: type, help and unit of the scraped families.
use crate::scrape::metadata::{Description, Metadata};
use crate::web::api::evaluator::Evaluator;
use crate::web::api::json::{push_list, push_quoted};
use crate::web::api::respond_with_data;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// The state of this route.
#[derive(Clone)]
pub(crate) struct MetadataState {
    pub(crate) evaluator: Arc<Evaluator>,
    pub(crate) metadata: Arc<Metadata>,
}

/// `/api/v1/metadata`
pub(crate) async fn metadata(
    State(MetadataState { evaluator, metadata }): State<MetadataState>,
    request: Request,
) -> Response {
    respond_with_data(evaluator, request, move |_, params, body| {
        // Each family has one description, which is within any limit per family: 0 is none there.
        params.metadata_limit("limit_per_metric")?;
        let families = metadata.families(params.get("metric"), params.metadata_limit("limit")?);
        body.text.push(b'{');
        for (number, (name, Description { kind, help, unit })) in families.iter().enumerate() {
            if number > 0 {
                body.text.push(b',');
            }
            push_quoted(&mut body.text, name);
            body.text.push(b':');
            let description = json!({ "type": kind.as_str(), "help": help, "unit": unit });
            push_list(&mut body.text, [description].iter(), |out, item| out.extend(item.to_string().bytes()));
            body.check()?;
        }
        body.text.push(b'}');
        Ok(())
    })
    .await
}
