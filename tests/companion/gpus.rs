//! The GPUs of this machine, as a fake library has them: what is measured, and every way in which a driver fails.
use crate::program::{PROGRAM, Program};
use inferboard_tests::PATIENCE;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A companion over the fake library.
struct Machine {
    folder: tempfile::TempDir,
    program: Program,
}

impl Machine {
    /// With cards that are as `behaviour` says.
    async fn start(behaviour: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("cards"), behaviour);
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

    /// The cards are like this from now on.
    fn turn(&self, behaviour: &str) {
        write(&self.folder.path().join("cards"), behaviour);
    }

    /// Waits until GPUs are measured, or are not for this reason.
    async fn wait_until(&self, reason: &str) -> Duration {
        let value = if reason.is_empty() { "1" } else { "0" };
        self.program.wait_for(&format!("gpu_collector_up{{reason=\"{reason}\"}}"), &[value]).await
    }

    async fn wait_for(&self, query: &str, expected: &[&str]) -> Duration {
        self.program.wait_for(query, expected).await
    }

    /// Its helpers, by process number.
    fn helpers(&self) -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").expect("processes").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| parent(*pid) == Some(self.program.pid())).collect()
    }
}

/// Replaces a file at once, as the library may read it at any time.
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path.with_extension("new"), text).expect("a file");
    std::fs::rename(path.with_extension("new"), path).expect("a file");
}

/// The library, which Cargo puts beside the tests.
pub(crate) fn fake_library() -> PathBuf {
    std::env::current_exe().expect("a path").with_file_name("libfake_nvml.so")
}

