//! Tests of whose a series is: the model of a replica, its identity over time, and targets that are no replicas.
use crate::harness::{Behaviour, Companion, FakeTarget, args, metrics_page, raw, scratch_file, status};
use server::config::serve_args::ServeArgs;
use std::sync::Arc;

const LLAMA: &str = "llamacpp:tokens_predicted_total 5\nllamacpp:requests_processing 1\n";

/// A server with a metrics page, and an answer at another path.
fn server(metrics: &str, path: &'static str, answer: Behaviour) -> Behaviour {
    let metrics = metrics_page(metrics);
    Arc::new(move |head, stream| match head.starts_with(&format!("GET {path} ")) {
        true => answer(head, stream),
        false if head.starts_with("GET /metrics ") => metrics(head, stream),
        false => status("404 Not Found")(head, stream),
    })
}

fn json(text: &str) -> Behaviour {
    let length = text.len();
    raw(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    ))
}

/// Flags for the configuration file at `path`.
fn with_file(path: &std::path::Path) -> ServeArgs {
    ServeArgs { config: Some(path.into()), ..args(&[]) }
}

/// Waits for `count` more scrapes of a target.
async fn scrapes(target: &FakeTarget, count: usize) {
    target.wait_for("GET /metrics ", target.count("GET /metrics ") + count).await;
}

#[tokio::test]
async fn a_server_whose_metrics_name_no_model_is_asked_once_for_each_start() {
    let models = json("{\"object\":\"list\",\"data\":[{\"id\":\"acme/tiny-a\"}]}");
    let target = FakeTarget::start(server(LLAMA, "/v1/models", models)).await;
    let file = scratch_file(&format!(
        "[[targets]]\nurl = \"{}\"\nauthorization = {{ credentials = \"key\" }}\n",
        target.url()
    ));
    let companion = Companion::start(&with_file(&file)).await;
    companion.wait_for("llamacpp:tokens_predicted_total", &["model"], &["acme/tiny-a 5"]).await;
    companion.wait_for("inferboard_replica_model", &["model"], &["acme/tiny-a 1"]).await;
    // The first sample that was stored has the name already.
    companion.wait_for("count(count_over_time(llamacpp:tokens_predicted_total[1m]))", &[], &["1"]).await;
    scrapes(&target, 4).await;
    assert_eq!(target.count("GET /v1/models "), 1);
    let requests = target.requests.lock().expect("a lock").clone();
    let request = requests.iter().find(|head| head.starts_with("GET /v1/models ")).expect("a request");
    assert!(request.contains("authorization: Bearer key\r\n"), "{request}");

    // Another process with another model.
    target.set_behaviour(None);
    companion.wait_for("up{replica!=\"\"}", &[], &["0"]).await;
    companion.wait_for("inferboard_replica_model", &["model"], &["acme/tiny-a 1"]).await;
    let models = json("{\"data\":[{\"id\":\"acme/other\"}]}");
    target.set_behaviour(Some(server(LLAMA, "/v1/models", models)));
    companion.wait_for("llamacpp:tokens_predicted_total", &["model"], &["acme/other 5"]).await;
    companion.wait_for("inferboard_replica_model", &["model"], &["acme/other 1"]).await;
}

#[tokio::test]
async fn a_server_that_names_no_single_model_has_none_and_is_not_asked_again() {
    let several =
        FakeTarget::start(server(LLAMA, "/v1/models", json("{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"))).await;
    let info = FakeTarget::start(server("te_request_count 1\n", "/info", json("{\"model_id\":\"acme/embed\"}"))).await;
    let (named, page) = ("vllm:num_requests_running{model_name=\"m\"} 1\n", "litellm_in_flight_requests 1\n");
    let named = FakeTarget::start(server(named, "/v1/models", json("{\"data\":[{\"id\":\"x\"}]}"))).await;
    let gateway = FakeTarget::start(server(page, "/v1/models", json("{\"data\":[{\"id\":\"x\"}]}"))).await;
    let targets = [&several, &info, &named, &gateway].map(FakeTarget::url);
    let companion = Companion::start(&args(&targets.each_ref().map(String::as_str))).await;
    companion.wait_for("llamacpp:requests_processing", &["model"], &["- 1"]).await;
    companion.wait_for("te_request_count", &["model"], &["acme/embed 1"]).await;
    companion.wait_for("count by (model) (inferboard_replica_model)", &["model"], &["acme/embed 1", "m 1"]).await;
    for target in [&several, &info, &named, &gateway] {
        scrapes(target, 3).await;
    }
    let asked = |target: &FakeTarget| (target.count("GET /v1/models "), target.count("GET /props "));
    assert_eq!((asked(&several), asked(&named), asked(&gateway)), ((1, 1), (0, 0), (0, 0)));
}

