//! The collector with the fake library in its default configuration.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
use catalogue::GPU_METRICS;
use exposition::{Encoding, Format, Limits, for_each_sample, write};
use nvml::{Collector, GpuSample, LastXids, Window, open};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// The fake library, which Cargo places beside the tests.
fn library() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    own.with_file_name("libfake_nvml.so")
}

/// Metrics of performance monitors, which the fake lacks by default, and of processes.
const ABSENT: [&str; 5] = [
    "gpu_engine_active_ratio",
    "gpu_sm_active_ratio",
    "gpu_sm_occupancy_ratio",
    "gpu_tensor_active_ratio",
    "gpu_process_memory_bytes",
];

/// The families of a window as Prometheus text.
fn text(window: &Window) -> String {
    let mut text = String::new();
    write(&window.families(), Encoding::TEXT, &mut text);
    text
}

#[test]
fn the_families_are_those_of_the_catalogue() {
    let nvml = open(library().as_os_str()).expect("the fake library");
    let mut window = Window::new(Duration::from_secs(5));
    let GpuSample { readings, failed_gpus } = Collector::new(&nvml).sample(&mut LastXids::new()).expect("a sample");
    assert_eq!(failed_gpus, 0);
    window.push(Duration::ZERO, readings);
    let page = text(&window);
    let mut names = BTreeSet::new();
    for_each_sample(page.as_bytes(), Format::StrictText, &Limits::default(), &mut |sample| {
        names.insert(sample.name.to_owned());
    })
    .unwrap_or_else(|error| panic!("{error}: {page}"));
    let catalogue: BTreeSet<String> = GPU_METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    let absent: BTreeSet<String> = ABSENT.map(str::to_owned).into();
    let never = ["gpu_last_xid".to_owned()].into();
    assert_eq!(&names | &(&absent | &never), catalogue);
    for line in [
        "gpu_info{gpu=\"0\",uuid=\"GPU-00000000\",name=\"NVIDIA \\\"Fake\\\" H100\",driver_version=\"590.48.01\",\
         cuda_version=\"13.1\",pci_bus=\"00000000:01:00.0\",serial=\"1650000000000\"} 1.0",
        "gpu_energy_joules_total{gpu=\"0\",uuid=\"GPU-00000000\",name=\"NVIDIA \\\"Fake\\\" H100\"} 5000.0",
        "gpu_nvlink_received_bytes_total{gpu=\"0\",uuid=\"GPU-00000000\",name=\"NVIDIA \\\"Fake\\\" H100\"} 1024.0",
    ] {
        assert!(page.lines().any(|own| own == line), "{line} is not in {page}");
    }
    for (labels, value) in [("thermal", 1), ("power_cap", 1), ("power_brake", 0), ("hardware_slowdown", 0)] {
        let end = format!("reason=\"{labels}\"}} {value}.0");
        assert!(page.lines().any(|line| line.starts_with("gpu_clock_held") && line.ends_with(&end)), "{end}: {page}");
    }
}

/// Event sets, handles and texts of the library are released.
#[test]
fn thousands_of_samples_leak_nothing() {
    let nvml = open(library().as_os_str()).expect("the fake library");
    let mut collector = Collector::new(&nvml);
    let (mut window, mut xids) = (Window::new(Duration::from_secs(6)), LastXids::new());
    let mut sample = |from: u64, count: u64| {
        for second in from..from + count {
            window.push(Duration::from_secs(second), collector.sample(&mut xids).expect("a sample").readings);
        }
        (resident_kib(), text(&window).len())
    };
    let (before_kib, before_bytes) = sample(0, 2000);
    let (after_kib, after_bytes) = sample(2000, 10_000);
    assert!(after_kib < before_kib + 1024, "{before_kib} KiB became {after_kib}");
    assert_eq!(before_bytes, after_bytes);
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
