//! Whose a series is: models of replicas, targets that are no replicas, machines and GPUs that are reported repeatedly.
use crate::scraped::{Scraped, families};
use catalogue::{QueryContext, Scope, ScopeLabels, events_query, graph, query_for};
use std::collections::BTreeMap;

fn scraped(pages: &[&str]) -> Scraped {
    let mut scraped = Scraped::new();
    for page in pages {
        scraped.scrape(&families(page), &[], |_, value| value);
    }
    scraped
}

fn within(scraped: &Scraped, id: &str, model: Option<&str>) -> BTreeMap<String, f64> {
    let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
    scraped.lines_within(graph(id).expect("a graph"), &scope).unwrap_or_default()
}

/// A replica of two models, one of another that is configured, one that names none, and a gateway.
fn fleet(seconds: u32) -> String {
    let mut page = String::new();
    for (replica, labels) in [("two", ""), ("one", ",model=\"b\""), ("none", ""), ("gateway", "")] {
        let own = format!("instance=\"{replica}\",replica=\"{replica}\"{labels}");
        page += &format!("up{{{own}}} 1\n");
        if replica == "gateway" {
            page += &format!("inferboard_target_role{{{own},role=\"gateway\"}} 1\n");
            continue;
        }
        page += &format!("inferboard_replica_state{{{own},state=\"running\"}} 1\n");
        page += &format!("inferboard_cpu_seconds_total{{{own}}} {seconds}\n");
        page += &format!("inferboard_memory_used_bytes{{{own},measure=\"pss\"}} 1000\n");
        page += &format!("process_resident_memory_bytes{{{own}}} 500\n");
        if !labels.is_empty() {
            page += &format!("inferboard_replica_model{{{own}}} 1\n");
        }
    }
    for model in ["a", "b"] {
        page += &format!("inferboard_replica_model{{instance=\"two\",replica=\"two\",model=\"{model}\"}} 1\n");
    }
    page
}

#[test]
fn a_replica_belongs_to_every_model_that_it_serves_and_counts_once() {
    let scraped = scraped(&[&fleet(0), &fleet(60)]);
    for (model, replicas) in [(None, 3.0), (Some("a"), 1.0), (Some("b"), 2.0), (Some("c"), 0.0), (Some(""), 1.0)] {
        let value = |id: &str, line: &str| within(&scraped, id, model).get(line).copied().unwrap_or_default();
        assert_eq!(value("replicas", "active"), replicas, "{model:?}");
        assert_eq!(value("replica-states", "running"), replicas, "{model:?}");
        assert_eq!(value("container-memory", "in use"), replicas * 1000.0, "{model:?}");
        assert_eq!(value("process-memory", "resident"), replicas * 500.0, "{model:?}");
        assert!((value("cpu-cores", "in use") - replicas * 60.0 / 300.0).abs() < 1e-9, "{model:?}");
        // The store's own series of `up`, which has no instance, belongs to no model.
        let own = f64::from(u8::from(model.is_none_or(str::is_empty)));
        assert_eq!(value("replicas-answering", "answering"), replicas + own, "{model:?}");
        assert_eq!(value("replicas-answering", "known"), replicas + own, "{model:?}");
    }
}

#[test]
fn history_from_before_models_had_series_of_their_own_is_found() {
    let page = "inferboard_replica_state{instance=\"x\",replica=\"x\",model=\"a\",state=\"running\"} 1\n\
                inferboard_replica_model{instance=\"y\",replica=\"y\",model=\"b\"} 1\n";
    assert_eq!(within(&scraped(&[page]), "replicas", Some("a"))["active"], 1.0);
}

#[test]
fn exports_keep_the_model_of_replicas_that_have_one() {
    let mut scraped = Scraped::new();
    let page = fleet(0)
        + "inferboard_replica_state{instance=\"n\",replica=\"n\",state=\"running\"} 1\n\
           inferboard_replica_model{instance=\"n\",replica=\"n\",model=\"d\"} 1\n";
    scraped.scrape(&families(&page), &[], |_, value| value);
    let query = |matcher: &str, kept: &[&str]| {
        let graph = graph("container-memory").expect("a graph");
        query_for(graph, matcher, "5m", kept, &|name| scraped.has(name)).expect("a query")
    };
    let by_matcher = |matcher: &str| scraped.lines_at(&query(matcher, &[]), scraped.now_ms())["in use"];
    assert_eq!((by_matcher("model=~\"a\""), by_matcher("model=~\".*\"")), (1000.0, 3000.0));
    let of_model = |model: &str| {
        let query = query("", &["model"]);
        scraped
            .lines_at(&format!("label_replace({query}, \"line\", \"$1\", \"model\", \"(.*)\")"), scraped.now_ms())
            .get(model)
            .copied()
    };
    // The replica of two models has neither, and is counted once.
    assert_eq!((of_model("a"), of_model("b"), of_model("")), (None, Some(1000.0), Some(2000.0)));
}

