//! Machines as folders of `/proc` files: a complete one, and broken ones.
use crate::sources::host::*;
use exposition::{Encoding, Format, Limits, for_each_sample, write};
use std::collections::BTreeMap;

/// The machine in a folder of the tests' fixtures.
fn machine(name: &str) -> Host {
    let proc = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/machines").join(name);
    Host::new(HostPaths { sys: proc.join("sys"), proc, root: None })
}

/// Samples of families, which must be valid as a metrics page.
fn samples_of(families: &[Family]) -> BTreeMap<String, f64> {
    let mut page = String::new();
    write(families, Encoding::TEXT, &mut page);
    let mut samples = BTreeMap::new();
    for_each_sample(page.as_bytes(), Format::StrictText, &Limits::default(), &mut |sample| {
        let labels: Vec<_> = sample.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
        samples.insert(format!("{}{{{}}}", sample.name, labels.join(",")), sample.value);
    })
    .expect("a page");
    samples
}

/// Samples of a machine without those about errors.
fn samples(name: &str) -> BTreeMap<String, f64> {
    let mut samples = samples_of(&machine(name).families());
    samples.retain(|series, _| !series.starts_with(ERRORS));
    samples
}

/// Errors that a machine reports after it was read twice.
fn errors(host: &Host) -> BTreeMap<String, f64> {
    host.families();
    let mut samples = samples_of(&host.families());
    samples.retain(|series, _| series.starts_with(ERRORS));
    samples
}

#[test]
fn a_machine_has_node_exporters_metrics() {
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
        ("node_disk_reads_completed_total{device=sda}", 25_354_637.0),
        ("node_disk_read_bytes_total{device=sda}", 1_003_337_964.0 * 512.0),
        ("node_disk_read_time_seconds_total{device=sda}", 18_492.232),
        ("node_disk_writes_completed_total{device=nvme0n1}", 1_078_320.0),
        ("node_disk_written_bytes_total{device=nvme0n1}", 39_451_633.0 * 512.0),
        ("node_disk_write_time_seconds_total{device=nvme0n1}", 1011.053),
        ("node_disk_io_now{device=nvme0n1}", 2.0),
        ("node_disk_io_time_seconds_total{device=nvme0n1}", 222.766),
        ("node_network_receive_bytes_total{device=eth0}", 68_210_035_552.0),
        ("node_network_receive_packets_total{device=eth0}", 520_993_275.0),
        ("node_network_receive_errs_total{device=eth0}", 1.0),
        ("node_network_receive_drop_total{device=eth0}", 2.0),
        ("node_network_transmit_bytes_total{device=eth0}", 9_315_587_528.0),
        ("node_network_transmit_packets_total{device=eth0}", 43_451_486.0),
        ("node_network_transmit_errs_total{device=eth0}", 3.0),
        ("node_network_transmit_drop_total{device=eth0:1}", 0.0),
        ("node_network_receive_bytes_total{device=lo}", 435_303_245.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}");
    }
    assert_eq!(samples.len(), 2 * 8 + 2 * 2 + 1 + 7 + 3 + 2 * 8 + 3 * 8);
    assert!(errors(&machine("whole")).values().all(|errors| *errors == 0.0));
}

#[test]
fn unreadable_values_are_missing_and_not_zero() {
    assert_eq!(samples("absent"), BTreeMap::new());
    let of_nvme = |name: &str| format!("node_disk_{name}{{device=nvme0n1}}");
    let of_eth2 = |name: &str| format!("node_network_{name}_total{{device=eth2}}");
    // Of three CPUs, one has a column that is not a number, and one has no columns.
    let mut expected: BTreeMap<String, f64> = [
        ("node_cpu_seconds_total{cpu=2,mode=user}".to_owned(), 0.1),
        ("node_cpu_seconds_total{cpu=2,mode=nice}".to_owned(), 0.2),
        ("node_memory_MemFree_bytes{}".to_owned(), 1024.0),
        ("node_load5{}".to_owned(), 0.5),
        // The largest numbers are valid: a counter that overflows is like one that restarts.
        (of_nvme("reads_completed_total"), 4_294_967_295.0),
        (of_nvme("read_bytes_total"), 4096.0),
        (of_nvme("read_time_seconds_total"), 1.0),
        (of_nvme("writes_completed_total"), 1.0),
        (of_nvme("written_bytes_total"), 1024.0),
        (of_nvme("write_time_seconds_total"), 2.0),
        (of_nvme("io_now"), 0.0),
        (of_nvme("io_time_seconds_total"), 3.0),
        (of_eth2("receive_bytes"), 18_446_744_073_709_551_615.0),
    ]
    .into();
    for name in ["receive_packets", "receive_errs", "receive_drop"] {
        expected.insert(of_eth2(name), 0.0);
    }
    for name in ["transmit_bytes", "transmit_packets", "transmit_errs", "transmit_drop"] {
        expected.insert(of_eth2(name), 0.0);
    }
    assert_eq!(samples("broken"), expected);
    for name in ["absent", "broken"] {
        let all =
            ["cpu", "disks", "load", "memory", "network"].map(|part| (format!("{ERRORS}{{collector={part}}}"), 2.0));
        assert_eq!(errors(&machine(name)), all.into(), "{name}");
    }
}