#[tokio::test]
async fn a_target_is_one_before_and_after_its_engine_and_models_are_known() {
    let address = FakeTarget::serving("").await.stop().await;
    let companion = Companion::start(&args(&[&format!("http://{address}")])).await;
    companion.wait_for("inferboard_replica_state == 1", &["state"], &["pending 1"]).await;
    let page = "nv_inference_request_success{model=\"one\"} 1\nnv_inference_request_success{model=\"two\"} 2\n";
    let target = FakeTarget::start_at(address, server(page, "/v2", status("404 Not Found"))).await;
    let models = "count by (model, replica) (inferboard_replica_model)";
    let by = ["model", "replica"];
    let expected = ["one", "two"].map(|model| format!("{model} {address} 1"));
    companion.wait_for(models, &by, &expected.each_ref().map(String::as_str)).await;
    companion.wait_for("inferboard_replica_state == 1", &["state"], &["running 1"]).await;
    for family in
        ["up{replica!=\"\"}", "inferboard_replica_state{state=\"running\"}", "inferboard_replica_restarts_total"]
    {
        companion.wait_for(&format!("count(count_over_time({family}[5m]))"), &[], &["1"]).await;
    }
    // A model that is loaded and one that is unloaded.
    target.set_behaviour(Some(metrics_page("nv_inference_request_success{model=\"three\"} 1\n")));
    companion.wait_for(models, &["model"], &["three 1"]).await;
}

#[tokio::test]
async fn gateways_and_node_agents_are_no_replicas_unless_the_configuration_says_so() {
    let litellm = || metrics_page("litellm_in_flight_requests 1\n");
    let (gateway, forced) = (FakeTarget::start(litellm()).await, FakeTarget::start(litellm()).await);
    let refused = FakeTarget::serving("my_metric 1\n").await;
    let agent = "ray_node_cpu_count 2\nray_serve_deployment_replica_healthy{replica=\"x\"} 1\nray_node_mem_used 5\n";
    let agent = FakeTarget::serving(agent).await;
    let autoscaler = FakeTarget::serving("autoscaler_active_nodes 1\n").await;
    let mut text = format!("[[targets]]\nurl = \"{}\"\nreplica = true\n", forced.url());
    text += &format!("[[targets]]\nurl = \"{}\"\nreplica = false\n", refused.url());
    for target in [&gateway, &agent, &autoscaler] {
        text += &format!("[[targets]]\nurl = \"{}\"\n", target.url());
    }
    let file = scratch_file(&text);
    let companion = Companion::start(&with_file(&file)).await;
    companion.wait_for("count(up{job=\"targets\"} == 1)", &[], &["5"]).await;
    let replica = format!("{} 7", forced.instance());
    companion.wait_for("count by (replica) (inferboard_replica_state)", &["replica"], &[&replica]).await;
    companion.wait_for("count by (role) (inferboard_target_role)", &["role"], &["exporter 2", "gateway 1"]).await;
    companion.wait_for("my_metric", &["replica"], &["- 1"]).await;
    // The agent's page is about the replicas that it names; what names none has the agent.
    companion.wait_for("ray_serve_deployment_replica_healthy", &["replica", "exported_replica"], &["x - 1"]).await;
    companion.wait_for("ray_node_mem_used", &["replica"], &[&format!("{} 5", agent.instance())]).await;
    let attributed = "count by (replica) (inferboard_replica_attributed)";
    companion.wait_for(attributed, &["replica"], &[&format!("{} 1", forced.instance())]).await;
}

#[tokio::test]
async fn the_companions_machine_is_told_from_others() {
    let read = |file: &str| std::fs::read_to_string(file).expect("a file of the kernel");
    let stat = read("/proc/stat");
    let boot_s: u64 =
        stat.lines().find_map(|line| line.strip_prefix("btime ")).expect("btime").trim().parse().expect("a number");
    let name = read("/proc/sys/kernel/hostname");
    let page = |boot_s: u64| {
        format!("node_boot_time_seconds {boot_s}\nnode_uname_info{{nodename=\"{}\"}} 1\nnode_load1 1\n", name.trim())
    };
    let same = FakeTarget::serving(&page(boot_s)).await;
    let other = FakeTarget::serving(&page(boot_s - 100)).await;
    let companion = Companion::start(&args(&[&same.url(), &other.url()])).await;
    companion.wait_for("count(node_load1)", &[], &["3"]).await;
    let exporter = format!("{} 1", same.instance());
    companion.wait_for("inferboard_own_machine{source=\"exporter\"}", &["instance"], &[&exporter]).await;
    companion.wait_for("inferboard_own_machine{source=\"companion\"}", &["job"], &["host 1"]).await;
}
