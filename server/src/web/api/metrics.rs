//! `/metrics`: this server and its machine as one metrics page, for scrapers of others.
use crate::scrape::fetch::Client;
use crate::target::{Reader, Target};
use crate::web::api::text_response::{check_length, encoding, page_response, text_refusal};
use crate::web::assets::accepts;
use axum::extract::{Request, State};
use axum::response::Response;
use exposition::{Encoding, Family, Limits, parse, write};
use prometheus_api::{ApiError, ErrorType};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::warn;

/// The longest that a request waits for the one before it, as it does when a collector hangs.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The pages that this process writes about itself and its machine.
pub(crate) struct OwnPages(Mutex<Vec<(String, Reader)>>);

impl OwnPages {
    /// The pages of `targets`, which are read with `client` as scrapes read them.
    pub(crate) fn new(targets: impl IntoIterator<Item = Target>, client: &Client) -> Self {
        let readers = targets.into_iter().map(|target| (target.name(), Reader::new(client.clone(), Arc::new(target))));
        Self(Mutex::new(readers.collect()))
    }

    /// The families of all pages. A page that cannot be read now, as when its collector hangs, is left out.
    async fn families(&self) -> Result<Vec<Family>, ApiError> {
        let waited = tokio::time::timeout(LONGEST_WAIT, self.0.lock()).await;
        let mut readers = waited.map_err(|_| ApiError::new(ErrorType::Timeout, "other requests wait for this page"))?;
        let mut families = Vec::new();
        for (name, reader) in readers.iter_mut() {
            match reader.read().await {
                Ok(page) => {
                    let of_page = parse(&page.body, page.format, &Limits::default());
                    families.extend(of_page.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?);
                }
                Err(failure) => {
                    warn!(target = ?name, reason = failure.reason().id(), "left out of /metrics: {failure}")
                }
            }
        }
        Ok(families)
    }
}

/// `/metrics`
pub(crate) async fn metrics(State(pages): State<Arc<OwnPages>>, request: Request) -> Response {
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
