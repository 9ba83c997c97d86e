//! Tests of the Helm chart, as helm has rendered it: that the renderings are of this chart, that the Kubernetes API takes
//! every field of them, and that their parts fit together.
use crate::packaged::{repository, succeeds};
use inferboard_tests::{Companion, skipped};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The sets of values that are rendered.
const SETS: [&str; 3] = ["default", "fleet", "gpus"];

fn chart() -> PathBuf {
    repository().join("deploy/helm/inferboard")
}

fn rendering(set: &str) -> String {
    let path = repository().join(format!("tests/fixtures/charts/{set}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a file in YAML.
fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

/// The digest of all files of the chart, as the script that renders it computes it.
fn digest() -> String {
    let mut files = Vec::new();
    collect(&chart(), &mut files);
    let names = files.iter().map(|path| path.strip_prefix(chart()).expect("below the chart").to_string_lossy());
    let mut names: Vec<_> = names.collect();
    names.sort();
    let mut hashed = Sha256::new();
    for name in names {
        hashed.update(format!("{name}\n"));
        hashed.update(fs::read(chart().join(&*name)).expect("a file"));
    }
    hashed.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_renderings_are_of_this_chart() {
    let digest = digest();
    for set in SETS {
        let first = rendering(set).lines().next().unwrap_or_default().to_owned();
        assert!(
            first.contains(&digest),
            "the chart has changed since {set} was rendered: run scripts/chart, with helm"
        );
    }
    let text = fs::read_to_string(chart().join("Chart.yaml")).expect("Chart.yaml");
    for key in ["version", "appVersion"] {
        assert!(
            text.contains(&format!("\n{key}: {}\n", env!("CARGO_PKG_VERSION"))),
            "{key} is not that of the program"
        );
    }
}

#[test]
fn helm_renders_the_same_and_refuses_wrong_values() {
    if !Command::new("helm").arg("version").output().is_ok_and(|output| output.status.success()) {
        skipped("rendering the chart again: there is no helm");
        return;
    }
    let mut command = Command::new(repository().join("scripts/chart"));
    command.arg("--check");
    succeeds(command);
}

/// A ServiceMonitor, as far as the chart has one. Source: the API reference of prometheus-operator, monitoring.coreos.com/v1.
mod operator {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(super) struct ServiceMonitor {
        api_version: String,
        kind: String,
        metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
        spec: Spec,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Spec {
        selector: k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
        endpoints: Vec<Endpoint>,
        namespace_selector: Option<Value>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Endpoint {
        port: String,
        path: String,
        interval: String,
        honor_labels: bool,
        relabelings: Option<Vec<Relabeling>>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Relabeling {
        source_labels: Vec<String>,
        target_label: String,
    }
}

/// Reads an object as the API's type and writes it again: what the type does not know is lost, and found so.
fn survives<T: DeserializeOwned + Serialize>(object: &Value) {
    let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}\n{object:#}"));
    assert_eq!(without_nulls(&serde_json::to_value(typed).expect("JSON")), without_nulls(object));
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_api_takes_every_field() {
    for set in SETS {
        for object in documents(&rendering(set)) {
            match text(&object["kind"]) {
                "ClusterRole" => survives::<ClusterRole>(&object),
                "ClusterRoleBinding" => survives::<ClusterRoleBinding>(&object),
                "ConfigMap" => survives::<ConfigMap>(&object),
                "DaemonSet" => survives::<DaemonSet>(&object),
                "Deployment" => survives::<Deployment>(&object),
                "NetworkPolicy" => survives::<NetworkPolicy>(&object),
                "PersistentVolumeClaim" => survives::<PersistentVolumeClaim>(&object),
                "Role" => survives::<Role>(&object),
                "RoleBinding" => survives::<RoleBinding>(&object),
                "Service" => survives::<Service>(&object),
                "ServiceAccount" => survives::<ServiceAccount>(&object),
                "ServiceMonitor" => survives::<operator::ServiceMonitor>(&object),
                other => panic!("{set} has a {other}, which no type here describes"),
            }
        }
    }
}

#[test]
fn an_unknown_field_is_found() {
    let object = serde_json::json!({ "apiVersion": "v1", "kind": "Service", "spec": { "prots": [] } });
    assert!(std::panic::catch_unwind(|| survives::<Service>(&object)).is_err());
}

/// The objects of a set by kind and name.
fn objects(set: &str) -> BTreeMap<(String, String), Value> {
    let mut objects = BTreeMap::new();
    for object in documents(&rendering(set)) {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let name = format!("{namespace}/{}", text(&object["metadata"]["name"]));
        let key = (text(&object["kind"]).to_owned(), name);
        assert!(objects.insert(key.clone(), object).is_none(), "{set} has two of {key:?}");
    }
    objects
}

fn kinds(set: &str) -> Vec<String> {
    objects(set).into_keys().map(|(kind, _)| kind).collect()
}

#[test]
fn each_set_of_values_makes_what_it_says() {
    let common = ["ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim"];
    let own = ["Role", "RoleBinding", "Service", "ServiceAccount"];
    assert_eq!(kinds("default"), [&common[..], &own].concat());
    let fleet = kinds("fleet");
    assert!(["ClusterRole", "ServiceMonitor"].iter().all(|kind| fleet.iter().any(|own| own == kind)), "{fleet:?}");
    assert!(!fleet.iter().any(|kind| kind == "Role"), "{fleet:?}");
    let gpus = kinds("gpus");
    assert_eq!(gpus.iter().filter(|kind| *kind == "Role").count(), 3, "one for each namespace, that of the GPUs too");
    assert!(gpus.iter().any(|kind| kind == "DaemonSet"));
    for absent in ["PersistentVolumeClaim", "ServiceAccount", "NetworkPolicy"] {
        assert!(!gpus.iter().any(|kind| kind == absent), "{gpus:?}");
    }
}

#[test]
fn the_parts_of_the_chart_fit_together() {
    for set in SETS {
        let objects = objects(set);
        let workloads: Vec<_> =
            objects.iter().filter(|((kind, _), _)| kind == "Deployment" || kind == "DaemonSet").collect();
        let pods: Vec<_> = workloads.iter().map(|(_, object)| &object["spec"]["template"]).collect();
        assert!(!pods.is_empty());
        for (name, object) in &workloads {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            assert!(selects(&object["spec"]["selector"]["matchLabels"], labels), "{name:?}");
        }
        for ((kind, name), object) in &objects {
            let selected = match &**kind {
                "Service" => pods.iter().filter(|pod| selects(&object["spec"]["selector"], &pod["metadata"]["labels"])),
                _ => continue,
            };
            let selected: Vec<_> = selected.collect();
            assert_eq!(selected.len(), 1, "{name} selects one workload");
            let port = &selected[0]["spec"]["containers"][0]["ports"][0];
            assert_eq!(object["spec"]["ports"][0]["targetPort"], port["name"]);
        }
        for pod in &pods {
            check_pod(pod, &objects);
        }
    }
}

/// What every pod keeps to: no rights, nothing to write but its data, volumes that exist.
fn check_pod(pod: &Value, objects: &BTreeMap<(String, String), Value>) {
    let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    let volumes = spec["volumes"].as_array().expect("volumes");
    for mount in container["volumeMounts"].as_array().expect("mounts") {
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
        let is_data = mount["mountPath"] == "/var/lib/inferboard";
        assert_eq!(mount["readOnly"] != true, is_data, "{mount}");
    }
    for volume in volumes {
        let named =
            [("configMap", "name", "ConfigMap"), ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim")];
        for (field, name, kind) in named {
            if let Some(name) = volume[field][name].as_str() {
                assert!(objects.contains_key(&(kind.to_owned(), format!("metrics/{name}"))), "{kind} {name}");
            }
        }
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().expect("a selector");
    !selector.is_empty() && selector.iter().all(|(name, value)| &labels[name] == value)
}

/// The companion itself reads each configuration of the chart, and knows all of its flags.
#[test]
fn the_companion_takes_the_configurations() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inferboard.toml");
    let mut count = 0;
    for set in SETS {
        for ((_, name), object) in objects(set).iter().filter(|((kind, _), _)| kind == "ConfigMap") {
            let configuration = text(&object["data"]["inferboard.toml"]);
            // Its secrets are not here.
            let readable = configuration.replace("write_token_file = ", "# ");
            fs::write(&file, readable).expect("a file");
            let arguments = ["export", "prometheus-config", "--url", "http://inferboard:7117", "--config"];
            let printed = Companion::printed(&[&arguments[..], &[&*file.to_string_lossy()]].concat());
            assert!(printed.as_deref().is_ok_and(|text| text.contains("inferboard:7117")), "{set} {name}: {printed:?}");
            count += 1;
        }
    }
    assert_eq!(count, 4);
    let help = Companion::printed(&["serve", "--help"]).expect("the help");
    for set in SETS {
        for pod in objects(set).values().filter(|object| object["spec"]["template"].is_object()) {
            let arguments = pod["spec"]["template"]["spec"]["containers"][0]["args"].as_array().expect("arguments");
            for flag in arguments.iter().map(text).filter_map(|argument| argument.split('=').next()).skip(1) {
                assert!(help.contains(flag), "{flag} is no flag of serve");
            }
        }
    }
}

/// The chart gives the rights that the documents list.
#[test]
fn the_rights_are_those_of_the_documents() {
    let documented = fs::read_to_string(repository().join("docs/kubernetes-rbac.yaml")).expect("the role");
    let documented = documents(&documented).into_iter().find(|object| object["kind"] == "Role").expect("a role");
    for (set, kind) in [("default", "Role"), ("fleet", "ClusterRole"), ("gpus", "Role")] {
        for (_, object) in objects(set).iter().filter(|((own, _), _)| own == kind) {
            assert_eq!(object["rules"], documented["rules"], "{set}");
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
