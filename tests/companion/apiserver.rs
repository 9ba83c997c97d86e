//! A fake Kubernetes API server: lists, and watches that replay events since a resource version.
use crate::harness::{Behaviour, FakeTarget, raw};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The namespace of all objects.
pub(crate) const NAMESPACE: &str = "inference";

/// The server. Clones share its state.
#[derive(Clone)]
pub(crate) struct ApiServer {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
}

struct State {
    /// Objects by resource (`pods`) and name.
    objects: BTreeMap<(String, String), Value>,
    /// Events of watches: resource, version and line.
    events: Vec<(String, u64, String)>,
    version: u64,
    /// The status lines that answer all requests for a resource.
    refused: BTreeMap<String, &'static str>,
    /// Watches of an older generation end.
    generation: u64,
    /// Whether each watch ends once it has sent the known events.
    ends_watches_early: bool,
}

impl ApiServer {
    pub(crate) fn new() -> Self {
        let state = State {
            objects: BTreeMap::new(),
            events: Vec::new(),
            version: 100,
            refused: BTreeMap::new(),
            generation: 0,
            ends_watches_early: false,
        };
        Self { state: Arc::new(Mutex::new(state)), changed: watch::Sender::new(()) }
    }

    pub(crate) async fn start(&self) -> FakeTarget {
        FakeTarget::start(self.behaviour()).await
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        let server = self.clone();
        Arc::new(move |head, stream| {
            let server = server.clone();
            Box::pin(async move { server.answer(head, stream).await })
        })
    }

    /// Adds or replaces an object and sends the event to watches.
    pub(crate) fn apply(&self, resource: &str, object: Value) {
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        self.change(|state| {
            let object = state.versioned(object);
            let replaced = state.objects.insert((resource.into(), name), object.clone());
            state.emit(resource, if replaced.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        });
    }

    /// Deletes an object and sends the event to watches.
    pub(crate) fn delete(&self, resource: &str, name: &str) {
        self.change(|state| {
            let object = state.objects.remove(&(resource.into(), name.into())).expect("an object");
            let object = state.versioned(object);
            state.emit(resource, "DELETED", &object);
        });
    }

    /// Deletes an object as if its history had expired: watches get 410 instead of the event.
    pub(crate) fn expire(&self, resource: &str, name: &str) {
        self.change(|state| {
            state.objects.remove(&(resource.into(), name.into())).expect("an object");
            state.version += 1;
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "too old resource version: 1 (2)", "reason": "Expired", "code": 410});
            state.emit(resource, "ERROR", &status);
        });
    }

    /// Ends all running watches.
    pub(crate) fn disconnect(&self) {
        self.change(|state| state.generation += 1);
    }

    /// From now on, ends each watch once it has sent the known events.
    pub(crate) fn end_watches_early(&self) {
        self.change(|state| {
            state.ends_watches_early = true;
            state.generation += 1;
        });
    }

    /// From now on, answers all requests for a resource with `status`, or normally with `None`. `pods?watch` stands for
    /// the watches only.
    pub(crate) fn refuse(&self, resource: &str, status: Option<&'static str>) {
        self.change(|state| {
            state.generation += 1;
            state.refused.remove(resource);
            state.refused.extend(status.map(|status| (resource.to_owned(), status)));
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a lock")
    }

    async fn answer(self, head: String, stream: TcpStream) {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let resource = path.rsplit('/').next().unwrap_or_default().to_owned();
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let is_watch = parameter("watch") == Some("true");
        let refused = self.state().refusal(&resource, is_watch);
        if !path.contains(&format!("/namespaces/{NAMESPACE}/")) {
            return refuse("404 Not Found")(head, stream).await;
        }
        match refused {
            Some(status) => refuse(status)(head, stream).await,
            None if is_watch => {
                let since = parameter("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
                // The client may have disconnected.
                let _ = self.stream(&resource, since, stream).await;
            }
            None => {
                let list = self.state().list(&resource);
                json_answer("200 OK", &list)(head, stream).await;
            }
        }
    }

    async fn stream(&self, resource: &str, mut since: u64, mut stream: TcpStream) -> std::io::Result<()> {
        let mut changed = self.changed.subscribe();
        let generation = self.state().generation;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n").await?;
        loop {
            changed.borrow_and_update();
            let (lines, now) = self.state().since(resource, since, generation);
            let Some(lines) = lines else { return stream.shutdown().await };
            since = now;
            stream.write_all(lines.as_bytes()).await?;
            if self.state().ends_watches_early {
                return stream.shutdown().await;
            }
            if changed.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}

impl State {
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
        let objects = self.objects.iter().filter(|((own, _), _)| own == resource);
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()},
            "items": objects.map(|(_, object)| object).collect::<Vec<_>>()})
    }

    fn refusal(&self, resource: &str, is_watch: bool) -> Option<&'static str> {
        let of_watch = self.refused.get(&format!("{resource}?watch")).filter(|_| is_watch);
        of_watch.or_else(|| self.refused.get(resource)).copied()
    }

    /// The events after a version, or `None` for watches of an older generation, and the current version.
    fn since(&self, resource: &str, since: u64, generation: u64) -> (Option<String>, u64) {
        let events = self.events.iter().filter(|(own, version, _)| own == resource && *version > since);
        let lines = events.map(|(.., line)| line.as_str()).collect();
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