/// The parent of a process that has not ended.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    (fields.next()? != "Z").then(|| fields.next()?.parse().ok())?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_slices_and_processes_are_measured() {
    let own = std::process::id();
    let machine = Machine::start(&format!(
        "gpus=8\nmig.1=2\nutilization=10,20,90\nprocesses.1=1:1024\nprocesses.2={own}:5368709120\nxid.5=79"
    ))
    .await;
    machine.wait_until("").await;
    machine.wait_for("count(gpu_info)", &["10"]).await;
    machine.wait_for("count(gpu_up == 1)", &["8"]).await;
    // A card that is split does not say how busy it is.
    machine.wait_for("count(gpu_utilization_ratio)", &["7"]).await;
    // A spike is seen whole beside the mean.
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
    // Told of the slice, and not of its card again.
    machine.wait_for("count by (gpu, mig) (gpu_process_memory_bytes{gpu=\"1\",mig=\"0\"})", &["1"]).await;
    machine.wait_for("count(gpu_process_memory_bytes)", &["2"]).await;
    machine.wait_for("gpu_last_xid{gpu=\"5\"}", &["79"]).await;
    machine.wait_for("count(gpu_last_xid)", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn performance_monitors_tell_how_busy_cards_and_slices_are() {
    let machine = Machine::start("gpus=2\nmig.1=2\nmonitors=1").await;
    machine.wait_for("count(gpu_engine_active_ratio == 0.4)", &["4"]).await;
    machine.wait_for("count(gpu_engine_active_ratio{gpu=\"1\",mig=~\"[01]\"})", &["2"]).await;
    machine.wait_for("gpu_sm_active_ratio{gpu=\"0\"} + on () gpu_sm_occupancy_ratio{gpu=\"0\"}", &["0.5"]).await;
    machine.wait_for("gpu_tensor_active_ratio{gpu=\"0\"}", &["0.1"]).await;
    // Measured throughout, and so better than what the driver samples.
    machine.wait_for("gpu_pcie_sent_bytes_per_second{gpu=\"0\"} / 2 ^ 20", &["8"]).await;
    machine.turn("gpus=2\nmig.1=2\nmonitors=1\ncode.nvmlGpmSampleGet=999");
    machine.wait_for("count(gpu_engine_active_ratio{mig=\"\"})", &[]).await;
    machine.wait_for("count(gpu_power_watts)", &["2"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_fails_costs_no_other() {
    let machine = Machine::start("").await;
    machine.wait_for("gpu_power_watts", &["350"]).await;
    for (function, code) in
        [("nvmlDeviceGetPowerUsage", 3), ("nvmlDeviceGetPowerUsage", 999), ("nvmlDeviceGetPowerUsage", 4)]
    {
        machine.turn(&format!("code.{function}={code}"));
        machine.wait_for("gpu_power_watts", &[]).await;
        machine.wait_for("gpu_temperature_celsius{sensor=\"gpu\"}", &["60"]).await;
        machine.wait_for("gpu_up", &["1"]).await;
        machine.turn("");
        machine.wait_for("gpu_power_watts", &["350"]).await;
    }
    // Numbers that stand for none are none.
    machine.turn("sentinels=1");
    machine.wait_for("gpu_power_watts", &[]).await;
    machine.wait_for("count({__name__=~\"gpu_.*\"} > 1e15)", &[]).await;
    machine
        .wait_for("count({__name__=~\"gpu_(utilization|memory_used|temperature|fan|clock_hertz|pcie_rec).*\"})", &[])
        .await;
    machine.wait_for("gpu_energy_joules_total", &["5000"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_has_its_reason_and_is_got_over() {
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
        machine.turn(behaviour);
        machine.wait_until(reason).await;
        // Gone, and not what they were last.
        machine.wait_for("count({__name__=~\"gpu_.*\",__name__!=\"gpu_collector_up\"})", &[]).await;
        machine.turn("gpus=2");
        machine.wait_until("").await;
        machine.wait_for("count(gpu_power_watts)", &["2"]).await;
    }
    // Each fault was read off the page of the host, which so went on; a busy machine may lose a scrape of it.
    machine.wait_for("avg_over_time(up{job=\"host\"}[1m]) > bool 0.5", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lost_card_of_several_is_told_and_the_others_go_on() {
    let machine = Machine::start("gpus=4").await;
    machine.wait_for("count(gpu_power_watts)", &["4"]).await;
    for (code, reason) in [(15, "gpu_lost"), (16, "reset_required"), (999, "unknown")] {
        machine.turn(&format!("gpus=4\ngpu.3={code}\nxid.3=79"));
        // Without its uuid where a helper that began meanwhile never saw the card well.
        machine.wait_for(&format!("gpu_up{{gpu=\"3\",uuid=~\"(GPU-00000003)?\",reason=\"{reason}\"}}"), &["0"]).await;
        machine.wait_for("count(gpu_power_watts)", &["3"]).await;
        machine.wait_until("").await;
        machine.turn("gpus=4");
        machine.wait_for("count(gpu_power_watts)", &["4"]).await;
        machine.wait_for("count(gpu_up == 1)", &["4"]).await;
    }
}

/// Also the way in which the library is found when nobody says where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_comes_later_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let machine = Machine::start_in(folder, &[], &[("LD_LIBRARY_PATH", path.as_os_str())]).await;
    machine.wait_until("library_missing").await;
    std::os::unix::fs::symlink(fake_library(), path.join("libnvidia-ml.so.1")).expect("a link");
    machine.wait_until("").await;
    machine.wait_for("count(gpu_power_watts)", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wedged_driver_holds_up_neither_others_nor_the_end() {
    let machine = Machine::start("hang=nvmlDeviceGetCount_v2\ndeaf=1").await;
    machine.wait_until("hang").await;
    // Helpers that cannot end are left alone, and are few.
    machine.wait_for("sum(count_over_time(gpu_collector_up{reason=\"hang\"}[2m])) > bool 5", &["1"]).await;
    let helpers = machine.helpers();
    assert!((1..=3).contains(&helpers.len()), "{helpers:?}");
    machine.wait_for("avg_over_time(up{job=\"host\"}[1m]) > bool 0.5", &["1"]).await;
    machine.program.stop().await;
    for pid in helpers {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process");
        // Fakes are not in a driver, and may be killed.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helpers_end_with_their_companion_however_it_ends() {
    for behaviour in ["", "hang=nvmlDeviceGetName"] {
        let machine = Machine::start(behaviour).await;
        machine.wait_until(if behaviour.is_empty() { "" } else { "hang" }).await;
        let mut helpers = machine.helpers();
        while helpers.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            helpers = machine.helpers();
        }
        // Killed, without a chance to tell them.
        drop(machine);
        let began = Instant::now();
        while !helpers.is_empty() {
            assert!(began.elapsed() < PATIENCE, "{helpers:?} go on, {behaviour}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            helpers.retain(|pid| parent(*pid).is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gpus_can_be_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = Machine::start_in(folder, &["--no-gpus"], &[]).await;
    machine.wait_for("up{job=\"host\"}", &["1"]).await;
    assert_eq!(machine.program.values("{__name__=~\"gpu_.*\"}").await, [""; 0]);
    assert_eq!(machine.helpers(), [0; 0]);
}
