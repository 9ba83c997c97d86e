//! `/metrics`: this server and its machine as one metrics page, for other scrapers.
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::Answer;
use crate::scrape::reader::Reader;
use crate::target::Target;
use crate::web::api::text_response::{check_length, encoding, page_response, text_refusal};
use crate::web::assets::accepts;
use axum::extract::{Request, State};
use axum::response::Response;
use exposition::{Encoding, Family, write};
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::warn;

/// The longest that a request waits for the one before it, as it does when a collector hangs.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The targets within this process: itself and its machine.
pub(crate) struct OwnMetrics(Mutex<Vec<(String, Reader)>>);

impl OwnMetrics {
    /// Reads `targets` as scrapes do; `client` is not used by targets within this process.
    pub(crate) fn new(targets: impl IntoIterator<Item = Target>, client: &Client) -> Self {
        let readers = targets.into_iter().map(|target| (target.name(), Reader::new(client.clone(), Arc::new(target))));
        Self(Mutex::new(readers.collect()))
    }

    /// The families of all targets. A target that cannot be read, for example because its collector hangs, is left out.
    async fn families(&self) -> Result<Vec<Family>, ApiError> {
        let waited = tokio::time::timeout(LONGEST_WAIT, self.0.lock()).await;
        let mut readers = waited.map_err(|_| ApiError::new(ErrorType::Timeout, "other requests wait for this page"))?;
        let mut families = Vec::new();
        for (name, reader) in readers.iter_mut() {
            match reader.read().await {
                Ok(Answer::Families(own)) => families.extend(own),
                // Own targets have families only.
                Ok(Answer::Page(_)) => {}
                Err(failure) => {
                    warn!(target = ?name, reason = failure.reason().id(), "left out of /metrics: {failure}");
                }
            }
        }
        Ok(families)
    }
}

/// `/metrics`
pub(crate) async fn metrics(State(pages): State<Arc<OwnMetrics>>, request: Request) -> Response {
    let gzip = accepts(request.headers(), "gzip");
    let encoding = encoding(request.headers());
    let answered = async {
        let page = written(&pages.families().await?, encoding);
        check_length(&page)?;
        Ok(page_response(page, encoding, gzip))
    };
    answered.await.unwrap_or_else(|error| text_refusal(&error))
}

fn written(families: &[Family], encoding: Encoding) -> String {
    let mut page = String::new();
    write(families, encoding, &mut page);
    page
}