#[test]
fn events_of_a_model_are_those_of_its_replicas() {
    let page = "inferboard_engine_info{instance=\"two\",replica=\"two\",engine=\"triton\",version=\"2\"} 1\n"
        .to_owned()
        + &fleet(0);
    let scraped = scraped(&[&page]);
    let labels = ScopeLabels::default();
    for (model, expected) in [("a", 1), ("c", 0)] {
        let scope = Scope { model: Some(model.into()), ..Scope::default() };
        let context = QueryContext::of_moments(&scope, &labels, 60_000);
        let query = events_query(&context, 60_000);
        let query = format!("label_replace({query}, \"line\", \"$1\", \"engine\", \"(.*)\")");
        assert_eq!(scraped.lines_at(&query, scraped.now_ms()).len(), expected, "{model}");
    }
}

#[test]
fn a_machine_that_an_exporter_reports_too_counts_once() {
    let memory = |instance: &str| {
        format!(
            "node_memory_MemTotal_bytes{{instance=\"{instance}\"}} 1000\n\
             node_memory_MemAvailable_bytes{{instance=\"{instance}\"}} 400\n"
        )
    };
    let page = memory("box")
        + &memory("127.0.0.1:9100")
        + &memory("other:9100")
        + "inferboard_own_machine{instance=\"box\",source=\"companion\"} 1\n\
           inferboard_own_machine{instance=\"127.0.0.1:9100\",source=\"exporter\"} 1\n";
    let lines = within(&scraped(&[&page]), "memory", None);
    assert_eq!((lines["in use"], lines["capacity"]), (1200.0, 2000.0));
}

#[test]
fn a_gpu_counts_once_for_all_pods_and_slices_on_it() {
    const MIB: f64 = 1_048_576.0;
    // Time slicing: three pods share a card, and each repeats its values.
    let shared = |joules: u32| {
        let mut page = String::new();
        for pod in 0..3 {
            let labels = format!("gpu=\"0\",UUID=\"GPU-0\",vgpu=\"{pod}\",pod=\"w-{pod}\"");
            page += &format!("DCGM_FI_DEV_POWER_USAGE{{{labels}}} 60\nDCGM_FI_DEV_FB_USED{{{labels}}} 9000\n");
            page += &format!("DCGM_FI_DEV_FB_FREE{{{labels}}} 6000\nDCGM_FI_DEV_PCIE_REPLAY_COUNTER{{{labels}}} 2\n");
            page += &format!("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{labels}}} {}\n", joules * 1000);
        }
        page
    };
    let pages: Vec<String> = (0..8).map(|minute| shared(minute * 3600)).collect();
    let found = scraped(&pages.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(within(&found, "gpu-power", None)["drawn"], 60.0);
    let memory = within(&found, "gpu-memory", None);
    assert_eq!((memory["in use"], memory["capacity"]), (9000.0 * MIB, 15_000.0 * MIB));
    assert!((within(&found, "gpu-energy", None)["mean"] - 60.0).abs() < 0.5);
    assert_eq!(within(&found, "gpu-errors", None)["PCIe replays"], 2.0);
    // MIG: the power of the card is repeated for each slice, the memory is the slice's own.
    let mut slices = String::new();
    for (slice, used) in [(7, 9000), (8, 12), (9, 12)] {
        let labels = format!("gpu=\"0\",UUID=\"GPU-0\",GPU_I_PROFILE=\"1g.12gb\",GPU_I_ID=\"{slice}\"");
        slices += &format!("DCGM_FI_DEV_POWER_USAGE{{{labels}}} 310\nDCGM_FI_DEV_FB_USED{{{labels}}} {used}\n");
    }
    let found = scraped(&[&slices]);
    assert_eq!(within(&found, "gpu-power", None)["drawn"], 310.0);
    assert_eq!(within(&found, "gpu-memory", None)["in use"], 9024.0 * MIB);
    // Five pods with a card each, on one page.
    let cards: String = (0..5)
        .map(|card| format!("DCGM_FI_DEV_POWER_USAGE{{gpu=\"{card}\",UUID=\"GPU-{card}\",pod=\"p-{card}\"}} 100\n"))
        .collect();
    assert_eq!(within(&scraped(&[&cards]), "gpu-power", None)["drawn"], 500.0);
    // Traffic is in bytes per second already.
    let traffic = "DCGM_FI_PROF_PCIE_TX_BYTES{gpu=\"0\",UUID=\"GPU-0\"} 420000000\n";
    assert_eq!(within(&scraped(&[traffic, traffic]), "gpu-pcie", None)["sent"], 4.2e8);
}

#[test]
fn replicas_of_ray_serve_are_those_that_ray_reports() {
    let page = "up{instance=\"agent\",replica=\"agent\"} 1\n\
                inferboard_target_role{instance=\"agent\",replica=\"agent\",role=\"exporter\"} 1\n\
                ray_serve_deployment_replica_healthy{instance=\"agent\",replica=\"x\"} 1\n\
                ray_serve_deployment_replica_healthy{instance=\"agent\",replica=\"y\"} 1\n\
                ray_serve_deployment_replica_healthy{instance=\"agent\",replica=\"z\"} 0\n";
    let lines = within(&scraped(&[page]), "replicas", None);
    assert_eq!((lines["active"], lines["unhealthy"]), (2.0, 1.0));
    let answering = within(&scraped(&[page]), "replicas-answering", None);
    assert_eq!((answering["answering · Ray Serve"], answering["known · Ray Serve"]), (2.0, 3.0));
}
