//! The HTTP clients of all routes to targets. One is made anew when a certificate or a key in its files changes.
use crate::scrape::http_client::HttpClient;
use crate::scrape::lookup::Lookups;
use crate::scrape::tls::{TlsError, client_config};
use crate::target::access::Route;
use crate::target::failure::Failure;
use crate::target::tls::TlsFiles;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How long a route is kept that no target uses any more.
const MAX_UNUSED: Duration = Duration::from_secs(600);

/// The clients of all routes. Their connections are kept apart, because what one route trusts another may not.
#[derive(Clone, Debug)]
pub(crate) struct Routes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lookups: Arc<Lookups>,
    /// The client of the direct way with the usual settings.
    plain: Arc<HttpClient>,
    others: Mutex<HashMap<Route, KnownRoute>>,
}

#[derive(Debug)]
struct KnownRoute {
    client: Arc<HttpClient>,
    /// What its files held when they were read last.
    files: TlsFiles,
    used_at: Instant,
}

impl Routes {
    /// No routes but the direct way.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new() -> Result<Self, rustls::Error> {
        let lookups = Arc::<Lookups>::default();
        let tls = client_config(None, &TlsFiles::default()).map_err(|error| match error {
            TlsError::Setup(error) => error,
            other => rustls::Error::General(other.to_string()),
        })?;
        let plain = Arc::new(HttpClient::new(&Route::default(), tls, Arc::clone(&lookups)));
        Ok(Self(Arc::new(Shared { lookups, plain, others: Mutex::default() })))
    }

    /// The client of `route`, whose files are read again. While they do not hold what they should, what they held before
    /// is used.
    ///
    /// # Errors
    /// If they never held what they should.
    pub(crate) async fn client(&self, route: &Route) -> Result<Arc<HttpClient>, Failure> {
        if route.is_plain() {
            return Ok(Arc::clone(&self.0.plain));
        }
        let files = match &route.tls {
            Some(tls) => tls.read().await,
            None => TlsFiles::default(),
        };
        let now = Instant::now();
        let mut others = self.0.others.lock();
        let known = others.get_mut(route);
        if let Some(known) = known
            && known.files == files
        {
            known.used_at = now;
            return Ok(Arc::clone(&known.client));
        }
        match client_config(route.tls.as_deref(), &files) {
            Ok(tls) => {
                let client = Arc::new(HttpClient::new(route, tls, Arc::clone(&self.0.lookups)));
                let before =
                    others.insert(route.clone(), KnownRoute { client: Arc::clone(&client), files, used_at: now });
                if before.is_some() {
                    info!("certificates have changed; connections are opened anew");
                }
                others.retain(|_, known| now.duration_since(known.used_at) < MAX_UNUSED);
                Ok(client)
            }
            Err(error) => match others.get_mut(route) {
                Some(known) => {
                    warn!("tls_config: {error}; its previous content is used");
                    known.files = files;
                    Ok(Arc::clone(&known.client))
                }
                None => Err(Failure::Tls),
            },
        }
    }
}
