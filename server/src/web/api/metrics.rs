//! `/metrics`: the metrics of the companion and its machine, for other scrapers.
use crate::scrape::fetch::Client;
use crate::scrape::metrics_page::Answer;
use crate::scrape::reader::Reader;
use crate::target::Target;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::api::body::CountedBody;
use crate::web::api::evaluator::Evaluator;
use crate::web::api::text_response::{encoding, page_response, text_error};
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

/// The state of this route.
pub(crate) struct MetricsState {
    pub(crate) evaluator: Arc<Evaluator>,
    pub(crate) own: OwnMetrics,
}

/// `/metrics`
pub(crate) async fn metrics(State(state): State<Arc<MetricsState>>, request: Request) -> Response {
    let gzip = accepts_encoding(request.headers(), "gzip");
    let (encoding, peer) = (encoding(request.headers()), state.evaluator.peer_of(&request));
    let response = async {
        let mut page = String::new();
        write(&state.own.families().await?, encoding, &mut page);
        Ok(page_response(CountedBody::of(&peer, page.into_bytes())?, encoding, gzip))
    };
    response.await.unwrap_or_else(|error| text_error(&error))
}
