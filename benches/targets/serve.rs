//! Answers scrapes at one address for each target, all at the same port.
use crate::metrics_page::{MetricsPages, Shape};
use crate::regularity::Regularity;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// The targets have addresses from here on: all of 127.0.0.0/8 is loopback, and this part of it is hardly used.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

/// All targets.
#[derive(Debug)]
pub(crate) struct Targets {
    pages: MetricsPages,
    /// How often each was scraped.
    scrapes: Vec<AtomicU64>,
    regularity: Mutex<Regularity>,
}

impl Targets {
    pub(crate) fn new(count: usize, shape: &Shape, interval: Duration) -> Self {
        Self {
            pages: MetricsPages::new(*shape),
            scrapes: (0..count).map(|_| AtomicU64::new(0)).collect(),
            regularity: Mutex::new(Regularity::new(count, interval, Instant::now())),
        }
    }

    /// How regularly they were scraped, as JSON by scraper.
    pub(crate) fn stats(&self) -> String {
        self.regularity.lock().to_json(Instant::now())
    }

    fn answer(&self, target: usize, request: &Request<Incoming>) -> String {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/reset") => {
                self.regularity.lock().reset(Instant::now());
                String::new()
            }
            (_, "/stats") => self.stats(),
            _ => {
                let scraper = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
                let scraper = scraper.and_then(|agent| agent.split('/').next()).unwrap_or_default();
                self.regularity.lock().note(&scraper.to_lowercase(), target, Instant::now());
                let scrape = self.scrapes.get(target).map_or(0, |count| count.fetch_add(1, Ordering::Relaxed));
                self.pages.text(target, scrape)
            }
        }
    }
}

/// Listens for each target; returns their addresses.
///
/// # Errors
/// If an address is taken, or if this process may not have so many files open.
pub(crate) async fn start(targets: &Arc<Targets>) -> io::Result<Vec<SocketAddr>> {
    allow_open_files()?;
    let mut hosts: Vec<SocketAddr> = Vec::new();
    for target in 0..targets.scrapes.len() {
        let address = Ipv4Addr::from_bits(FIRST_ADDRESS.to_bits() + target as u32);
        // The first one gets a free port.
        let port = hosts.first().map_or(0, SocketAddr::port);
        let listener = TcpListener::bind((address, port)).await?;
        hosts.push(listener.local_addr()?);
        tokio::spawn(accept(Arc::clone(targets), target, listener));
    }
    Ok(hosts)
}

/// Raises the number of files that may be open as far as permitted: each target has a socket, and one for each scraper.
fn allow_open_files() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

async fn accept(targets: Arc<Targets>, target: usize, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let targets = Arc::clone(&targets);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let mut response = Response::new(Full::new(Bytes::from(targets.answer(target, &request))));
                let text = "text/plain; version=0.0.4; charset=utf-8".parse();
                text.into_iter().for_each(|text| drop(response.headers_mut().insert(CONTENT_TYPE, text)));
                async { Ok::<_, Infallible>(response) }
            });
            // A scraper may go away at any time.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
