//! Tests of GPU metrics with a fake driver library: what is measured, and every way in which a driver fails.
use crate::program::{PROGRAM, Program};
use inferboard_tests::PATIENCE;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A companion that reads the fake library.
struct Machine {
    folder: tempfile::TempDir,
    program: Program,
}

impl Machine {
    /// Starts with cards that behave as `behaviour` says.
    async fn start(behaviour: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        replace_file(&folder.path().join("cards"), behaviour);
        let library = fake_library();
        Self::start_in(folder, &["--nvml-library", library.to_str().expect("a path")], &[]).await
    }

    async fn start_in(folder: tempfile::TempDir, flags: &[&str], variables: &[(&str, &OsStr)]) -> Self {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "gpu_sample_interval = \"30ms\"\nscrape_interval = \"1s\"\n").expect("a file");
        let mut command = Command::new(PROGRAM);
        command.envs(variables.iter().copied()).env("FAKE_NVML", folder.path().join("cards"));
        command.args(["--listen", "127.0.0.1:0", "--in-memory", "--no-discovery"]).args(flags);
        let program = Program::start_command(command.arg("--config").arg(config)).await;
        Self { folder, program }
    }

    /// Makes the cards behave as `behaviour` says from now on.
    fn set_behaviour(&self, behaviour: &str) {
        replace_file(&self.folder.path().join("cards"), behaviour);
    }

    /// Waits until the collector is down for `reason`, or up if `reason` is empty.
    async fn wait_for_collector(&self, reason: &str) -> Duration {
        let value = if reason.is_empty() { "1" } else { "0" };
        self.program.wait_for(&format!("gpu_collector_up{{reason=\"{reason}\"}}"), &[value]).await
    }

    async fn wait_for(&self, query: &str, expected: &[&str]) -> Duration {
        self.program.wait_for(query, expected).await
    }

    /// The process IDs of its helpers.
    fn helpers(&self) -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").expect("processes").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| parent(*pid) == Some(self.program.pid())).collect()
    }
}

/// Replaces a file atomically, because the library may read it at any time.
pub(crate) fn replace_file(path: &Path, text: &str) {
    std::fs::write(path.with_extension("new"), text).expect("a file");
    std::fs::rename(path.with_extension("new"), path).expect("a file");
}

/// The fake library, which Cargo puts next to the test programs.
pub(crate) fn fake_library() -> PathBuf {
    std::env::current_exe().expect("a path").with_file_name("libfake_nvml.so")
}

