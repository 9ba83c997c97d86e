//! Resolves the names of hosts. The system's resolver blocks, and for many seconds if a name server does not answer.
use crate::threads::Threads;
use crate::threads::exclusive::Exclusive;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a scrape waits for a name. A lookup that takes longer goes on, and the next scrape waits for it again.
const MAX_WAIT: Duration = Duration::from_secs(4);

/// How many names are looked up at a time: of those that were found before, or not tried yet, and of those that were not
/// found or did not come in time. So names that hang hold up no others.
const MAX_LOOKUPS: usize = 64;
const MAX_DOUBTFUL_LOOKUPS: usize = 16;

/// The maximum number of addresses of a name that are tried.
const MAX_ADDRESSES: usize = 32;

/// The number of names from which those are forgotten that are not being looked up.
const MAX_NAMES: usize = 8192;

/// The lookups of all targets.
pub(crate) struct Lookups {
    resolve: fn(&str) -> Option<Addresses>,
    threads: Threads,
    doubtful: Threads,
    names: Mutex<HashMap<String, Arc<KnownName>>>,
}

/// The addresses of a name, with port 0.
type Addresses = Arc<[SocketAddr]>;

#[derive(Default)]
struct KnownName {
    lookup: Exclusive<Option<Addresses>>,
    /// Whether the last lookup found nothing, or did not end in time.
    is_doubtful: AtomicBool,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").field("names", &self.names.lock().len()).finish()
    }
}

impl Default for Lookups {
    fn default() -> Self {
        Self::new(resolve)
    }
}

impl Lookups {
    fn new(resolve: fn(&str) -> Option<Addresses>) -> Self {
        let [threads, doubtful] = [("lookup", MAX_LOOKUPS), ("doubtful lookup", MAX_DOUBTFUL_LOOKUPS)]
            .map(|(name, max)| Threads::new(name, max));
        Self { resolve, threads, doubtful, names: Mutex::default() }
    }

    /// The addresses of a host; none if it has none, or if they cannot be found in time.
    pub(crate) async fn addresses(&self, host: &str) -> Option<Addresses> {
        let name = self.name(host);
        let threads = if name.is_doubtful.load(Ordering::Relaxed) { &self.doubtful } else { &self.threads };
        let (host, resolve) = (host.to_owned(), self.resolve);
        let found = name.lookup.run(threads, MAX_WAIT, move || resolve(&host)).await.flatten();
        name.is_doubtful.store(found.is_none(), Ordering::Relaxed);
        found
    }

    fn name(&self, host: &str) -> Arc<KnownName> {
        let mut names = self.names.lock();
        if names.len() >= MAX_NAMES && !names.contains_key(host) {
            names.retain(|_, name| name.lookup.is_under_way());
        }
        Arc::clone(names.entry(host.to_owned()).or_default())
    }
}

fn resolve(host: &str) -> Option<Addresses> {
    let addresses = (host, 0).to_socket_addrs().ok()?.take(MAX_ADDRESSES);
    Some(addresses.collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    static HANGING: AtomicUsize = AtomicUsize::new(0);

    /// Never answers for names that begin with `slow`, and has no address for those that begin with `none`.
    fn fake(host: &str) -> Option<Addresses> {
        if host.starts_with("slow") {
            HANGING.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_secs(3600));
        }
        (!host.starts_with("none")).then(|| Arc::from([SocketAddr::from(([127, 0, 0, 1], 0))]))
    }

    #[tokio::test]
    async fn names_that_hang_hold_up_no_others_and_are_looked_up_once() {
        let lookups = Arc::new(Lookups::new(fake));
        assert!(lookups.addresses("good").await.is_some());
        assert!(lookups.addresses("none").await.is_none());
        let slow = async {
            for _ in 0..2 {
                let all = (0..40).map(|number| format!("slow{number}"));
                let found = join_all(all.map(async |name| lookups.addresses(&name).await)).await;
                assert!(found.iter().all(Option::is_none));
            }
        };
        let good = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let began = Instant::now();
            for number in 0..50 {
                assert!(lookups.addresses("good").await.is_some());
                assert!(lookups.addresses(&format!("new{number}")).await.is_some());
            }
            assert!(began.elapsed() < MAX_WAIT, "{:?}", began.elapsed());
        };
        tokio::join!(slow, good);
        assert_eq!(HANGING.load(Ordering::SeqCst), 40);
    }

    #[test]
    fn this_machine_is_found() {
        assert!(
            resolve("localhost").is_some_and(|addresses| addresses.iter().all(|address| address.ip().is_loopback()))
        );
        assert_eq!(resolve("no-such-host.invalid"), None);
    }
}