#[test]
fn a_file_that_is_far_too_long_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("loadavg"), format!("0.1 0.2 0.3 {}", "x".repeat(5 << 20))).expect("a file");
    std::fs::write(folder.path().join("meminfo"), "").expect("a file");
    std::fs::create_dir(folder.path().join("stat")).expect("a folder");
    std::fs::write(folder.path().join("diskstats"), [0xff, 0xfe, b'\n']).expect("a file");
    let host = Host::new(HostPaths { proc: folder.path().into(), sys: folder.path().into(), root: None });
    let mut samples = samples_of(&host.families());
    samples.retain(|series, _| !series.starts_with(ERRORS));
    assert_eq!(samples, BTreeMap::new());
    assert!(errors(&host).values().all(|errors| *errors == 3.0));
}

#[test]
fn only_file_systems_with_files_are_collected() {
    let folder = tempfile::tempdir().expect("a folder");
    let (proc, root) = (folder.path().join("proc"), folder.path().join("root"));
    std::fs::create_dir_all(proc.join("1")).expect("a folder");
    std::fs::create_dir_all(root.join("model cache")).expect("a folder");
    let mounts = "/dev/sda1 / ext4 rw 0 0\n\
                  proc /proc proc rw 0 0\n\
                  /dev/sdb1 /model\\040cache xfs ro 0 0\n\
                  /dev/sda1 /again ext4 rw 0 0\n\
                  /dev/sdc1 /gone ext4 rw 0 0\n\
                  cut\n\
                  overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0\n";
    std::fs::write(proc.join("1/mounts"), mounts).expect("a file");
    let host = Host::new(HostPaths { sys: proc.clone(), proc: proc.clone(), root: Some(root) });
    let mut samples = samples_of(&host.families());
    samples.retain(|series, _| series.starts_with("node_filesystem"));
    let labels: Vec<&str> =
        samples.keys().filter_map(|series| series.strip_prefix("node_filesystem_size_bytes")).collect();
    assert_eq!(
        labels,
        ["{device=/dev/sda1,fstype=ext4,mountpoint=/}", "{device=/dev/sdb1,fstype=xfs,mountpoint=/model cache}"]
    );
    assert_eq!(samples.len(), 12);
    let value = |name: &str| samples[&format!("node_filesystem_{name}{{device=/dev/sda1,fstype=ext4,mountpoint=/}}")];
    assert!(value("avail_bytes") <= value("free_bytes") && value("free_bytes") <= value("size_bytes"));
    // One line was cut off, and one mount point does not exist.
    assert_eq!(errors(&host)[&format!("{ERRORS}{{collector=filesystems}}")], 3.0);
    // In a container the machine's mounts are listed but do not exist.
    let in_container = Host::new(HostPaths { sys: proc.clone(), proc, root: None });
    assert!(!in_container.families().iter().any(|family| family.name.starts_with("node_filesystem")));
}

#[test]
fn a_container_reports_its_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let cgroup = folder.path().join("fs/cgroup");
    std::fs::create_dir_all(&cgroup).expect("a folder");
    let host = Host::new(HostPaths { proc: folder.path().into(), sys: folder.path().into(), root: None });
    let container = || {
        let mut samples = samples_of(&host.families());
        samples.retain(|series, _| series.starts_with("container_"));
        samples
    };
    let write = |file: &str, text: &str| std::fs::write(cgroup.join(file), text).expect("a file");
    // Outside containers there is the root group only.
    write("cpu.stat", "usage_usec 9000000\n");
    write("memory.stat", "anon 1\ninactive_file 1000\n");
    assert_eq!(container(), BTreeMap::new());
    write("cgroup.type", "domain\n");
    write("memory.current", "5000\n");
    write("memory.max", "max\n");
    write("cpu.max", "max 100000\n");
    let label = "{container=this}";
    let mut expected: BTreeMap<String, f64> = [
        (format!("container_cpu_usage_seconds_total{label}"), 9.0),
        (format!("container_memory_working_set_bytes{label}"), 4000.0),
    ]
    .into();
    assert_eq!(container(), expected);
    write("memory.max", "8589934592\n");
    write("cpu.max", "150000 100000\n");
    expected.insert(format!("container_spec_memory_limit_bytes{label}"), 8_589_934_592.0);
    expected.insert(format!("container_spec_cpu_quota{label}"), 150_000.0);
    expected.insert(format!("container_spec_cpu_period{label}"), 100_000.0);
    assert_eq!(container(), expected);
    write("memory.current", "many\n");
    write("cpu.max", "1 0\n");
    let left = ["container_cpu_usage_seconds_total", "container_spec_memory_limit_bytes"];
    expected.retain(|series, _| left.iter().any(|name| series.starts_with(name)));
    assert_eq!(container(), expected);
}

#[test]
fn an_invalid_host_name_is_ignored() {
    assert_eq!(machine("whole").name().as_deref(), Some("gpubox-1"));
    assert_eq!(machine("broken").name(), None);
    assert_eq!(machine("absent").name(), None);
}

#[test]
fn this_machine_has_metrics() {
    let host = Host::new(HostPaths { proc: "/proc".into(), sys: "/sys".into(), root: Some("/".into()) });
    let samples = samples_of(&host.families());
    for part in ["node_cpu", "node_memory", "node_load", "node_network", "node_filesystem"] {
        assert!(samples.keys().any(|series| series.starts_with(part)), "{part}");
    }
}
