//! The page of each backend at `/backend/<name>/`, with an API that passes queries on to it.
use crate::scrape::fetch::Client;
use crate::threads::Threads;
use crate::web::accept_encoding::accepts_encoding;
use crate::web::access::{Keyring, sign_in};
use crate::web::api::body::CountedBody;
use crate::web::api::compress::{VARY_ENCODING, compressed, uncached};
use crate::web::api::evaluator::Evaluator;
use crate::web::api::parameters::Params;
use crate::web::api::query_limit::QueryLimit;
use crate::web::api::status::PageConfig;
use crate::web::api::{error_response, error_text, status};
use crate::web::assets;
use crate::web::backends::Backend;
use crate::web::backends::client::{BackendAnswer, BackendError, BackendQuery};
use crate::web::backends::paths::{base_path, is_readable, within_page};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Instant;

/// The maximum number of queries that wait for all backends together: the share of eight clients.
const MAX_RUNNING: usize = 128;

/// The maximum number of answers that are compressed at a time.
const MAX_COMPRESSING: usize = 2;

/// What passes queries on.
#[derive(Clone)]
pub(crate) struct Forwarder {
    client: Client,
    evaluator: Arc<Evaluator>,
    limit: Arc<QueryLimit>,
    threads: Threads,
}

/// A backend, and what passes queries on to it.
struct Served {
    backend: Arc<Backend>,
    forwarder: Forwarder,
}

impl Forwarder {
    /// Sends queries with `client`. Clients and the memory of their answers are those of `evaluator`.
    pub(crate) fn new(client: Client, evaluator: Arc<Evaluator>) -> Self {
        let (limit, threads) = (Arc::new(QueryLimit::new(MAX_RUNNING)), Threads::new("backends", MAX_COMPRESSING));
        Self { client, evaluator, limit, threads }
    }

    /// The routes of all backends of `page`. Embeds contain `frame_key`.
    pub(crate) fn routes(&self, page: &PageConfig, keyring: &Arc<Keyring>, frame_key: Option<&str>) -> Router {
        page.backends.iter().fold(Router::new(), |router, backend| {
            let base = base_path(&backend.name);
            let served = Arc::new(Served { backend: Arc::clone(backend), forwarder: self.clone() });
            let config = status::config(page, Some(backend));
            let api = Router::new()
                .route(&format!("{base}/api/v1/{{*path}}"), get(forward).post(forward))
                .with_state(served)
                .route(&format!("{base}/config.json"), get(async move || status::config_response(config)))
                .route(&base, get(to_page));
            let files = assets::routes(&base, frame_key);
            router.merge(api).merge(files).merge(sign_in::routes(&base, Arc::clone(keyring)))
        })
    }
}

/// Leads to the address with a slash at its end, which the page's own addresses are relative to.
async fn to_page(request: Request) -> Response {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = HeaderValue::try_from(format!("{name}/{query}")).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]).into_response()
}

/// Passes a query on to a backend.
async fn forward(State(served): State<Arc<Served>>, request: Request) -> Response {
    // As it was sent: decoded, it could hide what leads up.
    let path = within_page(request.uri().path()).strip_prefix("/api/v1/").unwrap_or_default().to_owned();
    let is_post = request.method() == Method::POST;
    if !is_readable(&path, is_post) {
        let problem = "this path of the API is not passed on: only queries, series, labels and metadata are";
        return error_text(StatusCode::NOT_FOUND, problem);
    }
    let gzip = accepts_encoding(request.headers(), "gzip");
    let peer = served.forwarder.evaluator.peer_of(&request);
    let parameters = match Params::read(request).await {
        Ok(parameters) => parameters.into_pairs(),
        Err(response) => return response,
    };
    let deadline = Instant::now() + served.backend.timeout;
    let permit = match served.forwarder.limit.acquire(&peer.forwarded, deadline).await {
        Ok(permit) => permit,
        Err(error) => return error_response(error),
    };
    let body = match CountedBody::new(&peer) {
        Ok(body) => body,
        Err(error) => return error_response(error),
    };
    let query = BackendQuery { path, parameters, is_post };
    let answer = served.backend.answer(&served.forwarder.client, query, body, deadline).await;
    let backend = Arc::clone(&served.backend);
    let response = served.forwarder.threads.run(move || {
        let _permit = permit;
        answer
            .and_then(|answer| answer.without_secrets(&backend))
            .map_or_else(|error| refusal(&error), |answer| response(answer, gzip))
    });
    let lost = |_| error_text(StatusCode::INTERNAL_SERVER_ERROR, "the answer was not read; please report this query");
    response.await.unwrap_or_else(lost)
}

/// The answer as this server gives it.
fn response(BackendAnswer { status, headers, body, .. }: BackendAnswer, gzip: bool) -> Response {
    let mut response = match status {
        StatusCode::OK => compressed("application/json", VARY_ENCODING, body, gzip),
        status => uncached(status, "application/json", body.into_bytes()),
    };
    response.headers_mut().extend(headers);
    response
}

fn refusal(error: &BackendError) -> Response {
    error_text(error.status(), &error.to_string())
}
