//! Sentences for missing graphs.
use super::*;
use crate::{detect, graph};

fn missing(id: &str, names: &[&str], targets: usize, targets_up: usize, failures: &[&str]) -> Option<String> {
    let engines = detect(names.iter().copied());
    let present = |name: &str| names.contains(&name);
    let status = ScopeStatus { targets, targets_up, failures, gpu_faults: &[], engines: &engines, present: &present };
    missing_reason(graph(id).expect("a graph"), &status).map(|reason| reason.to_string())
}

#[test]
fn gpus_that_the_companion_cannot_measure_have_a_reason() {
    let missing = |id: &str, gpu_faults: &[&str]| {
        let present = |_: &str| false;
        let status =
            ScopeStatus { targets: 1, targets_up: 1, failures: &[], gpu_faults, engines: &[], present: &present };
        missing_reason(graph(id).expect("a graph"), &status).expect("a reason").to_string()
    };
    let lost = missing("gpu-power", &["gpu_lost"]);
    assert!(lost.contains("(gpu_lost): a GPU fell off the bus") && lost.contains("DCGM"), "{lost}");
    assert!(!lost.contains("NVML"), "{lost}");
    assert!(missing("gpu-power", &["hang", "no_gpu"]).contains("(hang, no_gpu). GPUs of other machines"));
    assert!(missing("gpu-power", &[]).contains("and NVML"));
    assert!(!missing("cpu", &["gpu_lost"]).contains("GPUs"));
    assert!(missing("gpu-power", &["of_a_newer_companion"]).contains("(of_a_newer_companion). GPUs"));
}

#[test]
fn each_reason_says_what_to_do() {
    let vllm = ["vllm:num_requests_running"];
    for (id, names, targets, answering, failures, expected) in [
        ("running-and-waiting", &vllm[..], 1, 1, &[][..], None),
        ("volume", &[], 0, 0, &[], Some("Nothing is scraped here yet")),
        ("volume", &[], 2, 0, &["connect"], Some("(connect): the connection was refused: is the server")),
        ("volume", &[], 2, 0, &["status"], Some("SGLang needs --enable-metrics; ")),
        ("volume", &[], 2, 0, &["series_cap"], Some("(series_cap): the companion's store")),
        ("volume", &[], 2, 0, &["secret_echo"], Some("repeats the credentials that it was requested with")),
        ("volume", &[], 2, 0, &["of_a_newer_companion"], Some("(of_a_newer_companion). Check each target's")),
        ("volume", &[], 2, 0, &["dns", "tls"], Some("(dns, tls). Check each target's log and address.")),
        ("kv-cache-use", &["my_metric"], 1, 1, &[], Some("without metrics of a known engine")),
        (
            "kv-cache-use",
            &["tgi_queue_size"],
            1,
            1,
            &[],
            Some("TGI does not export this. Engines that do: vLLM, SGLang"),
        ),
        ("compute-use", &vllm, 1, 1, &[], Some("vLLM exports this with --enable-mfu-metrics.")),
        ("cached-tokens", &vllm, 1, 1, &[], Some("vLLM exports this since version 0.33")),
        ("end-to-end-latency", &vllm, 1, 1, &[], Some("vLLM exports this, but has not yet")),
        ("gpu-power", &vllm, 1, 1, &[], Some("It can come from Triton, DCGM, nvidia-smi, AMD, ")),
    ] {
        let found = missing(id, names, targets, answering, failures);
        match expected {
            None => assert_eq!(found, None, "{id}"),
            Some(part) => assert!(found.as_ref().is_some_and(|text| text.contains(part)), "{id}: {found:?}"),
        }
    }
}
