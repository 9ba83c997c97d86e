//! llama.cpp's router, which has a metrics page for each of its models.
//! Source: "Using multiple models" in tools/server/README.md of its repository.
use super::candidate::Candidate;
use super::{METRICS, TIMEOUT};
use crate::scrape::fetch::Client;
use crate::scrape::scrapers::Scrapers;
use crate::target::failure::Failure;
use crate::target::identity::Identity;
use crate::target::{Endpoint, Pace, Source, Target};
use reqwest::Url;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tracing::info;

/// The maximum number of models of one router that are scraped.
const MAX_MODELS: usize = 64;

/// The longest name of a model.
const MAX_NAME_BYTES: usize = 200;

/// The id of the engine in the catalogue.
const ENGINE: &str = "llamacpp";

/// The state of a model that answers without being loaded first.
const LOADED: &str = "loaded";

/// With this argument a model is put to sleep when it has not been asked for a while, and a scrape would keep it awake.
const SLEEPS: &str = "--sleep-idle-seconds";

/// The routers that were found.
#[derive(Debug, Default)]
pub(super) struct Routers(BTreeMap<String, Router>);

#[derive(Debug)]
struct Router {
    /// The address whose metrics page wants a model.
    candidate: Candidate,
    /// The keys of the targets, by model.
    scraped: BTreeMap<String, String>,
    /// The models that were said to be left alone.
    left_alone: BTreeSet<String>,
}

/// The answer of `/models`.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Model>,
}

#[derive(Debug, Deserialize)]
struct Model {
    id: String,
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Status {
    value: String,
    #[serde(default)]
    args: Vec<String>,
}

impl Model {
    /// Whether a request for its metrics page neither loads it nor keeps it awake.
    fn is_free_to_ask(&self) -> bool {
        let after = self.status.args.iter().position(|arg| arg == SLEEPS).and_then(|at| self.status.args.get(at + 1));
        let sleeps = after.is_some_and(|seconds| seconds.parse::<i64>().is_ok_and(|seconds| seconds > 0));
        self.status.value == LOADED && !sleeps
    }

    fn has_valid_name(&self) -> bool {
        !self.id.is_empty() && self.id.len() <= MAX_NAME_BYTES && !self.id.chars().any(char::is_control)
    }
}

impl Routers {
    /// Whether the address is that of a router that was found.
    pub(super) fn has(&self, candidate: &Candidate) -> bool {
        self.0.contains_key(&candidate.instance)
    }

    /// Follows the models of the server at this address from now on, if it is a router.
    pub(super) async fn add(&mut self, scrapers: &Scrapers, candidate: &Candidate) -> bool {
        let is_router = matches!(reply(scrapers.client(), candidate).await, Reply::Models(_));
        if is_router {
            info!(instance = ?candidate.instance, "found llama.cpp's router");
            let router = Router { candidate: candidate.clone(), scraped: BTreeMap::new(), left_alone: BTreeSet::new() };
            self.0.insert(candidate.instance.clone(), router);
        }
        is_router
    }

    /// Scrapes the models that are loaded now, and no others. Those of a router that does not answer stay targets.
    pub(super) async fn follow(&mut self, scrapers: &Scrapers, pace: Pace) {
        let mut gone = Vec::new();
        for (instance, router) in &mut self.0 {
            match reply(scrapers.client(), &router.candidate).await {
                Reply::Models(models) => router.update(scrapers, &models, pace),
                Reply::Other => {
                    router.update(scrapers, &[], pace);
                    gone.push(instance.clone());
                }
                Reply::Silent => {}
            }
        }
        for instance in gone {
            self.0.remove(&instance);
        }
    }
}

impl Router {
    fn update(&mut self, scrapers: &Scrapers, models: &[Model], pace: Pace) {
        let free: Vec<&Model> = models.iter().filter(|model| model.is_free_to_ask()).take(MAX_MODELS).collect();
        for model in models.iter().filter(|model| model.status.value == LOADED && !model.is_free_to_ask()) {
            if self.left_alone.insert(model.id.clone()) {
                info!(model = ?model.id, "a scrape would keep the model awake, so it is left alone; configure a target to scrape it");
            }
        }
        self.scraped.retain(|name, key| {
            let stays = free.iter().any(|model| model.id == *name);
            if !stays {
                scrapers.remove(key);
            }
            stays
        });
        for model in free {
            if !self.scraped.contains_key(&model.id) {
                let target = self.target(&model.id, pace);
                self.scraped.insert(model.id.clone(), target.key().to_owned());
                info!(instance = ?self.candidate.instance, model = ?model.id, "found a model of llama.cpp's router");
                scrapers.add(target);
            }
        }
    }

    fn target(&self, model: &str, pace: Pace) -> Target {
        let mut url = self.candidate.url.clone();
        url.query_pairs_mut().append_pair("model", model).append_pair("autoload", "false");
        let instance = self.candidate.instance.clone();
        let identity = Identity {
            job: Some(ENGINE.to_owned()),
            model: Some(model.to_owned()),
            replica: Some(format!("{instance}/{model}")),
            instance,
            labels: self.candidate.labels(),
            ..Identity::default()
        };
        Target { source: Source::Http(Endpoint::open(url)), identity, pace }
    }
}

/// What an address answers when it is asked for a router's models.
enum Reply {
    /// It is a router, with these models.
    Models(Vec<Model>),
    /// It is another server.
    Other,
    /// It does not answer.
    Silent,
}

/// Asks for the models of the router at this address, which costs nothing: no model is loaded or woken.
async fn reply(client: &Client, candidate: &Candidate) -> Reply {
    let Some(url) = models_url(&candidate.url) else { return Reply::Other };
    let endpoint = Endpoint::open(url);
    match tokio::time::timeout(TIMEOUT, client.json(&endpoint, TIMEOUT)).await {
        Ok(Ok(body)) => parse(&body).map_or(Reply::Other, Reply::Models),
        Ok(Err(Failure::Status { code: 400..=499, .. })) => Reply::Other,
        Ok(Err(_)) | Err(_) => Reply::Silent,
    }
}

fn models_url(metrics: &Url) -> Option<Url> {
    let base = metrics.path().strip_suffix(METRICS)?;
    let mut url = metrics.clone();
    url.set_path(&format!("{base}/models"));
    url.set_query(None);
    Some(url)
}

/// The models in an answer; none if it is not that of a router, whose models have a state.
fn parse(body: &[u8]) -> Option<Vec<Model>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    Some(answer.data.into_iter().filter(Model::has_valid_name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_that_a_scrape_neither_loads_nor_keeps_awake_are_free_to_ask() {
        let answer = br#"{"data":[
            {"id":"a","status":{"value":"loaded","args":["llama-server","-c","4096"]}},
            {"id":"b","status":{"value":"unloaded"}},
            {"id":"c","status":{"value":"sleeping","args":["llama-server"]}},
            {"id":"d","status":{"value":"loading"}},
            {"id":"e","status":{"value":"loaded","args":["llama-server","--sleep-idle-seconds","60"]}},
            {"id":"f","status":{"value":"loaded","args":["llama-server","--sleep-idle-seconds","-1"]}}]}"#;
        let models = parse(answer).expect("models");
        let free: Vec<&str> =
            models.iter().filter(|model| model.is_free_to_ask()).map(|model| model.id.as_str()).collect();
        assert_eq!(free, ["a", "f"]);
        // The OpenAI API of other servers has no states.
        assert!(parse(br#"{"data":[{"id":"a"}]}"#).is_none() && parse(b"no").is_none());
    }
}
