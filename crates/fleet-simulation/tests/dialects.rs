//! The simulated metrics pages beside captured ones: names, types, labels and buckets.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
use catalogue::{detect, family_of};
use exposition::{Family, Format, Limits};
use fleet_simulation::{Answer, Fleet, Target, TargetKind, families, scenario};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// 1 December 2026, 12:00 UTC.
const NOW_MS: i64 = 1_796_126_400_000;

/// Each model's pages: one of each kind of target and deployment, after an upgrade.
fn pages() -> Vec<(Target, Vec<Family>)> {
    let scenario = scenario("upgrade", NOW_MS as f64 / 1000.0).expect("a scenario");
    let start_ms = NOW_MS - 2 * 3_600_000;
    let mut fleet = Fleet::new(1, start_ms, &scenario);
    let mut pages: BTreeMap<_, (Target, Vec<Family>)> = BTreeMap::new();
    for step in 1..=24 {
        fleet.run_until(start_ms + step * 300_000);
        fleet.scrape(&mut |target, answer| {
            if let Answer::Page(parts) = answer {
                let pool = target.replica.as_ref().is_some_and(|name| name.contains("-prefill-"));
                let key = (target.kind, target.model.clone(), target.deployment.clone(), pool);
                pages.insert(key, (target, families(&parts)));
            }
        });
    }
    pages.into_values().collect()
}

fn parse(path: &Path) -> Vec<Family> {
    let text = std::fs::read(path).expect("a capture");
    exposition::parse(&text, Format::Text, &Limits::default()).expect("a metrics page")
}

/// The bounds of a histogram's buckets, and the names of the labels of a family's samples without that of the bound.
fn shape(family: &Family) -> (BTreeSet<String>, BTreeSet<u64>) {
    let labels = family.samples.iter().flat_map(|sample| &sample.labels).map(|(name, _)| name.clone());
    let bounds = family.samples.iter().filter_map(|sample| {
        let (_, bound) = sample.labels.iter().find(|(name, _)| name == "le")?;
        Some(bound.replace("+Inf", "inf").parse::<f64>().expect("a number").to_bits())
    });
    (labels.filter(|name| name != "le").collect(), bounds.collect())
}

/// Labels of a process that says which one it is, which the simulation leaves out.
const LEFT_OUT: [&str; 2] = ["pid", "DCGM_FI_PROCESS_NAME"];

/// What differs between two pages in the families that both have, and how many those are.
fn differences(simulated: &[Family], captured: &[Family]) -> (Vec<String>, usize) {
    let (mut differences, mut common) = (Vec::new(), 0);
    for own in simulated {
        let Some(other) = captured.iter().find(|family| family.name == own.name) else { continue };
        common += 1;
        let ((own_labels, own_bounds), (labels, bounds)) = (shape(own), shape(other));
        let labels: BTreeSet<String> = labels.into_iter().filter(|name| !LEFT_OUT.contains(&name.as_str())).collect();
        // The labels of an information metric are its values, and the longest request sets the bounds of lengths.
        let depends_on_settings =
            own.name.ends_with("_info") || own.name.ends_with("_tokens") || own.name.contains("length");
        if own.kind != other.kind
            || (own.help != other.help && !other.help.is_empty())
            || (own_labels != labels && !own.name.ends_with("_info"))
            || (own_bounds != bounds && !depends_on_settings && own.name != "tgi_batch_next_size")
        {
            differences.push(format!(
                "{}: {:?} {own_labels:?} {own_bounds:?} {:?}, not {:?} {labels:?} {bounds:?} {:?}",
                own.name, own.kind, own.help, other.kind, other.help
            ));
        }
    }
    (differences, common)
}

fn compare(pages: &[(Target, Vec<Family>)], model: &str, deployment: &str, capture: &Path, min_common: usize) {
    let page = pages
        .iter()
        .find(|(target, _)| target.model.as_deref() == Some(model) && target.deployment.as_deref() == Some(deployment));
    let (_, simulated) = page.unwrap_or_else(|| panic!("no page of {model} {deployment}"));
    let (differences, common) = differences(simulated, &parse(capture));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(common >= min_common, "{model} {deployment}: {common} families in common");
}

#[test]
fn pages_are_like_those_of_the_engines() {
    let pages = pages();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/captures");
    compare(&pages, "llama-chat", "v42", &fixtures.join("vllm-0.32.0-cpu-loaded.prom"), 45);
    let beside_workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let public = std::env::var_os("CAPTURES_DIR").map_or_else(beside_workspace, PathBuf::from);
    if !public.exists() {
        println!("skipped: {} is absent; CAPTURES_DIR names another place", public.display());
        return;
    }
    compare(&pages, "llama-chat", "v41", &public.join("derived/vllm_0.9.2_v1_specdecode.prom"), 30);
    compare(&pages, "code-assist", "v7", &public.join("derived/sglang_0.5.10_unified.prom"), 45);
    compare(&pages, "summarize", "v3", &public.join("tgi_payload_datadog.prom"), 14);
    let machine = pages.iter().find(|(target, _)| target.kind == TargetKind::Machine).expect("a machine");
    let mut captured = parse(&public.join("dcgm_exporter_t4_datadog.prom"));
    // Some samples of this capture were added by hand: those of the exporter have labels.
    captured.retain(|family| family.samples.iter().any(|sample| !sample.labels.is_empty()));
    let (differences, common) = differences(&machine.1, &captured);
    let differences: Vec<_> = differences.iter().filter(|text| !text.contains("DCGM_FI_DEV_SLOWDOWN")).collect();
    assert!(common >= 10 && differences.len() <= 3, "{common} {differences:#?}");
}

#[test]
fn every_page_is_valid_and_recognised() {
    let mut engines = BTreeSet::new();
    for (target, families) in pages() {
        let mut text = String::new();
        exposition::write(&families, exposition::Encoding::TEXT, &mut text);
        let parsed = exposition::parse(text.as_bytes(), Format::Text, &Limits::default()).expect("a valid page");
        assert_eq!(parsed, families, "{target:?}");
        let names: Vec<&str> = families.iter().flat_map(|own| &own.samples).map(|sample| &*sample.name).collect();
        let found = detect(names.iter().copied());
        engines.extend(found.into_iter().map(|engine| engine.id));
        let unclaimed = catalogue::unclaimed(names.iter().copied());
        let unclaimed: BTreeSet<&str> = unclaimed.into_iter().map(family_of).collect();
        assert!(unclaimed.len() < 40, "{target:?}: {unclaimed:?}");
    }
    for engine in ["vllm", "sglang", "tgi", "huggingface", "dcgm", "inferboard"] {
        assert!(engines.contains(engine), "{engine} in {engines:?}");
    }
}