/// The parent of a process, or `None` if the process has ended.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    (fields.next()? != "Z").then(|| fields.next()?.parse().ok())?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_mig_slices_and_processes_are_measured() {
    let own = std::process::id();
    let machine = Machine::start(&format!(
        "gpus=8\nmig.1=2\nutilization=10,20,90\nprocesses.1=1:1024\nprocesses.2={own}:5368709120\nxid.5=79"
    ))
    .await;
    machine.wait_for_collector("").await;
    machine.wait_for("count(gpu_info)", &["10"]).await;
    machine.wait_for("count(gpu_up == 1)", &["8"]).await;
    // A card that is split into slices does not report its utilization.
    machine.wait_for("count(gpu_utilization_ratio)", &["7"]).await;
    // The maximum shows a spike that the mean hides.
    machine.wait_for("max(gpu_utilization_ratio_max)", &["0.9"]).await;
    machine.wait_for("count(gpu_utilization_ratio > 0.2 < 0.6)", &["7"]).await;
    machine.wait_for("sum(gpu_memory_total_bytes{mig=\"\"}) / 2 ^ 30", &["640"]).await;
    machine.wait_for("sum(gpu_memory_total_bytes{mig!=\"\",uuid=~\"MIG.*\",gpu=\"1\"}) / 2 ^ 30", &["20"]).await;
    machine
        .wait_for(
            &format!("gpu_process_memory_bytes{{gpu=\"2\",pid=\"{own}\",process=~\"companion-.*\"}} / 2 ^ 30"),
            &["5"],
        )
        .await;
    // Process memory is reported for the slice, and not for its card again.
    machine.wait_for("count by (gpu, mig) (gpu_process_memory_bytes{gpu=\"1\",mig=\"0\"})", &["1"]).await;
    machine.wait_for("count(gpu_process_memory_bytes)", &["2"]).await;
    machine.wait_for("gpu_last_xid{gpu=\"5\"}", &["79"]).await;
    machine.wait_for("count(gpu_last_xid)", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn performance_monitors_measure_cards_and_slices() {
    let machine = Machine::start("gpus=2\nmig.1=2\nmonitors=1").await;
    machine.wait_for("count(gpu_engine_active_ratio == 0.4)", &["4"]).await;
    machine.wait_for("count(gpu_engine_active_ratio{gpu=\"1\",mig=~\"[01]\"})", &["2"]).await;
    machine.wait_for("gpu_sm_active_ratio{gpu=\"0\"} + on () gpu_sm_occupancy_ratio{gpu=\"0\"}", &["0.5"]).await;
    machine.wait_for("gpu_tensor_active_ratio{gpu=\"0\"}", &["0.1"]).await;
    // Performance monitors measure continuously, so their value replaces the sample of the driver.
    machine.wait_for("gpu_pcie_sent_bytes_per_second{gpu=\"0\"} / 2 ^ 20", &["8"]).await;
    machine.set_behaviour("gpus=2\nmig.1=2\nmonitors=1\ncode.nvmlGpmSampleGet=999");
    machine.wait_for("count(gpu_engine_active_ratio{mig=\"\"})", &[]).await;
    machine.wait_for("count(gpu_power_watts)", &["2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_fails_affects_no_other() {
    let machine = Machine::start("").await;
    machine.wait_for("gpu_power_watts", &["350"]).await;
    for (function, code) in
        [("nvmlDeviceGetPowerUsage", 3), ("nvmlDeviceGetPowerUsage", 999), ("nvmlDeviceGetPowerUsage", 4)]
    {
        machine.set_behaviour(&format!("code.{function}={code}"));
        machine.wait_for("gpu_power_watts", &[]).await;
        machine.wait_for("gpu_temperature_celsius{sensor=\"gpu\"}", &["60"]).await;
        machine.wait_for("gpu_up", &["1"]).await;
        machine.set_behaviour("");
        machine.wait_for("gpu_power_watts", &["350"]).await;
    }
    // Numbers that stand for a missing value are not stored.
    machine.set_behaviour("sentinels=1");
    machine.wait_for("gpu_power_watts", &[]).await;
    machine.wait_for("count({__name__=~\"gpu_.*\"} > 1e15)", &[]).await;
    machine
        .wait_for("count({__name__=~\"gpu_(utilization|memory_used|temperature|fan|clock_hertz|pcie_rec).*\"})", &[])
        .await;
    machine.wait_for("gpu_energy_joules_total", &["5000"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_driver_failure_has_its_reason_and_is_recovered_from() {
    let machine = Machine::start("gpus=2").await;
    machine.wait_for("count(gpu_power_watts)", &["2"]).await;
    for (behaviour, reason) in [
        ("init=9\nall=9", "driver_not_loaded"),
        ("init=18\nall=18", "version_mismatch"),
        ("init=4\nall=4", "no_permission"),
        ("init=999\nall=999", "unknown"),
        ("all=15", "gpu_lost"),
        ("all=16", "reset_required"),
        ("all=10", "timeout"),
        ("gpus=0", "no_gpu"),
        ("hang=nvmlDeviceGetTemperature", "hang"),
        ("hang=nvmlInit_v2\nall=999", "hang"),
    ] {
        machine.set_behaviour(behaviour);
        machine.wait_for_collector(reason).await;
        // The series end and do not repeat their last values.
        machine.wait_for("count({__name__=~\"gpu_.*\",__name__!=\"gpu_collector_up\"})", &[]).await;
        machine.set_behaviour("gpus=2");
        machine.wait_for_collector("").await;
        machine.wait_for("count(gpu_power_watts)", &["2"]).await;
    }
    // The host was scraped throughout, though a busy machine may lose a scrape.
    machine.wait_for("avg_over_time(up{job=\"host\"}[1m]) > bool 0.5", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_card_is_reported_and_the_others_are_still_measured() {
    let machine = Machine::start("gpus=4").await;
    machine.wait_for("count(gpu_power_watts)", &["4"]).await;
    for (code, reason) in [(15, "gpu_lost"), (16, "reset_required"), (999, "unknown")] {
        machine.set_behaviour(&format!("gpus=4\ngpu.3={code}\nxid.3=79"));
        // The uuid is empty if a helper started meanwhile and never saw the card working.
        machine.wait_for(&format!("gpu_up{{gpu=\"3\",uuid=~\"(GPU-00000003)?\",reason=\"{reason}\"}}"), &["0"]).await;
        machine.wait_for("count(gpu_power_watts)", &["3"]).await;
        machine.wait_for_collector("").await;
        machine.set_behaviour("gpus=4");
        machine.wait_for("count(gpu_power_watts)", &["4"]).await;
        machine.wait_for("count(gpu_up == 1)", &["4"]).await;
    }
}

/// Also tests how the library is found when no path is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_is_installed_later_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let machine = Machine::start_in(folder, &[], &[("LD_LIBRARY_PATH", path.as_os_str())]).await;
    machine.wait_for_collector("library_missing").await;
    std::os::unix::fs::symlink(fake_library(), path.join("libnvidia-ml.so.1")).expect("a link");
    machine.wait_for_collector("").await;
    machine.wait_for("count(gpu_power_watts)", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_driver_delays_neither_other_metrics_nor_shutdown() {
    let machine = Machine::start("hang=nvmlDeviceGetCount_v2\ndeaf=1").await;
    machine.wait_for_collector("hang").await;
    // Helpers that cannot end are abandoned, and their number is limited.
    machine.wait_for("sum(count_over_time(gpu_collector_up{reason=\"hang\"}[2m])) > bool 5", &["1"]).await;
    let helpers = machine.helpers();
    assert!((1..=3).contains(&helpers.len()), "{helpers:?}");
    machine.wait_for("avg_over_time(up{job=\"host\"}[1m]) > bool 0.5", &["1"]).await;
    machine.program.stop().await;
    for pid in helpers {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process");
        // With the fake library no helper is stuck in a driver, so it can be killed.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helpers_end_with_a_companion_that_is_killed() {
    for behaviour in ["", "hang=nvmlDeviceGetName"] {
        let machine = Machine::start(behaviour).await;
        machine.wait_for_collector(if behaviour.is_empty() { "" } else { "hang" }).await;
        let mut helpers = machine.helpers();
        while helpers.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            helpers = machine.helpers();
        }
        // The companion is killed and cannot notify its helpers.
        drop(machine);
        let began = Instant::now();
        while !helpers.is_empty() {
            assert!(began.elapsed() < PATIENCE, "{helpers:?} still run, {behaviour}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            helpers.retain(|pid| parent(*pid).is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_gpus_turns_gpu_metrics_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = Machine::start_in(folder, &["--no-gpus"], &[]).await;
    machine.wait_for("up{job=\"host\"}", &["1"]).await;
    assert_eq!(machine.program.values("{__name__=~\"gpu_.*\"}").await, [""; 0]);
    assert_eq!(machine.helpers(), [0; 0]);
}
