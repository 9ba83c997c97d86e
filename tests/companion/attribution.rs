//! Tests of what is attributed to targets on this machine: real processes, found by their ports, whose children burn
//! CPU time. The targets are companions themselves, and the children are their GPU helpers.
use crate::gpus::{fake_library, parent, replace_file};
use crate::program::{PROGRAM, Program};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How often the child of a target samples 64 GPUs: as often as it can, to burn CPU time, or rarely.
const BUSY: &str = "1ms";
const IDLE: &str = "8s";

/// Starts `program` as a target on a loopback port; port 0 picks a free one.
async fn target(folder: &Path, program: &Path, port: u16, sampling: &str) -> Program {
    let config = folder.join("target.toml");
    let text = format!("scrape_interval = \"8s\"\ngpu_sample_interval = \"{sampling}\"\n");
    std::fs::write(&config, text).expect("a file");
    replace_file(&folder.join("target-cards"), "gpus=64");
    let mut command = Command::new(program);
    command.env("FAKE_NVML", folder.join("target-cards")).args(["--in-memory", "--no-discovery", "--nvml-library"]);
    command.arg(fake_library()).arg(format!("--listen=127.0.0.1:{port}")).arg("--config").arg(config);
    Program::start_command(&mut command).await
}

/// The command for a companion that scrapes these URLs as replicas of a model.
fn watcher(folder: &Path, urls: &[String]) -> Command {
    let config = folder.join("watcher.toml");
    let targets = urls.iter().enumerate().map(|(at, url)| {
        format!("[[targets]]\nurl = \"{url}\"\nmodel = \"m\"\nreplica = \"r{at}\"\njob = \"engine\"\n")
    });
    let intervals = "scrape_interval = \"1s\"\ngpu_sample_interval = \"100ms\"\n".to_owned();
    let text: String = [intervals].into_iter().chain(targets).collect();
    std::fs::write(&config, text).expect("a file");
    let mut command = Command::new(PROGRAM);
    command.env("FAKE_NVML", folder.join("cards")).args(["--in-memory", "--listen=127.0.0.1:0", "--nvml-library"]);
    command.arg(fake_library()).arg("--config").arg(config);
    command
}

fn url(target: &Program) -> String {
    format!("http://{}/metrics", target.address())
}

/// The CPU seconds that a process has used.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let words: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    [11, 12].into_iter().map(|at| words[at].parse::<f64>().expect("ticks") / 100.0).sum()
}

