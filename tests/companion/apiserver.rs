//! A Kubernetes API server that is played: lists, and watches that replay what happened since a resource version.
use crate::harness::{Behaviour, FakeTarget, raw};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The namespace of everything.
pub(crate) const NAMESPACE: &str = "inference";

/// The server. Clones play on one stage.
#[derive(Clone)]
pub(crate) struct ApiServer {
    stage: Arc<Mutex<Stage>>,
    changed: watch::Sender<()>,
}

struct Stage {
    /// Objects by resource (`pods`) and name.
    objects: BTreeMap<(String, String), Value>,
    /// Events of watches: resource, version and line.
    events: Vec<(String, u64, String)>,
    version: u64,
    /// What is answered to all requests of a resource.
    refused: BTreeMap<String, &'static str>,
    /// Watches that began under an older number end.
    generation: u64,
    /// Watches end as soon as they have told the news.
    is_hasty: bool,
}

impl ApiServer {
    pub(crate) fn new() -> Self {
        let stage = Stage {
            objects: BTreeMap::new(),
            events: Vec::new(),
            version: 100,
            refused: BTreeMap::new(),
            generation: 0,
            is_hasty: false,
        };
        Self { stage: Arc::new(Mutex::new(stage)), changed: watch::Sender::new(()) }
    }

    pub(crate) async fn start(&self) -> FakeTarget {
        FakeTarget::start(self.behaviour()).await
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        let own = self.clone();
        Arc::new(move |head, stream| {
            let own = own.clone();
            Box::pin(async move { own.answer(head, stream).await })
        })
    }

    /// Puts an object there, or another version of it, and tells those who watch.
    pub(crate) fn apply(&self, resource: &str, object: Value) {
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        self.change(|stage| {
            let object = stage.versioned(object);
            let known = stage.objects.insert((resource.into(), name), object.clone());
            stage.emit(resource, if known.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        });
    }

    /// Takes an object away.
    pub(crate) fn delete(&self, resource: &str, name: &str) {
        self.change(|stage| {
            let object = stage.objects.remove(&(resource.into(), name.into())).expect("an object");
            let object = stage.versioned(object);
            stage.emit(resource, "DELETED", &object);
        });
    }

    /// Takes an object away of which no watch is told, as its history is lost: those who watch get 410.
    pub(crate) fn lose(&self, resource: &str, name: &str) {
        self.change(|stage| {
            stage.objects.remove(&(resource.into(), name.into())).expect("an object");
            stage.version += 1;
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "too old resource version: 1 (2)", "reason": "Expired", "code": 410});
            stage.emit(resource, "ERROR", &status);
        });
    }

    /// Ends all watches that run.
    pub(crate) fn disconnect(&self) {
        self.change(|stage| stage.generation += 1);
    }

    /// Ends watches as soon as they have told the news, from now on.
    pub(crate) fn hurry(&self) {
        self.change(|stage| {
            stage.is_hasty = true;
            stage.generation += 1;
        });
    }

    /// Answers with this status line to all requests of a resource from now on, or as before; `pods?watch` are those that
    /// watch.
    pub(crate) fn refuse(&self, resource: &str, status: Option<&'static str>) {
        self.change(|stage| {
            stage.generation += 1;
            stage.refused.remove(resource);
            stage.refused.extend(status.map(|status| (resource.to_owned(), status)));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Stage)) {
        change(&mut self.stage());
        self.changed.send_replace(());
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().expect("a lock")
    }

    async fn answer(self, head: String, stream: TcpStream) {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let resource = path.rsplit('/').next().unwrap_or_default().to_owned();
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let watches = parameter("watch") == Some("true");
        let refused = self.stage().refusal(&resource, watches);
        if !path.contains(&format!("/namespaces/{NAMESPACE}/")) {
            return refuse("404 Not Found")(head, stream).await;
        }
        match refused {
            Some(status) => refuse(status)(head, stream).await,
            None if watches => {
                let since = parameter("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
                // Whoever watches may go.
                let _ = self.stream(&resource, since, stream).await;
            }
            None => {
                let list = self.stage().list(&resource);
                json_answer("200 OK", &list)(head, stream).await;
            }
        }
    }

    async fn stream(&self, resource: &str, mut since: u64, mut stream: TcpStream) -> std::io::Result<()> {
        let mut changed = self.changed.subscribe();
        let generation = self.stage().generation;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n").await?;
        loop {
            changed.borrow_and_update();
            let (lines, now) = self.stage().since(resource, since, generation);
            let Some(lines) = lines else { return stream.shutdown().await };
            since = now;
            stream.write_all(lines.as_bytes()).await?;
            if self.stage().is_hasty {
                return stream.shutdown().await;
            }
            if changed.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}

impl Stage {
    fn versioned(&mut self, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        object["metadata"]["namespace"] = NAMESPACE.into();
        object
    }

    fn emit(&mut self, resource: &str, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        self.events.push((resource.to_owned(), self.version, line));
    }

    fn list(&self, resource: &str) -> Value {
        let of_it = self.objects.iter().filter(|((own, _), _)| own == resource);
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()},
            "items": of_it.map(|(_, object)| object).collect::<Vec<_>>()})
    }

    fn refusal(&self, resource: &str, watches: bool) -> Option<&'static str> {
        let of_watches = self.refused.get(&format!("{resource}?watch")).filter(|_| watches);
        of_watches.or_else(|| self.refused.get(resource)).copied()
    }

    /// The events after a version, and the version now; none for watches of an older generation.
    fn since(&self, resource: &str, since: u64, generation: u64) -> (Option<String>, u64) {
        let news = self.events.iter().filter(|(own, version, _)| own == resource && *version > since);
        let lines = news.map(|(.., line)| line.as_str()).collect();
        ((generation == self.generation).then_some(lines), self.version)
    }
}

fn refuse(status: &str) -> Behaviour {
    let code: u16 = status.split(' ').next().and_then(|code| code.parse().ok()).expect("a code");
    let reason = status.split_once(' ').map_or("", |(_, reason)| reason);
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "pods is forbidden: CANARY", "reason": reason, "code": code});
    json_answer(status, &body)
}

fn json_answer(status: &str, body: &Value) -> Behaviour {
    let body = body.to_string();
    let length = body.len();
    raw(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

/// A kubeconfig for the server at `address`.
pub(crate) fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"http://{address}\"}}}}]\n\
         users: [{{name: test, user: {{}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test, namespace: {NAMESPACE}}}}}]\n"
    )
}
