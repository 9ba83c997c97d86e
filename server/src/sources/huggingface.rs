//! Hugging Face Inference Endpoints: reads an endpoint's state from the platform's API.
use crate::sources::families::FamilyBuilder;
use crate::target::failure::Failure;
use catalogue::contract::names;
use exposition::{Family, Kind};
use serde::Deserialize;

/// The endpoint's possible states. Source: `InferenceEndpointStatus` of huggingface_hub.
const STATES: [&str; 8] =
    ["pending", "initializing", "updating", "updateFailed", "running", "paused", "failed", "scaledToZero"];

/// The fields that are read of `GET /v2/endpoint/{namespace}/{name}`. The others, such as secrets, are skipped.
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

/// The families of the response `body`: numbers of replicas, the state, and the endpoint's properties as labels.
pub(crate) fn state_families(body: &[u8]) -> Result<Vec<Family>, Failure> {
    let Endpoint { status, compute, model, provider } =
        serde_json::from_slice(body).map_err(|error| Failure::Parse { line: error.line(), column: error.column() })?;
    let Scaling { min_replica, max_replica } = compute.scaling;
    let starting = status.target_replica.zip(status.ready_replica).map(|(target, ready)| (target - ready).max(0.0));
    let counts = [
        (names::REPLICAS_ACTIVE, "Replicas that are ready.", status.ready_replica),
        (names::REPLICAS_STARTING, "Replicas that are wanted and not ready yet.", starting),
        (names::REPLICAS_DESIRED, "Replicas that are wanted now.", status.target_replica),
        (names::REPLICAS_MIN, "The minimum number of replicas to scale to.", min_replica),
        (names::REPLICAS_MAX, "The maximum number of replicas to scale to.", max_replica),
    ];
    let mut families = FamilyBuilder::default();
    for (name, help, value) in counts {
        if let Some(value) = value {
            families.family(name, Kind::Gauge, help);
            families.sample(&[], value);
        }
    }
    let help = "1 for the state the endpoint is in, 0 for the others.";
    families.family(names::ENDPOINT_STATE, Kind::Gauge, help);
    for state in STATES {
        families.sample(&[("state", state)], f64::from(state == status.state));
    }
    let properties = [
        ("repository", &model.repository),
        ("revision", &model.revision),
        ("accelerator", &compute.accelerator),
        ("instance_type", &compute.instance_type),
        ("instance_size", &compute.instance_size),
        ("vendor", &provider.vendor),
        ("region", &provider.region),
    ];
    let labels: Vec<_> = properties.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    families.family(names::ENDPOINT_INFO, Kind::Gauge, "Always 1; the endpoint's properties are in the labels.");
    families.sample(&labels, 1.0);
    Ok(families.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::{Encoding, write};

    fn state_page(body: &[u8]) -> Result<String, Failure> {
        let mut page = String::new();
        write(&state_families(body)?, Encoding::TEXT, &mut page);
        Ok(page)
    }

    #[test]
    fn an_endpoint_becomes_families() {
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
    fn missing_properties_have_no_samples() {
        let page = state_page(br#"{"status":{"state":"paused"}}"#).expect("a page");
        assert!(!page.contains("inferboard_replicas"), "{page}");
        assert!(page.contains("{state=\"paused\"} 1"), "{page}");
        let failure = state_page(b"{\n<html>").expect_err("no JSON");
        assert_eq!(failure, Failure::Parse { line: 2, column: 1 });
    }
}