async fn child_of(pid: u32) -> u32 {
    for _ in 0..3000 {
        let entries = std::fs::read_dir("/proc").expect("processes").flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        if let Some(child) = pids.find(|child| parent(*child) == Some(pid)) {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{pid} has no child");
}

async fn value(program: &Program, query: &str) -> f64 {
    let values = program.values(query).await;
    assert_eq!(values.len(), 1, "{query} is {values:?}");
    values[0].parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_usage_is_attributed_to_a_replica_across_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = target(folder.path(), Path::new(PROGRAM), 0, BUSY).await;
    let child = child_of(engine.pid()).await;
    replace_file(
        &folder.path().join("cards"),
        &format!("gpus=4\nprocesses.1={child}:1073741824\nprocesses.2={child}:2147483648"),
    );
    let watcher = Program::start_command(&mut watcher(folder.path(), &[url(&engine)])).await;
    let own = "{job=\"engine\",model=\"m\",replica=\"r0\"}";
    watcher.wait_for(&format!("inferboard_replica_attributed{own}"), &["1"]).await;
    // Only the GPUs on which the child holds memory.
    watcher.wait_for(&format!("sort(inferboard_gpu_memory_used_bytes{own} / 2 ^ 30)"), &["1", "2"]).await;
    watcher
        .wait_for(&format!("count by (gpu, uuid) (inferboard_gpu_utilization_ratio{own} == 0.5)"), &["1", "1"])
        .await;
    watcher.wait_for("count(inferboard_gpu_memory_used_bytes{gpu=~\"[12]\",uuid=~\"GPU-0000000[12]\"})", &["2"]).await;
    // The CPU total of the process and its child is at least what they had used before the query, and at most what they
    // had used after it.
    for _ in 0..500 {
        if cpu_seconds(child) > 0.3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let used = || cpu_seconds(engine.pid()) + cpu_seconds(child);
    let used_before = used();
    let caught_up = format!("inferboard_cpu_seconds_total{own} >= bool {:.2}", used_before - 0.02);
    watcher.wait_for(&caught_up, &["1"]).await;
    let reported = value(&watcher, &format!("inferboard_cpu_seconds_total{own}")).await;
    assert!(cpu_seconds(child) > 0.3 && reported <= used() + 0.02, "{reported} s, not {used_before} to {} s", used());
    let memory = value(&watcher, &format!("inferboard_memory_used_bytes{own}")).await;
    assert!((1e6..1e9).contains(&memory), "{memory}");
    watcher.wait_for(&format!("count by (measure) (inferboard_memory_used_bytes{own})"), &["1"]).await;
    // The graphs of replicas query this name.
    watcher.wait_for(&format!("rate(inferboard_cpu_seconds_total{own}[1m]) > bool 0.01"), &["1"]).await;
    // The attribution ends with the process and resumes with the next one on the port.
    let port: u16 = engine.address().rsplit(':').next().expect("a port").parse().expect("a number");
    drop(engine);
    watcher.wait_for("inferboard_replica_attributed{reason=\"no_listener\"}", &["0"]).await;
    watcher.wait_for(&format!("inferboard_cpu_seconds_total{own} or inferboard_memory_used_bytes{own}"), &[]).await;
    // The next process is idle, so its CPU total stays below the previous one.
    let engine = target(folder.path(), Path::new(PROGRAM), port, IDLE).await;
    let child = child_of(engine.pid()).await;
    replace_file(&folder.path().join("cards"), &format!("gpus=4\nprocesses.3={child}:1073741824"));
    watcher.wait_for(&format!("inferboard_replica_attributed{own}"), &["1"]).await;
    watcher
        .wait_for(
            &format!(
                "count(inferboard_gpu_memory_used_bytes{own}) + on () inferboard_gpu_memory_used_bytes{{gpu=\"3\"}}"
            ),
            &["1073741825"],
        )
        .await;
    watcher.wait_for(&format!("resets(inferboard_cpu_seconds_total{own}[1m])"), &["1"]).await;
    // Only one series of the family remains.
    watcher.wait_for("count(inferboard_replica_attributed)", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_without_attribution_has_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = folder.path().join("docker-proxy");
    std::fs::copy(PROGRAM, &proxy).expect("a copy");
    let forwarder = target(folder.path(), &proxy, 0, BUSY).await;
    let engine = target(folder.path(), Path::new(PROGRAM), 0, BUSY).await;
    let closed = "http://127.0.0.1:1/metrics".to_owned();
    let duplicate = url(&engine).replace("127.0.0.1", "localhost");
    let urls = [url(&forwarder), url(&engine), duplicate, closed];
    let watcher = Program::start_command(&mut watcher(folder.path(), &urls)).await;
    for (replica, reason, value) in
        [("r0", "forwarded", "0"), ("r1", "", "1"), ("r2", "same_process", "0"), ("r3", "no_listener", "0")]
    {
        let query = format!("inferboard_replica_attributed{{replica=\"{replica}\",reason=\"{reason}\"}}");
        watcher.wait_for(&query, &[value]).await;
    }
    // Replicas without attribution have no usage, and no process is counted twice.
    watcher.wait_for("count(inferboard_cpu_seconds_total)", &["1"]).await;
    watcher.wait_for("count(inferboard_memory_used_bytes{replica=\"r1\"})", &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_reported() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can start a process as another user");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let engine = target(folder.path(), Path::new(PROGRAM), 0, BUSY).await;
    let mut command = watcher(folder.path(), &[url(&engine)]);
    // The other user must be able to read the configuration.
    let open = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("permissions");
    const NOBODY: u32 = 65_534;
    let watcher = Program::start_command(command.uid(NOBODY).gid(NOBODY)).await;
    watcher.wait_for("inferboard_replica_attributed{reason=\"no_permission\"}", &["0"]).await;
    watcher.wait_for("up{job=\"engine\"}", &["1"]).await;
    assert_eq!(watcher.values("inferboard_cpu_seconds_total").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_seen_by_the_process_where_the_page_has_no_start_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = target(folder.path(), Path::new(PROGRAM), 0, IDLE).await;
    // A page with `up` alone, like that of an engine with several server processes.
    let page = format!("http://{}/federate?match[]=up", engine.address());
    let watcher = Program::start_command(&mut watcher(folder.path(), &[page])).await;
    let state = |state: &str| format!("inferboard_replica_state{{replica=\"r0\",state=\"{state}\"}}");
    watcher.wait_for(&state("running"), &["1"]).await;
    watcher.wait_for("inferboard_replica_restarts_total", &["0"]).await;
    // It was there before the first scrape.
    assert_eq!(watcher.values("inferboard_replica_ready_seconds").await, [""; 0]);

    let port: u16 = engine.address().rsplit(':').next().expect("a port").parse().expect("a number");
    drop(engine);
    watcher.wait_for(&state("stopped"), &["1"]).await;
    let _engine = target(folder.path(), Path::new(PROGRAM), port, IDLE).await;
    watcher.wait_for(&state("running"), &["1"]).await;
    watcher.wait_for("inferboard_replica_restarts_total", &["1"]).await;
    watcher.wait_for("inferboard_replica_ready_seconds > bool 0", &["1"]).await;
}
