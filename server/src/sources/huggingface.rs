//! The answer of Hugging Face's endpoint API about one endpoint, as a metrics page.
use crate::target::failure::Failure;
use catalogue::contract::names;
use exposition::{Encoding, Family, Kind, Sample, write};
use serde::Deserialize;

/// The endpoint's possible states. Source: `InferenceEndpointStatus` of huggingface_hub.
const STATES: [&str; 8] =
    ["pending", "initializing", "updating", "updateFailed", "running", "paused", "failed", "scaledToZero"];

/// What is read of `GET /v2/endpoint/{namespace}/{name}`; the rest, secrets among it, is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    status: Status,
    compute: Compute,
    model: Model,
    provider: Provider,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    state: String,
    ready_replica: Option<f64>,
    target_replica: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Compute {
    accelerator: Option<String>,
    instance_type: Option<String>,
    instance_size: Option<String>,
    scaling: Scaling,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Scaling {
    min_replica: Option<f64>,
    max_replica: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Model {
    repository: Option<String>,
    revision: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Provider {
    vendor: Option<String>,
    region: Option<String>,
}

/// The page that `body` comes to, as Prometheus text: replicas by what they are for, the state, and facts as labels.
pub(crate) fn state_page(body: &[u8]) -> Result<String, Failure> {
    let endpoint: Endpoint =
        serde_json::from_slice(body).map_err(|error| Failure::Parse { line: error.line(), column: error.column() })?;
    let mut page = String::new();
    write(&families(&endpoint), Encoding::from_accept("text/plain"), &mut page);
    Ok(page)
}

fn families(Endpoint { status, compute, model, provider }: &Endpoint) -> Vec<Family> {
    let Scaling { min_replica, max_replica } = compute.scaling;
    let starting = status.target_replica.zip(status.ready_replica).map(|(target, ready)| (target - ready).max(0.0));
    let counts = [
        (names::REPLICAS_ACTIVE, "Replicas that are ready.", status.ready_replica),
        (names::REPLICAS_STARTING, "Replicas that are wanted and not ready yet.", starting),
        (names::REPLICAS_DESIRED, "Replicas that are wanted now.", status.target_replica),
        (names::REPLICAS_MIN, "The least number of replicas to scale to.", min_replica),
        (names::REPLICAS_MAX, "The greatest number of replicas to scale to.", max_replica),
    ];
    let mut families: Vec<Family> = counts
        .into_iter()
        .filter_map(|(name, help, value)| Some(gauge(name, help, vec![sample(name, &[], value?)])))
        .collect();
    let name = names::ENDPOINT_STATE;
    let states = STATES.iter().map(|state| sample(name, &[("state", state)], f64::from(*state == status.state)));
    families.push(gauge(name, "1 for the state the endpoint is in, 0 for the others.", states.collect()));
    let name = names::ENDPOINT_INFO;
    let facts = [
        ("repository", &model.repository),
        ("revision", &model.revision),
        ("accelerator", &compute.accelerator),
        ("instance_type", &compute.instance_type),
        ("instance_size", &compute.instance_size),
        ("vendor", &provider.vendor),
        ("region", &provider.region),
    ];
    let facts: Vec<_> = facts.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    families.push(gauge(name, "Always 1; the facts are in the labels.", vec![sample(name, &facts, 1.0)]));
    families
}

fn gauge(name: &str, help: &str, samples: Vec<Sample>) -> Family {
    Family { name: name.into(), kind: Kind::Gauge, help: help.into(), unit: String::new(), samples }
}

fn sample(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sample { name: name.into(), labels, value, timestamp: None, exemplar: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_becomes_a_page() {
        let body = br#"{"name":"e","type":"protected","model":{"repository":"org/model","secrets":{"K":"CANARY"}},
            "compute":{"accelerator":"gpu","instanceType":"nvidia-l4","instanceSize":"x1",
                "scaling":{"minReplica":0,"maxReplica":4,"scaleToZeroTimeout":15}},
            "status":{"state":"initializing","message":"Endpoint is initializing","readyReplica":1,"targetReplica":3},
            "provider":{"vendor":"aws","region":"us-east-1"}}"#;
        let page = state_page(body).expect("a page");
        for line in [
            "inferboard_replicas_active 1.0",
            "inferboard_replicas_starting 2.0",
            "inferboard_replicas_desired 3.0",
            "inferboard_replicas_min 0.0",
            "inferboard_replicas_max 4.0",
            "inferboard_endpoint_state{state=\"initializing\"} 1.0",
            "inferboard_endpoint_state{state=\"running\"} 0.0",
        ] {
            assert!(page.lines().any(|other| other == line), "{line} in {page}");
        }
        assert!(page.contains("repository=\"org/model\"") && !page.contains("CANARY"), "{page}");
    }

    #[test]
    fn what_is_not_said_is_not_shown() {
        let page = state_page(br#"{"status":{"state":"paused"}}"#).expect("a page");
        assert!(!page.contains("inferboard_replicas"), "{page}");
        assert!(page.contains("{state=\"paused\"} 1"), "{page}");
        let failure = state_page(b"{\n<html>").expect_err("no JSON");
        assert_eq!(failure, Failure::Parse { line: 2, column: 1 });
    }
}
