//! Tests of the discovery of servers on this machine.
use crate::harness::{Behaviour, FakeTarget, answer, metrics_page, status};
use inferboard_tests::PATIENCE;
use server::processes::Attribution;
use server::scrape::fetch::Client;
use server::scrape::local_discovery::{Discovery, LocalAddress};
use server::scrape::scrapers::Scrapers;
use server::sources::host::HostPaths;
use server::target::Pace;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tsdb::{Limits, Store};

const PERIOD: Duration = Duration::from_millis(50);
const PACE: Pace = Pace { interval: Duration::from_secs(3600), timeout: Duration::from_secs(1) };
const SGLANG: &str = "sglang:token_usage{model_name=\"m\"} 0.5\n";

fn pool() -> Arc<Scrapers> {
    Arc::new(Scrapers::new(Store::new(Limits::default()), Client::new(1 << 20).expect("a client")))
}

/// A search for engines at the addresses of `targets`, until it is dropped.
struct Searching {
    pool: Arc<Scrapers>,
    task: JoinHandle<()>,
}

impl Drop for Searching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Searching {
    fn at(targets: &[&FakeTarget], more: impl FnOnce(Discovery) -> Discovery) -> Self {
        let addresses: Vec<_> =
            targets.iter().map(|target| LocalAddress::new(target.address.port(), "/metrics")).collect();
        let pool = pool();
        let discovery = Discovery::new(Arc::clone(&pool), &addresses, PACE).every(PERIOD);
        Self { pool, task: tokio::spawn(more(discovery).run()) }
    }

