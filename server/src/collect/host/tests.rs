//! Machines as folders: a whole one, and broken ones.
use super::*;
use exposition::{Format, Limits, for_each_sample};
use std::collections::BTreeMap;

/// Samples of a machine's page; the page must be well formed.
fn samples(machine: &str) -> BTreeMap<String, f64> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(machine);
    let mut samples = BTreeMap::new();
    let page = Host::new(root).page();
    for_each_sample(page.as_bytes(), Format::StrictText, &Limits::default(), &mut |sample| {
        let labels: Vec<_> = sample.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
        samples.insert(format!("{}{{{}}}", sample.name, labels.join(",")), sample.value);
    })
    .expect("a page");
    samples
}

#[test]
fn a_machine_is_told_under_node_exporters_names() {
    let samples = samples("whole");
    for (series, value) in [
        ("node_cpu_seconds_total{cpu=0,mode=user}", 301_854.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=nice}", 612.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=system}", 111_922.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=idle}", 8_979_004.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=iowait}", 3_552.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=irq}", 2.0 / 100.0),
        ("node_cpu_seconds_total{cpu=0,mode=softirq}", 3_944.0 / 100.0),
        ("node_cpu_seconds_total{cpu=1,mode=steal}", 7.0 / 100.0),
        ("node_cpu_guest_seconds_total{cpu=1,mode=user}", 0.08),
        ("node_boot_time_seconds{}", 1_418_183_276.0),
        ("node_memory_MemTotal_bytes{}", 15_666_184.0 * 1024.0),
        ("node_memory_MemAvailable_bytes{}", 9_384_140.0 * 1024.0),
        ("node_memory_MemFree_bytes{}", 440_324.0 * 1024.0),
        ("node_memory_Buffers_bytes{}", 1_020_128.0 * 1024.0),
        ("node_memory_Cached_bytes{}", 12_007_640.0 * 1024.0),
        ("node_memory_Active_anon_bytes{}", 4_120_016.0 * 1024.0),
        ("node_memory_HugePages_Total{}", 0.0),
        ("node_load1{}", 0.21),
        ("node_load5{}", 0.37),
        ("node_load15{}", 0.39),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    assert_eq!(samples.len(), 2 * 8 + 2 * 2 + 1 + 7 + 3);
}

#[test]
fn what_cannot_be_read_is_missing_and_never_zero() {
    assert_eq!(samples("absent"), BTreeMap::new());
    let samples = samples("broken");
    // Of three CPUs one has a column that is no number, and one no columns at all.
    let expected = [
        ("node_cpu_seconds_total{cpu=2,mode=user}", 0.1),
        ("node_cpu_seconds_total{cpu=2,mode=nice}", 0.2),
        ("node_memory_MemFree_bytes{}", 1024.0),
        ("node_load5{}", 0.5),
    ];
    assert_eq!(samples, expected.map(|(series, value)| (series.to_owned(), value)).into());
}

#[test]
fn a_machines_name_is_a_name() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/machines");
    assert_eq!(Host::new(root.join("whole")).name().as_deref(), Some("gpubox-1"));
    assert_eq!(Host::new(root.join("broken")).name(), None);
    assert_eq!(Host::new(root.join("absent")).name(), None);
}

#[test]
fn this_machine_is_one() {
    assert!(!Host::new("/proc").page().is_empty());
}
