//! `/metrics`: the metrics of the companion and its machine, for other scrapers.
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::Answer;
use crate::scrape::reader::Reader;
use crate::target::Target;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::text_response::{check_length, encoding, page_response, text_error};
use axum::extract::{Request, State};
use axum::response::Response;
use exposition::{Family, write};
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::warn;

/// How long a request waits for earlier ones. They take long only if a collector hangs.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The targets within this process: the companion and its machine.
pub(crate) struct OwnMetrics(Mutex<Vec<OwnTarget>>);

struct OwnTarget {
    name: String,
    reader: Reader,
}

impl OwnMetrics {
    /// Reads `targets` as scrapes do. `client` is not used by targets within this process.
    pub(crate) fn new(targets: impl IntoIterator<Item = Target>, client: &Client) -> Self {
        let targets = targets
            .into_iter()
            .map(|target| OwnTarget { name: target.name(), reader: Reader::new(client.clone(), Arc::new(target)) });
        Self(Mutex::new(targets.collect()))
    }

    /// The families of all targets. A target that cannot be read, for example because its collector hangs, is left out.
    async fn families(&self) -> Result<Vec<Family>, ApiError> {
        let busy =
            |_| ApiError::new(ErrorType::Timeout, "earlier requests for /metrics have not finished; try again later");
        let mut targets = tokio::time::timeout(MAX_WAIT, self.0.lock()).await.map_err(busy)?;
        let mut families = Vec::new();
        for OwnTarget { name, reader } in targets.iter_mut() {
            match reader.read().await {
                Ok(Answer::Families(read)) => families.extend(read),
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
pub(crate) async fn metrics(State(own): State<Arc<OwnMetrics>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let encoding = encoding(request.headers());
    let response = async {
        let mut page = String::new();
        write(&own.families().await?, encoding, &mut page);
        check_length(&page)?;
        Ok(page_response(page, encoding, gzip))
    };
    response.await.unwrap_or_else(|error| text_error(&error))
}