    async fn wait_until(&self, what: &str, holds: impl Fn(&Scrapers) -> bool) {
        let wait = async {
            while !holds(&self.pool) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn an_engine_that_starts_later_becomes_a_target_and_is_not_searched_for_again() {
    let engine = FakeTarget::serving(SGLANG).await;
    let other = FakeTarget::serving("process_cpu_seconds_total 1\n").await;
    engine.set_behaviour(None);
    let searching = Searching::at(&[&engine, &other], |discovery| discovery);
    other.wait_for("GET ", 2).await;
    assert!(!searching.pool.has_instance(&engine.instance()));
    engine.set_behaviour(Some(metrics_page(SGLANG)));
    searching.wait_until("the engine is found", |pool| pool.has_instance(&engine.instance())).await;
    // Discovery does not request the engine again. Its first scrape follows within a second, and with it a health
    // probe.
    let (engine_count, other_count) = (engine.count("GET "), other.count("GET "));
    other.wait_for("GET ", other_count + 2).await;
    assert!(engine.count("GET ") <= engine_count + 2);
    assert!(!searching.pool.has_instance(&other.instance()));
}

#[tokio::test]
async fn a_server_without_a_page_of_an_engine_is_asked_ever_more_rarely() {
    let without = FakeTarget::start(status("404 Not Found")).await;
    let other = FakeTarget::serving("process_cpu_seconds_total 1\n").await;
    let _searching = Searching::at(&[&without, &other], |discovery| discovery);
    let started = tokio::time::Instant::now();
    without.wait_for("GET ", 5).await;
    // Pauses of 2, 4, 8 and 16 periods, each half a period shorter.
    assert!(started.elapsed() >= PERIOD * 28, "{:?}", started.elapsed());
    assert!((3..=7).contains(&other.count("GET ")), "{}", other.count("GET "));
}

/// What a fake router of llama.cpp answers: its models with their states, and the page of one that is loaded.
fn router(models: Arc<Mutex<Vec<(&'static str, &'static str)>>>) -> Behaviour {
    let page = metrics_page("llamacpp:requests_processing 1\n");
    let bad = status("400 Bad Request");
    Arc::new(move |head, stream| {
        let all = models.lock().expect("a lock").clone();
        let is_loaded = |name: &str| all.iter().any(|(own, state)| *own == name && *state == "loaded");
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        match path.as_str() {
            "/models" => {
                let list = all.iter().map(|(name, state)| {
                    serde_json::json!({ "id": name, "status": { "value": state, "args": ["llama-server"] } })
                });
                let body = serde_json::json!({ "data": list.collect::<Vec<_>>() }).to_string();
                answer("Content-Type: application/json\r\n", body.as_bytes())(head, stream)
            }
            "/metrics?model=a&autoload=false" if is_loaded("a") => page(head, stream),
            "/metrics?model=b&autoload=false" if is_loaded("b") => page(head, stream),
            _ => bad(head, stream),
        }
    })
}

#[tokio::test]
async fn the_loaded_models_of_llama_cpps_router_are_targets_and_none_is_ever_loaded() {
    let models = Arc::new(Mutex::new(vec![("a", "loaded"), ("b", "unloaded"), ("c", "sleeping")]));
    let server = FakeTarget::start(router(Arc::clone(&models))).await;
    let searching = Searching::at(&[&server], |discovery| discovery);
    server.wait_for("GET /metrics?model=a&autoload=false", 1).await;
    *models.lock().expect("a lock") = vec![("a", "sleeping"), ("b", "loaded")];
    server.wait_for("GET /metrics?model=b&autoload=false", 1).await;
    let key = |model: &str| format!("{}/metrics?model={model}&autoload=false", server.url());
    searching.wait_until("a model that sleeps is left alone", |pool| !pool.has_key(&key("a"))).await;
    assert!(searching.pool.has_key(&key("b")));
    // Every request for a metrics page forbids to load the model.
    let heads = server.requests.lock().expect("a lock").clone();
    let of_models = heads.iter().filter(|head| head.starts_with("GET /metrics?"));
    assert!(of_models.clone().all(|head| head.contains("autoload=false") && !head.contains("model=c")), "{heads:?}");
    // Once an ordinary server is in its place, nothing is left of the router.
    server.set_behaviour(Some(metrics_page(SGLANG)));
    searching.wait_until("the router is gone", |pool| !pool.has_key(&key("b"))).await;
    searching.wait_until("the server is found", |pool| pool.has_key(&format!("{}/metrics", server.url()))).await;
}

#[tokio::test]
async fn a_process_that_names_its_port_is_found_where_it_listens() {
    let engine = FakeTarget::serving(SGLANG).await;
    let socket = |port: u16, inode: u32| format!("0: 0100007F:{port:04X} 00000000:0000 0A 0:0 00:0 0 0 0 {inode} 1\n");
    let proc = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = proc.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let unnamed = FakeTarget::serving(SGLANG).await;
    let tcp =
        [(engine.address.port(), 101), (unnamed.address.port(), 102)].map(|(port, inode)| socket(port, inode)).concat();
    write("net/tcp", &format!("  sl  local_address\n{tcp}"));
    write("42/stat", "42 (python3) S 1 42 42 0 -1 0 0 0 0 0 1 1 1 1 20 0 1 0 9 1 1");
    write("42/cmdline", &format!("python3\0-m\0sglang.launch_server\0--port\0{}\0", engine.address.port()));
    std::fs::create_dir_all(proc.path().join("42/fd")).expect("a folder");
    for (number, inode) in [(3, 101), (4, 102)] {
        let link = proc.path().join(format!("42/fd/{number}"));
        std::os::unix::fs::symlink(format!("socket:[{inode}]"), link).expect("a link");
    }
    let paths = HostPaths { proc: proc.path().to_owned(), sys: "/sys".into(), root: None };
    let attribution = Arc::new(Attribution::new(paths, None, None));
    let searching = Searching::at(&[], |discovery| discovery.with_processes(Some(attribution)));
    searching.wait_until("the engine is found", |pool| pool.has_instance(&engine.instance())).await;
    // Its other sockets may belong to a protocol that a request would disturb.
    assert_eq!(unnamed.count("GET "), 0);
}

#[tokio::test]
async fn a_server_in_a_container_is_found_through_the_runtimes_socket() {
    let engine = FakeTarget::serving(SGLANG).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("docker.sock");
    let runtime = tokio::net::UnixListener::bind(&path).expect("a socket");
    let body = serde_json::json!([{
        "Names": ["/chat"], "Image": "lmsysorg/sglang:v0.5.23", "Command": "sglang",
        "Ports": [{ "IP": "127.0.0.1", "PrivatePort": 30000, "PublicPort": engine.address.port(), "Type": "tcp" }],
    }])
    .to_string();
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = runtime.accept().await {
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let is_expected = request[..length].starts_with(b"GET /containers/json HTTP/1.0\r\n");
            let status = if is_expected { "200 OK" } else { "400 Bad Request" };
            let response = format!("HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}");
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    let missing = Searching::at(&[], |discovery| discovery.with_containers(Some(folder.path().join("none.sock"))));
    let searching = Searching::at(&[], |discovery| discovery.with_containers(Some(path)));
    searching.wait_until("the engine is found", |pool| pool.has_instance(&engine.instance())).await;
    assert!(!missing.pool.has_instance(&engine.instance()) && !missing.task.is_finished());
    serving.abort();
}
